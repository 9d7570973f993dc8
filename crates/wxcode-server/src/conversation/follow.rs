//! Publishes new turns of a project's conversation, for as long as its agent lives.
//!
//! Invariant: a turn is published once, also over a restart of the server: the project's events
//! name the last one.

use std::{os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_claude::conversation::{self, Block, Role, Turn, Turns};
use wxcode_core::{
    event::{Kind, LastTurn, TurnRole},
    id::Id,
    project::OutputProject,
    text::shortened,
};
use wxcode_files::{FileError, off_thread};

use super::{Attributions, attribution::Attribution};
use crate::{
    event::Feed,
    lines::{Lines, Passage},
    mirror::{Look, Looks, Place},
    repository::Repository,
};

/// Pause between two looks at a transcript.
pub(crate) const POLL: Duration = Duration::from_secs(1);
/// Bytes of a transcript read at a time, off the serving threads.
const STEP: u64 = 4 << 20; // 4 MiB
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

/// The place in a transcript.
struct Reader {
    place: Place,
    begin: Begin,
    offset: u64,
    /// The last turn and those after it.
    turns: Turns,
    /// The number of published turns in `turns`.
    published: usize,
    /// The device, the inode and the size at the last end.
    seen: Option<(u64, u64, u64)>,
    /// The last prompt before the first turn to publish.
    prompt: Option<Turn>,
}

/// Where a transcript's new turns begin.
enum Begin {
    /// After this turn.
    After(LastTurn),
    /// At the present end.
    End,
    /// At the first turn from this time on.
    Since(Timestamp),
    /// The place is found.
    Found,
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
            reader: Some(Reader {
                place: Place::of(record, id, &self.config_dir),
                begin,
                offset: 0,
                turns: Turns::default(),
                published: 0,
                seen: None,
                prompt: None,
            }),
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
            let mut is_held = false;
            while let Some(turn) = reader.turns.turns().get(reader.published) {
                if turn.role == Role::User {
                    current
                        .attributions
                        .refresh(&self.store, self.project)
                        .await
                        .ok()?;
                }
                let of = current.attributions.of(turn);
                if turn.role == Role::User
                    && of.delivery.is_none()
                    && current.held < HELD_MAX
                    && !is_last
                    && self.is_awaited(turn).await
                {
                    current.held += 1;
                    is_held = true;
                    break;
                }
                current.held = 0;
                self.feed.publish(event(current.id, turn, of));
                reader.published += 1;
            }
            if is_held {
                return Some(current);
            }
            reader.forget();
            if !more {
                return Some(current);
            }
        }
    }

    /// Whether a prompt is that of an open delivery, which may be confirmed a moment later.
    async fn is_awaited(&self, turn: &Turn) -> bool {
        let text = text(turn).trim();
        match self.store.open_deliveries(self.project).await {
            Ok(open) => open.iter().any(|open| text.starts_with(open.text.trim())),
            Err(_) => false,
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

impl Reader {
    /// Reads at most [`STEP`] bytes; returns whether there is more. Blocks.
    fn read(&mut self, is_thorough: bool) -> Result<bool, FileError> {
        let Some(file) = self.place.transcript(is_thorough)? else {
            // An agent that begins later has no old turns.
            if matches!(self.begin, Begin::End) {
                self.begin = Begin::Found;
            }
            return Ok(false);
        };
        let path = file.path().to_owned();
        self.read_file(file.reader(u64::MAX).into_inner())
            .map_err(|source| FileError::Io {
                action: "read",
                path,
                source,
            })
    }

    fn read_file(&mut self, mut file: std::fs::File) -> std::io::Result<bool> {
        let metadata = file.metadata()?;
        let seen = (metadata.dev(), metadata.ino(), metadata.len());
        if self.seen == Some(seen) {
            return Ok(false);
        }
        let is_rewritten = metadata.len() < self.offset;
        if is_rewritten {
            self.begin = match self.turns.turns().get(self.published.saturating_sub(1)) {
                // The turn may stand elsewhere.
                Some(last) => Begin::After(LastTurn {
                    conversation: Uuid::nil(),
                    id: last.id.clone(),
                    offset: u64::MAX,
                }),
                None => Begin::End,
            };
        }
        match std::mem::replace(&mut self.begin, Begin::Found) {
            Begin::Found => {}
            Begin::Since(time) => {
                self.offset = 0;
                self.begin = Begin::Since(time);
            }
            Begin::End => self.start_at(metadata.len(), None),
            Begin::After(last) => self.find(&mut file, &last)?,
        }
        let (mut lines, mut read) = (Lines::at(file, self.offset)?, 0);
        while read < STEP {
            let Some(Passage { count, line }) = lines.next()? else {
                self.seen = Some(seen);
                self.leave_out();
                return Ok(false);
            };
            if let Some(line) = line {
                self.turns.push(self.offset, line);
            }
            self.offset += count;
            read += count;
        }
        self.leave_out();
        Ok(true)
    }

    /// Takes turns before the time as published.
    fn leave_out(&mut self) {
        let Begin::Since(since) = self.begin else {
            return;
        };
        let turns = self.turns.turns();
        while let Some(turn) = turns.get(self.published) {
            let at = turn.at.as_deref().and_then(|at| at.parse().ok());
            if at.is_none_or(|at: Timestamp| at >= since) {
                self.begin = Begin::Found;
                return;
            }
            self.published += 1;
        }
    }

    /// Goes on after the last published turn: at its place, or where its id is among the last
    /// turns, or else at the end.
    fn find(&mut self, file: &mut std::fs::File, last: &LastTurn) -> std::io::Result<()> {
        let len = file.metadata()?.len();
        let before = conversation::page(file, Some(last.offset.saturating_add(1)), 2)?;
        let found = before
            .turns
            .last()
            .is_some_and(|turn| turn.id == last.id && turn.start == last.offset);
        let page = match found {
            true => before,
            false => conversation::page(file, None, conversation::TURNS_MAX)?,
        };
        let at = page.turns.iter().rposition(|turn| turn.id == last.id);
        let prompts = page.turns.iter().take(at.map_or(0, |at| at + 1)).rev();
        let mut prompts = prompts.filter(|turn| turn.role == Role::User);
        let prompt = prompts.next().cloned().or(page.prompt);
        match at.and_then(|at| page.turns.get(at)) {
            Some(turn) => {
                self.start_at(turn.start, prompt);
                // The place's own turn comes first.
                self.published = 1;
            }
            None => self.start_at(len, prompt),
        }
        Ok(())
    }

    fn start_at(&mut self, offset: u64, prompt: Option<Turn>) {
        self.offset = offset;
        self.turns = Turns::default();
        self.published = 0;
        self.prompt = prompt;
        self.seen = None;
    }

    /// Drops published turns but the last, which later lines may complete.
    fn forget(&mut self) {
        let keep = self.turns.len() - self.published.saturating_sub(1).min(self.turns.len());
        let dropped = self.turns.drain(keep).len();
        self.published -= dropped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> String {
        format!(
            "{{\"type\":\"user\",\"uuid\":\"{id}\",\"timestamp\":\"2026-01-01T10:00:0{id}Z\",\"message\":{{\"content\":\"{id}\"}}}}\n"
        )
    }

    struct Fixture {
        root: tempfile::TempDir,
        reader: Reader,
    }

    impl Fixture {
        fn new(begin: Begin) -> Self {
            let root = tempfile::tempdir().unwrap();
            Self {
                reader: Reader {
                    place: Place::below(root.path()),
                    begin,
                    offset: 0,
                    turns: Turns::default(),
                    published: 0,
                    seen: None,
                    prompt: None,
                },
                root,
            }
        }

        /// Writes the transcript; returns the ids of new turns.
        fn news(&mut self, text: &str) -> Vec<String> {
            let path = self.root.path().join("transcript");
            std::fs::write(&path, text).unwrap();
            let file = std::fs::File::open(path).unwrap();
            self.reader.read_file(file).unwrap();
            let turns = &self.reader.turns.turns()[self.reader.published..];
            let ids = turns.iter().map(|turn| turn.id.clone()).collect();
            self.reader.published = self.reader.turns.len();
            self.reader.forget();
            ids
        }
    }

    fn after(id: &str, offset: usize) -> Begin {
        Begin::After(LastTurn {
            conversation: Uuid::nil(),
            id: id.to_owned(),
            offset: offset as u64,
        })
    }

    #[test]
    fn each_turn_is_new_once() {
        let mut fixture = Fixture::new(Begin::Found);
        let text = user("1") + &user("2");
        assert_eq!(fixture.news(&(text.clone() + "{\"ty")), ["1", "2"]);
        assert_eq!(fixture.news(&text), [""; 0]);
        assert_eq!(fixture.news(&(text + &user("3"))), ["3"]);
    }

    #[test]
    fn old_turns_are_left_out() {
        let text = user("1") + &user("2") + &user("3");
        let since = "2026-01-01T10:00:02Z".parse().unwrap();
        assert_eq!(Fixture::new(Begin::Since(since)).news(&text), ["2", "3"]);
        assert_eq!(Fixture::new(Begin::End).news(&text), [""; 0]);
        let offset = user("1").len();
        assert_eq!(Fixture::new(after("2", offset)).news(&text), ["3"]);
        assert_eq!(Fixture::new(after("2", 7)).news(&text), ["3"], "moved");
        assert_eq!(Fixture::new(after("9", 7)).news(&text), [""; 0], "unknown");
    }

    #[test]
    fn a_rewritten_transcript_repeats_no_turn() {
        let mut fixture = Fixture::new(Begin::Found);
        fixture.news(&(user("1") + &user("2")));
        assert_eq!(fixture.news(&user("2")), [""; 0]);
        assert_eq!(fixture.news(&(user("2") + &user("3"))), ["3"]);
    }
}
