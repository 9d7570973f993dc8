//! Tells the state of a milestone from a line of text.

/// The state of a milestone, as a text tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::planning) enum Standing {
    Shipped,
    /// In work.
    Active,
    /// Planned for later.
    Planned,
    /// Not planned at all, but kept in mind.
    Backlog,
    #[default]
    Unknown,
}

/// The state of a milestone in a heading, a summary or an item: by a sign, otherwise by a word that
/// is no part of a name.
pub(in crate::planning) fn standing(text: &str) -> Standing {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let ends_complete = lower
        .trim_end_matches(|last: char| !last.is_alphanumeric())
        .split_whitespace()
        .next_back()
        .is_some_and(|last| ["complete", "(complete", "done", "(done"].contains(&last));
    if text.contains(['✅', '✔', '☑']) {
        Standing::Shipped
    } else if text.contains(['🚧', '🔄', '▶'])
        || has(&[
            "in progress",
            "current milestone",
            "(current",
            "(active",
            "ongoing",
            "en curso",
            "in arbeit",
            "en cours",
        ])
    {
        Standing::Active
    } else if text.contains(['📋', '🔜', '⏳', '⏸', '🔮'])
        || has(&[
            "planned",
            "not started",
            "upcoming",
            "(future",
            "(next",
            "(later",
        ])
    {
        Standing::Planned
    } else if has(&[
        "shipped",
        "released",
        "archived",
        "completed",
        "abgeschlossen",
    ]) || ends_complete
    {
        Standing::Shipped
    } else {
        Standing::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_words_tell_the_standing() {
        for (text, expected) in [
            ("✅ v1.0 MVP", Standing::Shipped),
            ("v1.0 MVP (shipped 2026-01-24)", Standing::Shipped),
            ("v1.0 MVP — COMPLETE", Standing::Shipped),
            ("🚧 v1.1 More", Standing::Active),
            ("v1.1 More (in progress)", Standing::Active),
            ("📋 v2.0 Later", Standing::Planned),
            ("v2.0 (planned)", Standing::Planned),
            ("v1.1 Complete rewrite", Standing::Unknown),
            ("v1.1 Next generation", Standing::Unknown),
        ] {
            assert_eq!(standing(text), expected, "{text}");
        }
    }
}
