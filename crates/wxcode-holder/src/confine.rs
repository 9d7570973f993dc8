//! Runs an agent without the data folder: a Landlock domain around the agent and all its tools.
//!
//! Landlock only allows, and never denies. So the domain allows everything beside the path of the
//! data folder: every entry of each folder above it, as they are at the start. An entry that is
//! made there later is closed to the agent, until the next start.

use std::{
    ffi::OsStr,
    fs, io,
    io::Write as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, path_beneath_rules,
};

use crate::folder::HOOK;

/// The rights that the domain governs: those of reading and changing files, with moves between
/// folders and truncation.
const RIGHTS: ABI = ABI::V3;
/// Folders of the data folder that stay open: the workspaces of projects.
const OPEN: &str = "workspaces";
/// Folders of the data folder that stay readable: the program of hooks.
const READABLE: &str = "bin";
/// Files of a session's folder that stay readable: those of its hooks.
const HOOKS: [&str; 2] = [HOOK, "claude-settings.json"];

/// Why an agent cannot be confined.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The kernel has no Landlock, or an older one.
    #[error(
        "the kernel cannot keep agents from the data folder ({0}): it needs Landlock with its second version (Linux \
         5.19), enabled by `lsm=` at the boot and in the container; without it, leave out `[agent] protect_data`"
    )]
    Unsupported(RulesetError),
    /// A folder above the data folder cannot be listed.
    #[error("cannot list {}: {error}; choose a data folder below folders that can be listed", path.display())]
    Unlistable { path: PathBuf, error: io::Error },
}

/// Runs the program of `command` in the domain of a session; returns only after a failure.
pub fn run(data_dir: &Path, session: &Path, command: &[&OsStr]) -> ExitCode {
    let [program, arguments @ ..] = command else {
        return ExitCode::from(2);
    };
    let error = match confine(data_dir, session) {
        Ok(()) => {
            let error = Command::new(program).args(arguments).exec();
            format!("{} does not start: {error}", program.display())
        }
        Err(error) => error.to_string(),
    };
    let _ = writeln!(io::stderr(), "wxcode: {error}");
    ExitCode::from(126)
}

/// The command that runs `argv` in the domain of a session, by the holder's program.
#[must_use]
pub fn command(program: &Path, data_dir: &Path, session: &Path, argv: Vec<String>) -> Vec<String> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut words = vec![
        text(program),
        "confine".to_owned(),
        text(data_dir),
        text(session),
    ];
    words.extend(argv);
    words
}

/// Checks whether the kernel has what a domain needs.
///
/// # Errors
/// [`ConfineError::Unsupported`].
pub fn check() -> Result<(), ConfineError> {
    ruleset().map(drop)
}

fn ruleset() -> Result<landlock::RulesetCreated, ConfineError> {
    let needed = AccessFs::from_all(ABI::V2);
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(needed)
        .map(|ruleset| ruleset.set_compatibility(CompatLevel::BestEffort))
        .and_then(|ruleset| ruleset.handle_access(AccessFs::from_all(RIGHTS)))
        .and_then(Ruleset::create)
        .map_err(ConfineError::Unsupported)
}

fn confine(data_dir: &Path, session: &Path) -> Result<(), ConfineError> {
    let unlistable = |path: &Path| {
        let path = path.to_owned();
        move |error| ConfineError::Unlistable { path, error }
    };
    let data_dir = fs::canonicalize(data_dir).map_err(unlistable(data_dir))?;
    let all = AccessFs::from_all(RIGHTS);
    let read = AccessFs::from_read(RIGHTS);
    let hooks: Vec<PathBuf> = HOOKS.iter().map(|name| session.join(name)).collect();
    let open = beside(&data_dir)?.into_iter().chain([data_dir.join(OPEN)]);
    let rules: [(Vec<PathBuf>, BitFlags<AccessFs>); 4] = [
        (open.collect(), all),
        (vec![data_dir.join(READABLE)], read),
        (hooks, AccessFs::ReadFile.into()),
        // Names are no secrets, and programs list folders on their way.
        (vec![PathBuf::from("/")], AccessFs::ReadDir.into()),
    ];
    let mut ruleset = ruleset()?;
    for (paths, access) in rules {
        ruleset = ruleset
            .add_rules(path_beneath_rules(paths, access))
            .map_err(ConfineError::Unsupported)?;
    }
    let domain = ruleset.restrict_self().map_err(ConfineError::Unsupported)?;
    debug_assert!(domain.no_new_privs);
    Ok(())
}

/// Every entry of the folders above `path`, except those that lead to it. A link leads to a path
/// that is allowed or not by itself.
fn beside(path: &Path) -> Result<Vec<PathBuf>, ConfineError> {
    let mut found = Vec::new();
    let mut on_the_way = path;
    while let Some(folder) = on_the_way.parent() {
        let unlistable = |error| ConfineError::Unlistable {
            path: folder.to_owned(),
            error,
        };
        for entry in fs::read_dir(folder).map_err(unlistable)? {
            let entry = entry.map_err(unlistable)?;
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if entry.path() != on_the_way && !is_link {
                found.push(entry.path());
            }
        }
        on_the_way = folder;
    }
    Ok(found)
}

/// The folder among `needed` in which an agent could not create files: one above the data folder.
#[must_use]
pub fn obstructed<'a>(data_dir: &Path, needed: &'a [PathBuf]) -> Option<&'a Path> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let data_dir = real(data_dir);
    let mut needed = needed.iter().map(PathBuf::as_path);
    needed.find(|path| data_dir.starts_with(real(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_folder_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        for name in ["a/data/x", "a/other", "b"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("a/data"), root.join("link")).unwrap();
        fs::write(root.join("a/file"), "").unwrap();
        let found = beside(&root.join("a/data")).unwrap();
        for name in ["a/other", "a/file", "b"] {
            assert!(found.contains(&root.join(name)), "{name}");
        }
        for name in ["a", "a/data", "a/data/x", "link"] {
            assert!(!found.contains(&root.join(name)), "{name}");
        }
        assert!(!found.iter().any(|path| root.starts_with(path)));
    }

    #[test]
    fn a_needed_folder_above_the_data_folder_is_named() {
        let needed = [PathBuf::from("/home/ada"), PathBuf::from("/tmp")];
        let of = |path: &str| obstructed(Path::new(path), &needed);
        assert_eq!(of("/home/ada/.wxcode"), Some(needed[0].as_path()));
        assert_eq!(of("/var/lib/wxcode"), None);
    }
}
