//! Reads the new turns of a transcript that grows.

use std::os::unix::fs::MetadataExt as _;

use jiff::Timestamp;
use wxcode_claude::conversation::{self, Role, Turn, Turns};
use wxcode_core::event::LastTurn;
use wxcode_files::FileError;

use crate::{
    lines::{Lines, Passage},
    mirror::Place,
};

/// Bytes of a transcript read at a time, off the serving threads.
const STEP: u64 = 4 << 20; // 4 MiB

/// The place in a transcript.
pub(super) struct Reader {
    place: Place,
    begin: Begin,
    offset: u64,
    /// The last turn and those after it.
    pub(super) turns: Turns,
    /// The number of published turns in `turns`.
    pub(super) published: usize,
    /// The device, the inode and the size at the last end.
    seen: Option<(u64, u64, u64)>,
    /// The last prompt before the first turn to publish.
    pub(super) prompt: Option<Turn>,
}

/// Where a transcript's new turns begin.
pub(super) enum Begin {
    /// After this turn.
    After(LastTurn),
    /// At the present end.
    End,
    /// At the first turn from this time on.
    Since(Timestamp),
    /// The place is found.
    Found,
}

impl Reader {
    pub(super) fn new(place: Place, begin: Begin) -> Self {
        Self {
            place,
            begin,
            offset: 0,
            turns: Turns::default(),
            published: 0,
            seen: None,
            prompt: None,
        }
    }

    /// Reads at most [`STEP`] bytes; returns whether there is more. Blocks.
    pub(super) fn read(&mut self, is_thorough: bool) -> Result<bool, FileError> {
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
                    conversation: uuid::Uuid::nil(),
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
    pub(super) fn forget(&mut self) {
        let keep = self.turns.len() - self.published.saturating_sub(1).min(self.turns.len());
        let dropped = self.turns.drain(keep).len();
        self.published -= dropped;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

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
                reader: Reader::new(Place::below(root.path()), begin),
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
