//! Rounds records as a store does, for comparison with stored records.

use wxcode_core::{milestone::Milestone, project::OutputProject, time::to_millis};

/// The project as a store returns it: times to the millisecond.
#[must_use]
pub fn project(project: &OutputProject) -> OutputProject {
    OutputProject {
        created_at: to_millis(project.created_at),
        updated_at: to_millis(project.updated_at),
        ..project.clone()
    }
}

/// The milestone as a store returns it: times to the millisecond.
#[must_use]
pub fn milestone(milestone: &Milestone) -> Milestone {
    Milestone {
        created_at: to_millis(milestone.created_at),
        updated_at: milestone.updated_at.map(to_millis),
        completed_at: milestone.completed_at.map(to_millis),
        ..milestone.clone()
    }
}
