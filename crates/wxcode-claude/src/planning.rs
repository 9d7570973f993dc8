//! What `.planning/` tells of a project: phases, plans, requirements, milestones and progress.
//!
//! The files are written by an agent and by hand, in two dialects, and may be read at any moment of being
//! written. So nothing in them is an error: what cannot be understood is left out. Which files there are
//! decides what was done; documents only give names, and the roadmap's boxes.

mod files;
mod markdown;
mod milestone;
mod misplaced;
mod name;
mod phase;
mod progress;
mod requirement;
mod roadmap;
mod state;
mod uat;

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use files::Files;
pub use misplaced::{MISPLACED_MAX, misplaced};
use wxcode_files::FileError;

/// Largest part of a document (`ROADMAP.md`, `REQUIREMENTS.md`…) that is read, in bytes.
pub const DOCUMENT_MAX: u64 = 1 << 20; // 1 MiB
/// Largest part of a plan or a verification that is read, in bytes: what counts stands at its beginning.
pub const HEAD_MAX: u64 = 16 << 10; // 16 KiB
/// Most entries of folders that are looked at, of all folders together.
pub const ENTRIES_MAX: usize = 20_000;
/// Most phases that are told, and most that are taken from the roadmap.
pub const PHASES_MAX: usize = 500;
/// Most plans that are told, of all phases together.
pub const PLANS_MAX: usize = 5_000;
/// Most requirements that are told.
pub const REQUIREMENTS_MAX: usize = 5_000;
/// Most requirements of one phase that are told.
pub const PHASE_REQUIREMENTS_MAX: usize = 100;
/// Most shipped milestones that are told.
pub const MILESTONES_MAX: usize = 500;
/// Longest text of a field, in characters; the rest is cut off.
pub const TEXT_MAX: usize = 300;

/// What `.planning/` tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Planning {
    /// The phases in the order of their numbers, of the roadmap and of the disk.
    pub phases: Vec<Phase>,
    /// The number of the first phase that is planned and not complete.
    pub current_phase: Option<String>,
    /// The number of the first phase that is not planned yet and not complete.
    pub next_phase: Option<String>,
    /// The requirements of the current milestone.
    pub requirements: Requirements,
    /// What `STATE.md` says; `null` without one.
    pub state: Option<State>,
    /// The milestones that were shipped, by version.
    pub milestones: Vec<Milestone>,
    /// The version of the current milestone, if a document tells it.
    pub current_version: Option<String>,
    /// How far the current milestone is.
    pub progress: Progress,
    /// A bound was reached: not everything is told.
    pub truncated: bool,
}

/// A phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Phase {
    /// Its number without leading zeros: `3`, `3.1` for an inserted one, `12A`.
    pub number: String,
    /// Its name in the roadmap.
    pub name: Option<String>,
    /// What follows the number in its folder's name.
    pub slug: Option<String>,
    /// Its folder, relative to `.planning/phases`.
    pub folder: Option<String>,
    /// Its goal, if the roadmap tells it.
    pub goal: Option<String>,
    /// What it depends on, as the roadmap says it.
    pub depends_on: Option<String>,
    /// The ids of the requirements that it is to meet, by the roadmap.
    pub requirements: Vec<String>,
    /// How far it is: its folder, its verification and its box together.
    pub status: PhaseStatus,
    /// Its state in the roadmap's table of progress, for example `Deferred`.
    pub roadmap_status: Option<String>,
    /// Its folder in the archive of a shipped milestone, relative to `.planning`, if it was moved there.
    pub archived: Option<String>,
    /// What its folder shows.
    pub disk_status: DiskStatus,
    /// The plans in its folder, by id.
    pub plans: Vec<Plan>,
    /// How many summaries are in its folder, also those without a plan.
    pub summaries: usize,
    /// What verifying it gave; `null` before it was verified.
    pub verification: Option<Verification>,
    /// What a person found when trying it out; `null` before somebody did.
    pub uat: Option<Uat>,
    /// There is a context document.
    pub has_context: bool,
    /// There is a research document.
    pub has_research: bool,
    /// Its box in the roadmap is ticked.
    pub roadmap_complete: bool,
    /// It is done: its box is ticked, or all plans have summaries and the verification passed.
    pub complete: bool,
    /// It belongs to a milestone that the roadmap folded away as shipped; the progress leaves it out.
    pub shipped: bool,
}

/// How far a phase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhaseStatus {
    /// There are no plans yet.
    Pending,
    /// There are plans, none was carried out.
    Planned,
    /// Some plans were carried out.
    InProgress,
    /// All plans were carried out, and it is not verified that they do what was promised.
    Executed,
    /// All plans were carried out, and a person has to look.
    NeedsReview,
    /// Done.
    Complete,
}

/// What a phase's folder shows, the furthest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiskStatus {
    /// At least as many summaries as plans, and a plan.
    Complete,
    /// Some summaries.
    Partial,
    /// Plans, and no summary.
    Planned,
    /// A research document.
    Researched,
    /// A context document.
    Discussed,
    /// None of these.
    Empty,
    /// Only the roadmap names the phase.
    NoDirectory,
}

/// A plan of a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Plan {
    /// The phase's and the plan's number as in `03-02`, in whichever way the file is named.
    pub id: String,
    /// What the roadmap calls it, else its first heading or the first line of its objective.
    pub title: Option<String>,
    /// It was carried out: there is a summary of the same id.
    pub has_summary: bool,
}

/// What verifying a phase gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Verification {
    /// The outcome.
    pub status: VerificationStatus,
    /// For example `5/5 must-haves verified`.
    pub score: Option<String>,
}

/// The outcome of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VerificationStatus {
    /// The phase does what it promised.
    Passed,
    /// Something is missing.
    GapsFound,
    /// A person has to look.
    HumanNeeded,
    /// Not decided yet, or the file says nothing yet.
    Pending,
    /// Another word.
    Other,
}

/// What a person found when trying a phase out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Uat {
    /// How far it is, for example `testing` or `complete`.
    pub status: Option<String>,
    /// Tests that passed.
    pub passed: usize,
    /// Tests that found something.
    pub issues: usize,
    /// Tests that were left out.
    pub skipped: usize,
    /// Tests without a result.
    pub pending: usize,
}

/// The requirements of `REQUIREMENTS.md`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Requirements {
    /// How many there are.
    pub total: usize,
    /// How many are met.
    pub complete: usize,
    /// Each by its id, for example `AUTH-01`.
    pub by_id: BTreeMap<String, Requirement>,
}

/// A requirement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Requirement {
    /// What it asks for.
    pub text: Option<String>,
    /// Its box is ticked, or the traceability table says so.
    pub complete: bool,
    /// The number of the phase that is to meet it.
    pub phase: Option<String>,
    /// Its state in the traceability table, for example `Pending`.
    pub status: Option<String>,
}

/// What `STATE.md` says: its front matter first, then its text. It is a note, and may be out of date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PlanningState))]
pub struct State {
    /// The number of the current phase.
    pub phase: Option<String>,
    /// The name of the current phase.
    pub phase_name: Option<String>,
    /// How many phases there are.
    pub phases: Option<u32>,
    /// The number of the current plan in its phase.
    pub plan: Option<String>,
    /// How many plans the phase has.
    pub plans: Option<u32>,
    /// What is being done, for example `Ready to plan` or `executing`.
    pub status: Option<String>,
    /// When something was last done, and what.
    pub last_activity: Option<String>,
    /// Where the work was left.
    pub stopped_at: Option<String>,
    /// When it was paused.
    pub paused_at: Option<String>,
    /// When the file was last brought up to date, by its own words.
    pub last_updated: Option<String>,
    /// The progress that the file claims, in percent.
    pub percent: Option<u8>,
    /// The version of the current milestone.
    pub milestone: Option<String>,
    /// The name of the current milestone.
    pub milestone_name: Option<String>,
}

/// A shipped milestone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ShippedMilestone))]
pub struct Milestone {
    /// For example `v1.0` or `v7`.
    pub version: String,
    /// Its name.
    pub name: Option<String>,
    /// The day it was shipped, as written.
    pub shipped: Option<String>,
}

/// How far the current milestone is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PlanningProgress))]
pub struct Progress {
    /// Phases that are done.
    pub phases_complete: usize,
    /// Phases that are not shipped; all of them when all are shipped.
    pub phases_total: usize,
    /// Plans of these phases with a summary.
    pub plans_complete: usize,
    /// Plans of these phases.
    pub plans_total: usize,
    /// The smaller of the phases' and the plans' fraction, rounded down: 100 is reached only when all is done.
    /// Without plans the phases' fraction, without phases 0.
    pub percent: u8,
}

/// Reads `.planning/` of a workspace; a missing one is an empty `Planning`.
///
/// Links are followed only to what is inside the workspace.
///
/// # Errors
/// When `.planning` is there and cannot be listed, or is a link that leads out of the workspace. What is in it
/// is never an error.
pub fn read(workspace: &Path) -> Result<Planning, FileError> {
    let Some(files) = Files::open(workspace)? else {
        return Ok(Planning::default());
    };
    let document = |name: &str| files.document(name);
    let roadmap = roadmap::parse(&document("ROADMAP.md").unwrap_or_default());
    // First, as the entries that may be looked at are limited.
    let phases = phase::all(&files, &roadmap);
    let state = document("STATE.md").map(|text| state::parse(&text));
    let requirements = requirement::parse(&document("REQUIREMENTS.md").unwrap_or_default());
    let project = document("PROJECT.md").unwrap_or_default();
    let milestones = milestone::shipped(
        &document("MILESTONES.md").unwrap_or_default(),
        &roadmap.milestones,
        &files.list(Path::new("milestones")),
    );
    let current_version = state
        .as_ref()
        .and_then(|state| state.milestone.clone())
        .or_else(|| milestone::current(&project))
        .or_else(|| milestone::in_progress(&roadmap.milestones));
    let first = |wanted: fn(&Phase) -> bool| {
        let mut open = phases.iter().filter(|phase| !phase.shipped);
        Some(open.find(|phase| wanted(phase))?.number.clone())
    };
    Ok(Planning {
        current_phase: first(|phase| {
            !matches!(phase.status, PhaseStatus::Pending | PhaseStatus::Complete)
        }),
        next_phase: first(|phase| phase.status == PhaseStatus::Pending),
        progress: progress::of(&phases),
        truncated: files.is_truncated()
            || roadmap.truncated
            || requirements.total == REQUIREMENTS_MAX
            || milestones.len() == MILESTONES_MAX,
        phases,
        requirements,
        state,
        milestones,
        current_version,
    })
}

#[cfg(test)]
mod tests;
