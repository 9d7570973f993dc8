//! Indexes a part of a transcript.

use std::{fs::File, io, os::unix::fs::MetadataExt as _};

use uuid::Uuid;
use wxcode_claude::conversation::{Turns, words};
use wxcode_core::id::Id;
use wxcode_store::search::{Entry, Reached, SearchIndex};

use crate::lines::{Lines, Passage};

/// Bytes of a transcript indexed at a time, off the serving threads.
pub(super) const STEP: u64 = 8 << 20; // 8 MiB
/// Turns at the end of a transcript that may still get results of tools.
const OPEN_TURNS: usize = 64;

/// The progress of the index, in bytes of transcripts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) done: u64,
    pub(crate) total: u64,
}

/// The outcome of a step.
pub(super) enum Step {
    /// All bytes are indexed.
    Done(u64),
    More(Progress),
    Unread,
}

/// Indexes at most [`STEP`] bytes of a transcript from the last place on. Blocks.
pub(super) fn index_file(
    index: &SearchIndex,
    project: Id,
    id: Uuid,
    file: File,
) -> io::Result<Step> {
    let metadata = file.metadata()?;
    let (identity, len) = ((metadata.dev(), metadata.ino()), metadata.len());
    let reached = index.reached(project, id).map_err(io::Error::other)?;
    let same = reached.filter(|last| last.identity == identity && last.settled <= len);
    if same.is_some_and(|last| last.len == len) {
        return Ok(Step::Done(len));
    }
    let from = same.map_or(0, |last| last.settled);
    let mut lines = Lines::at(file, from)?;
    let (mut turns, mut at) = (Turns::default(), from);
    let is_end = loop {
        if at - from >= STEP {
            break false;
        }
        let Some(Passage { count, line }) = lines.next()? else {
            break true;
        };
        if let Some(line) = line {
            turns.push(at, line);
        }
        at += count;
    };
    let turns = turns.finish();
    let newest = turns.iter().rev().take(OPEN_TURNS).rev();
    let mut open = newest.filter(|turn| turn.has_open_tools());
    let open = open.next().or(turns.last()).map(|turn| turn.start);
    let settled = match (open, is_end) {
        (Some(open), true) => open,
        (Some(open), false) if open > from => open,
        // Later results of tools do not count, so that the index gets on.
        (_, false) => at,
        (None, true) => from,
    };
    let entries: Vec<Entry> = turns
        .iter()
        .map(|turn| Entry {
            start: turn.start,
            end: turn.end,
            words: words(turn),
        })
        .collect();
    let reached = Reached {
        identity,
        settled,
        len: if is_end { len } else { at },
    };
    index
        .replace(project, id, from, &entries, reached)
        .map_err(io::Error::other)?;
    Ok(match is_end {
        true => Step::Done(len),
        false => Step::More(Progress {
            done: at,
            total: len,
        }),
    })
}
