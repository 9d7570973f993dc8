//! Prepares the text of a roadmap: comments, a code block around all of it, and folds.

use std::{borrow::Cow, collections::BTreeSet};

use crate::planning::markdown::{fence, numbered_lines};

/// Removes comments, keeping the line ends. An unfinished comment stays.
pub(super) fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains("<!--") {
        return Cow::Borrowed(text);
    }
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, comment)) = rest.split_once("<!--") {
        let Some((comment, after)) = comment.split_once("-->") else {
            break;
        };
        kept.push_str(before);
        kept.extend(comment.chars().filter(|one| *one == '\n'));
        rest = after;
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// The text in a code block around the whole document, and the number of lines before it.
pub(super) fn without_wrapping(text: &str) -> (&str, usize) {
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        at += line.len();
        match fence(line) {
            Some((_, _, "markdown" | "md")) => return (&text[at..], number + 1),
            None if line.trim().is_empty() => {}
            _ => break,
        }
    }
    (text, 0)
}

/// The numbers of the lines whose `<details>` is closed later: an unfinished one folds nothing.
pub(super) fn folds(text: &str) -> BTreeSet<usize> {
    let mut open = Vec::new();
    let mut closed = BTreeSet::new();
    for (number, line) in numbered_lines(text) {
        if line.contains("<details") {
            open.push(number);
        }
        if line.contains("</details") {
            closed.extend(open.pop());
        }
    }
    closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_keep_their_line_ends() {
        assert_eq!(without_comments("a<!-- b\nc --> d\n"), "a\n d\n");
        assert_eq!(without_comments("a <!-- b"), "a <!-- b");
    }

    #[test]
    fn a_wrapping_block_is_removed() {
        assert_eq!(without_wrapping("\n```markdown\na\n```\n"), ("a\n```\n", 2));
        assert_eq!(without_wrapping("a\n```md\n"), ("a\n```md\n", 0));
    }

    #[test]
    fn only_closed_folds_count() {
        let text = "<details>\n<details>\n</details>\n";
        assert_eq!(folds(text), BTreeSet::from([2]));
    }
}
