//! Publishes new turns of a project's conversation, for as long as its agent lives.
//!
//! Invariant: a turn is published once, also over a restart of the server: the project's events
//! name the last one.

mod reader;

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_claude::conversation::{Block, Role, Turn};
use wxcode_core::{
    event::{Kind, TurnRole},
    id::Id,
    project::OutputProject,
    text::shortened,
};
use wxcode_files::{FileError, off_thread};

use self::reader::{Begin, Reader};
use super::{Attributions, attribution::Attribution};
use crate::{
    event::Feed,
    mirror::{Look, Looks, Place},
    repository::Repository,
};

/// Pause between two looks at a transcript.
pub(crate) const POLL: Duration = Duration::from_secs(1);
/// Longest beginning of a text in an event, in characters.
const TEXT_MAX: usize = 1_000;
/// Looks that a prompt waits for the confirmation of its delivery.
const HELD_MAX: u32 = 5;
/// All project folders are searched at each of these looks, while the transcript is not found.
const SEARCH_EVERY: u32 = 4;
/// The clocks of the agent and of the server may differ by this.
const CLOCKS: SignedDuration = SignedDuration::from_secs(2);

/// Publishes the turns of a project.
pub(crate) struct TurnFollower {
    store: Repository,
    feed: Arc<Feed>,
    project: Id,
    /// The project's record, read by another follower.
    records: watch::Receiver<Option<OutputProject>>,
    config_dir: PathBuf,
    /// Whether the agent resumed its first conversation: its old turns are no news.
    is_resumed: bool,
    current: Option<Following>,
}

/// A conversation that is followed.
struct Following {
    id: Uuid,
    reader: Option<Reader>,
    attributions: Attributions,
    looks: u32,
    /// Looks that the next prompt has waited.
    held: u32,
}

impl TurnFollower {
    pub(crate) fn new(
        store: Repository,
        feed: Arc<Feed>,
        project: Id,
        records: watch::Receiver<Option<OutputProject>>,
        config_dir: PathBuf,
        is_resumed: bool,
    ) -> Self {
        Self {
            store,
            feed,
            project,
            records,
            config_dir,
            is_resumed,
            current: None,
        }
    }

    /// Publishes until the agent has ended, and once more then; or until the server closes.
    pub(crate) async fn run(mut self, ended: impl Future<Output = ()>, closing: CancellationToken) {
        let mut looks = Looks::new(POLL, ended, closing);
        while let Some(look) = looks.next().await {
            self.look(look == Look::Last).await;
        }
    }

    async fn look(&mut self, is_last: bool) {
        let known = match is_last {
            true => None,
            false => self.records.borrow().clone(),
        };
        let record = match known {
            Some(record) => record,
            // Without the store, the turns wait.
            None => match self.store.project(self.project).await {
                Ok(Some(record)) => record,
                Ok(None) | Err(_) => return,
            },
        };
        let Some(id) = record.claude_session_id else {
            return;
        };
        if let Some(left) = self.current.take_if(|current| current.id != id) {
            self.publish(left, true).await;
        }
        let current = match self.current.take() {
            Some(current) => current,
            None => match self.begin(&record, id).await {
                Some(current) => current,
                None => return,
            },
        };
        self.current = self.publish(current, is_last).await;
    }

    async fn begin(&mut self, record: &OutputProject, id: Uuid) -> Option<Following> {
        let last = self.feed.dedup(|dedup| dedup.turn().cloned());
        let is_resumed = std::mem::take(&mut self.is_resumed);
        let begin = match last {
            Some(last) if last.conversation == id => Begin::After(last),
            _ if is_resumed => Begin::End,
            _ => {
                let mut entries = record.claude_session_history.iter().rev();
                let since = entries.find(|entry| entry.id == id)?.since;
                Begin::Since(since.saturating_sub(CLOCKS).unwrap_or(since))
            }
        };
        let attributions = Attributions::read(&self.store, self.project).await.ok()?;
        Some(Following {
            id,
            reader: Some(Reader::new(Place::of(record, id, &self.config_dir), begin)),
            attributions,
            looks: 0,
            held: 0,
        })
    }

    /// Publishes the news of a conversation.
    async fn publish(&self, mut current: Following, is_last: bool) -> Option<Following> {
        loop {
            let mut reader = current.reader.take()?;
            let is_thorough = current.looks % SEARCH_EVERY == SEARCH_EVERY - 1;
            current.looks = current.looks.wrapping_add(1);
            let read = off_thread(&self.config_dir, move || {
                let more = reader.read(is_thorough)?;
                Ok::<_, FileError>((reader, more))
            });
            let more;
            let reader = match read.await {
                Ok((reader, left)) => {
                    more = left;
                    current.reader.insert(reader)
                }
                // The next look begins at the last published turn.
                Err(error) => {
                    tracing::debug!(project = %self.project, %error, "cannot read the turns of the conversation");
                    return None;
                }
            };
            if let Some(prompt) = reader.prompt.take() {
                current.attributions.of(&prompt);
            }
            let news = reader.turns.turns().get(reader.published..);
            let has_prompts = |news: &[Turn]| news.iter().any(|turn| turn.role == Role::User);
            let mut open = Vec::new();
            if news.is_some_and(has_prompts) {
                // First the open ones: a delivery that is confirmed meanwhile is in both lists.
                open = self.open_texts().await;
                let refreshed = current.attributions.refresh(&self.store, self.project);
                refreshed.await.ok()?;
            }
            let mut events = Vec::new();
            let mut is_held = false;
            while let Some(turn) = reader.turns.turns().get(reader.published) {
                let of = current.attributions.of(turn);
                if turn.role == Role::User
                    && of.delivery.is_none()
                    && current.held < HELD_MAX
                    && !is_last
                    && open.iter().any(|open| text(turn).trim().starts_with(open))
                {
                    current.held += 1;
                    is_held = true;
                    break;
                }
                current.held = 0;
                events.push(event(current.id, turn, of));
                reader.published += 1;
            }
            self.feed.publish_all(events);
            if is_held {
                return Some(current);
            }
            reader.forget();
            if !more {
                return Some(current);
            }
        }
    }

    /// The texts of open deliveries: a prompt with one of them may be confirmed a moment later.
    async fn open_texts(&self) -> Vec<String> {
        match self.store.open_deliveries(self.project).await {
            Ok(open) => {
                let texts = open.iter().map(|open| open.text.trim().to_owned());
                texts.collect()
            }
            Err(_) => Vec::new(),
        }
    }
}

fn event(conversation: Uuid, turn: &Turn, of: Attribution) -> Kind {
    Kind::ConversationTurn {
        claude_session_id: conversation,
        id: turn.id.clone(),
        role: match turn.role {
            Role::User => TurnRole::User,
            Role::Assistant => TurnRole::Assistant,
            Role::System => TurnRole::System,
        },
        written_at: turn.at.clone(),
        milestone_id: of.milestone,
        delivery_id: of.delivery,
        text: shortened(text(turn), TEXT_MAX),
        offset: turn.start,
    }
}

/// The first text of a turn.
fn text(turn: &Turn) -> &str {
    let mut texts = turn.blocks.iter().filter_map(|block| match block {
        Block::Text { text } | Block::Error { text } | Block::Refusal { text, .. } => {
            Some(text.as_str())
        }
        _ => None,
    });
    texts.next().unwrap_or_default()
}
