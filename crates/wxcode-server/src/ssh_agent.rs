//! A stable path for the SSH agent of the newest login: a link in the data folder.
//!
//! An agent of Claude Code outlives the login that started the server, but the socket of the
//! login's SSH agent ends with the login. `serve` and `attach` point the link at the socket of
//! their own login.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::FileTypeExt},
    path::{Path, PathBuf},
};

use wxcode_files::FileError;

/// The variable with the socket's path.
pub const VARIABLE: &str = "SSH_AUTH_SOCK";
/// The link's name in the data folder.
const LINK: &str = "ssh-agent.sock";
/// Longest path of a socket, in bytes: `sun_path` of Linux without its NUL.
const SOCKET_PATH_MAX: usize = 107;

/// The stable path; `None` where the data folder's path is too long for a socket.
#[must_use]
pub fn path(data_dir: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(data_dir).ok()?.join(LINK);
    (path.as_os_str().as_bytes().len() <= SOCKET_PATH_MAX).then_some(path)
}

/// Makes the stable path lead to the socket of a login, if the login has a socket. Returns whether
/// the path leads there now.
///
/// # Errors
/// When the socket's file system does not answer, or the link cannot be written.
pub fn follow(data_dir: &Path, socket: Option<&OsStr>) -> Result<bool, FileError> {
    let Some(link) = path(data_dir) else {
        return Ok(false);
    };
    let socket = match socket {
        Some(socket) if Path::new(socket).is_absolute() && socket != link => PathBuf::from(socket),
        _ => return Ok(false),
    };
    let place = socket.clone();
    wxcode_files::wait(&place, move || {
        if !fs::metadata(&socket).is_ok_and(|found| found.file_type().is_socket()) {
            return Ok(false);
        }
        replace(&link, &socket).map_err(|source| FileError::Io {
            action: "link",
            path: link,
            source,
        })?;
        Ok(true)
    })
}

/// Replaces the link in a single step: another process may connect through the link.
fn replace(link: &Path, socket: &Path) -> io::Result<()> {
    let new = link.with_extension(format!("{}.new", std::process::id()));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(socket, &new)?;
    fs::rename(&new, link)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_a_socket_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let link = path(dir.path()).unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        for none in [
            None,
            Some(file.as_os_str()),
            Some(OsStr::new("relative")),
            Some(link.as_os_str()),
        ] {
            assert!(!follow(dir.path(), none).unwrap(), "{none:?}");
        }
        assert!(link.symlink_metadata().is_err());
        let socket = dir.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        for _ in 0..2 {
            assert!(follow(dir.path(), Some(socket.as_os_str())).unwrap());
            assert_eq!(fs::read_link(&link).unwrap(), socket);
        }
        assert!(!follow(dir.path(), Some(link.as_os_str())).unwrap());
        assert_eq!(fs::read_link(&link).unwrap(), socket);
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_none() {
        let long = Path::new("/").join("x".repeat(SOCKET_PATH_MAX));
        assert_eq!(path(&long), None);
        assert!(!follow(&long, Some(OsStr::new("/a"))).unwrap());
    }
}
