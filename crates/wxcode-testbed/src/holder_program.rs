//! The program `wxcode-holder` next to the program under test.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::SystemTime,
};

/// The crates of the program.
const CRATES: [&str; 3] = ["wxcode-holder", "wxcode-protocol", "wxcode-terminal"];

/// The program `wxcode-holder` next to `wxcode`; a missing or outdated program is built first,
/// because cargo builds no program of another crate for a test.
///
/// # Panics
/// The build fails.
pub fn holder_program(wxcode: &Path) -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = wxcode.with_file_name("wxcode-holder");
        let built = modified(&program);
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("");
        let newest = CRATES
            .iter()
            .map(|name| newest(&crates.join(name).join("src")));
        if built.is_none() || newest.max() > Some(built) {
            build(&program);
        }
        program
    })
}

fn build(program: &Path) {
    let folder = program.parent().unwrap_or(Path::new("."));
    let target = folder.parent().unwrap_or(Path::new("."));
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let status = crate::cargo()
        .args([
            "build",
            "--quiet",
            "-p",
            "wxcode-holder",
            "--bin",
            "wxcode-holder",
        ])
        .args(["--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "wxcode-holder cannot be built: {status:?}"
    );
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

/// The latest modification of a file in a folder.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries
        .filter_map(|entry| match entry.path() {
            path if path.is_dir() => newest(&path),
            path => modified(&path),
        })
        .max()
}
