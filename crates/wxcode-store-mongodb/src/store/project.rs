//! The promises about projects and their conversations.

use std::sync::{Arc, atomic::AtomicBool};

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    project::{OutputProject, ProjectStatus},
};
use wxcode_store::{
    IdentityStore, Listing, Page, ProjectPatch, ProjectStore, Reclaimed, Result, Rotated, Rotation,
};

use super::MongoStore;
use crate::{access, identity, project, workspace};

#[async_trait]
impl ProjectStore for MongoStore {
    async fn add_project(&self, project: &OutputProject) -> Result<()> {
        let project = project.clone();
        self.run(move |records, attempt| {
            let project = project.clone();
            async move { project::add(&records, &project, attempt).await }
        })
        .await
    }

    async fn restore_project(&self, project: &OutputProject) -> Result<()> {
        let project = project.clone();
        self.run(move |records, again| {
            let project = project.clone();
            async move { workspace::restore(&records, &project, again).await }
        })
        .await
    }

    async fn project(&self, id: Id) -> Result<Option<OutputProject>> {
        self.run(move |records, _| async move { project::get(&records, id).await })
            .await
    }

    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>> {
        self.run(move |records, _| async move { project::list(&records, page).await })
            .await
    }

    async fn metered_projects(&self, limit: u64) -> Result<Vec<OutputProject>> {
        self.run(move |records, _| async move { project::metered(&records, limit).await })
            .await
    }

    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>> {
        let patch = patch.clone();
        self.run(move |records, _| {
            let patch = patch.clone();
            async move { project::patch(&records, id, &patch, at).await }
        })
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
        self.run(move |records, attempt| async move {
            project::advance(&records, id, (from, to), (at, fence), attempt.is_again).await
        })
        .await
    }

    async fn remove_project(&self, id: Id) -> Result<bool> {
        // Whether any try found the record: the answer of the removing try may be lost.
        let seen = Arc::new(AtomicBool::new(false));
        self.run(move |records, _| {
            let seen = Arc::clone(&seen);
            async move {
                access::remove_of(&records, id).await?;
                project::remove(&records, id, &seen).await
            }
        })
        .await
    }
}

#[async_trait]
impl IdentityStore for MongoStore {
    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated> {
        let rotation = rotation.clone();
        self.run(move |records, attempt| {
            let rotation = rotation.clone();
            async move { identity::rotate(&records, project, &rotation, attempt.is_again).await }
        })
        .await
    }

    async fn reclaim_conversation(&self, project: Id) -> Result<Option<Reclaimed>> {
        self.run(move |records, _| async move { identity::reclaim(&records, project).await })
            .await
    }

    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<std::path::PathBuf>,
        fence: Option<u64>,
    ) -> Result<bool> {
        self.run(move |records, _| {
            let path = transcript_path.clone();
            async move {
                let note = (conversation, spoke, path.as_deref());
                identity::note(&records, project, note, fence).await
            }
        })
        .await
    }
}
