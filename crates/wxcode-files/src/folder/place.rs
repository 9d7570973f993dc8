//! Puts a new file into an open folder, whole at each moment, and never over a longer one.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, linkat, openat, renameat, renameat_with},
    fs::{statat, unlinkat},
    io::Errno,
};

use super::{Folder, draft, is_draft, whole};
use crate::{FileError, Kind};

/// Most entries of a folder searched for drafts.
const ENTRIES_MAX: usize = 100_000;

impl Folder {
    /// Creates the regular file `name` with the bytes of `content`, for its owner alone: whole at
    /// each moment, and on disk afterwards. Replaces a regular file only if `over_shorter`, and
    /// only a shorter one. Returns the size, or `None` if something else is in the way.
    ///
    /// # Errors
    /// The content cannot be read, or the file cannot be written.
    pub fn place(
        &self,
        name: &str,
        content: &mut impl Read,
        over_shorter: bool,
    ) -> Result<Option<u64>, FileError> {
        self.check(Path::new(name))?;
        let path = self.path.join(name);
        let failed = |error| whole(&path, "write", error);
        let draft = draft(name).map_err(failed)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        let opened = openat(&self.fd, &draft, flags, mode).map_err(|errno| failed(errno.into()))?;
        let placed = fill(File::from(opened), content).and_then(|len| {
            Ok(self
                .rename_draft(&draft, name, len, over_shorter)?
                .then_some(len))
        });
        if !matches!(placed, Ok(Some(_))) {
            // Best effort: the first error is the one to report.
            let _ = unlinkat(&self.fd, &draft, AtFlags::empty());
        }
        placed.map_err(failed)
    }

    /// Removes drafts of the regular file `name` that killed writers left. No writer of the file
    /// may run.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn remove_drafts(&self, name: &str) -> Result<(), FileError> {
        for entry in self.names(ENTRIES_MAX)? {
            if is_draft(&entry.to_string_lossy(), name) {
                // Best effort: a draft that stays costs space alone.
                let _ = unlinkat(&self.fd, &entry, AtFlags::empty());
            }
        }
        Ok(())
    }

    /// Gives a written draft its name; false if something else is in the way.
    fn rename_draft(
        &self,
        draft: &str,
        name: &str,
        len: u64,
        over_shorter: bool,
    ) -> Result<bool, Errno> {
        let new = renameat_with(&self.fd, draft, &self.fd, name, RenameFlags::NOREPLACE);
        match new {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) => {}
            // The file system lacks it, but a hard link replaces nothing either.
            Err(Errno::INVAL | Errno::NOSYS) => {
                match linkat(&self.fd, draft, &self.fd, name, AtFlags::empty()) {
                    Ok(()) => {
                        unlinkat(&self.fd, draft, AtFlags::empty())?;
                        return Ok(true);
                    }
                    Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno),
                }
            }
            Err(errno) => return Err(errno),
        }
        let there = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_file = Kind::from(FileType::from_raw_mode(there.st_mode)) == Kind::Regular;
        let is_shorter = u64::try_from(there.st_size).is_ok_and(|size| size < len);
        if !(over_shorter && is_file && is_shorter) {
            return Ok(false);
        }
        renameat(&self.fd, draft, &self.fd, name)?;
        Ok(true)
    }
}

fn fill(mut file: File, content: &mut impl Read) -> io::Result<u64> {
    let len = io::copy(content, &mut file)?;
    file.sync_all()?;
    Ok(len)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn drafts_of_killed_writers_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let others = [
            ".b.0123.tmp".to_owned(),
            ".a.tmp".to_owned(),
            draft("b").unwrap(),
        ];
        for name in others.iter().chain([&draft("a").unwrap()]) {
            fs::write(root.path().join(name), "half").unwrap();
        }
        folder.remove_drafts("a").unwrap();
        let mut left: Vec<String> = fs::read_dir(root.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut others = others.to_vec();
        others.sort();
        left.sort();
        assert_eq!(left, others);
    }

    #[test]
    fn only_shorter_files_are_replaced() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let file = root.path().join("a");
        let place = |bytes: &str, over| folder.place("a", &mut bytes.as_bytes(), over).unwrap();
        assert_eq!(place("12345", false), Some(5));
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(place("1234567", false), None);
        assert_eq!(place("54321", true), None, "an equally long one stays");
        assert_eq!(place("123", true), None);
        assert_eq!(fs::read_to_string(&file).unwrap(), "12345");
        assert_eq!(place("1234567", true), Some(7));
        assert_eq!(fs::read_to_string(&file).unwrap(), "1234567");
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
        assert_eq!(place("12345678", true), None, "a link stays");
        assert_eq!(
            fs::read_dir(root.path()).unwrap().count(),
            1,
            "no draft is left"
        );
    }
}
