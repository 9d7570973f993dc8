//! Decides whether a project may work in a folder: by the canonical path, within the configured
//! roots, outside of the server's own folders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use wxcode_files::off_thread;

use super::{MADE, WorkspaceError, check};
use crate::Settings;

/// The canonical path of a folder of a request, found off the serving threads.
///
/// # Errors
/// The folder does not exist, or no project may have it.
pub(crate) async fn resolve(
    settings: &Settings,
    given: PathBuf,
) -> Result<PathBuf, WorkspaceError> {
    let (data_dir, roots) = (settings.data_dir.clone(), settings.workspace_roots.clone());
    let given = at_home(given, std::env::home_dir());
    let path = given.clone();
    let allowed = move || {
        let path = canonical(&path)?;
        is_allowed(&path, &data_dir, &roots)?;
        Ok(path)
    };
    off_thread(&given, allowed).await
}

/// Replaces a leading `~` by the home of the server's user, as a shell does.
fn at_home(given: PathBuf, home: Option<PathBuf>) -> PathBuf {
    match (given.strip_prefix("~"), home) {
        (Ok(below), Some(home)) if home.is_absolute() => home.join(below),
        _ => given,
    }
}

/// The canonical path of a folder made by the server.
pub(crate) async fn of_made(made: PathBuf) -> Result<PathBuf, WorkspaceError> {
    let path = made.clone();
    off_thread(&made, move || canonical(&path)).await
}

fn canonical(given: &Path) -> Result<PathBuf, WorkspaceError> {
    check(given)?;
    let path = fs::canonicalize(given).map_err(|_| WorkspaceError::Missing(given.to_owned()))?;
    check(&path)?;
    Ok(path)
}

/// Whether a project may have this folder, by canonical paths.
fn is_allowed(path: &Path, data_dir: &Path, roots: &[PathBuf]) -> Result<(), WorkspaceError> {
    let data_dir = fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let made = data_dir.join(MADE);
    let is_made = path.starts_with(&made) && path != made;
    if data_dir.starts_with(path) || path.starts_with(&data_dir) && !is_made {
        return Err(WorkspaceError::Reserved {
            path: path.to_owned(),
            data_dir,
        });
    }
    let in_root = |root: &PathBuf| fs::canonicalize(root).is_ok_and(|root| path.starts_with(root));
    if !roots.is_empty() && !is_made && !roots.iter().any(in_root) {
        return Err(WorkspaceError::OutsideRoots {
            path: path.to_owned(),
            roots: roots.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(path: &Path, data_dir: &Path, roots: &[PathBuf]) -> bool {
        is_allowed(path, data_dir, roots).is_ok()
    }

    #[test]
    fn a_leading_tilde_is_the_home() {
        let at = |given: &str| at_home(given.into(), Some("/home/ann".into()));
        assert_eq!(at("~/shop"), Path::new("/home/ann/shop"));
        assert_eq!(at("~"), Path::new("/home/ann"));
        for same in ["~ann/shop", "/srv/~/shop", "shop/~"] {
            assert_eq!(at(same), Path::new(same));
        }
        assert_eq!(at_home("~/shop".into(), None), Path::new("~/shop"));
    }

    #[test]
    fn the_data_folder_and_its_parents_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let data = root.join("data");
        fs::create_dir(&data).unwrap();
        for refused in ["/", "..", "", "sessions", "workspaces", MADE] {
            let path = match refused {
                "/" => PathBuf::from("/"),
                ".." => root.clone(),
                below => data.join(below),
            };
            assert!(!allowed(&path, &data, &[]), "{}", path.display());
        }
        for path in [root.join("database"), data.join(MADE).join("a")] {
            assert!(allowed(&path, &data, &[]), "{}", path.display());
        }
    }

    #[test]
    fn workspaces_stay_within_the_roots() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let (data, srv) = (root.join("data"), root.join("srv"));
        fs::create_dir(&srv).unwrap();
        std::os::unix::fs::symlink(&srv, root.join("link")).unwrap();
        // A root may be given by a link.
        let roots = [root.join("missing"), root.join("link")];
        assert!(allowed(&srv.join("a"), &data, &roots));
        assert!(allowed(&data.join(MADE).join("a"), &data, &roots));
        for outside in ["srv2", "other/srv"] {
            assert!(!allowed(&root.join(outside), &data, &roots), "{outside}");
        }
    }
}
