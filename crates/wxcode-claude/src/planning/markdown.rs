//! Parses the few forms of Markdown and front matter in the documents.

use super::TEXT_MAX;

/// Longest name of a field, in bytes; anything longer is a sentence with a colon.
const KEY_MAX: usize = 40;

/// The lines outside of code blocks.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    numbered_lines(text).map(|(_, line)| line)
}

/// The lines outside of code blocks, with their numbers from 1.
pub(super) fn numbered_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    // The opening fence: its character and length.
    let mut open: Option<(char, usize)> = None;
    text.lines().enumerate().filter_map(move |(at, line)| {
        match (open, fence(line)) {
            (None, Some((character, length, _))) => open = Some((character, length)),
            (None, None) => return Some((at + 1, line)),
            (Some(opened), Some((character, length, "")))
                if opened.0 == character && length >= opened.1 =>
            {
                open = None;
            }
            (Some(_), _) => {}
        }
        None
    })
}

/// The character and length of a code block's fence, and the text after it.
pub(super) fn fence(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim();
    let character = line
        .chars()
        .next()
        .filter(|first| ['`', '~'].contains(first))?;
    let info = line.trim_start_matches(character);
    let length = line.len() - info.len();
    // A code span in a line is no fence.
    let is_span = character == '`' && info.contains('`');
    (length >= 3 && !is_span).then_some((character, length, info.trim()))
}

/// Trims a text and cuts it to its bound; `None` if nothing remains.
pub(super) fn cut(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(TEXT_MAX).collect())
}

/// The level and text of a heading.
pub(super) fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then(|| (level, text.trim()))
}

/// The text of a list item: `- x`, `* x`, `+ x`, `1. x`, `1) x`.
pub(super) fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix(['-', '*', '+', '•'])
        .or_else(|| ordered(line).map(|(_, rest)| rest))?
        .strip_prefix(' ')
        .map(str::trim)
}

/// The number of an item of an ordered list, and the text after its period.
pub(super) fn ordered(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let rest = line.trim_start_matches(|first: char| first.is_ascii_digit());
    let number = &line[..line.len() - rest.len()];
    let is_number = (1..=4).contains(&number.len());
    Some((number, rest.strip_prefix(['.', ')']).filter(|_| is_number)?))
}

/// Whether a list item's box is ticked, and the item's text.
pub(super) fn checkbox(line: &str) -> Option<(bool, &str)> {
    boxed(item(line)?)
}

/// Whether a leading box is ticked, and the text after it. A box for a state in between, such as
/// `[~]`, is not ticked.
pub(super) fn boxed(text: &str) -> Option<(bool, &str)> {
    let mut characters = text.strip_prefix('[')?.chars();
    let ticked = match characters.next()? {
        'x' | 'X' | '✓' | '✔' | '✅' => true,
        ' ' | '~' | '-' | '/' | '>' | '.' | 'o' | '!' | '?' => false,
        _ => return None,
    };
    let rest = characters.as_str().trim_start_matches('\u{fe0f}');
    let rest = rest.strip_prefix(']')?;
    // A link has the same beginning.
    (!rest.starts_with('(')).then(|| (ticked, rest.trim()))
}

/// Splits a text with leading `**` at the closing `**`; a colon may stand on either side.
pub(super) fn bold(text: &str) -> Option<(&str, &str)> {
    let (inner, rest) = text.strip_prefix("**")?.split_once("**")?;
    Some((inner.trim().trim_end_matches(':'), rest))
}

/// Parses a field in one of its forms: `Goal: x`, `**Goal:** x`, `**Goal**: x`; the name in lower
/// case.
pub(super) fn field(line: &str) -> Option<(String, &str)> {
    let line = line.trim().trim_start_matches(['-', '*', '+', '>', ' ']);
    let (key, value) = line.split_once([':', '：'])?;
    let key = key.trim_end_matches(['*', ' ']);
    if key.is_empty() || key.len() > KEY_MAX {
        return None;
    }
    Some((
        key.to_lowercase(),
        value.trim_start_matches('*').trim_end_matches('*').trim(),
    ))
}

/// The cells of a table row.
pub(super) fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?;
    let row = row.strip_suffix('|').unwrap_or(row);
    Some(row.split('|').map(str::trim).collect())
}

/// The scalars of a document's front matter, nested ones as `outer.inner`. Front matter without an
/// end extends to the end of the text.
pub(super) fn front_matter(text: &str) -> Vec<(String, String)> {
    let mut lines = text.lines();
    if lines.next().map(str::trim_end) != Some("---") {
        return Vec::new();
    }
    let mut outer = String::new();
    let mut found = Vec::new();
    for line in lines.take_while(|line| line.trim_end() != "---") {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let nested = key.starts_with([' ', '\t']);
        let key = key.trim();
        if key.is_empty() || key.starts_with(['-', '#']) {
            continue;
        }
        let value = scalar(value);
        if nested {
            found.push((format!("{outer}.{key}"), value));
        } else {
            key.clone_into(&mut outer);
            found.push((outer.clone(), value));
        }
    }
    found.retain(|(_, value)| !value.is_empty() && value != "null" && value != "~");
    found
}

fn scalar(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote))
        {
            return inner.to_owned();
        }
    }
    // An opening quote; the closing one is not written yet.
    let value = value.trim_start_matches(['"', '\'']);
    let end = value.find(" #").unwrap_or(value.len());
    value[..end].trim_end().to_owned()
}

/// The text after the front matter.
pub(super) fn body(text: &str) -> &str {
    if text.lines().next().map(str::trim_end) != Some("---") {
        return text;
    }
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        at += line.len();
        if number > 0 && line.trim_end() == "---" {
            return &text[at..];
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_three_forms() {
        for line in [
            "Goal: To run",
            "**Goal:** To run",
            "**Goal**: To run",
            "- **Goal**: To run",
            "  Goal : To run  ",
        ] {
            assert_eq!(field(line), Some(("goal".into(), "To run")), "{line}");
        }
        assert_eq!(field("no field"), None);
        assert_eq!(field(": x"), None);
        assert_eq!(field(&format!("{}: x", "a".repeat(KEY_MAX + 1))), None);
    }

    #[test]
    fn boxes_are_ticked_or_not() {
        assert_eq!(checkbox("- [x] a"), Some((true, "a")));
        assert_eq!(checkbox("  * [X] a"), Some((true, "a")));
        assert_eq!(checkbox("- [ ] a"), Some((false, "a")));
        assert_eq!(checkbox("- [~] a"), Some((false, "a")));
        assert_eq!(checkbox("1. [✓] a"), Some((true, "a")));
        for line in ["- [é] a", "- [x", "- [", "- a", "[x] a", "- [x](a)", ""] {
            assert_eq!(checkbox(line), None, "{line}");
        }
    }

    #[test]
    fn unfinished_front_matter_is_read() {
        let text =
            "---\na: 1 # one\nb: \"x: y\"\nc:\n  d: 'e'\n  - f\n# g: h\ni: null\n---\nbody: no\n";
        let expected = [("a", "1"), ("b", "x: y"), ("c.d", "e")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(front_matter(text), expected);
        assert_eq!(front_matter(&text.replace("---\nbody: no\n", "")), expected);
        assert_eq!(front_matter("a: 1\n---\n"), []);
        assert_eq!(body(text), "body: no\n");
        assert_eq!(body("plain\n---\n"), "plain\n---\n");
        assert_eq!(body("---\na: 1\n"), "");
    }

    #[test]
    fn code_blocks_are_skipped() {
        let seen: Vec<_> = lines("a\n```md\nb\n```\nc\r\n```\nd").collect();
        assert_eq!(seen, ["a", "c"]);
        let seen: Vec<_> =
            numbered_lines("~~~ md\nb\n```\n~~\n~~~\nc\n````\n```\n````\nd\n```x``` e\n").collect();
        assert_eq!(seen, [(6, "c"), (10, "d"), (11, "```x``` e")]);
    }
}
