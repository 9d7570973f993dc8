//! Searches conversations without the index, within bounds of bytes and time.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};
use uuid::Uuid;
use wxcode_claude::conversation::Query;
use wxcode_core::{id::Id, project::OutputProject};

use super::Source;
use crate::{Settings, mirror::Mirror};

/// Most bytes of transcripts that a search reads, but for the last part.
const BYTES_MAX: u64 = 256 << 20; // 256 MiB
/// Longest time of a search, but for its last part.
const TIME_MAX: Duration = Duration::from_secs(5);
/// Searches at once; the threads for foreign files serve others as well.
const AT_ONCE: usize = 2;
/// Longest wait for other searches.
const WAIT_MAX: Duration = Duration::from_secs(10);

static PERMITS: Semaphore = Semaphore::const_new(AT_ONCE);

/// A place of a search, from which it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) project: Id,
    pub(crate) conversation: Uuid,
    /// The end of the part to search next, in bytes of the transcript.
    pub(crate) before: Option<u64>,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.project, self.conversation)?;
        self.before.map_or(Ok(()), |before| write!(f, ".{before}"))
    }
}

impl std::str::FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next();
        Ok(Self {
            project: part().ok_or(())?.parse().map_err(drop)?,
            conversation: part().ok_or(())?.parse().map_err(drop)?,
            before: match part() {
                Some(before) => Some(before.parse().map_err(drop)?),
                None => None,
            },
        })
    }
}

/// A turn with the words of a search.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) project: Id,
    pub(crate) conversation: Uuid,
    pub(crate) turn: String,
    pub(crate) at: Option<String>,
    pub(crate) snippet: String,
    /// The end of the page of the conversation that ends with the turn.
    pub(crate) before: u64,
}

/// The result of a search.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) hits: Vec<Hit>,
    /// The place to go on from; `None` when everything was searched.
    pub(crate) next: Option<Cursor>,
    /// Conversations whose transcript could not be read.
    pub(crate) unread: u64,
}

/// A permit for a search; `None` while too many run.
pub(crate) async fn permit() -> Option<SemaphorePermit<'static>> {
    timeout(WAIT_MAX, PERMITS.acquire()).await.ok()?.ok()
}

/// Searches the conversations of projects, in this order, the newest of each first, and each from
/// its end.
pub(crate) async fn search(
    settings: &Arc<Settings>,
    mirror: &Mirror,
    projects: &[OutputProject],
    query: &Query,
    from: Option<Cursor>,
    limit: usize,
) -> Found {
    let begun = Instant::now();
    let mut found = Found::default();
    let mut read = 0;
    let mut from = from;
    for project in projects {
        for conversation in project.conversations() {
            let here = |before| Cursor {
                project: project.id,
                conversation,
                before,
            };
            let mut before = None;
            if let Some(cursor) = from {
                if (cursor.project, cursor.conversation) != (project.id, conversation) {
                    continue;
                }
                before = cursor.before;
                from = None;
            }
            loop {
                if read >= BYTES_MAX || begun.elapsed() >= TIME_MAX {
                    found.next = Some(here(before));
                    return found;
                }
                let source = Source::of(settings, mirror, project, Some(conversation), false);
                let page = match source {
                    Ok(Some(source)) => source.page(before, usize::MAX).await,
                    Ok(None) => break,
                    Err(error) => Err(error),
                };
                let Ok(page) = page else {
                    found.unread += 1;
                    break;
                };
                read += page.read;
                for turn in page.turns.iter().rev() {
                    let Some(snippet) = query.find(turn) else {
                        continue;
                    };
                    found.hits.push(Hit {
                        project: project.id,
                        conversation,
                        turn: turn.id.clone(),
                        at: turn.at.clone(),
                        snippet,
                        before: turn.end,
                    });
                    if found.hits.len() >= limit {
                        found.next = Some(here(Some(turn.start)));
                        return found;
                    }
                }
                match page.next {
                    Some(next) => before = Some(next),
                    None => break,
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_written() {
        let cursor = Cursor {
            project: "0123456789abcdef01234567".parse().unwrap(),
            conversation: Uuid::from_u128(7),
            before: Some(42),
        };
        for cursor in [
            cursor,
            Cursor {
                before: None,
                ..cursor
            },
        ] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for wrong in ["", "x", "0123456789abcdef01234567", "1.2.3"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(()), "{wrong}");
        }
    }
}
