//! Holds a phase of a roadmap, and compares the names of phases.

use crate::planning::{PHASE_REQUIREMENTS_MAX, markdown::cut, requirement};

/// A phase in the roadmap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::planning) struct RoadmapPhase {
    pub(in crate::planning) name: Option<String>,
    pub(in crate::planning) goal: Option<String>,
    pub(in crate::planning) depends_on: Option<String>,
    pub(in crate::planning) requirements: Vec<String>,
    /// The state in the table of progress.
    pub(in crate::planning) status: Option<String>,
    /// The box is ticked; without a box, a sign, a note or the table says so.
    pub(in crate::planning) ticked: bool,
    /// The phase belongs to a shipped milestone.
    pub(in crate::planning) shipped: bool,
    /// The milestone whose section or range has the phase.
    pub(in crate::planning) milestone: Option<String>,
    /// That milestone is planned for later.
    pub(in crate::planning) planned: bool,
    /// The phase is in a backlog or struck through.
    pub(in crate::planning) parked: bool,
    /// The name of a shipped phase of the same number.
    pub(in crate::planning) former: Option<String>,
    pub(super) by_box: Option<bool>,
    pub(super) by_mark: Option<bool>,
    pub(super) by_row: Option<bool>,
}

/// The kind of a line that names a phase.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Heading,
    Box,
    Mark,
    Row,
}

impl RoadmapPhase {
    /// Takes over a field of the phase's section, in one of the languages that agents write.
    pub(super) fn field(&mut self, key: &str, value: &str) {
        let fill = |field: &mut Option<String>| *field = field.take().or_else(|| cut(value));
        match key {
            "goal" | "ziel" | "objetivo" | "objectif" | "obiettivo" | "doel" | "цель" | "目标"
            | "目標" | "ゴール" | "목표" => fill(&mut self.goal),
            "depends on"
            | "dependencies"
            | "hängt ab von"
            | "abhängig von"
            | "depende de"
            | "dépend de"
            | "dipende da"
            | "зависит от"
            | "依赖" => fill(&mut self.depends_on),
            "requirements" | "anforderungen" | "requisitos" | "exigences" | "requisiti"
                if self.requirements.is_empty() =>
            {
                self.requirements = requirements(value);
            }
            _ => {}
        }
    }
}

/// Parses the ids in `AUTH-01, AUTH-02`, with or without brackets.
fn requirements(value: &str) -> Vec<String> {
    let words = value.split([',', ' ', ';', '[', ']', '`', '*']);
    words
        .filter_map(requirement::id)
        .take(PHASE_REQUIREMENTS_MAX)
        .map(str::to_owned)
        .collect()
}

/// A name in the form of a folder's name.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            slug.push(character);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// Whether two names mean the same phase: one may be the beginning of the other.
pub(in crate::planning) fn alike(one: &str, other: &str) -> bool {
    let (one, other) = (slug(one), slug(other));
    let (short, long) = if one.len() < other.len() {
        (one, other)
    } else {
        (other, one)
    };
    long.strip_prefix(&*short)
        .is_some_and(|rest| rest.is_empty() || !short.is_empty() && rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_like_folders() {
        for (one, other, expected) in [
            ("API & Auth", "api-auth", true),
            ("API", "api-and-more", true),
            ("API", "apis", false),
            ("Größe: 2", "größe-2", true),
            ("", "api", false),
            ("One", "Two", false),
        ] {
            assert_eq!(alike(one, other), expected, "{one} {other}");
            assert_eq!(alike(other, one), expected, "{other} {one}");
        }
    }
}
