//! Transfers the bytes of published copies into this node's files.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use wxcode_core::id::Id;
use wxcode_store::{CopyFile, StoreError};

use super::{
    super::checksum,
    source::{Result, Shared},
};
use crate::disk::on_disk;

/// Most bytes of a published file: other nodes may have a larger bound than this one.
const FILE_MAX: u64 = 64 << 30; // 64 GiB

/// Downloads a file: the bytes after the first `from`, or all of it.
pub(super) async fn download(
    shared: &Shared,
    project: Id,
    file: &CopyFile,
    path: &Path,
    from: Option<u64>,
) -> Result<()> {
    if file.len > FILE_MAX {
        let (name, len) = (&file.name, file.len);
        let error =
            format!("the file {name} of a copy has {len} bytes, at most {FILE_MAX} are expected");
        return Err(StoreError::Refused(error).into());
    }
    if let Some(from) = from {
        let mut to = OpenOptions::new().append(true).open(path)?;
        read_into(shared, project, file, from, &mut to).await?;
        on_disk(|| checksum::extend(path))?;
        return Ok(());
    }
    let draft = path.with_extension("new");
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut to = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    read_into(shared, project, file, 0, &mut to).await?;
    on_disk(|| to.sync_all())?;
    checksum::forget(path)?;
    fs::rename(draft, path)?;
    on_disk(|| checksum::extend(path))?;
    Ok(())
}

/// Takes damaged lines of this node's copy from the published one.
pub(super) async fn mend(shared: &Shared, project: Id, file: &CopyFile, path: &Path) -> Result<()> {
    let draft = path.with_extension("new");
    let mut to = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    let fetched = read_into(shared, project, file, 0, &mut to).await;
    let mended = fetched.and_then(|()| Ok(on_disk(|| checksum::mend(path, &mut to))?));
    fs::remove_file(&draft)?;
    mended.map(drop)
}

async fn read_into(
    shared: &Shared,
    project: Id,
    file: &CopyFile,
    mut offset: u64,
    to: &mut File,
) -> Result<()> {
    while offset < file.len {
        let bytes = shared.store.read_copy(project, file, offset).await?;
        if bytes.is_empty() {
            break;
        }
        on_disk(|| to.write_all(&bytes))?;
        offset += bytes.len() as u64;
    }
    Ok(())
}
