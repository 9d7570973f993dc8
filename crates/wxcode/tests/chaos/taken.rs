//! The agents' own record of a project: the truth about commands and conversations.

use std::{collections::HashMap, fs, path::Path};

use serde::Deserialize;

use super::step::Word;

/// The record's name, in the agent's working folder.
pub(crate) const FILE: &str = ".taken.jsonl";

/// A line of the record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Entry {
    Took {
        took: String,
    },
    Began {
        began: String,
        pid: i32,
        /// Whether the hook's report arrived.
        told: bool,
    },
}

/// The record of a project; empty before the project's first agent.
pub(crate) fn read(workspace: &Path) -> Result<Vec<Entry>, String> {
    let text = fs::read_to_string(workspace.join(FILE)).unwrap_or_default();
    // A killed agent may omit a line but never halves one; the last line may be on its way.
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let parse = |line: &str| serde_json::from_str(line).map_err(|error| format!("{line}: {error}"));
    whole.lines().map(parse).collect()
}

/// A word's form in a text.
pub(crate) fn spell(word: Word) -> String {
    format!("w{word}.")
}

/// The words in a text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    text.match_indices('w').filter_map(|(at, _)| {
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        if rest[end..].starts_with('.') {
            rest[..end].parse().ok()
        } else {
            None
        }
    })
}

/// Checks the words of a conversation: each was submitted at most once, and a word in the input box
/// stands there once and was not submitted.
pub(crate) fn no_word_twice(entries: &[Entry], draft: &str) -> Result<(), String> {
    let mut seen: HashMap<Word, &str> = HashMap::new();
    let taken = entries.iter().filter_map(|entry| match entry {
        Entry::Took { took } => Some(took.as_str()),
        Entry::Began { .. } => None,
    });
    for text in taken.chain([draft]) {
        for word in words(text) {
            if let Some(before) = seen.insert(word, text) {
                let word = spell(word);
                return Err(format!(
                    "{word} was typed twice: in {before:?} and in {text:?}"
                ));
            }
        }
    }
    Ok(())
}

/// The text in the agent's input box, between the last two borders of the screen.
pub(crate) fn draft(screen: &str) -> String {
    let lines: Vec<&str> = screen.lines().collect();
    let rules = |(_, line): &(usize, &&str)| line.starts_with('─');
    let mut rules = lines.iter().enumerate().rev().filter(rules);
    let (Some((below, _)), Some((above, _))) = (rules.next(), rules.next()) else {
        return String::new();
    };
    // The first two columns hold the mark.
    let text = |line: &&str| line.chars().skip(2).collect::<String>();
    lines[above + 1..below].iter().map(text).collect()
}

/// The number of submissions of exactly this text.
pub(crate) fn times(entries: &[Entry], text: &str) -> usize {
    let is = |entry: &&Entry| matches!(entry, Entry::Took { took } if took.trim_end() == text.trim_end());
    entries.iter().filter(is).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(text: &str) -> Entry {
        Entry::Took {
            took: text.to_owned(),
        }
    }

    #[test]
    fn a_repeated_word_is_found() {
        let once = [took("draft w1.draft w2."), took("w11. and w22.")];
        assert_eq!(no_word_twice(&once, "w33."), Ok(()));
        for again in ["w2.", "a draft w2.w3.", "w3.w3."] {
            let all = [once.to_vec(), vec![took(again)]].concat();
            assert!(no_word_twice(&all, "").is_err(), "{again}");
            assert!(no_word_twice(&once, again).is_err(), "{again}");
        }
        assert_eq!(times(&once, "w11. and w22.\n"), 1);
        assert_eq!(times(&once, "w11."), 0);
    }

    #[test]
    fn a_draft_is_read_from_the_screen() {
        let rule = "─".repeat(12);
        let screen = format!("❯ w1.\n{rule}\n❯ draft w2\n  .draft w3.\n{rule}\n  fake mode on\n");
        assert_eq!(draft(&screen), "draft w2.draft w3.");
        assert_eq!(draft("none"), "");
    }

    #[test]
    fn the_agents_record_is_parsed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), Ok(Vec::new()));
        let lines = "{\"took\":\"hello\",\"conversation\":\"a\",\"pid\":7}\n{\"began\":\"a\",\"source\":\"clear\",\"told\":true,\"pid\":7}\n{\"to";
        fs::write(folder.path().join(FILE), lines).unwrap();
        let began = Entry::Began {
            began: "a".to_owned(),
            pid: 7,
            told: true,
        };
        assert_eq!(read(folder.path()), Ok(vec![took("hello"), began]));
    }
}
