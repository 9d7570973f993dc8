//! Reads a transcript in parts: pages from its end, and passes from its beginning.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::{Role, Turn, Turns};

/// Most turns of a page.
pub const TURNS_MAX: usize = 200;
/// Bytes of the transcript read first for a page; each further try reads four times as many.
const FIRST: u64 = 512 << 10; // 512 KiB
/// Most bytes of the transcript read for a page.
pub const PAGE_MAX: u64 = 32 << 20; // 32 MiB
/// Most bytes read after a page for the results of its tools.
pub const AHEAD_MAX: u64 = 4 << 20; // 4 MiB
/// Longest readable line of a transcript, in bytes.
pub const LINE_MAX: usize = 32 << 20; // 32 MiB
/// Most bytes of the texts of a page.
const TEXTS_MAX: usize = 8 << 20; // 8 MiB
/// Bytes per read of a pass.
const READ: usize = 64 << 10; // 64 KiB
/// Turns that a pass holds back for the results of their tools.
const HELD_BACK: usize = 64;

/// A page of a conversation.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    /// The turns, oldest first.
    pub turns: Vec<Turn>,
    /// The `before` of the next, earlier page; `None` at the beginning of the conversation.
    pub next: Option<u64>,
    /// The number of unreadable lines: half-written, not JSON, or too long.
    pub skipped: u64,
    /// The number of read bytes.
    pub read: u64,
    /// The last prompt before the page, if the bytes read contain one.
    pub prompt: Option<Turn>,
}

/// Reads the last turns that begin before the byte `before`; without `before`, the last turns of
/// the transcript.
///
/// A page may have fewer turns than `limit`, even none, when [`PAGE_MAX`] bytes of the transcript
/// hold fewer turns. `next` then leads to the earlier turns.
///
/// # Errors
/// The transcript cannot be read.
pub fn page<R: Read + Seek>(
    transcript: &mut R,
    before: Option<u64>,
    limit: usize,
) -> io::Result<Page> {
    let len = transcript.seek(SeekFrom::End(0))?;
    let end = before.unwrap_or(len).min(len);
    let mut window = FIRST;
    let mut read = 0;
    let (from, first, mut turns) = loop {
        let from = end.saturating_sub(window);
        let bytes = part(transcript, from, end - from)?;
        read += bytes.len() as u64;
        // The window may begin within a line.
        let first = match from {
            0 => 0,
            _ => memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1),
        };
        let turns = lines(&bytes[first..], from + first as u64, Turns::default());
        if turns.len() > limit || from == 0 || window >= PAGE_MAX {
            break (from, from + first as u64, turns);
        }
        window = (window * 4).min(PAGE_MAX);
    };
    if end < len && turns.has_open_tools() {
        turns.close();
        let ahead = part(transcript, end, AHEAD_MAX)?;
        read += ahead.len() as u64;
        turns = lines(&ahead, end, turns);
    }
    let skipped = turns.skipped();
    let mut turns = turns.finish();
    let is_whole = from == 0;
    // The first turn may have begun before the window.
    let incomplete = usize::from(!is_whole && turns.len() > 1);
    let dropped = turns.len().saturating_sub(limit.max(1)).max(incomplete);
    let excess = excess(&turns[dropped..]);
    let before = turns.drain(..dropped + excess);
    let prompt = before.rev().find(|turn| turn.role == Role::User);
    let next = match turns.first() {
        Some(_) if is_whole && dropped + excess == 0 => None,
        Some(turn) => Some(turn.start),
        None if is_whole => None,
        None if first < end => Some(first),
        None => Some(from),
    };
    Ok(Page {
        turns,
        next,
        skipped,
        read,
        prompt,
    })
}

/// Reads the turn that begins at the byte `start`, with the results of its tools from the next
/// `ahead` bytes, at most [`AHEAD_MAX`].
///
/// # Errors
/// The transcript cannot be read.
pub fn turn_at<R: Read + Seek>(
    transcript: &mut R,
    start: u64,
    ahead: u64,
) -> io::Result<Option<Turn>> {
    let bytes = part(transcript, start, ahead.min(AHEAD_MAX))?;
    let turns = lines(&bytes, start, Turns::default()).finish();
    Ok(turns.into_iter().next().filter(|turn| turn.start == start))
}

/// Returns how many of the first turns to leave out, so that the other texts fit [`TEXTS_MAX`].
fn excess(turns: &[Turn]) -> usize {
    let mut total = 0;
    let kept = turns.iter().rev().take_while(|turn| {
        total += turn.bytes;
        total <= TEXTS_MAX
    });
    turns.len() - kept.count().max(1).min(turns.len())
}

fn part<R: Read + Seek>(transcript: &mut R, from: u64, count: u64) -> io::Result<Vec<u8>> {
    transcript.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    transcript.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn lines(bytes: &[u8], start: u64, mut turns: Turns) -> Turns {
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        turns.push(start + at as u64, line);
        at += line.len();
    }
    turns
}

/// A pass over a transcript from its beginning, part by part.
#[derive(Debug)]
pub struct Pass<R> {
    transcript: BufReader<R>,
    at: u64,
    turns: Turns,
    is_over: bool,
}

impl<R: Read> Pass<R> {
    /// A pass over a transcript from its beginning.
    pub fn new(transcript: R) -> Self {
        Self {
            transcript: BufReader::with_capacity(READ, transcript),
            at: 0,
            turns: Turns::default(),
            is_over: false,
        }
    }

    /// Reads about `bytes` more bytes, and returns their turns; `None` at the end.
    ///
    /// # Errors
    /// The transcript cannot be read.
    pub fn next_turns(&mut self, bytes: u64) -> io::Result<Option<Vec<Turn>>> {
        if self.is_over {
            return Ok(None);
        }
        let until = self.at.saturating_add(bytes);
        let mut line = Vec::new();
        while self.at < until {
            let start = self.at;
            line.clear();
            match self.line(&mut line)? {
                None => {
                    self.is_over = true;
                    return Ok(Some(std::mem::take(&mut self.turns).finish()));
                }
                Some(true) => self.turns.push(start, &line),
                Some(false) => self.turns.skip(),
            }
        }
        Ok(Some(self.turns.drain(HELD_BACK)))
    }

    /// Reads a line into `line`. Returns false for a line above [`LINE_MAX`], `None` at the end.
    fn line(&mut self, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
        let mut is_short = true;
        let start = self.at;
        loop {
            let buffer = self.transcript.fill_buf()?;
            if buffer.is_empty() {
                return Ok((self.at > start).then_some(is_short));
            }
            let end = memchr::memchr(b'\n', buffer).map(|at| at + 1);
            let count = end.unwrap_or(buffer.len());
            is_short &= line.len() + count <= LINE_MAX;
            if is_short {
                line.extend_from_slice(&buffer[..count]);
            }
            self.transcript.consume(count);
            self.at += count as u64;
            if end.is_some() {
                return Ok(Some(is_short));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::Block;
    use super::*;

    fn user(text: &str) -> String {
        format!(
            "{{\"type\":\"user\",\"uuid\":\"{text}\",\"message\":{{\"role\":\"user\",\"content\":\"{text}\"}}}}\n"
        )
    }

    fn ids(turns: &[Turn]) -> Vec<&str> {
        turns.iter().map(|turn| turn.id.as_str()).collect()
    }

    /// Returns the ids of all turns, read page by page from the end to the beginning.
    fn all(text: &str, limit: usize) -> Vec<String> {
        let mut transcript = Cursor::new(text);
        let (mut before, mut seen) = (None, Vec::new());
        loop {
            let page = page(&mut transcript, before, limit).unwrap();
            let mut ids: Vec<String> = page.turns.into_iter().map(|turn| turn.id).collect();
            ids.append(&mut seen);
            seen = ids;
            match page.next {
                None => return seen,
                Some(next) => {
                    assert!(before.is_none_or(|before| next < before), "no progress");
                    before = Some(next);
                }
            }
        }
    }

    #[test]
    fn pages_from_the_end_cover_everything_once() {
        let noise = format!("{{\"type\":\"mode\",\"x\":\"{}\"}}\n", "y".repeat(70 << 10));
        let mut text = String::new();
        let mut expected = Vec::new();
        for number in 0..50 {
            text.push_str(&user(&format!("u{number}")));
            text.push_str(&noise);
            expected.push(format!("u{number}"));
        }
        for limit in [1, 7, 50, 200] {
            assert_eq!(all(&text, limit), expected, "{limit}");
        }
    }

    #[test]
    fn a_tool_gets_its_result_from_the_next_page() {
        let call = r#"{"type":"assistant","uuid":"a","message":{"id":"m","content":[{"type":"tool_use","id":"t","name":"Bash","input":{}}]}}"#;
        let result = r#"{"type":"user","uuid":"r","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"done"}]}}"#;
        let text = format!("{call}\n{}{result}\n", user("between"));
        let last = page(&mut Cursor::new(&text), None, 1).unwrap();
        assert_eq!(ids(&last.turns), ["between"]);
        let first = page(&mut Cursor::new(&text), last.next, 1).unwrap();
        assert_eq!((ids(&first.turns), first.next), (vec!["a"], None));
        let Block::Tool {
            result: Some(result),
            ..
        } = &first.turns[0].blocks[0]
        else {
            panic!("{first:?}");
        };
        assert_eq!(result.text, "done");
    }

    #[test]
    fn lines_longer_than_a_page_are_skipped() {
        let huge = format!(
            "{{\"type\":\"mode\",\"x\":\"{}\"}}\n",
            "y".repeat(PAGE_MAX as usize + 10)
        );
        let text = user("before") + &huge + &user("after");
        assert_eq!(all(&text, 10), ["before", "after"]);
        let mut pass = Pass::new(Cursor::new(&text));
        let mut seen = Vec::new();
        while let Some(turns) = pass.next_turns(1 << 20).unwrap() {
            seen.extend(turns);
        }
        assert_eq!(ids(&seen), ["before", "after"]);
    }

    #[test]
    fn a_pass_and_pages_give_equal_turns() {
        let text: String = (0..200).map(|number| user(&format!("u{number}"))).collect();
        let mut pass = Pass::new(Cursor::new(&text));
        let mut seen = Vec::new();
        while let Some(turns) = pass.next_turns(1000).unwrap() {
            seen.extend(turns);
        }
        assert_eq!(ids(&seen), all(&text, 20));
    }

    #[test]
    fn a_page_has_bounded_texts() {
        let text: String = (0..400)
            .map(|number| user(&format!("{number}{}", "x".repeat(60 << 10))))
            .collect();
        let page = page(&mut Cursor::new(&text), None, TURNS_MAX).unwrap();
        let total: usize = page.turns.iter().map(|turn| turn.bytes).sum();
        assert!(total <= TEXTS_MAX && !page.turns.is_empty(), "{total}");
        assert!(page.next.is_some());
    }
}
