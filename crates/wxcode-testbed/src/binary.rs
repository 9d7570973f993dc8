//! The executables of this crate for tests of any crate, built when missing or outdated.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

/// The path of an executable of this crate.
///
/// # Panics
/// The build fails.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    if let Some(path) = built.get(name) {
        return path.clone();
    }
    match build(name) {
        Ok(path) => built.entry(name.to_owned()).or_insert(path).clone(),
        Err(reason) => panic!("{name} cannot be built: {reason}"),
    }
}

fn build(name: &str) -> Result<PathBuf, String> {
    let output = crate::cargo()
        .args([
            "build",
            "--quiet",
            "--message-format=json",
            // The features of the whole workspace, so that the workspace's dependencies are built
            // already.
            "--workspace",
            "--bin",
            name,
            "--manifest-path",
        ])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .map_err(|error| error.to_string())?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    };
    messages
        .lines()
        .find_map(executable)
        .ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
}
