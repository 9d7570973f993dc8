//! Finds the shipped milestones and the current one in the planning documents.

mod standing;

use std::collections::BTreeMap;

use super::{
    MILESTONES_MAX, Milestone,
    files::Entry,
    markdown::{cut, field, heading, lines},
    name::Number,
};
pub(super) use standing::{Standing, standing};

/// Most digits per part of a version, and most parts.
const DIGITS_MAX: usize = 6;
const PARTS_MAX: usize = 4;

/// A milestone in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MilestoneLine {
    milestone: Milestone,
    standing: Standing,
    /// The first and last phase, if the line gives them.
    range: Option<(Number, Number)>,
}

impl MilestoneLine {
    pub(super) fn version(&self) -> &str {
        &self.milestone.version
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    pub(super) fn is_shipped(&self) -> bool {
        self.standing == Standing::Shipped
    }

    fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Active | Standing::Planned)
    }

    /// Whether the milestone's range has a phase.
    pub(super) fn has(&self, phase: &Number) -> bool {
        let range = self.range.as_ref();
        range.is_some_and(|(first, last)| first <= phase && phase.whole() <= last.whole())
    }
}

/// The version of a milestone in a heading, or the heading of a milestone without a version.
pub(super) fn in_title(title: &str) -> Option<String> {
    let words = title.split(|between: char| {
        between.is_whitespace()
            || [':', '(', ')', '*', '[', ']', ',', '_', '/', '<', '>'].contains(&between)
    });
    if let Some((version, _)) = words.filter_map(version).next() {
        return Some(version.to_owned());
    }
    let start = title.trim_start_matches(|first: char| !first.is_alphanumeric());
    let (word, rest) = start.split_once(' ')?;
    let is_milestone = ["milestone", "meilenstein", "hito", "marco", "jalon"]
        .contains(&word.to_lowercase().as_str());
    let (number, _) = Number::take(rest.trim_start()).filter(|_| is_milestone)?;
    Some(format!("{word} {number}"))
}

/// The version in a cell: `v1.0`, `v1.0 MVP`.
pub(super) fn version_in(cell: &str) -> Option<&str> {
    let start = cell.trim_start_matches(|first: char| !first.is_alphanumeric());
    Some(version(start)?.0)
}

/// Whether two texts have the same version: `v1` is `v1.0`.
pub(super) fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let numbers = text.trim().trim_start_matches(['v', 'V']);
        let mut parts: Vec<u32> = numbers
            .split_whitespace()
            .next()?
            .split('.')
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
        while parts.last() == Some(&0) {
            parts.pop();
        }
        Some(parts)
    };
    match (plain(one), plain(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.trim().eq_ignore_ascii_case(other.trim()),
    }
}

/// The range in `Phases 1-4` or `Phase 5`.
fn range(text: &str) -> Option<(Number, Number)> {
    let at = text.find("phase")?;
    let rest = text[at..].trim_start_matches(char::is_alphabetic);
    let rest = rest.trim_start_matches([' ', ':', '*', '\u{a0}']);
    let (first, rest) = Number::take(rest)?;
    let last = rest
        .trim_start()
        .strip_prefix(['-', '–', '—'])
        .and_then(|rest| Number::take(rest.trim_start()))
        .map_or_else(|| first.clone(), |(last, _)| last);
    Some((first, last))
}

/// Parses a line with a milestone at its beginning: `✅ **v1.0 MVP** - Phases 1-4 (shipped
/// 2026-01-24)`, `v1.0 MVP (Shipped: 2026-01-24)`.
pub(super) fn milestone_line(text: &str) -> Option<MilestoneLine> {
    let start = text.trim_start_matches(|character: char| {
        !character.is_alphanumeric() && character != '[' && character != '<'
    });
    let (version, rest) = version(start)?;
    let name = rest.trim_start_matches([':', '-', '–', '—', ' ']);
    let end = ["**", "(", " - ", " — ", " – "]
        .iter()
        .filter_map(|end| name.find(end))
        .min()
        .unwrap_or(name.len());
    let lower = rest.to_lowercase();
    let standing = match standing(text) {
        _ if lower.contains("shipped") => Standing::Shipped,
        standing => standing,
    };
    Some(MilestoneLine {
        milestone: Milestone {
            version: version.to_owned(),
            name: cut(&name[..end]),
            shipped: ["shipped", "completed"]
                .iter()
                .find_map(|word| date_in(lower.split_once(word)?.1)),
        },
        standing,
        range: range(&lower),
    })
}

/// Splits a leading version such as `v1.0` or `v7` from the rest of a text.
fn version(text: &str) -> Option<(&str, &str)> {
    let numbers = text.strip_prefix('v')?;
    let end = numbers
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(numbers.len());
    let digits = numbers[..end].trim_end_matches('.');
    let mut parts = digits.split('.');
    let good = parts.clone().count() <= PARTS_MAX
        && parts.all(|part| (1..=DIGITS_MAX).contains(&part.len()));
    let rest = &numbers[digits.len()..];
    (good && !rest.starts_with(char::is_alphanumeric)).then(|| (&text[..=digits.len()], rest))
}

/// The sort key of a version.
pub(super) fn key(version: &str) -> Vec<u32> {
    version[1..]
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect()
}

/// Finds a day in the form `2026-01-24`.
fn date_in(text: &str) -> Option<String> {
    let at = text.find(|character: char| character.is_ascii_digit())?;
    let day = text.get(at..at + 10)?;
    let is_day = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_day.then(|| day.to_owned())
}

/// Collects the shipped milestones from `MILESTONES.md`, the roadmap, and the archive's files
/// `vX.Y-ROADMAP.md`.
pub(super) fn shipped(text: &str, roadmap: &[MilestoneLine], archive: &[Entry]) -> Vec<Milestone> {
    let listed = lines(text)
        .filter_map(|line| milestone_line(heading(line)?.1))
        // The file lists shipped milestones, unless a line says otherwise.
        .filter(|told| !told.is_open());
    let archived = archive.iter().filter_map(|entry| {
        let (version, rest) = version(&entry.name)?;
        (rest == "-ROADMAP.md" && !entry.is_dir).then(|| MilestoneLine {
            milestone: Milestone {
                version: version.to_owned(),
                name: None,
                shipped: None,
            },
            standing: Standing::Shipped,
            range: None,
        })
    });
    let mut found: BTreeMap<Vec<u32>, Milestone> = BTreeMap::new();
    for told in listed
        .chain(roadmap.iter().filter(|told| told.is_shipped()).cloned())
        .chain(archived)
    {
        let key = key(&told.milestone.version);
        if let Some(milestone) = found.get_mut(&key) {
            milestone.name = milestone.name.take().or(told.milestone.name);
            milestone.shipped = milestone.shipped.take().or(told.milestone.shipped);
        } else if found.len() < MILESTONES_MAX {
            found.insert(key, told.milestone);
        }
    }
    found.into_values().collect()
}

/// The version in the heading `Current Milestone: v1.1 Name` of `PROJECT.md`.
pub(super) fn current(project: &str) -> Option<String> {
    lines(project).find_map(|line| {
        let (_, title) = heading(line)?;
        let (label, rest) = title.split_once(':')?;
        let is_current = label.trim().eq_ignore_ascii_case("current milestone");
        let (version, _) = version(rest.trim()).filter(|_| is_current)?;
        Some(version.to_owned())
    })
}

/// The milestone in work by the roadmap, otherwise its first unshipped one.
pub(super) fn in_progress(roadmap: &[MilestoneLine]) -> Option<String> {
    let is_active = |told: &&MilestoneLine| told.standing == Standing::Active;
    let is_soon = |told: &&MilestoneLine| told.standing == Standing::Unknown;
    roadmap
        .iter()
        .find(is_active)
        .or_else(|| roadmap.iter().find(is_soon))
        .or_else(|| roadmap.iter().find(|told| !told.is_shipped()))
        .map(|told| told.milestone.version.clone())
}

/// The phases that `MILESTONES.md` gives for each shipped milestone.
pub(super) fn ranges(text: &str) -> Vec<MilestoneLine> {
    let mut found: Vec<MilestoneLine> = Vec::new();
    for line in lines(text) {
        if let Some((_, title)) = heading(line) {
            let told = milestone_line(title).filter(|told| !told.is_open());
            if found.len() < MILESTONES_MAX {
                found.extend(told);
            }
        } else if let Some(last) = found.last_mut().filter(|last| last.range.is_none())
            && let Some((key, _)) = field(line)
            && key.starts_with("phases")
        {
            last.range = range(&line.to_lowercase());
            last.standing = Standing::Shipped;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_milestones() {
        for (line, version, name, shipped, is_shipped) in [
            (
                "✅ **v1.0 MVP** - Phases 1-4 (shipped 2026-01-24)",
                "v1.0",
                Some("MVP"),
                Some("2026-01-24"),
                true,
            ),
            (
                "🚧 **v1.1 More things** - Phases 5-6 (in progress)",
                "v1.1",
                Some("More things"),
                None,
                false,
            ),
            (
                "v7 Sessions (Shipped: 2026-02-01)",
                "v7",
                Some("Sessions"),
                Some("2026-02-01"),
                true,
            ),
            (
                "✅ **v1.9.1 Sync** — Phases 18-20 (completed 2026-02-19)",
                "v1.9.1",
                Some("Sync"),
                Some("2026-02-19"),
                true,
            ),
            ("v1.0.2: Repair", "v1.0.2", Some("Repair"), None, false),
            ("v2 (shipped soon)", "v2", None, None, true),
        ] {
            let told = milestone_line(line).unwrap();
            let milestone = &told.milestone;
            assert_eq!(
                (
                    milestone.version.as_str(),
                    milestone.name.as_deref(),
                    milestone.shipped.as_deref(),
                    told.is_shipped()
                ),
                (version, name, shipped, is_shipped),
                "{line}"
            );
        }
        for line in [
            "",
            "v",
            "v.",
            "very good",
            "v1x",
            "v1..2",
            "see v1.0",
            "v12345678",
        ] {
            assert_eq!(milestone_line(line), None, "{line}");
        }
    }

    #[test]
    fn shipped_milestones_have_three_sources() {
        let roadmap = [
            milestone_line("✅ **v1.10 Ten** - x").unwrap(),
            milestone_line("🚧 **v2.0 Next** - x").unwrap(),
        ];
        let entry = |name: &str| Entry {
            name: name.into(),
            is_dir: false,
            modified: None,
        };
        let archive = [
            entry("v1.0-ROADMAP.md"),
            entry("v1.9-ROADMAP.md"),
            entry("v1.8-REQUIREMENTS.md"),
        ];
        let text = "# Milestones\n## v1.0 MVP (Shipped: 2026-01-24)\n## v3 Later (In progress)\n";
        let found = shipped(text, &roadmap, &archive);
        let told: Vec<_> = found
            .iter()
            .map(|milestone| (milestone.version.as_str(), milestone.name.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("v1.0", Some("MVP")),
                ("v1.9", None),
                ("v1.10", Some("Ten"))
            ]
        );
        assert_eq!(found[0].shipped.as_deref(), Some("2026-01-24"));
        assert_eq!(in_progress(&roadmap).as_deref(), Some("v2.0"));
        assert_eq!(
            current("# P\n## Current Milestone: v1.1 Name\n").as_deref(),
            Some("v1.1")
        );
    }
}
