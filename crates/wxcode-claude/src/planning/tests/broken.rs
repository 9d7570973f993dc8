//! Tests with missing, torn, linked or oversized trees.

use std::{
    ffi::OsStr,
    os::unix::{ffi::OsStrExt, fs::symlink},
    process::Command,
};

use super::*;

#[test]
fn a_missing_folder_is_empty_planning() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(read(folder.path()).unwrap(), Planning::default());
    assert_eq!(
        read(&folder.path().join("gone")).unwrap(),
        Planning::default()
    );
    let planning = read(workspace(&[]).path()).unwrap();
    assert_eq!(planning, Planning::default());
    assert_eq!(planning.progress.percent, 0);
}

#[test]
fn a_planning_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".planning");
    fs::write(&path, "").unwrap();
    let code = || read(folder.path()).unwrap_err().code();
    assert_eq!(code(), "file_wrong_kind");
    fs::remove_file(&path).unwrap();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), &path).unwrap();
    assert_eq!(code(), "file_outside");
}

#[test]
fn every_truncated_file_is_readable() {
    for files in [OLD, NEW] {
        let workspace = workspace(files);
        let whole = read(workspace.path()).unwrap();
        for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".md")) {
            let path = workspace.path().join(".planning").join(name);
            for end in 0..text.len() {
                fs::write(&path, &text.as_bytes()[..end]).unwrap();
                let planning = read(workspace.path()).unwrap();
                assert!(
                    planning.phases.len() <= whole.phases.len() + 1,
                    "{name} up to {end}: {planning:?}"
                );
                assert!(planning.progress.percent <= 100);
            }
            fs::write(&path, text).unwrap();
        }
        assert_eq!(read(workspace.path()).unwrap(), whole);
    }
}

#[test]
fn invalid_utf8_hides_only_itself() {
    let workspace = workspace(OLD);
    let path = workspace.path().join(".planning/ROADMAP.md");
    let text = fs::read(&path).unwrap();
    fs::write(&path, [b"\xff\xfe\x80 torn\n", &text[..]].concat()).unwrap();
    let name = OsStr::from_bytes(b"05-\xff");
    fs::create_dir(workspace.path().join(".planning/phases").join(name)).unwrap();
    let planning = read(workspace.path()).unwrap();
    assert_eq!(planning.phases.len(), 5);
    assert_eq!(planning.phases[1].name.as_deref(), Some("Terminal"));
}

#[test]
fn links_are_followed_inside_the_workspace_only() {
    let outside = workspace(OLD);
    let workspace = workspace(&[("phases/", ""), ("real/01-01-PLAN.md", "# Inside\n")]);
    let planning = workspace.path().join(".planning");
    let link = |to: &Path, name: &str| symlink(to, planning.join(name)).unwrap();
    link(&planning.join("real"), "phases/01-inside");
    let foreign = outside.path().join(".planning");
    link(&foreign.join("phases/02-terminal"), "phases/02-outside");
    link(&foreign.join("STATE.md"), "STATE.md");
    link(Path::new("ROADMAP.md"), "ROADMAP.md");
    link(Path::new("."), "phases/03-loop");
    link(Path::new(".."), "phases/03-loop-2");
    link(Path::new("nowhere"), "phases/04-nowhere");
    let found = read(workspace.path()).unwrap();
    let phases: Vec<_> = found
        .phases
        .iter()
        .map(|phase| (phase.number.as_str(), plans(phase)))
        .collect();
    assert_eq!(
        phases,
        [("1", vec![("01-01", Some("Inside"), false)]), ("3", vec![])]
    );
    assert_eq!(found.state, None);
}

#[test]
fn a_document_is_read_up_to_its_bound() {
    let size = usize::try_from(DOCUMENT_MAX).unwrap();
    let line = "x".repeat(size - 20);
    let text = format!("- [ ] Phase 1: A\n{line}\n- [ ] Phase 2: B\n");
    let files = workspace(&[("ROADMAP.md", &text)]);
    let planning = read(files.path()).unwrap();
    assert_eq!((planning.phases.len(), planning.truncated), (1, true));
    let long = format!("- [ ] **Phase 1: {}**\n", "é".repeat(TEXT_MAX * 2));
    let files = workspace(&[("ROADMAP.md", &long)]);
    let planning = read(files.path()).unwrap();
    let name = planning.phases[0].name.as_ref().unwrap();
    assert_eq!(name.chars().count(), TEXT_MAX);
    assert!(!planning.truncated);
}

#[test]
fn a_pipe_does_not_block() {
    let workspace = workspace(&[("phases/01-a/", "")]);
    for name in ["STATE.md", "phases/01-a/01-01-PLAN.md"] {
        let path = workspace.path().join(".planning").join(name);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    let planning = read(workspace.path()).unwrap();
    assert_eq!(planning.state, None);
    assert_eq!(plans(&planning.phases[0]), [("01-01", None, false)]);
}

#[test]
fn examined_entries_are_bounded() {
    let workspace = workspace(&[("phases/01-a/01-01-PLAN.md", ""), ("phases/02-b/", "")]);
    let files = Files::open(workspace.path()).unwrap().unwrap();
    assert_eq!(files.list(Path::new("phases")).len(), 2);
    assert!(!files.is_truncated());
    files.entries_left.set(1);
    assert_eq!(files.list(Path::new("phases")).len(), 1);
    assert!(files.is_truncated());
}
