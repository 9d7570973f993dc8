//! Finds words in turns: case and accents do not matter, and a word of the query is a beginning.

use std::collections::HashSet;

use serde_json::Value;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::{Block, Turn, bound::floor};

/// Most words of a query; further ones do not count.
pub const WORDS_MAX: usize = 16;
/// Longest compared beginning of a word, in bytes.
pub const WORD_MAX: usize = 64;
/// Most different words of a turn.
const TURN_WORDS_MAX: usize = 20_000;
/// The text around a hit, in bytes.
pub const EXCERPT: usize = 200;

/// The words of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query(Vec<String>);

impl Query {
    /// The words of a text; `None` without any.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut words = Vec::new();
        each_word(text, |_, word| {
            words.push(beginning(word).to_owned());
            words.len() < WORDS_MAX
        });
        (!words.is_empty()).then_some(Self(words))
    }

    /// The folded words.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// The text around the first hit, if every word of the query begins a word of the turn.
    #[must_use]
    pub fn find(&self, turn: &Turn) -> Option<String> {
        let mut open: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let mut snippet = None;
        for text in texts(turn) {
            each_word(text, |at, word| {
                let before = open.len();
                open.retain(|wanted| !word.starts_with(wanted));
                if open.len() < before && snippet.is_none() {
                    snippet = Some(around(text, at));
                }
                !open.is_empty()
            });
            if open.is_empty() {
                return snippet;
            }
        }
        None
    }
}

/// The different words of a turn, folded, with spaces between.
#[must_use]
pub fn words(turn: &Turn) -> String {
    let mut seen = HashSet::new();
    for text in texts(turn) {
        each_word(text, |_, word| {
            let word = beginning(word);
            if !seen.contains(word) {
                seen.insert(word.to_owned());
            }
            seen.len() < TURN_WORDS_MAX
        });
    }
    let mut words: Vec<String> = seen.into_iter().collect();
    words.sort_unstable();
    words.join(" ")
}

fn beginning(word: &str) -> &str {
    &word[..floor(word, WORD_MAX)]
}

/// Calls `take` with each folded word and its place, until it returns false.
fn each_word(text: &str, mut take: impl FnMut(usize, &str) -> bool) {
    let mut word = String::new();
    let mut start = 0;
    for (at, char) in text.char_indices() {
        if char.is_ascii() {
            if char.is_ascii_alphanumeric() {
                if word.is_empty() {
                    start = at;
                }
                word.push(char.to_ascii_lowercase());
                continue;
            }
        } else if is_combining_mark(char) {
            continue;
        } else if char.is_alphanumeric() {
            if word.is_empty() {
                start = at;
            }
            let bare = char
                .nfkd()
                .filter(|char| char.is_alphanumeric() && !is_combining_mark(*char));
            word.extend(bare.flat_map(char::to_lowercase));
            continue;
        }
        if !word.is_empty() {
            if !take(start, &word) {
                return;
            }
            word.clear();
        }
    }
    if !word.is_empty() {
        take(start, &word);
    }
}

/// The text around a place, on one line.
fn around(text: &str, at: usize) -> String {
    let from = floor(text, at.saturating_sub(EXCERPT / 4));
    let to = floor(text, from + EXCERPT);
    let words: Vec<&str> = text[from..to].split_whitespace().collect();
    let (before, after) = (
        if from > 0 { "…" } else { "" },
        if to < text.len() { "…" } else { "" },
    );
    format!("{before}{}{after}", words.join(" "))
}

/// The texts of a turn.
fn texts(turn: &Turn) -> Vec<&str> {
    let mut texts = Vec::new();
    for block in &turn.blocks {
        match block {
            Block::Text { text } | Block::Error { text } | Block::Refusal { text, .. } => {
                texts.push(text.as_str());
            }
            Block::Tool { input, result, .. } => {
                strings(input, &mut texts);
                texts.extend(result.iter().map(|result| result.text.as_str()));
            }
            Block::Question {
                questions, answers, ..
            } => {
                for question in questions {
                    texts.push(&question.question);
                    texts.extend(question.options.iter().map(String::as_str));
                }
                let answers = answers.iter().flat_map(|answers| answers.values());
                texts.extend(answers.map(String::as_str));
            }
            Block::Compaction { summary, .. } => texts.extend(summary.as_deref()),
        }
    }
    texts
}

fn strings<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(members) => members.iter().for_each(|member| strings(member, texts)),
        Value::Object(members) => members.values().for_each(|member| strings(member, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::*;

    fn turn(text: &str) -> Turn {
        Turn {
            id: "t".to_owned(),
            at: None,
            role: Role::User,
            blocks: vec![Block::Text {
                text: text.to_owned(),
            }],
            truncated: false,
            bytes: 0,
            start: 0,
            end: 0,
        }
    }

    fn finds(query: &str, text: &str) -> bool {
        Query::new(query).unwrap().find(&turn(text)).is_some()
    }

    #[test]
    fn case_and_accents_do_not_matter() {
        assert!(finds("coracao", "O CORAÇÃO bate"));
        assert!(finds("CORAÇÃO", "o coracao bate"));
        assert!(finds("coração", "o corac\u{327}a\u{303}o bate"));
        assert!(finds("ÁGUA", "água"));
    }

    #[test]
    fn every_word_is_a_beginning() {
        assert!(finds("log pa", "the page of the Login"));
        assert!(!finds("log missing", "the page of the Login"));
        assert!(!finds("ogin", "the page of the Login"));
        assert_eq!(Query::new(" ?! "), None);
    }

    #[test]
    fn a_snippet_is_the_place_of_the_hit() {
        let text = format!("{} needle {}", "a\n".repeat(500), "ção ".repeat(500));
        let snippet = Query::new("need").unwrap().find(&turn(&text)).unwrap();
        assert!(
            snippet.contains("needle") && snippet.len() < EXCERPT + 20,
            "{snippet}"
        );
        assert!(snippet.starts_with('…') && snippet.ends_with('…') && !snippet.contains('\n'));
    }
}
