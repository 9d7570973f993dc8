//! The progress and the result of a copy.

/// Most problems named in a report; further problems are counted.
pub const PROBLEMS_MAX: usize = 100;

/// The progress or the result of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Projects of the source.
    pub total: u64,
    /// Projects copied with all their records, and compared.
    pub projects: u64,
    /// Milestones of these projects.
    pub milestones: u64,
    /// Deliveries of these projects.
    pub deliveries: u64,
    /// Files of copies of their conversations.
    pub files: u64,
    /// Records and files found in the target from an earlier copy.
    pub found: u64,
    /// Up to [`PROBLEMS_MAX`] differences between source and target, with their reasons.
    pub problems: Vec<String>,
    /// The number of all problems.
    pub problem_count: u64,
}

impl Report {
    pub(super) fn problem(&mut self, problem: String) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}
