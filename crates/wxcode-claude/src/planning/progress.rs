//! Computes the progress of the current milestone.

use super::{Phase, Progress};

/// Returns the progress of the unshipped phases, or of all if all are shipped.
pub(super) fn of(phases: &[Phase]) -> Progress {
    let all_shipped = phases.iter().all(|phase| phase.shipped);
    let mut progress = Progress::default();
    for phase in phases.iter().filter(|phase| all_shipped || !phase.shipped) {
        progress.phases_total += 1;
        progress.phases_complete += usize::from(phase.complete);
        progress.plans_total += phase.plans.len();
        progress.plans_complete += phase.plans.iter().filter(|plan| plan.has_summary).count();
    }
    let phases = percent(progress.phases_complete, progress.phases_total).unwrap_or(0);
    // Later phases have no plans yet, so plans alone would overstate the progress.
    let plans = percent(progress.plans_complete, progress.plans_total);
    progress.percent = plans.map_or(phases, |plans| plans.min(phases));
    progress
}

fn percent(part: usize, whole: usize) -> Option<u8> {
    u8::try_from((100 * part).checked_div(whole)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planning::{DiskStatus, Plan};

    fn phase(plans: usize, summaries: usize, complete: bool, shipped: bool) -> Phase {
        Phase {
            number: "1".into(),
            name: None,
            slug: None,
            folder: None,
            goal: None,
            depends_on: None,
            requirements: Vec::new(),
            status: crate::planning::PhaseStatus::Pending,
            roadmap_status: None,
            archived: None,
            uat: None,
            disk_status: DiskStatus::Empty,
            plans: (0..plans)
                .map(|plan| Plan {
                    id: plan.to_string(),
                    title: None,
                    has_summary: plan < summaries,
                })
                .collect(),
            summaries,
            verification: None,
            has_context: false,
            has_research: false,
            roadmap_complete: false,
            complete,
            shipped,
        }
    }

    #[test]
    fn the_smaller_fraction_counts() {
        let (done, open) = (phase(2, 2, true, false), phase(0, 0, false, false));
        for (phases, expected) in [
            (vec![], 0),
            (vec![open.clone()], 0),
            (vec![done.clone()], 100),
            // All existing plans, but one phase of three.
            (vec![done.clone(), open.clone(), open.clone()], 33),
            // One phase of two, but two plans of six.
            (vec![done.clone(), phase(4, 0, false, false)], 33),
            // Ticked off without plans.
            (vec![phase(0, 0, true, false)], 100),
            // All plans executed, not verified.
            (vec![phase(2, 2, false, false)], 0),
            // Shipped phases are left out, unless there are no others.
            (vec![phase(2, 2, true, true), open.clone()], 0),
            (vec![phase(2, 2, true, true)], 100),
        ] {
            assert_eq!(of(&phases).percent, expected, "{phases:?}");
        }
    }
}
