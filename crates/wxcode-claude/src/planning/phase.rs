//! Joins the roadmap's phases with their folders.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    DiskStatus, PHASES_MAX, PLANS_MAX, Phase, PhaseStatus, Plan, Uat, Verification,
    VerificationStatus,
    files::{Entry, Files},
    markdown::{body, cut, field, front_matter, heading, lines},
    milestone,
    name::{self, Number, PhaseFile},
    roadmap::{Resolved, RoadmapPhase, alike},
    uat,
};

/// A phase, and its place among the milestones.
pub(super) struct Placed {
    pub(super) phase: Phase,
    /// Its milestone is planned for later.
    pub(super) planned: bool,
    /// It is in the backlog or was dropped.
    pub(super) parked: bool,
}

/// All phases in the order of their numbers.
pub(super) fn all(files: &Files, roadmap: &Resolved) -> Vec<Placed> {
    let root = Path::new("phases");
    let entries = files.list(root);
    let folders = folders(&entries);
    let archive = archive(files);
    let nothing = RoadmapPhase::default();
    let numbers: BTreeSet<&Number> = folders.keys().chain(roadmap.phases.keys()).collect();
    if numbers.len() > PHASES_MAX {
        files.truncate();
    }
    let mut plans_left = PLANS_MAX;
    let mut phases = Vec::new();
    for number in numbers.into_iter().take(PHASES_MAX) {
        let told = roadmap.phases.get(number).unwrap_or(&nothing);
        let folder = folders.get(number).and_then(|found| own(found, told));
        // No document names a folder that a shipped milestone left behind.
        let former = match roadmap.phases.contains_key(number) {
            true => None,
            false => roadmap.former(number),
        };
        // Numbers may restart with a milestone: only a shipped phase is in the archive.
        let archived = archive
            .get(number)
            .filter(|_| folder.is_none() && told.shipped);
        let path = folder.map(|entry| root.join(&entry.name));
        let shown = path
            .as_ref()
            .or(archived)
            .map(|path| Shown::read(files, path, number))
            .unwrap_or_default();
        if shown.plans.len() > plans_left {
            files.truncate();
        }
        let plans: Vec<Plan> = shown
            .plans
            .iter()
            .take(plans_left)
            .map(|(id, path)| Plan {
                id: id.clone(),
                title: roadmap
                    .plans
                    .get(id)
                    .cloned()
                    .or_else(|| title(files, path)),
                has_summary: shown.summaries.contains(id),
            })
            .collect();
        plans_left -= plans.len();
        let status = status(&plans, &shown, told.ticked);
        let phase = Phase {
            number: number.to_string(),
            name: told.name.clone(),
            slug: folder
                .and_then(|entry| name::folder(&entry.name)?.1)
                .and_then(cut),
            folder: folder.map(|entry| entry.name.clone()),
            goal: told.goal.clone(),
            depends_on: told.depends_on.clone(),
            requirements: told.requirements.clone(),
            status,
            roadmap_status: told.status.clone(),
            archived: archived.and_then(|path| Some(path.to_str()?.to_owned())),
            disk_status: if folder.is_some() || archived.is_some() {
                shown.status()
            } else {
                DiskStatus::NoDirectory
            },
            summaries: shown.summaries.len(),
            plans,
            verification: shown.verification,
            uat: shown.uat,
            has_context: shown.has_context,
            has_research: shown.has_research,
            roadmap_complete: told.ticked,
            complete: status == PhaseStatus::Complete,
            shipped: told.shipped || former.is_some(),
            milestone: told.milestone.as_deref().or(former).and_then(cut),
            current: false,
        };
        phases.push(Placed {
            phase,
            planned: told.planned,
            parked: told.parked || number.is_backlog(),
        });
    }
    phases
}

/// Chooses a phase's folder among those of its number: the one with the phase's name, otherwise the
/// last changed one. A folder with the name of a shipped phase of the number is not the phase's.
fn own<'a>(found: &[&'a Entry], told: &RoadmapPhase) -> Option<&'a Entry> {
    let is_named = |entry: &Entry, name: &Option<String>| {
        let slug = name::folder(&entry.name).and_then(|(_, slug)| slug);
        name.as_deref()
            .zip(slug)
            .is_some_and(|(name, slug)| alike(name, slug))
    };
    let newest = |entries: &mut dyn Iterator<Item = &'a Entry>| {
        // Of equal times the first name counts.
        entries.reduce(|best, entry| {
            if entry.modified > best.modified {
                entry
            } else {
                best
            }
        })
    };
    let mut named = found
        .iter()
        .copied()
        .filter(|entry| is_named(entry, &told.name));
    let is_former = |entry: &Entry| told.name.is_some() && is_named(entry, &told.former);
    let mut others = found.iter().copied().filter(|entry| !is_former(entry));
    newest(&mut named).or_else(|| newest(&mut others))
}

/// Decides the status of a phase.
fn status(plans: &[Plan], shown: &Shown, ticked: bool) -> PhaseStatus {
    let carried_out = !plans.is_empty() && plans.iter().all(|plan| plan.has_summary);
    let verified = shown.verification.as_ref().map(|found| found.status);
    match (carried_out, verified) {
        _ if ticked => PhaseStatus::Complete,
        (true, Some(VerificationStatus::Passed)) => PhaseStatus::Complete,
        (true, Some(VerificationStatus::HumanNeeded)) => PhaseStatus::NeedsReview,
        (true, _) => PhaseStatus::Executed,
        (false, _) if !shown.summaries.is_empty() => PhaseStatus::InProgress,
        (false, _) if !plans.is_empty() => PhaseStatus::Planned,
        (false, _) => PhaseStatus::Pending,
    }
}

/// Finds phase folders in the archives of shipped milestones, `milestones/v1.0-phases/`; for a
/// number in two archives the later version counts.
fn archive(files: &Files) -> BTreeMap<Number, PathBuf> {
    let root = Path::new("milestones");
    let mut archives = files.list(root);
    archives.retain(|entry| entry.is_dir && entry.name.ends_with("-phases"));
    archives.sort_by_cached_key(|entry| milestone::version_in(&entry.name).map(milestone::key));
    let mut found = BTreeMap::new();
    for milestone in archives {
        let path = root.join(&milestone.name);
        for entry in files.list(&path).iter().filter(|entry| entry.is_dir) {
            if let Some((number, _)) = name::folder(&entry.name) {
                found.insert(number, path.join(&entry.name));
            }
        }
    }
    found
}

/// Finds the folders of each phase.
fn folders(entries: &[Entry]) -> BTreeMap<Number, Vec<&Entry>> {
    let mut folders: BTreeMap<Number, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.is_dir) {
        if let Some((number, _)) = name::folder(&entry.name) {
            folders.entry(number).or_default().push(entry);
        }
    }
    folders
}

/// The content of a phase's folder.
#[derive(Default)]
struct Shown {
    /// The plan files, by id.
    plans: BTreeMap<String, PathBuf>,
    summaries: BTreeSet<String>,
    verification: Option<Verification>,
    uat: Option<Uat>,
    has_context: bool,
    has_research: bool,
}

impl Shown {
    fn read(files: &Files, folder: &Path, number: &Number) -> Self {
        let mut shown = Self::default();
        // The newer dialect keeps plans and their summaries in a separate folder.
        for folder in [folder.to_owned(), folder.join("plans")] {
            for entry in files.list(&folder).iter().filter(|entry| !entry.is_dir) {
                let path = folder.join(&entry.name);
                match name::file(&entry.name, number) {
                    Some(PhaseFile::Plan(id)) => {
                        shown.plans.entry(id).or_insert(path);
                    }
                    Some(PhaseFile::Summary(id)) => {
                        shown.summaries.insert(id);
                    }
                    Some(PhaseFile::Verification) => {
                        let text = files.head(&path).unwrap_or_default();
                        shown
                            .verification
                            .get_or_insert_with(|| verification(&text));
                    }
                    Some(PhaseFile::Uat) => {
                        let text = files.head(&path).unwrap_or_default();
                        shown.uat.get_or_insert_with(|| uat::parse(&text));
                    }
                    Some(PhaseFile::Context) => shown.has_context = true,
                    Some(PhaseFile::Research) => shown.has_research = true,
                    None => {}
                }
            }
        }
        shown
    }

    fn status(&self) -> DiskStatus {
        match (self.plans.len(), self.summaries.len()) {
            (plans, summaries) if plans > 0 && summaries >= plans => DiskStatus::Complete,
            (_, 1..) => DiskStatus::Partial,
            (1.., 0) => DiskStatus::Planned,
            (0, 0) if self.has_research => DiskStatus::Researched,
            (0, 0) if self.has_context => DiskStatus::Discussed,
            (0, 0) => DiskStatus::Empty,
        }
    }
}

/// Parses a verification: its front matter, otherwise its text.
fn verification(text: &str) -> Verification {
    let mut fields = front_matter(text);
    fields.extend(
        lines(body(text))
            .filter_map(field)
            .map(|(key, value)| (key, value.to_owned())),
    );
    let told = |key: &str| {
        fields
            .iter()
            .find(|(name, value)| name == key && !value.is_empty())
            .map(|(_, value)| value.as_str())
    };
    let status = match told("status").map(str::to_ascii_lowercase).as_deref() {
        Some("passed") => VerificationStatus::Passed,
        Some("gaps_found") => VerificationStatus::GapsFound,
        Some("human_needed") => VerificationStatus::HumanNeeded,
        Some("pending") | None => VerificationStatus::Pending,
        Some(_) => VerificationStatus::Other,
    };
    Verification {
        status,
        score: told("score").and_then(cut),
    }
}

/// The title of a plan: its first heading, or the first line of its objective.
fn title(files: &Files, path: &Path) -> Option<String> {
    let text = files.head(path)?;
    let mut in_objective = false;
    for line in lines(body(&text)) {
        if let Some((_, title)) = heading(line) {
            return cut(title);
        }
        let objective = line.trim().strip_prefix("<objective>");
        in_objective |= objective.is_some();
        let line = objective.unwrap_or(line);
        let line = line.split("</objective>").next().unwrap_or(line);
        if in_objective && let Some(title) = cut(line) {
            return Some(title);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifications_have_two_forms() {
        for (text, status, score) in [
            (
                "---\nphase: 03\nstatus: passed\nscore: 5/5 must-haves verified\n---\n**Status:** gaps_found\n",
                VerificationStatus::Passed,
                Some("5/5 must-haves verified"),
            ),
            (
                "---\nstatus: gaps_found",
                VerificationStatus::GapsFound,
                None,
            ),
            (
                "# Phase 3\n**Status:** human_needed\n**Score:** 2/3\n",
                VerificationStatus::HumanNeeded,
                Some("2/3"),
            ),
            (
                "---\nstatus: pending\n---\n",
                VerificationStatus::Pending,
                None,
            ),
            ("", VerificationStatus::Pending, None),
            ("---\nstatus:", VerificationStatus::Pending, None),
            ("status: odd", VerificationStatus::Other, None),
        ] {
            let found = verification(text);
            assert_eq!(
                (found.status, found.score.as_deref()),
                (status, score),
                "{text}"
            );
        }
    }

    #[test]
    fn the_most_advanced_disk_status_counts() {
        let shown = |plans: usize, summaries: usize| Shown {
            plans: (0..plans)
                .map(|plan| (plan.to_string(), PathBuf::new()))
                .collect(),
            summaries: (0..summaries).map(|summary| summary.to_string()).collect(),
            has_context: true,
            has_research: true,
            ..Shown::default()
        };
        assert_eq!(shown(2, 2).status(), DiskStatus::Complete);
        assert_eq!(shown(1, 2).status(), DiskStatus::Complete);
        assert_eq!(shown(2, 1).status(), DiskStatus::Partial);
        assert_eq!(shown(0, 1).status(), DiskStatus::Partial);
        assert_eq!(shown(2, 0).status(), DiskStatus::Planned);
        let mut researched = shown(0, 0);
        assert_eq!(researched.status(), DiskStatus::Researched);
        researched.has_research = false;
        assert_eq!(researched.status(), DiskStatus::Discussed);
        researched.has_context = false;
        assert_eq!(researched.status(), DiskStatus::Empty);
    }
}
