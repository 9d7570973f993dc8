//! Reads the whole folder into one [`Planning`].

use std::path::Path;

use wxcode_files::FileError;

use super::{
    MILESTONES_MAX, Milestone, Phase, PhaseStatus, Planning, REQUIREMENTS_MAX, files::Files,
    milestone, phase, progress, requirement, roadmap, state,
};

/// Reads `.planning/` of a workspace; without one, returns an empty `Planning`.
///
/// Follows a link only if its target is inside the workspace.
///
/// # Errors
/// `.planning` exists but cannot be listed, or is a link out of the workspace. The content is never
/// an error.
pub fn read(workspace: &Path) -> Result<Planning, FileError> {
    let Some(files) = Files::open(workspace)? else {
        return Ok(Planning::default());
    };
    let document = |name: &str| files.document(name);
    let roadmap = roadmap::parse(&document("ROADMAP.md").unwrap_or_default());
    let state = document("STATE.md").map(|text| state::parse(&text));
    let requirements = requirement::parse(&document("REQUIREMENTS.md").unwrap_or_default());
    let project = document("PROJECT.md").unwrap_or_default();
    let shipped = document("MILESTONES.md").unwrap_or_default();
    let milestones = milestone::shipped(
        &shipped,
        &roadmap.milestones,
        &files.list(Path::new("milestones")),
    );
    let current_version = current_version(
        [
            state.as_ref().and_then(|state| state.milestone.clone()),
            milestone::current(&project),
            milestone::in_progress(&roadmap.milestones),
        ],
        &milestones,
    );
    let roadmap = roadmap.resolve(
        current_version.as_deref(),
        &milestones,
        milestone::ranges(&shipped),
    );
    let mut placed = phase::all(&files, &roadmap);
    progress::mark(&mut placed, current_version.as_deref());
    let phases: Vec<Phase> = placed.into_iter().map(|placed| placed.phase).collect();
    let number = |found: Option<&Phase>| found.map(|phase| phase.number.clone());
    let mut current = phases.iter().filter(|phase| phase.current);
    let mut awaiting = current.clone();
    let mut next = current.clone();
    Ok(Planning {
        current_phase: number(
            current
                .find(|phase| {
                    matches!(phase.status, PhaseStatus::Planned | PhaseStatus::InProgress)
                })
                .or_else(|| {
                    awaiting.rfind(|phase| {
                        matches!(
                            phase.status,
                            PhaseStatus::Executed | PhaseStatus::NeedsReview
                        )
                    })
                })
                .filter(|phase| !phase.shipped),
        ),
        next_phase: number(
            next.find(|phase| phase.status == PhaseStatus::Pending && !phase.shipped),
        ),
        progress: progress::of(&phases),
        truncated: files.is_truncated()
            || roadmap.truncated
            || requirements.total == REQUIREMENTS_MAX
            || milestones.len() == MILESTONES_MAX,
        not_understood: roadmap.not_understood,
        phases,
        requirements,
        state,
        milestones,
        current_version,
    })
}

/// The first version that is not shipped: a document may be out of date. Otherwise the first one.
fn current_version(told: [Option<String>; 3], shipped: &[Milestone]) -> Option<String> {
    let is_open = |version: &&String| {
        let mut shipped = shipped.iter();
        !shipped.any(|one| milestone::same(&one.version, version))
    };
    let told = || told.iter().flatten();
    told().find(is_open).or_else(|| told().next()).cloned()
}
