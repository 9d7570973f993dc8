//! Runs the conformance suite on the embedded store.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use wxcode_store::{Store, conformance::Records, sqlite::SqliteStore};

struct File(TempDir);

#[async_trait]
impl Records for File {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.0.path().join("wxcode.db")).unwrap())
    }
}

async fn fresh() -> Option<File> {
    Some(File(tempfile::tempdir().unwrap()))
}

wxcode_store::conformance_tests!(crate::fresh);
