//! Parses the names of phase folders and their files, in both dialects.

use std::fmt;

/// Most digits of a phase number, and most parts after its dots.
const DIGITS_MAX: usize = 6;
const PARTS_MAX: usize = 4;
/// The number under which a project parks ideas: `999.1`.
const BACKLOG: u32 = 999;
/// Longest project code before a number, in bytes, as in `CK-01-slug`.
const CODE_MAX: usize = 10;

/// The number of a phase or a plan: `3`, `3.1`, `12A`, `12A.1`; ordered like the work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    whole: u32,
    letter: Option<char>,
    parts: Vec<u32>,
}

impl Number {
    /// Splits a leading number from the rest of a text.
    pub(super) fn take(text: &str) -> Option<(Self, &str)> {
        let (whole, mut rest) = digits(text)?;
        let mut letter = None;
        if let Some(first) = rest.chars().next().filter(char::is_ascii_alphabetic) {
            letter = Some(first.to_ascii_uppercase());
            rest = &rest[1..];
        }
        let mut parts = Vec::new();
        while let Some((part, after)) = rest.strip_prefix('.').and_then(digits) {
            parts.push(part);
            rest = after;
        }
        let ends = parts.len() <= PARTS_MAX && !rest.starts_with(char::is_alphanumeric);
        ends.then_some((
            Self {
                whole,
                letter,
                parts,
            },
            rest,
        ))
    }

    /// The number before the first dot.
    pub(super) fn whole(&self) -> u32 {
        self.whole
    }

    /// Whether the phase is in the backlog: `999`, `999.1`.
    pub(super) fn is_backlog(&self) -> bool {
        self.whole == BACKLOG && self.letter.is_none()
    }

    /// The number with two digits at least, as in file names.
    pub(super) fn padded(&self) -> String {
        let text = self.to_string();
        if self.whole < 10 {
            format!("0{text}")
        } else {
            text
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.whole)?;
        if let Some(letter) = self.letter {
            write!(f, "{letter}")?;
        }
        self.parts.iter().try_for_each(|part| write!(f, ".{part}"))
    }
}

fn digits(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    if end > DIGITS_MAX {
        return None;
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Removes a project code before a number.
pub(super) fn without_code(text: &str) -> &str {
    match text.split_once('-') {
        Some((code, rest))
            if code.len() <= CODE_MAX
                && code.starts_with(|first: char| first.is_ascii_uppercase())
                && code.bytes().all(|byte| {
                    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
                })
                && rest.starts_with(|first: char| first.is_ascii_digit()) =>
        {
            rest
        }
        _ => text,
    }
}

/// Parses the number and slug of a phase's folder.
pub(super) fn folder(name: &str) -> Option<(Number, Option<&str>)> {
    let (number, rest) = Number::take(without_code(name))?;
    if rest.is_empty() {
        return Some((number, None));
    }
    let slug = rest.strip_prefix('-')?;
    Some((number, (!slug.is_empty()).then_some(slug)))
}

/// The kind of a file in a phase's folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PhaseFile {
    /// A plan, by its id.
    Plan(String),
    /// The summary of the plan of this id.
    Summary(String),
    /// The result of a verification.
    Verification,
    /// The result of an acceptance test.
    Uat,
    /// The context document.
    Context,
    /// The research document.
    Research,
}

/// Classifies the file `name` in the folder of `phase`, in any form: `03-02-PLAN.md`,
/// `PLAN-02-slug.md`, `3-PLAN-02-slug.md` or `PLAN.md`.
pub(super) fn file(name: &str, phase: &Number) -> Option<PhaseFile> {
    let stem = name.strip_suffix(".md")?;
    // By-products of planning.
    if stem.ends_with("-OUTLINE") || stem.ends_with(".pre-bounce") {
        return None;
    }
    let mut start = 0;
    for word in stem.split('-') {
        let before = stem[..start].trim_end_matches('-');
        let after = stem[start + word.len()..].trim_start_matches('-');
        match word {
            "PLAN" => return Some(PhaseFile::Plan(id(before, after, phase))),
            "SUMMARY" => return Some(PhaseFile::Summary(id(before, after, phase))),
            "VERIFICATION" if after.is_empty() => return Some(PhaseFile::Verification),
            "UAT" if after.is_empty() => return Some(PhaseFile::Uat),
            "CONTEXT" if after.is_empty() => return Some(PhaseFile::Context),
            "RESEARCH" if after.is_empty() => return Some(PhaseFile::Research),
            _ => start += word.len() + 1,
        }
    }
    None
}

/// Builds the id of a plan from the text before and after the word `PLAN`.
fn id(before: &str, after: &str, phase: &Number) -> String {
    let (phase, rest) = Number::take(without_code(before)).map_or_else(
        || (phase.padded(), before),
        |(own, rest)| (own.padded(), rest.trim_start_matches('-')),
    );
    let label = if rest.is_empty() { after } else { rest };
    if label.is_empty() {
        return phase;
    }
    match Number::take(label) {
        Some((plan, _)) => format!("{phase}-{}", plan.padded()),
        None => format!("{phase}-{label}"),
    }
}

/// Parses the id of a plan in a roadmap: `03-02`.
pub(super) fn plan_id(text: &str) -> Option<(String, &str)> {
    let (phase, rest) = Number::take(without_code(text))?;
    let (plan, rest) = Number::take(rest.strip_prefix('-')?)?;
    Some((format!("{}-{}", phase.padded(), plan.padded()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        let (number, rest) = Number::take(text).unwrap();
        assert_eq!(rest, "");
        number
    }

    #[test]
    fn folder_names_have_many_forms() {
        for (name, number, slug) in [
            ("03-terminal", "3", Some("terminal")),
            ("3", "3", None),
            ("03-", "3", None),
            ("03.1-hot-fix", "3.1", Some("hot-fix")),
            ("12A-more", "12A", Some("more")),
            ("12a.2.10-more", "12A.2.10", Some("more")),
            ("CK-01-start", "1", Some("start")),
            ("100-é", "100", Some("é")),
        ] {
            let (found, found_slug) = folder(name).unwrap();
            assert_eq!((found.to_string().as_str(), found_slug), (number, slug));
        }
        for name in [
            "",
            "-",
            "notes",
            "03_x",
            "3rd-try",
            "ck-01-x",
            "99999999-x",
            "1.1.1.1.1.1-x",
            "é-01",
            "03.-x",
        ] {
            assert_eq!(folder(name), None, "{name}");
        }
    }

    #[test]
    fn numbers_are_ordered_like_the_work() {
        let ordered = ["2", "3", "3.1", "3.2", "3.10", "3A", "3B.1", "4", "10"].map(number);
        assert!(ordered.is_sorted());
    }

    #[test]
    fn file_names_have_many_forms() {
        let plan = |id: &str| Some(PhaseFile::Plan(id.into()));
        let summary = |id: &str| Some(PhaseFile::Summary(id.into()));
        for (name, kind) in [
            ("03-02-PLAN.md", plan("03-02")),
            ("3-2-PLAN.md", plan("03-02")),
            ("PLAN-02-slug.md", plan("03-02")),
            ("3-PLAN-02-slug.md", plan("03-02")),
            ("CK-03-02-PLAN.md", plan("03-02")),
            ("03-02-some-slug-PLAN.md", plan("03-02")),
            ("03.1-02-PLAN.md", plan("03.1-02")),
            ("PLAN.md", plan("03")),
            ("03-PLAN.md", plan("03")),
            ("setup-PLAN.md", plan("03-setup")),
            ("3-PLAN-DELTA-2026-05-05.md", plan("03-DELTA-2026-05-05")),
            ("03-02-SUMMARY.md", summary("03-02")),
            ("SUMMARY-02-slug.md", summary("03-02")),
            ("SUMMARY.md", summary("03")),
            ("03-VERIFICATION.md", Some(PhaseFile::Verification)),
            ("VERIFICATION.md", Some(PhaseFile::Verification)),
            ("03-CONTEXT.md", Some(PhaseFile::Context)),
            ("RESEARCH.md", Some(PhaseFile::Research)),
            ("3-PLAN-OUTLINE.md", None),
            ("03-02-PLAN.pre-bounce.md", None),
            ("PLAN-02.pre-bounce.md", None),
            ("03-UAT.md", Some(PhaseFile::Uat)),
            ("UAT-notes.md", None),
            ("PLANNING.md", None),
            ("03-02-PLAN.txt", None),
            ("notes.md", None),
            (".md", None),
        ] {
            assert_eq!(file(name, &number("03")), kind, "{name}");
        }
    }
}
