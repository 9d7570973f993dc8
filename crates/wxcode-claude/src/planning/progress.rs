//! Decides which phases the current milestone has, and how far it is.

use super::{Phase, PhaseStatus, Progress, milestone, phase::Placed};

/// Marks the phases of the current milestone, which has this version if a document names one.
///
/// These are the unshipped phases of that milestone and those without a milestone. Where the
/// roadmap has no such milestone, they are the phases without one, otherwise those of the first
/// milestone in work. If everything is shipped, they are the shipped phases.
pub(super) fn mark(phases: &mut [Placed], version: Option<&str>) {
    let of = |placed: &Placed, version: Option<&str>| {
        let own = placed.phase.milestone.as_deref();
        own.zip(version)
            .is_some_and(|(own, version)| milestone::same(own, version))
    };
    let is_counted = |placed: &&Placed| !placed.parked;
    let open: Vec<&Placed> = phases
        .iter()
        .filter(is_counted)
        .filter(|placed| !placed.phase.shipped)
        .collect();
    let is_open = !open.is_empty();
    let named = phases
        .iter()
        .filter(is_counted)
        .any(|placed| placed.phase.shipped != is_open && of(placed, version));
    let first = || {
        let mut soon = open.iter().filter(|placed| !placed.planned);
        let first = soon.next().or_else(|| open.first())?;
        first.phase.milestone.clone()
    };
    let is_flat = open.iter().any(|placed| placed.phase.milestone.is_none());
    let chosen = match version {
        Some(version) if named => Some(version.to_owned()),
        _ if is_flat || !is_open => None,
        _ => first(),
    };
    for placed in phases.iter_mut() {
        let shipped = placed.phase.shipped;
        let own = of(placed, chosen.as_deref());
        placed.phase.current = !placed.parked
            && if is_open {
                !shipped && (own || placed.phase.milestone.is_none())
            } else {
                chosen.is_none() || own
            };
    }
}

/// A phase whose plans are all executed, in the unit of the sum of shares.
const WHOLE: usize = 1_000_000;

/// The progress of the marked phases.
pub(super) fn of(phases: &[Phase]) -> Progress {
    let mut progress = Progress::default();
    let mut shares = 0;
    for phase in phases.iter().filter(|phase| phase.current) {
        let summaries = phase.plans.iter().filter(|plan| plan.has_summary).count();
        let is_executed = is_executed(phase);
        progress.phases_total += 1;
        progress.phases_complete += usize::from(phase.complete);
        progress.phases_executed += usize::from(is_executed);
        progress.plans_total += phase.plans.len();
        progress.plans_complete += summaries;
        // A phase without plans has not begun.
        shares += match (WHOLE * summaries).checked_div(phase.plans.len()) {
            _ if is_executed => WHOLE,
            share => share.unwrap_or(0),
        };
    }
    let percent = (100 * shares).checked_div(WHOLE * progress.phases_total);
    progress.percent = u8::try_from(percent.unwrap_or(0)).unwrap_or(100);
    progress
}

fn is_executed(phase: &Phase) -> bool {
    use PhaseStatus::{Complete, Executed, NeedsReview};
    phase.shipped || matches!(phase.status, Complete | Executed | NeedsReview)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planning::{DiskStatus, Plan};

    fn phase(plans: usize, summaries: usize, status: PhaseStatus) -> Phase {
        Phase {
            number: "1".into(),
            name: None,
            slug: None,
            folder: None,
            goal: None,
            depends_on: None,
            requirements: Vec::new(),
            status,
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
            complete: status == PhaseStatus::Complete,
            shipped: false,
            milestone: None,
            current: false,
        }
    }

    fn placed(milestone: Option<&str>, shipped: bool, planned: bool, parked: bool) -> Placed {
        let mut phase = phase(0, 0, PhaseStatus::Pending);
        phase.milestone = milestone.map(str::to_owned);
        phase.shipped = shipped;
        Placed {
            phase,
            planned,
            parked,
        }
    }

    #[test]
    fn each_phase_counts_by_its_plans() {
        use PhaseStatus::{Complete, Executed, InProgress, Pending, Planned};
        let (done, open) = (phase(2, 2, Complete), phase(0, 0, Pending));
        for (phases, expected) in [
            (vec![], 0),
            (vec![open.clone()], 0),
            (vec![done.clone()], 100),
            // All existing plans, but one phase of three.
            (vec![done.clone(), open.clone(), open.clone()], 33),
            // Two plans of six, but one phase of two.
            (vec![done.clone(), phase(4, 0, Planned)], 50),
            (vec![done.clone(), phase(4, 3, InProgress)], 87),
            // Ticked without plans, and with an open plan.
            (vec![phase(0, 0, Complete)], 100),
            (vec![phase(3, 2, Complete)], 100),
            // All plans executed, none verified.
            (vec![phase(21, 21, Executed)], 100),
            (
                vec![done.clone(), done.clone(), done.clone(), open.clone()],
                75,
            ),
            (vec![phase(5_000, 4_999, InProgress)], 99),
        ] {
            let phases: Vec<Phase> = phases
                .into_iter()
                .map(|phase| Phase {
                    current: true,
                    ..phase
                })
                .collect();
            assert_eq!(of(&phases).percent, expected, "{phases:?}");
        }
        assert_eq!(of(&[done]), Progress::default(), "not of this milestone");
    }

    #[test]
    fn phases_of_one_milestone_count() {
        let marked = |mut phases: Vec<Placed>, version: Option<&str>| {
            mark(&mut phases, version);
            phases
                .iter()
                .map(|placed| placed.phase.current)
                .collect::<Vec<_>>()
        };
        let shipped = || placed(Some("v1.0"), true, false, false);
        let own = || placed(Some("v1.1"), false, false, false);
        let later = || placed(Some("v2.0"), false, true, false);
        let flat = || placed(None, false, false, false);
        let parked = || placed(None, false, false, true);
        let all = || vec![shipped(), own(), later(), flat(), parked()];
        for version in ["v1.1", "v1.1.0", "1.1"] {
            assert_eq!(
                marked(all(), Some(version)),
                [false, true, false, true, false]
            );
        }
        // Documents with another version do not hide the phases.
        assert_eq!(
            marked(all(), Some("v3")),
            [false, false, false, true, false]
        );
        assert_eq!(marked(vec![later(), own()], Some("v1.0")), [false, true]);
        assert_eq!(marked(vec![later()], None), [true]);
        let old = || placed(Some("v0.9"), true, false, false);
        assert_eq!(marked(vec![old(), shipped()], Some("v1.0")), [false, true]);
        assert_eq!(marked(vec![old(), shipped()], None), [true, true]);
        assert_eq!(marked(vec![parked()], None), [false]);
    }
}
