//! Follows the current conversation of a project for as long as its agent lives.
//!
//! The system's reports of changes wake the follower; a look at an interval finds what was not
//! reported.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_files::{FileError, off_thread};

use super::{
    Mirror,
    conversation::{Conversation, Step},
    locate::{Place, Version},
    looks::{Look, Looks},
};
use crate::repository::Repository;

/// Longest pause between two looks at a conversation, for changes that were not reported.
pub(crate) const POLL: Duration = Duration::from_secs(2);
/// Shortest pause before a look for a reported change.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);
/// Most older conversations that one look copies.
const OLDER_MAX: usize = 100;
/// Older conversations, the last ones, that each look compares with their copies: another process
/// may go on with one.
const OLDER_LOOKED_AT: usize = 4;

/// Copies a project's current conversation.
pub(crate) struct Follower {
    mirror: Mirror,
    store: Repository,
    project: Id,
    config_dir: PathBuf,
    /// The current conversation.
    current: Option<Conversation>,
    /// Older conversations that were copied, with their transcripts as they were then.
    older: HashMap<Uuid, Option<Version>>,
    /// Whether an older conversation is being copied.
    is_at_older: bool,
    /// The removals of the project's copies before the last look for the current conversation.
    removals: u64,
    /// Wakes on changes of the conversation's files.
    bell: Arc<Notify>,
    /// Whether a problem of the shared store was reported; further ones are not.
    is_reported: bool,
    /// The problem of the last look, and whether one was looked for.
    trouble: Option<Option<String>>,
    /// The project's record at the last look.
    records: watch::Sender<Option<OutputProject>>,
}

impl Follower {
    pub(crate) fn new(mirror: Mirror, store: Repository, project: Id, config_dir: PathBuf) -> Self {
        Self {
            mirror,
            store,
            project,
            config_dir,
            current: None,
            older: HashMap::new(),
            is_at_older: false,
            removals: 0,
            bell: Arc::default(),
            is_reported: false,
            trouble: None,
            records: watch::Sender::new(None),
        }
    }

    /// The project's record at each look, for readers that spare the store.
    pub(crate) fn records(&self) -> watch::Receiver<Option<OutputProject>> {
        self.records.subscribe()
    }

    /// Copies until the agent has ended, and once more then; or until the server closes.
    pub(crate) async fn run(mut self, ended: impl Future<Output = ()>, closing: CancellationToken) {
        let looks = Looks::new(POLL, ended, closing);
        let mut looks = looks.woken_by(Arc::clone(&self.bell), PAUSE);
        while let Some(look) = looks.next().await {
            match look {
                Look::Due | Look::Last => self.look().await,
                Look::Woken => {
                    self.copy_news(look).await;
                }
            }
        }
    }

    /// Copies the news of the current conversation, and of one that has just been left.
    async fn look(&mut self) {
        self.removals = *self.mirror.lock(self.project).await;
        let record = self.store.project(self.project).await;
        if let Ok(Some(record)) = &record {
            self.records.send_replace(Some(record.clone()));
        }
        let record = match record {
            Ok(Some(record)) if !record.settings.is_mirrored() => {
                self.current = None;
                self.tell(None);
                if self.mirror.project(self.project).exists() {
                    self.mirror.remove(self.project).await;
                }
                return;
            }
            Ok(Some(record)) => Some(record),
            Ok(None) => return,
            // The last known conversation goes on.
            Err(_) => None,
        };
        if let Some(record) = record {
            let id = record.claude_session_id;
            let place = id.map(|id| Place::of(&record, id, &self.config_dir));
            let is_left = match (&self.current, &place) {
                (Some(current), Some(place)) => current.place.id != place.id,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if is_left {
                self.copy().await;
                if let Some(left) = self.current.take() {
                    self.note_older(left.place).await;
                }
            }
            self.copy_older(&record).await;
            match (&mut self.current, place) {
                (Some(current), Some(place)) => current.place = place,
                (None, Some(place)) => {
                    self.current = Some(self.conversation(place));
                }
                (_, None) => {}
            }
        }
        self.copy().await;
    }

    /// Copies conversations that no look has seen as the current one: older ones without a copy, and
    /// those between two looks. Of the last ones also the news of another process.
    async fn copy_older(&mut self, record: &OutputProject) {
        let history = record.claude_session_history.iter().rev();
        let others =
            history.filter(|entry| entry.spoke && Some(entry.id) != record.claude_session_id);
        let to_look_at = others.enumerate().filter(|(number, entry)| {
            *number < OLDER_LOOKED_AT || !self.older.contains_key(&entry.id)
        });
        let places = to_look_at.map(|(_, entry)| Place::of(record, entry.id, &self.config_dir));
        let places: Vec<Place> = places.take(OLDER_MAX).collect();
        if places.is_empty() {
            return;
        }
        let current = self.current.take();
        self.is_at_older = true;
        for (place, version) in self.versions(places).await {
            let id = place.id;
            let known = self.older.insert(id, version);
            let has_news = match known {
                Some(known) => version.is_some() && version != known,
                None => {
                    let copied = self.mirror.copied(self.project, id);
                    version.map_or(copied == 0, |(len, _)| len > copied)
                }
            };
            if !has_news {
                continue;
            }
            // Another node may have copied more of it.
            self.mirror.fetch(self.project, id, true).await;
            self.current = Some(self.conversation(place));
            if !self.copy().await {
                if version.is_some() {
                    // The next look tries again.
                    self.older.remove(&id);
                }
                break;
            }
        }
        self.is_at_older = false;
        self.current = current;
    }

    /// Notes that a conversation was copied, with the state of its transcript.
    async fn note_older(&mut self, place: Place) {
        for (place, version) in self.versions(vec![place]).await {
            self.older.insert(place.id, version);
        }
    }

    /// The states of transcripts; `None` for one that is not there, or cannot be looked at.
    async fn versions(&self, places: Vec<Place>) -> Vec<(Place, Option<Version>)> {
        let looked = off_thread(&self.config_dir, move || {
            let looked = places.into_iter().map(|place| {
                let version = place.version().unwrap_or(None);
                (place, version)
            });
            Ok::<_, FileError>(looked.collect())
        });
        looked.await.unwrap_or_default()
    }

    fn conversation(&self, place: Place) -> Conversation {
        Conversation::new(place, self.mirror.clone(), self.project, &self.bell)
    }

    /// Copies the news of the conversation; then publishes them for other nodes. Returns whether
    /// its files could be read.
    async fn copy(&mut self) -> bool {
        let is_copied = self.copy_news(Look::Due).await;
        let Some(current) = &self.current else {
            return is_copied;
        };
        let pushed = self.mirror.push(self.project, current.place.id).await;
        if let Err(error) = pushed
            && !self.is_reported
        {
            self.is_reported = true;
            tracing::warn!(project = %self.project, %error, "cannot publish the copy of the conversation; trying again (further failures are not logged)");
        }
        is_copied
    }

    /// Copies the news of the conversation, unless the copies were removed since the last look for
    /// it; returns whether its files could be read.
    async fn copy_news(&mut self, look: Look) -> bool {
        loop {
            let Some(mut current) = self.current.take() else {
                return true;
            };
            let place = current.place.clone();
            let alone = self.mirror.lock(self.project).await;
            if *alone != self.removals {
                return true;
            }
            let stepped = off_thread(&self.config_dir, move || {
                let step = current.step(look);
                Ok::<_, FileError>((current, step))
            })
            .await;
            drop(alone);
            let step = match stepped {
                Ok((current, step)) => {
                    self.current = Some(current);
                    step
                }
                Err(error) => {
                    self.current = Some(self.conversation(place));
                    Err(error)
                }
            };
            match step {
                Ok(Step::More) => {}
                Ok(Step::Done) => {
                    self.tell(None);
                    return true;
                }
                Ok(Step::Full(trouble)) => {
                    self.tell(Some(trouble));
                    return true;
                }
                Err(error) => {
                    self.tell(Some(error.to_string()));
                    return false;
                }
            }
        }
    }

    /// Tells readers of the session, and the log, of a new problem or of its end. An older
    /// conversation tells nothing: its problem is no news at each look.
    fn tell(&mut self, trouble: Option<String>) {
        let project = self.project;
        if self.is_at_older {
            if let Some(error) = trouble {
                tracing::debug!(%project, %error, "cannot copy an older conversation");
            }
            return;
        }
        if self.trouble.as_ref() == Some(&trouble) {
            return;
        }
        match (&trouble, self.trouble.take().flatten()) {
            (Some(error), None) => {
                tracing::warn!(%project, %error, "cannot copy the conversation; trying again");
            }
            (None, Some(_)) => tracing::info!(%project, "the conversation is copied again"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        self.mirror.set_trouble(project, trouble.clone());
        self.trouble = Some(trouble);
    }
}
