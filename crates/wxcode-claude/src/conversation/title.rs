//! The title of a conversation.
//!
//! Claude Code appends a `custom-title` entry at `/rename`, an `ai-title` entry for a title of its
//! own, and repeats the last of each at the end of the transcript when the session ends or
//! compacts. Source: Claude Code 2.1.332, which reads both ends of a transcript as well.

use std::{
    borrow::Cow,
    io::{self, Read, Seek, SeekFrom},
};

use memchr::memmem;
use serde::Deserialize;

use super::{Block, Role, Turn, Turns, page::lines};

/// Bytes read at the end of a transcript for its title.
pub const TITLE_TAIL: u64 = 512 << 10; // 512 KiB
/// Bytes read at the beginning of a transcript for its title.
pub const TITLE_HEAD: u64 = 256 << 10; // 256 KiB
/// Most characters of a title; a longer one is cut.
pub const TITLE_MAX: usize = 80;

/// An entry with a title.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    custom_title: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ai_title: Option<Cow<'a, str>>,
}

/// The last titles in a part of a transcript.
#[derive(Default)]
struct Titles {
    custom: Option<String>,
    own: Option<String>,
}

/// Reads the title: the user's, else Claude Code's, else the first words of the user.
///
/// # Errors
/// The transcript cannot be read.
pub fn title<R: Read + Seek>(transcript: &mut R) -> io::Result<Option<String>> {
    let len = transcript.seek(SeekFrom::End(0))?;
    let tail = part(transcript, len.saturating_sub(TITLE_TAIL), TITLE_TAIL)?;
    let last = Titles::of(&tail);
    let head = match len > TITLE_TAIL {
        true => part(transcript, 0, TITLE_HEAD)?,
        false => tail,
    };
    let first = Titles::of(&head);
    let named = last.custom.or(first.custom).or(last.own).or(first.own);
    Ok(named.or_else(|| first_words(&head)))
}

impl Titles {
    fn of(bytes: &[u8]) -> Self {
        let mut titles = Self::default();
        // Only these lines are parsed: a transcript has many long ones.
        for line in bytes.split(|byte| *byte == b'\n') {
            if memmem::find(line, b"-title\"").is_none() {
                continue;
            }
            let Ok(entry) = serde_json::from_slice::<Entry<'_>>(line) else {
                continue;
            };
            match &*entry.r#type {
                // `/rename` without a name may clear the title.
                "custom-title" => titles.custom = entry.custom_title.and_then(shown),
                "ai-title" => titles.own = entry.ai_title.and_then(shown),
                _ => {}
            }
        }
        titles
    }
}

/// The first line of the user's first prompt.
fn first_words(head: &[u8]) -> Option<String> {
    // The last line may be cut.
    let end = memchr::memrchr(b'\n', head).map_or(0, |at| at + 1);
    let turns = lines(&head[..end], 0, Turns::default()).finish();
    let prompts = turns.iter().filter(|turn| turn.role == Role::User);
    prompts.filter_map(line_of).find_map(shown)
}

fn line_of(turn: &Turn) -> Option<Cow<'_, str>> {
    let mut texts = turn.blocks.iter().filter_map(|block| match block {
        Block::Text { text } => Some(text.as_str()),
        _ => None,
    });
    // The command that began the conversation says nothing about it.
    let is_said = |line: &&str| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with("/clear")
    };
    let line = texts.find_map(|text| text.lines().find(is_said))?;
    Some(Cow::Borrowed(line))
}

/// A title in one line of at most [`TITLE_MAX`] characters; `None` for an empty one.
fn shown(title: Cow<'_, str>) -> Option<String> {
    let is_gap = |character: char| character.is_control() || character.is_whitespace();
    let words: Vec<&str> = title
        .split(is_gap)
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    if line.chars().count() <= TITLE_MAX {
        return Some(line).filter(|line| !line.is_empty());
    }
    let cut: String = line.chars().take(TITLE_MAX - 1).collect();
    Some(format!("{}…", cut.trim_end()))
}

fn part<R: Read + Seek>(transcript: &mut R, from: u64, count: u64) -> io::Result<Vec<u8>> {
    transcript.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    transcript.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn user(text: &str) -> String {
        let content = serde_json::to_string(text).unwrap();
        format!(
            "{{\"type\":\"user\",\"uuid\":\"u\",\"message\":{{\"role\":\"user\",\"content\":{content}}}}}\n"
        )
    }

    fn custom(title: &str) -> String {
        format!("{{\"type\":\"custom-title\",\"customTitle\":\"{title}\",\"sessionId\":\"s\"}}\n")
    }

    fn own(title: &str) -> String {
        format!("{{\"type\":\"ai-title\",\"aiTitle\":\"{title}\",\"sessionId\":\"s\"}}\n")
    }

    #[track_caller]
    fn check(transcript: &str, expected: Option<&str>) {
        let found = title(&mut Cursor::new(transcript)).unwrap();
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn the_users_title_comes_before_all_others() {
        check(&user("fix the login"), Some("fix the login"));
        check(&(user("fix") + &own("Login fix")), Some("Login fix"));
        check(
            &(user("fix") + &custom("mine") + &own("Login fix")),
            Some("mine"),
        );
        check(
            &(custom("old") + &user("fix") + &custom("new")),
            Some("new"),
        );
        check(&(custom("old") + &custom("") + &user("fix")), Some("fix"));
        check("", None);
        check("no JSON\n{\"type\":\"custom-title\"", None);
    }

    #[test]
    fn both_ends_of_a_long_transcript_count() {
        let noise = user("x").repeat(20_000);
        check(&(custom("first") + &noise), Some("first"));
        check(&(own("first") + &noise + &custom("last")), Some("last"));
        check(&(user("begin\nnow") + &noise), Some("begin"));
    }

    #[test]
    fn titles_are_one_short_line() {
        check(&user("\n  /clear\n"), None);
        check(
            &(user("/clear") + &user("\n  next\tstep\nmore")),
            Some("next step"),
        );
        let found = title(&mut Cursor::new(user(&"é".repeat(500))))
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.chars().count(), found.ends_with('…')),
            (TITLE_MAX, true)
        );
    }
}
