//! Reads `.planning/` of a project: phases, plans, requirements, milestones and progress.
//!
//! Agents and people write the files, in two dialects, and a reader may meet a file half-written.
//! So no content is an error: the reader skips unknown text. The existence of files decides the
//! status; documents only add names and the roadmap's boxes.

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
mod tree;
mod uat;

use std::collections::BTreeMap;

use serde::Serialize;

pub use misplaced::{MISPLACED_MAX, misplaced};
pub use tree::read;

/// Most bytes read of a document (`ROADMAP.md`, `REQUIREMENTS.md`…).
pub const DOCUMENT_MAX: u64 = 1 << 20; // 1 MiB
/// Most bytes read of a plan or a verification; the relevant part is at the beginning.
pub const HEAD_MAX: u64 = 16 << 10; // 16 KiB
/// Most folder entries examined, over all folders together.
pub const ENTRIES_MAX: usize = 20_000;
/// Most phases reported, and most taken from the roadmap.
pub const PHASES_MAX: usize = 500;
/// Most plans reported, over all phases together.
pub const PLANS_MAX: usize = 5_000;
/// Most requirements reported.
pub const REQUIREMENTS_MAX: usize = 5_000;
/// Most requirements reported per phase.
pub const PHASE_REQUIREMENTS_MAX: usize = 100;
/// Most shipped milestones reported.
pub const MILESTONES_MAX: usize = 500;
/// Most lines reported that look like a roadmap's and were not understood.
pub const NOT_UNDERSTOOD_MAX: usize = 50;
/// Longest text of a field, in characters; the rest is cut off.
pub const TEXT_MAX: usize = 300;

/// The content of `.planning/`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Planning {
    /// The phases of the roadmap and of the disk, in the order of their numbers.
    pub phases: Vec<Phase>,
    /// The number of the first phase of the current milestone with an open plan; without one, of
    /// the last phase that awaits its verification.
    pub current_phase: Option<String>,
    /// The number of the first incomplete phase of the current milestone without plans.
    pub next_phase: Option<String>,
    /// Lines of the roadmap that look like phases and were not understood, up to 50.
    pub not_understood: Vec<UnreadLine>,
    /// The requirements of the current milestone.
    pub requirements: Requirements,
    /// The content of `STATE.md`; `null` without one.
    pub state: Option<State>,
    /// The shipped milestones, by version.
    pub milestones: Vec<Milestone>,
    /// The version of the current milestone, if a document names it.
    pub current_version: Option<String>,
    /// The progress of the current milestone.
    pub progress: Progress,
    /// A bound was reached, so the report is incomplete.
    pub truncated: bool,
}

/// A line of `ROADMAP.md` that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UnreadLine {
    /// The number of the line, from 1.
    pub line: usize,
    /// Its text, up to 300 characters.
    pub text: String,
}

/// A phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Phase {
    /// The number without leading zeros: `3`, `3.1` for an inserted phase, `12A`.
    pub number: String,
    /// The name in the roadmap.
    pub name: Option<String>,
    /// The part of the folder's name after the number.
    pub slug: Option<String>,
    /// The folder, relative to `.planning/phases`.
    pub folder: Option<String>,
    /// The goal, if the roadmap gives one.
    pub goal: Option<String>,
    /// The dependencies, in the roadmap's words.
    pub depends_on: Option<String>,
    /// The ids of the phase's requirements, from the roadmap.
    pub requirements: Vec<String>,
    /// The status, from the folder, the verification and the box together.
    pub status: PhaseStatus,
    /// The state in the roadmap's table of progress, for example `Deferred`.
    pub roadmap_status: Option<String>,
    /// The folder in the archive of a shipped milestone, relative to `.planning`, if the phase was
    /// moved there.
    pub archived: Option<String>,
    /// The status by the folder alone.
    pub disk_status: DiskStatus,
    /// The plans in the folder, by id.
    pub plans: Vec<Plan>,
    /// The number of summaries in the folder, also those without a plan.
    pub summaries: usize,
    /// The result of the verification; `null` before one.
    pub verification: Option<Verification>,
    /// The result of a user's acceptance test; `null` before one.
    pub uat: Option<Uat>,
    /// There is a context document.
    pub has_context: bool,
    /// There is a research document.
    pub has_research: bool,
    /// The roadmap says that the phase is complete: its box is ticked, or, without a box, a sign such
    /// as `✅`, a note or the table of progress says so.
    pub roadmap_complete: bool,
    /// Done: the roadmap says so, or all plans have summaries and the verification passed.
    pub complete: bool,
    /// The phase belongs to a shipped milestone. A new phase of the same number hides it.
    pub shipped: bool,
    /// The milestone's version in the roadmap, or its title; `null` outside of a milestone.
    pub milestone: Option<String>,
    /// The phase belongs to the current milestone: the progress counts it. Phases of other
    /// milestones, of the backlog (`999.1`) and dropped ones do not.
    pub current: bool,
}

/// The status of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhaseStatus {
    /// No plans yet.
    Pending,
    /// Plans, none executed.
    Planned,
    /// Some plans executed.
    InProgress,
    /// All plans executed, not verified yet.
    Executed,
    /// All plans executed; a person has to check.
    NeedsReview,
    /// Done.
    Complete,
}

/// The state of a phase's folder, the most advanced first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiskStatus {
    /// A plan, and at least as many summaries as plans.
    Complete,
    /// Some summaries.
    Partial,
    /// Plans without a summary.
    Planned,
    /// A research document.
    Researched,
    /// A context document.
    Discussed,
    /// None of these.
    Empty,
    /// No folder; only the roadmap names the phase.
    NoDirectory,
}

/// A plan of a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Plan {
    /// The phase's and the plan's number, as in `03-02`, independent of the file's name.
    pub id: String,
    /// The title in the roadmap, otherwise the first heading or the first line of the objective.
    pub title: Option<String>,
    /// The plan was executed: a summary has the same id.
    pub has_summary: bool,
}

/// The result of a verification.
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
    /// The phase fulfils its goal.
    Passed,
    /// Something is missing.
    GapsFound,
    /// A person has to check.
    HumanNeeded,
    /// Undecided, or the file is empty so far.
    Pending,
    /// Another word.
    Other,
}

/// The result of a user's acceptance test of a phase.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Uat {
    /// The state, for example `testing` or `complete`.
    pub status: Option<String>,
    /// Passed tests.
    pub passed: usize,
    /// Tests with an issue.
    pub issues: usize,
    /// Skipped tests.
    pub skipped: usize,
    /// Tests without a result.
    pub pending: usize,
}

/// The requirements of `REQUIREMENTS.md`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Requirements {
    /// The number of requirements.
    pub total: usize,
    /// The number of fulfilled requirements.
    pub complete: usize,
    /// The requirements by id, for example `AUTH-01`.
    pub by_id: BTreeMap<String, Requirement>,
}

/// A requirement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Requirement {
    /// The text of the requirement.
    pub text: Option<String>,
    /// The box is ticked, or the traceability table says so.
    pub complete: bool,
    /// The number of the responsible phase.
    pub phase: Option<String>,
    /// The state in the traceability table, for example `Pending`.
    pub status: Option<String>,
}

/// The content of `STATE.md`: first its front matter, then its text. The file may be out of date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PlanningState))]
pub struct State {
    /// The number of the current phase.
    pub phase: Option<String>,
    /// The name of the current phase.
    pub phase_name: Option<String>,
    /// The number of phases.
    pub phases: Option<u32>,
    /// The number of the current plan in its phase.
    pub plan: Option<String>,
    /// The number of plans in the phase.
    pub plans: Option<u32>,
    /// The current work, for example `Ready to plan` or `executing`.
    pub status: Option<String>,
    /// The last activity and its time.
    pub last_activity: Option<String>,
    /// The point to continue from.
    pub stopped_at: Option<String>,
    /// The time of the pause.
    pub paused_at: Option<String>,
    /// The time of the last update, according to the file.
    pub last_updated: Option<String>,
    /// The progress according to the file, in percent.
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
    /// The name.
    pub name: Option<String>,
    /// The day of shipping, as written.
    pub shipped: Option<String>,
}

/// The progress of the current milestone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PlanningProgress))]
pub struct Progress {
    /// Complete phases: ticked or verified.
    pub phases_complete: usize,
    /// Phases whose plans are all executed, and complete ones.
    pub phases_executed: usize,
    /// Phases of the current milestone; if all milestones are shipped, of the last current one, or
    /// of all.
    pub phases_total: usize,
    /// Plans of these phases with a summary.
    pub plans_complete: usize,
    /// Plans of these phases.
    pub plans_total: usize,
    /// How far the current milestone is, rounded down. Each phase counts the same: in full once
    /// complete or executed, before that by the fraction of its plans with a summary, and not at
    /// all without plans. 100 means that every phase is executed; 0 without phases.
    pub percent: u8,
}

#[cfg(test)]
mod tests;
