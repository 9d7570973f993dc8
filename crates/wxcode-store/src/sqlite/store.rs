//! The store: operations on the connections of a file.
//!
//! The rooms below answer the traits, one noun each.

mod access;
mod conversation;
mod delivery;
mod milestone;
mod node;
mod project;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;

use crate::{
    ProjectRecords, Result, Store, StoreError,
    sqlite::{
        conversation::Copies,
        link::Link,
        node::Nodes,
        open::OpenError,
        workers::{Readers, Writer},
    },
};

/// The embedded store. Several processes may open the same file.
///
/// A full disk, a locked or an unwritable file is [`StoreError::Unavailable`]. The next operation
/// tries again, so no restart is needed once the cause is gone. Dropping the store finishes the
/// begun changes and closes the file.
pub struct SqliteStore {
    readers: Readers,
    nodes: Nodes,
    /// Dropped last: the last connection to close moves the journal into the file.
    writer: Writer,
    copies: Copies,
}

impl SqliteStore {
    /// Opens the file at `path`, with mode 0600; creates the file or brings it up to this version
    /// if needed.
    ///
    /// Blocks, for up to 5 seconds if another process has locked the file.
    ///
    /// # Errors
    /// The file cannot be read and written, belongs to another program or a newer version, or is on
    /// a network file system.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io {
            path: path.to_owned(),
            source,
        };
        // Later operations must reach the same file from any working folder.
        let path: Arc<Path> = std::path::absolute(path).map_err(io)?.into();
        let link = Link::create(Arc::clone(&path))?;
        let writer = Writer::start(Arc::clone(&path), link).map_err(io)?;
        Ok(Self {
            copies: Copies::beside(&path),
            writer,
            nodes: Nodes::default(),
            readers: Readers::new(path),
        })
    }

    /// Keeps the copies of conversations in another folder than the file's.
    #[must_use]
    pub fn with_copies_in(mut self, folder: &Path) -> Self {
        self.copies = Copies::within(folder);
        self
    }

    /// Works with the files of the copies on a thread of its own.
    async fn with_copies<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Copies) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let copies = self.copies.clone();
        let working = tokio::task::spawn_blocking(move || work(&copies));
        working.await.map_err(|error| {
            StoreError::Unavailable(format!("the operation was interrupted ({error})"))
        })?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<()> {
        // Takes the write lock: a read-only file is not available.
        self.writer
            .run(|tx| Ok(tx.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?))
            .await
    }

    async fn restore_projects(&self, all: Vec<ProjectRecords>) -> Result<()> {
        self.writer
            .run(move |tx| {
                for records in &all {
                    if super::project::get(tx, records.project.id)?.is_some() {
                        continue;
                    }
                    super::project::restore(tx, &records.project)?;
                    for milestone in &records.milestones {
                        super::milestone::add(tx, milestone)?;
                    }
                    for delivery in &records.deliveries {
                        super::delivery::restore(tx, delivery)?;
                    }
                }
                Ok(())
            })
            .await
    }
}
