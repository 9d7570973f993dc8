//! `.planning/`: any documents are read, reproducibly, within the bounds, with consistent sums.

use std::{fs, path::Path};

use wxcode_claude::planning::{
    DiskStatus, MILESTONES_MAX, NOT_UNDERSTOOD_MAX, PHASE_REQUIREMENTS_MAX, PHASES_MAX, PLANS_MAX,
    PhaseStatus, Planning, REQUIREMENTS_MAX, TEXT_MAX, read,
};

/// Begins a file; not a byte of UTF-8. The next byte selects the file.
const FILE: u8 = 0xFF;
/// Documents by name; further files go to a phase's folder, both named by the first line.
const DOCUMENTS: [&str; 5] = [
    "ROADMAP.md",
    "STATE.md",
    "REQUIREMENTS.md",
    "PROJECT.md",
    "MILESTONES.md",
];
/// Most files in the folders of phases.
const FILES: usize = 16;

/// A file, by its path below `.planning/`.
type File = (String, Vec<u8>);

/// Runs one input: files, each after [`FILE`] and the byte that selects the file.
pub fn run(data: &[u8]) {
    let workspace = tempfile::tempdir().unwrap();
    let files = files(data);
    write(workspace.path(), &files, false);
    let planning = read(workspace.path()).unwrap();
    assert_eq!(planning, read(workspace.path()).unwrap());
    check(&planning);
    for phase in &planning.phases {
        let is_there = phase.folder.as_ref().is_some_and(|folder| {
            let path = workspace.path().join(".planning/phases").join(folder);
            path.is_dir()
        });
        assert_eq!(is_there, phase.disk_status != DiskStatus::NoDirectory);
    }
    if !data.contains(&b'\r') {
        write(workspace.path(), &files, true);
        assert_eq!(
            planning,
            read(workspace.path()).unwrap(),
            "with other line ends"
        );
    }
}

fn files(data: &[u8]) -> Vec<File> {
    let mut in_phases = 0;
    let mut files = Vec::new();
    for part in data.split(|byte| *byte == FILE) {
        let Some((which, content)) = part.split_first() else {
            continue;
        };
        if let Some(name) = DOCUMENTS.get(usize::from(*which % 16)) {
            files.push(((*name).to_owned(), content.to_vec()));
            continue;
        }
        let mut halves = content.splitn(2, |byte| *byte == b'\n');
        let path = path(halves.next().unwrap_or_default());
        if let Some(path) = path.filter(|_| in_phases < FILES) {
            files.push((path, halves.next().unwrap_or_default().to_vec()));
            in_phases += 1;
        }
    }
    files
}

/// `01-name/01-01-PLAN.md` or `01-name/plans/PLAN-01.md` below the phases, if a line is such a
/// path.
fn path(line: &[u8]) -> Option<String> {
    let text = str::from_utf8(line).ok()?;
    let parts: Vec<&str> = text.split('/').collect();
    let is_name = |part: &&str| (1..=80).contains(&part.len()) && !part.starts_with('.');
    let good = (2..=3).contains(&parts.len())
        && parts.iter().all(is_name)
        && !text.contains('\0')
        && parts
            .get(1)
            .is_none_or(|part| parts.len() == 2 || *part == "plans");
    good.then(|| format!("phases/{text}"))
}

/// Writes the files that can exist: one path may block another.
fn write(workspace: &Path, files: &[File], other_ends: bool) {
    let planning = workspace.join(".planning");
    fs::create_dir_all(&planning).unwrap();
    for (name, content) in files {
        let path = planning.join(name);
        if let Some(folder) = path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let content = match other_ends {
            true => content
                .split(|byte| *byte == b'\n')
                .collect::<Vec<_>>()
                .join(&b"\r\n"[..]),
            false => content.clone(),
        };
        let _ = fs::write(path, content);
    }
}

fn check(planning: &Planning) {
    let plans: usize = planning.phases.iter().map(|phase| phase.plans.len()).sum();
    assert!(planning.phases.len() <= PHASES_MAX && plans <= PLANS_MAX);
    assert!(planning.requirements.by_id.len() <= REQUIREMENTS_MAX);
    assert!(planning.milestones.len() <= MILESTONES_MAX);

    let mut numbers: Vec<&str> = planning.phases.iter().map(|phase| &*phase.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(
        numbers.len(),
        planning.phases.len(),
        "a number is reported once"
    );
    for phase in &planning.phases {
        assert_eq!(phase.complete, phase.status == PhaseStatus::Complete);
        assert!(phase.requirements.len() <= PHASE_REQUIREMENTS_MAX);
    }
    assert!(planning.not_understood.len() <= NOT_UNDERSTOOD_MAX);
    assert!(
        planning
            .not_understood
            .is_sorted_by_key(|unread| unread.line)
    );
    for told in [&planning.current_phase, &planning.next_phase] {
        let mut current = planning.phases.iter().filter(|phase| phase.current);
        let mut is_there = |number: &String| current.any(|phase| phase.number == *number);
        assert!(told.as_ref().is_none_or(&mut is_there));
    }
    let requirements = &planning.requirements;
    assert_eq!(requirements.total, requirements.by_id.len());
    let met = requirements
        .by_id
        .values()
        .filter(|one| one.complete)
        .count();
    assert_eq!(requirements.complete, met);

    let progress = planning.progress;
    assert!(progress.phases_complete <= progress.phases_executed);
    assert!(progress.phases_executed <= progress.phases_total);
    assert!(progress.plans_complete <= progress.plans_total && progress.plans_total <= plans);
    let current = planning.phases.iter().filter(|phase| phase.current);
    assert_eq!(progress.phases_total, current.count());
    let is_all = progress.phases_executed == progress.phases_total && progress.phases_total > 0;
    assert_eq!(progress.percent == 100, is_all, "{progress:?}");
    let least = (100 * progress.phases_executed).checked_div(progress.phases_total);
    assert!(
        usize::from(progress.percent) >= least.unwrap_or(0),
        "{progress:?}"
    );

    check_texts(&serde_json::to_value(planning).unwrap());
}

/// Every text respects its bound; the file system bounds folder names.
fn check_texts(value: &serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) => assert!(text.chars().count() <= TEXT_MAX, "{text}"),
        Value::Array(values) => values.iter().for_each(check_texts),
        Value::Object(fields) => fields.values().for_each(check_texts),
        _ => {}
    }
}
