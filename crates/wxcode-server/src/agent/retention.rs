//! Keeps the transcripts of current conversations fresh, so that Claude Code's clean-up ignores
//! them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_claude::retention::{self, Refreshed};
use wxcode_core::project::OutputProject;
use wxcode_store::Page;

use crate::repository::Repository;
use crate::{Settings, agent::launch::plan};

/// How often transcripts are looked at, first when the server starts.
pub(crate) const REFRESH_EVERY: Duration = Duration::from_secs(6 * 3_600);
/// Age at which a transcript gets a fresh modification time.
pub(crate) const REFRESH_AGE: Duration = Duration::from_secs(24 * 3_600);
/// Longest time for a page of transcripts: a folder may lie on a hanging mount.
pub(crate) const REFRESH_DEADLINE: Duration = Duration::from_secs(60);
/// Projects in a page of transcripts.
pub(crate) const REFRESH_PAGE: u64 = 200;

/// A project's current conversation, and its last reported place.
struct Conversation {
    id: Uuid,
    config_dir: PathBuf,
    transcript: Option<PathBuf>,
}

/// Refreshes transcripts for as long as the server lives.
pub(crate) async fn run(settings: Arc<Settings>, store: Repository, closing: CancellationToken) {
    let alone = Arc::new(Semaphore::new(1));
    let mut ticks = interval(REFRESH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = closing.cancelled() => return,
        }
        tokio::select! {
            () = round(&settings, &store, &alone) => {}
            () = closing.cancelled() => return,
        }
    }
}

async fn round(settings: &Settings, store: &Repository, alone: &Arc<Semaphore>) {
    let mut skip = 0;
    loop {
        let page = Page {
            skip,
            limit: REFRESH_PAGE,
        };
        let projects = match store.projects(page).await {
            Ok(listing) => listing.items,
            Err(error) => {
                tracing::warn!(%error, "cannot list the projects whose transcripts are to be kept; trying again later");
                return;
            }
        };
        skip += projects.len() as u64;
        if projects.is_empty() || !refresh(settings, projects, alone).await {
            return;
        }
    }
}

/// Refreshes the transcripts of some projects; false without an end in time.
async fn refresh(
    settings: &Settings,
    projects: Vec<OutputProject>,
    alone: &Arc<Semaphore>,
) -> bool {
    let conversations = projects
        .iter()
        .filter_map(|project| current(settings, project));
    let conversations: Vec<_> = conversations.collect();
    let work = async {
        // A hanging round blocks the next rounds, and so costs a single thread.
        let turn = Arc::clone(alone).acquire_owned().await.ok()?;
        let refreshing = tokio::task::spawn_blocking(move || {
            for conversation in conversations {
                refresh_one(&conversation);
            }
            drop(turn);
        });
        refreshing.await.ok()
    };
    let done = timeout(REFRESH_DEADLINE, work).await.ok().flatten();
    if done.is_none() {
        tracing::warn!(
            seconds = REFRESH_DEADLINE.as_secs(),
            "transcripts could not be kept from Claude Code's clean-up in time: does a file system hang?"
        );
    }
    done.is_some()
}

fn current(settings: &Settings, project: &OutputProject) -> Option<Conversation> {
    let id = project.claude_session_id?;
    Some(Conversation {
        id,
        config_dir: plan::config_dir_of(settings, &project.settings),
        transcript: project.reported_transcript(id).map(Path::to_owned),
    })
}

fn refresh_one(conversation: &Conversation) {
    let known = conversation.transcript.as_deref();
    match retention::refresh(
        &conversation.config_dir,
        conversation.id,
        known,
        REFRESH_AGE,
    ) {
        Ok(Refreshed::Touched) => {
            tracing::debug!(conversation = %conversation.id, "gave a transcript a fresh modification time");
        }
        Ok(Refreshed::Fresh | Refreshed::Missing) => {}
        Err(error) => {
            tracing::warn!(conversation = %conversation.id, %error, "cannot keep a transcript from Claude Code's clean-up; check its permissions");
        }
    }
}
