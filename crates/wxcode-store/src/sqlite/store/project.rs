//! The promises about projects and their conversations.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    project::{OutputProject, ProjectStatus},
};

use crate::{
    IdentityStore, Listing, Page, ProjectPatch, ProjectStore, Result, Rotated, Rotation,
    sqlite::{identity, lease, project, store::SqliteStore},
};

#[async_trait]
impl ProjectStore for SqliteStore {
    async fn add_project(&self, project: &OutputProject) -> Result<()> {
        let project = project.clone();
        self.writer.run(move |tx| project::add(tx, &project)).await
    }

    async fn restore_project(&self, project: &OutputProject) -> Result<()> {
        let project = project.clone();
        self.writer
            .run(move |tx| project::restore(tx, &project))
            .await
    }

    async fn project(&self, id: Id) -> Result<Option<OutputProject>> {
        self.readers.run(move |tx| project::get(tx, id)).await
    }

    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>> {
        self.readers.run(move |tx| project::list(tx, page)).await
    }

    async fn metered_projects(&self, limit: u64) -> Result<Vec<OutputProject>> {
        self.readers
            .run(move |tx| project::metered(tx, limit))
            .await
    }

    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>> {
        let patch = patch.clone();
        self.writer
            .run(move |tx| project::patch(tx, id, &patch, at))
            .await
    }

    async fn advance_project(
        &self,
        id: Id,
        from: ProjectStatus,
        to: ProjectStatus,
        at: Timestamp,
        fence: Option<u64>,
    ) -> Result<bool> {
        self.writer
            .run(move |tx| match lease::is_fenced(tx, id, fence)? {
                true => Ok(false),
                false => project::advance(tx, id, from, to, at),
            })
            .await
    }

    async fn remove_project(&self, id: Id) -> Result<bool> {
        self.writer.run(move |tx| project::remove(tx, id)).await
    }
}

#[async_trait]
impl IdentityStore for SqliteStore {
    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated> {
        let rotation = rotation.clone();
        self.writer
            .run(move |tx| identity::rotate(tx, project, &rotation))
            .await
    }

    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
        fence: Option<u64>,
    ) -> Result<bool> {
        self.writer
            .run(move |tx| {
                if lease::is_fenced(tx, project, fence)? {
                    return Ok(false);
                }
                identity::note(tx, project, conversation, spoke, transcript_path.as_deref())
            })
            .await
    }
}
