//! Protects transcripts from Claude Code's clean-up by a fresh modification time.
//!
//! Claude Code deletes transcripts unwritten for `cleanupPeriodDays`. Every interactive claude of
//! the same user cleans up by its own settings, 30 days by default, so only the file's age protects
//! a transcript.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::fs::{Mode, OFlags};
use uuid::Uuid;

/// Most project folders searched for a transcript.
pub const FOLDERS_MAX: usize = 10_000;

/// The outcome for a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// The modification time is now.
    Touched,
    /// The file was written recently.
    Fresh,
    /// There is no regular file.
    Missing,
}

/// Sets the modification time of an `id`'s transcript to now, if the file is older than `age`.
/// Looks at `known` if its name fits, then in the project folders of `config_dir`.
///
/// # Errors
/// The file exists but cannot be opened or changed.
pub fn refresh(
    config_dir: &Path,
    id: Uuid,
    known: Option<&Path>,
    age: Duration,
) -> io::Result<Refreshed> {
    let name = format!("{id}.jsonl");
    if let Some(known) = known.filter(|path| path.file_name().is_some_and(|last| *last == *name)) {
        let refreshed = refresh_file(known, age)?;
        if refreshed != Refreshed::Missing {
            return Ok(refreshed);
        }
    }
    let mut found = Refreshed::Missing;
    for folder in folders(config_dir)? {
        match refresh_file(&folder.join(&name), age)? {
            Refreshed::Missing => {}
            refreshed => found = refreshed,
        }
    }
    Ok(found)
}

fn folders(config_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(config_dir.join("projects")) {
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.take(FOLDERS_MAX);
    Ok(paths.flatten().map(|entry| entry.path()).collect())
}

fn refresh_file(path: &Path, age: Duration) -> io::Result<Refreshed> {
    let Some(file) = open(path)? else {
        return Ok(Refreshed::Missing);
    };
    let now = SystemTime::now();
    // A time in the future stays.
    if now
        .duration_since(file.metadata()?.modified()?)
        .is_ok_and(|old| old > age)
    {
        file.set_modified(now)?;
        return Ok(Refreshed::Touched);
    }
    Ok(Refreshed::Fresh)
}

/// Opens a regular file without blocking and without following a link; `None` if there is none.
fn open(path: &Path) -> io::Result<Option<File>> {
    let flags =
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => {
            let file = File::from(fd);
            let is_file = file.metadata()?.is_file();
            Ok(is_file.then_some(file))
        }
        // A link, or a socket.
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => Ok(None),
        Err(error) if is_absence(&error.into()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, mknodat};

    use super::*;

    const ID: Uuid = Uuid::from_u128(7);
    const DAY: Duration = Duration::from_secs(86_400);

    struct ConfigFolder(tempfile::TempDir);

    impl ConfigFolder {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir_all(root.path().join("projects/-a")).unwrap();
            Self(root)
        }

        fn transcript(&self) -> PathBuf {
            self.0.path().join(format!("projects/-a/{ID}.jsonl"))
        }

        fn refresh(&self, known: Option<&Path>) -> Refreshed {
            refresh(self.0.path(), ID, known, DAY).unwrap()
        }
    }

    fn write_old(path: &Path) {
        let file = File::create(path).unwrap();
        file.set_modified(SystemTime::now() - 40 * DAY).unwrap();
    }

    fn age(path: &Path) -> Duration {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        SystemTime::now()
            .duration_since(modified)
            .unwrap_or_default()
    }

    #[test]
    fn an_old_transcript_becomes_fresh() {
        let config = ConfigFolder::new();
        assert_eq!(config.refresh(None), Refreshed::Missing);
        write_old(&config.transcript());
        assert_eq!(config.refresh(None), Refreshed::Touched);
        assert!(age(&config.transcript()) < DAY);
        assert_eq!(config.refresh(None), Refreshed::Fresh);
    }

    #[test]
    fn the_reported_path_is_tried_first() {
        let config = ConfigFolder::new();
        let elsewhere = config.0.path().join(format!("{ID}.jsonl"));
        write_old(&elsewhere);
        assert_eq!(config.refresh(Some(&elsewhere)), Refreshed::Touched);
        let other = config.0.path().join("other.jsonl");
        write_old(&other);
        assert_eq!(config.refresh(Some(&other)), Refreshed::Missing);
        assert!(age(&other) > 39 * DAY, "another name is another file");
    }

    #[test]
    fn links_and_fifos_are_left_alone() {
        let config = ConfigFolder::new();
        let target = config.0.path().join("target");
        write_old(&target);
        std::os::unix::fs::symlink(&target, config.transcript()).unwrap();
        assert_eq!(
            config.refresh(Some(&config.transcript())),
            Refreshed::Missing
        );
        assert!(age(&target) > 39 * DAY);
        fs::remove_file(config.transcript()).unwrap();
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, config.transcript(), FileType::Fifo, mode, 0).unwrap();
        assert_eq!(config.refresh(None), Refreshed::Missing);
    }
}
