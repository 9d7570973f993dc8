use super::*;

fn installed(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join(NAME);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn script(build: &str) -> String {
    format!("#!/bin/sh\necho '{build}'\n")
}

fn copies(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join(FOLDER)).unwrap();
    entries
        .map(|entry| entry.unwrap().path().join(NAME))
        .collect()
}

fn session(data: &Path, name: &str, program: &Path) -> PathBuf {
    let dir = data.join("sessions").join(name);
    let spec = folder::Spec {
        umask: 0o022,
        version: folder::VERSION,
        session_id: name.to_owned(),
        argv: Vec::new(),
        input: None,
        cwd: data.to_owned(),
        cols: 80,
        rows: 24,
        secret: String::new(),
        note: serde_json::Value::Null,
        program: program.to_owned(),
        scope: None,
        created_at: String::new(),
    };
    folder::write_spec(&dir, &spec).unwrap();
    dir
}

#[tokio::test]
async fn a_program_is_copied_once_and_for_its_owner() {
    let (from, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = installed(from.path(), &script(BUILD));
    let copy = prepare(&own, data.path()).await.unwrap();
    assert!(copy.starts_with(data.path().join(FOLDER)), "{copy:?}");
    assert_eq!(fs::read(&copy).unwrap(), fs::read(&own).unwrap());
    for (path, expected) in [(copy.as_path(), 0o700), (copy.parent().unwrap(), 0o700)] {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{path:?}");
    }
    let made = fs::metadata(&copy).unwrap().modified().unwrap();
    assert_eq!(prepare(&own, data.path()).await.unwrap(), copy);
    assert_eq!(fs::metadata(&copy).unwrap().modified().unwrap(), made);
}

#[tokio::test]
async fn a_damaged_or_half_written_copy_is_made_again() {
    let (from, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = installed(from.path(), &script(BUILD));
    let copy = prepare(&own, data.path()).await.unwrap();
    fs::write(copy.with_file_name(format!(".{NAME}.new")), "half").unwrap();
    for damage in ["", "#!/bin/sh\nexit 1\n"] {
        fs::write(&copy, damage).unwrap();
        assert_eq!(prepare(&own, data.path()).await.unwrap(), copy);
        assert_eq!(fs::read(&copy).unwrap(), fs::read(&own).unwrap());
    }
    let entries = fs::read_dir(copy.parent().unwrap()).unwrap();
    assert_eq!(entries.count(), 1, "the half copy is gone");
}

#[tokio::test]
async fn a_copy_stays_until_its_last_session_ends() {
    let (from, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = installed(from.path(), &script(BUILD));
    let first = prepare(&own, data.path()).await.unwrap();
    let dir = session(data.path(), "one", &first);
    installed(from.path(), &format!("{}# newer\n", script(BUILD)));
    let second = prepare(&own, data.path()).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(copies(data.path()).len(), 2);
    // An unreadable spec may name any copy.
    let damaged = session(data.path(), "two", &first);
    fs::write(damaged.join("spec.json"), "{").unwrap();
    let exit = serde_json::json!({
        "code": 0, "signal": null, "at": "", "reason": "exited", "offset": 0
    });
    fs::write(dir.join("exit.json"), exit.to_string()).unwrap();
    prepare(&own, data.path()).await.unwrap();
    assert_eq!(copies(data.path()).len(), 2);
    fs::remove_dir_all(damaged).unwrap();
    prepare(&own, data.path()).await.unwrap();
    assert_eq!(copies(data.path()), [second]);
}

#[tokio::test]
async fn a_data_folder_without_room_for_copies_runs_the_installed_one() {
    let (from, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = installed(from.path(), &script(BUILD));
    fs::write(data.path().join(FOLDER), "no folder").unwrap();
    assert_eq!(prepare(&own, data.path()).await.unwrap(), own);
}

#[tokio::test]
async fn a_missing_program_or_one_of_another_build_is_refused() {
    let (from, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = from.path().join(NAME);
    let missing = prepare(&own, data.path()).await.unwrap_err().to_string();
    assert!(missing.contains("install wxcode-holder"), "{missing}");
    installed(from.path(), &script("wxcode 9.9.9"));
    let other = prepare(&own, data.path()).await.unwrap_err().to_string();
    assert!(
        other.contains("wxcode 9.9.9") && other.contains(BUILD),
        "{other}"
    );
}
