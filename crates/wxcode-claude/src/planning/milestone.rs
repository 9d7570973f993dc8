//! Finds the shipped milestones and the current one in the planning documents.

use std::collections::BTreeMap;

use super::{
    MILESTONES_MAX, Milestone,
    files::Entry,
    markdown::{cut, heading, lines},
};

/// Most digits per part of a version, and most parts.
const DIGITS_MAX: usize = 6;
const PARTS_MAX: usize = 4;

/// A milestone in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MilestoneLine {
    milestone: Milestone,
    is_shipped: bool,
    /// The line says that the milestone is not finished.
    is_open: bool,
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
    Some(MilestoneLine {
        milestone: Milestone {
            version: version.to_owned(),
            name: cut(&name[..end]),
            shipped: ["shipped", "completed"]
                .iter()
                .find_map(|word| date_in(lower.split_once(word)?.1)),
        },
        is_shipped: text.contains('✅') || lower.contains("shipped"),
        is_open: ["in progress", "current", "planned"]
            .iter()
            .any(|word| lower.contains(word)),
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
fn key(version: &str) -> Vec<u32> {
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
        .filter(|told| told.is_shipped || !told.is_open);
    let archived = archive.iter().filter_map(|entry| {
        let (version, rest) = version(&entry.name)?;
        (rest == "-ROADMAP.md" && !entry.is_dir).then(|| MilestoneLine {
            milestone: Milestone {
                version: version.to_owned(),
                name: None,
                shipped: None,
            },
            is_shipped: true,
            is_open: false,
        })
    });
    let mut found: BTreeMap<Vec<u32>, Milestone> = BTreeMap::new();
    for told in listed
        .chain(roadmap.iter().filter(|told| told.is_shipped).cloned())
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

/// The first unshipped milestone of the roadmap.
pub(super) fn in_progress(roadmap: &[MilestoneLine]) -> Option<String> {
    roadmap
        .iter()
        .find(|told| !told.is_shipped)
        .map(|told| told.milestone.version.clone())
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
                    told.is_shipped
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
