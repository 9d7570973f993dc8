//! Parses the line of a roadmap that names a phase.

use std::borrow::Cow;

use super::word;
use crate::planning::{
    markdown::{boxed, cut},
    name::{Number, without_code},
};

/// Most marks removed before a phase.
const MARKS_MAX: usize = 6;

/// A phase as one line names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PhaseLine {
    pub(super) number: Number,
    pub(super) name: Option<String>,
    /// A box, sign or note tells whether the phase is done.
    pub(super) done: Option<bool>,
    /// The number ends with a separator, or the text with it: no sentence about a phase.
    pub(super) is_separate: bool,
    /// The text is struck through.
    pub(super) is_struck: bool,
}

/// The text of a line, as far as it concerns phases.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    Phase(PhaseLine),
    /// Several phases, the first and the last one: `Phase 1-9`.
    Range(Number, Number),
    /// A word for a phase, and a number in an unknown form.
    Unknown,
    Other,
}

/// Parses the text of a heading, of an item or of a cell: `Phase 3: Name`, `✅ **Phase 3: Name** -
/// purpose`, `Fase 3 — Name (2/2 plans)`, `第3阶段：名称`.
pub(super) fn parse(text: &str) -> Text {
    let (text, mut done, mut is_struck) = without_marks(text);
    let text = link(text);
    let (mut inner, mut outer) = (&*text, "");
    let mut is_bold = false;
    for mark in ["**", "__"] {
        if let Some((bold, rest)) = inner
            .strip_prefix(mark)
            .and_then(|rest| rest.split_once(mark))
        {
            (inner, outer, is_bold) = (bold, rest, true);
        }
    }
    let (inner, inner_done, struck) = without_marks(inner);
    done = done.or(inner_done);
    is_struck |= struck;
    let Some(rest) = after_word(inner) else {
        return Text::Other;
    };
    let rest = match rest {
        After::Number(number, rest) => (number, rest),
        After::Text(rest) => {
            let rest = rest.trim_start_matches([' ', '\u{a0}', '\t', '#']);
            let rest = match rest.strip_prefix('-') {
                Some(digits) if digits.starts_with(|first: char| first.is_ascii_digit()) => digits,
                _ => rest,
            };
            match Number::take(without_code(rest)) {
                Some(found) => found,
                None if word::is_numeral(rest) => return Text::Unknown,
                None => return Text::Other,
            }
        }
    };
    let (number, rest) = rest;
    if let Some(last) = range_end(rest) {
        return if last > number {
            Text::Range(number, last)
        } else {
            Text::Unknown
        };
    }
    let rest = of_total(rest);
    let separators = [
        ':', '：', '-', '–', '—', '.', ')', '）', '|', '→', '·', '、', ']', '*', '_', '~', '(',
    ];
    let start = rest.trim_start();
    let ends_there = start.is_empty() && is_bold || format!("{start}{outer}").trim().is_empty();
    let is_separate = ends_there || is_bold || start.starts_with(separators);
    let is_edge = |edge: char| edge != '(' && separators.contains(&edge) || edge.is_whitespace();
    let mut name = rest.trim_start_matches(is_edge);
    let is_whole = is_bold && !name.is_empty();
    if !is_whole && is_bold {
        name = outer.trim_start_matches(is_edge);
    } else if is_bold {
        done = done.or(word::without_notes(outer).1);
    }
    let (named, told) = name_of(name, is_whole);
    Text::Phase(PhaseLine {
        number,
        name: named,
        done: done.or(told),
        is_separate,
        is_struck,
    })
}

/// The number that begins a table's cell or a numbered item: `1`, `1. Name`, `01 - Name`.
pub(super) fn numbered(text: &str) -> Option<PhaseLine> {
    let (text, done, is_struck) = without_marks(text);
    let text = link(text);
    let text = text.trim_start_matches(['*', '_', '`']);
    let (number, rest) = Number::take(without_code(text))?;
    if range_end(rest).is_some() {
        return None;
    }
    let is_edge = |edge: char| edge.is_whitespace() || ":：.-–—)*_`·".contains(edge);
    let (name, told) = name_of(rest.trim_start_matches(is_edge), false);
    Some(PhaseLine {
        number,
        name,
        done: done.or(told),
        is_separate: true,
        is_struck,
    })
}

/// Removes boxes, signs and strokes at the beginning of a text.
fn without_marks(text: &str) -> (&str, Option<bool>, bool) {
    let mut text = text.trim();
    let (mut done, mut is_struck) = (None, false);
    for _ in 0..MARKS_MAX {
        if let Some((ticked, rest)) = boxed(text) {
            done = done.or(Some(ticked));
            text = rest;
        } else if let Some(rest) = text.strip_prefix("~~") {
            is_struck = true;
            text = rest;
        } else if let Some(first) = text.chars().next().filter(|first| {
            !first.is_alphanumeric() && !first.is_ascii() && *first != '第' && *first != '（'
        }) {
            done = done.or(word::sign(first));
            text = &text[first.len_utf8()..];
        } else {
            break;
        }
        text = text.trim_start_matches(|first: char| first.is_whitespace() || first == '\u{fe0f}');
    }
    (text, done, is_struck)
}

/// The text of a link, and the text after it.
fn link(text: &str) -> Cow<'_, str> {
    text.strip_prefix('[')
        .and_then(|rest| rest.split_once("]("))
        .and_then(|(label, rest)| Some((label, rest.split_once(')')?.1)))
        .map_or(Cow::Borrowed(text), |(label, rest)| {
            Cow::Owned(format!("{label}{rest}"))
        })
}

enum After<'a> {
    Text(&'a str),
    Number(Number, &'a str),
}

/// The text after a word for a phase, or the number before it: `第3阶段`, `3단계`, `3. Fase:`.
fn after_word(text: &str) -> Option<After<'_>> {
    if let Some(rest) = word::after_phase(text) {
        return Some(After::Text(rest));
    }
    let counted = text.strip_prefix('第').unwrap_or(text).trim_start();
    let end = counted.find(|character: char| !character.is_ascii_digit())?;
    let (number, _) = Number::take(&counted[..end])?;
    let word = counted[end..].trim_start_matches(['.', ')', ' ', '-']);
    let rest = word::after_phase(word)?;
    if rest
        .trim_start()
        .starts_with(|next: char| next.is_ascii_digit())
    {
        return Some(After::Text(rest));
    }
    // "3. Phase transitions" is another heading.
    let is_number = !word.is_ascii() || rest.trim_start().starts_with([':', '-', '*']);
    is_number.then_some(After::Number(number, rest))
}

/// The last number of a range or list, of which the first number was split off: `-9`, ` to 4:`,
/// `, 2`, ` & 3`.
fn range_end(rest: &str) -> Option<Number> {
    let tight = rest
        .strip_prefix(['-', '–', '—', '~', '‑'])
        .or_else(|| rest.strip_prefix(".."));
    if let Some(found) = tight.map(|tight| tight.trim_start_matches('.')) {
        return Some(Number::take(found)?.0);
    }
    let loose = rest.trim_start();
    let joined = [
        "to ", "through ", "bis ", "a ", "à ", "and ", "und ", "& ", "+ ", "- ", "– ", "— ", ", ",
    ]
    .iter()
    .find_map(|joint| loose.strip_prefix(joint))?;
    let (last, rest) = Number::take(joined.trim_start())?;
    // "Phase 3 - 2 factors" has a name that begins with a number.
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with([':', '：', '(', ')', ',', '&', '-', '–', '—', '*']))
        .then_some(last)
}

/// Removes the number of all phases: `Phase 1 of 4`, `Phase 1/4`.
fn of_total(rest: &str) -> &str {
    let total = rest.strip_prefix('/').or_else(|| rest.strip_prefix(" of "));
    total
        .and_then(Number::take)
        .map_or(rest, |(_, after_total)| after_total)
}

/// The name at the beginning of a text, and the state that the notes after it tell. A `whole` text
/// is a name up to its notes; another one may continue with a purpose.
fn name_of(text: &str, whole: bool) -> (Option<String>, Option<bool>) {
    // The text up to the end of a stroke.
    let text = match text.split_once("~~") {
        Some((struck, _)) if !struck.is_empty() => struck,
        _ => text,
    };
    let (mut name, mut told) = word::without_notes(text);
    let bold = ["**", "__"]
        .iter()
        .find_map(|mark| name.strip_prefix(mark)?.split_once(mark));
    if let Some((bold, _)) = bold {
        name = bold;
    } else if !whole {
        let end = word::SEPARATORS
            .iter()
            .filter_map(|end| name.find(end))
            .min();
        name = &name[..end.unwrap_or(name.len())];
    }
    let (name, again) = word::without_notes(name);
    told = told.or(again);
    let name = name.trim_matches(|around: char| {
        around.is_whitespace() || "*_`~:".contains(around) || around == '\u{fe0f}'
    });
    (cut(name), told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_have_many_forms() {
        for (text, number, name, done) in [
            ("Phase 3: Name", "3", Some("Name"), None),
            (
                "**Phase 3: Name - part** - purpose",
                "3",
                Some("Name - part"),
                None,
            ),
            ("**Phase 3**: Name - purpose", "3", Some("Name"), None),
            ("**Phase 3:** Name", "3", Some("Name"), None),
            ("Phase 3: **Name** - purpose", "3", Some("Name"), None),
            ("✅ Phase 5: Name", "5", Some("Name"), Some(true)),
            ("[x] Phase 6 — Name", "6", Some("Name"), Some(true)),
            ("[~] Phase 6", "6", None, Some(false)),
            ("🚧 **Phase 7: Name**", "7", Some("Name"), Some(false)),
            ("**✅ Phase 7: Name**", "7", Some("Name"), Some(true)),
            ("Fase 8", "8", None, None),
            ("FASE 8 - Nombre", "8", Some("Nombre"), None),
            ("フェーズ1：基盤", "1", Some("基盤"), None),
            ("第2阶段：接口", "2", Some("接口"), None),
            ("3단계: 화면", "3", Some("화면"), None),
            ("Phase 3.1: Fix (INSERTED)", "3.1", Some("Fix"), None),
            ("Phase CK-04: Name", "4", Some("Name"), None),
            ("Phase 3 - 2FA login", "3", Some("2FA login"), None),
            ("Phase 3 - 2 factors", "3", Some("2 factors"), None),
            ("Phase 1/4: Name", "1", Some("Name"), None),
            ("Phase #2: Name", "2", Some("Name"), None),
            (
                "[Phase 2: Name](phases/02.md) ✅",
                "2",
                Some("Name"),
                Some(true),
            ),
            (
                "Phase 2: Name (4/4 plans) -- completed 2026-02-28",
                "2",
                Some("Name"),
                Some(true),
            ),
            (
                "**Phase 2: Name** — completed 2026-02-28",
                "2",
                Some("Name"),
                Some(true),
            ),
            ("3. Phase: Name", "3", Some("Name"), None),
        ] {
            let Text::Phase(found) = parse(text) else {
                panic!("{text}: {:?}", parse(text));
            };
            assert_eq!(
                (
                    &*found.number.to_string(),
                    found.name.as_deref(),
                    found.done
                ),
                (number, name, done),
                "{text}"
            );
            assert!(found.is_separate, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_phases() {
        for text in [
            "Phase 1-9: Foundation",
            "Phase 1–9",
            "Phases 1 to 4",
            "Phase 1 to 4: All",
            "Phase 1, 2: Both",
            "Phase 1 & 2",
            "Phase 3 - 4: Both",
        ] {
            let is_none = matches!(parse(text), Text::Range(..) | Text::Other);
            assert!(is_none, "{text}: {:?}", parse(text));
        }
        for text in [
            "Phase One: Name",
            "Phase IV - Name",
            "Phase A: Name",
            "Phase 12345678: Name",
            "Phase 3-1: Name",
        ] {
            assert_eq!(parse(text), Text::Unknown, "{text}");
        }
        for text in [
            "Phase Details",
            "Phases",
            "Phaser 3: Game",
            "phase",
            "3. Phase transitions",
            "",
        ] {
            assert_eq!(parse(text), Text::Other, "{text}");
        }
        let Text::Phase(sentence) = parse("Phase 3 needs a key") else {
            panic!()
        };
        assert!(!sentence.is_separate);
    }
}
