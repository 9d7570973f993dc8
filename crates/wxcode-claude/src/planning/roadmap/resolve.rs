//! Decides, for each number, which of the phases of that number the current milestone has.

use std::collections::BTreeMap;

use super::{PhaseLine, Roadmap, RoadmapPhase, Source, alike, scope::UNSCOPED};
use crate::planning::{
    Milestone, NOT_UNDERSTOOD_MAX, UnreadLine,
    milestone::{self, MilestoneLine, Standing},
    name::Number,
};

/// The roadmap with one phase for each number.
#[derive(Debug, Default)]
pub(in crate::planning) struct Resolved {
    pub(in crate::planning) phases: BTreeMap<Number, RoadmapPhase>,
    /// Plan titles by id.
    pub(in crate::planning) plans: BTreeMap<String, String>,
    pub(in crate::planning) not_understood: Vec<UnreadLine>,
    pub(in crate::planning) truncated: bool,
    /// The milestones with the ranges of their phases.
    milestones: Vec<MilestoneLine>,
}

impl Resolved {
    /// The shipped milestone of a phase without a place in today's documents.
    pub(in crate::planning) fn former(&self, number: &Number) -> Option<&str> {
        let is_begun = self.phases.values().any(|phase| !phase.shipped);
        let listed = |shipped: bool| {
            let mut all = self.milestones.iter();
            all.find(|told| told.has(number) && told.is_shipped() == shipped)
        };
        listed(true)
            .filter(|_| is_begun && listed(false).is_none())
            .map(MilestoneLine::version)
    }
}

impl Roadmap {
    /// Resolves the phases, with the current milestone's version and the shipped milestones.
    pub(in crate::planning) fn resolve(
        mut self,
        current: Option<&str>,
        shipped: &[Milestone],
        ranges: Vec<MilestoneLine>,
    ) -> Resolved {
        self.take_weak();
        let deferred = self.take_rows();
        let mut milestones = self.milestones.clone();
        milestones.extend(ranges);
        let standing = |scope: usize| -> Standing {
            let scope = self.scopes.get(scope);
            let version = scope.milestone.as_deref().unwrap_or_default();
            let listed = milestones
                .iter()
                .find(|told| milestone::same(told.version(), version));
            match (scope.standing, listed.map(MilestoneLine::standing)) {
                (Standing::Unknown, Some(told)) if told != Standing::Unknown => told,
                (Standing::Unknown, _)
                    if shipped
                        .iter()
                        .any(|one| milestone::same(&one.version, version)) =>
                {
                    Standing::Shipped
                }
                (told, _) => told,
            }
        };
        let is_current = |scope: usize| {
            let own = self.scopes.get(scope).milestone.as_deref();
            own.zip(current)
                .is_some_and(|(own, current)| milestone::same(own, current))
        };
        let mut by_number: BTreeMap<Number, Vec<(usize, RoadmapPhase)>> = BTreeMap::new();
        for ((number, scope), phase) in std::mem::take(&mut self.phases) {
            by_number.entry(number).or_default().push((scope, phase));
        }
        let mut phases = BTreeMap::new();
        for (number, found) in by_number {
            let mut unscoped = None;
            let (mut open, mut former) = (Vec::new(), None);
            for (scope, mut phase) in found {
                let standing = standing(scope);
                phase
                    .milestone
                    .clone_from(&self.scopes.get(scope).milestone);
                phase.shipped = standing == Standing::Shipped;
                phase.planned = standing == Standing::Planned;
                phase.parked |= standing == Standing::Backlog;
                if scope == UNSCOPED {
                    unscoped = Some(phase);
                } else if phase.shipped {
                    former = Some(phase);
                } else {
                    let rank = (!is_current(scope), phase.parked, phase.planned, scope);
                    open.push((rank, phase));
                }
            }
            open.sort_by_key(|(rank, _)| *rank);
            let open = open.into_iter().next().map(|(_, phase)| phase);
            let listed = milestones
                .iter()
                .find(|told| told.has(&number) && !told.is_shipped());
            let mut phase = match (open, unscoped) {
                (Some(open), Some(flat)) if open.planned && differ(&open, &flat) => flat,
                (Some(open), Some(flat)) => open.merged(flat),
                (Some(open), None) => open,
                (None, Some(mut flat)) => {
                    flat.milestone = listed.map(|told| told.version().to_owned());
                    flat.planned = listed.is_some_and(|told| told.standing() == Standing::Planned);
                    flat
                }
                (None, None) => former.take().unwrap_or_default(),
            };
            phase.former = former.and_then(|former| former.name);
            phases.insert(number, phase);
        }
        for (line, status) in deferred {
            if let Some(phase) = phases.get_mut(&line.number) {
                phase.take_row(line, status);
            }
        }
        for phase in phases.values_mut() {
            phase.ticked = phase
                .by_box
                .or(phase.by_mark)
                .or(phase.by_row)
                .unwrap_or(false);
        }
        ship_listed(&mut phases, &milestones);
        let not_understood = self.not_understood(&phases);
        Resolved {
            truncated: self.truncated,
            plans: self.plans,
            phases,
            not_understood,
            milestones,
        }
    }

    /// Adds the phases of lines that may be sentences, where no other line lists any.
    fn take_weak(&mut self) {
        let weak = std::mem::take(&mut self.weak);
        let has =
            |roadmap: &Self, scope: usize| roadmap.phases.keys().any(|(_, own)| *own == scope);
        let is_listed = |scope: usize| scope != UNSCOPED && has(self, scope);
        let any_open = !self.rows.is_empty()
            || self
                .phases
                .keys()
                .any(|(_, scope)| self.scopes.get(*scope).standing != Standing::Shipped);
        let chosen: Vec<_> = weak
            .into_iter()
            .filter(|(scope, _)| match *scope {
                UNSCOPED => !any_open,
                scope => !is_listed(scope),
            })
            .collect();
        for (scope, line) in chosen {
            self.add(scope, &line, Source::Mark);
        }
    }

    /// Adds the phases that only a table names; returns the rows of the other ones.
    fn take_rows(&mut self) -> Vec<(PhaseLine, Option<String>)> {
        let mut deferred = Vec::new();
        for (line, status) in std::mem::take(&mut self.rows) {
            let number = &line.number;
            let is_named = self
                .phases
                .range((number.clone(), UNSCOPED)..=(number.clone(), usize::MAX))
                .next()
                .is_some();
            if is_named {
                deferred.push((line, status));
            } else if let Some(phase) = self.add(UNSCOPED, &line, Source::Row) {
                phase.status = status;
            }
        }
        deferred
    }

    /// The lines that look like a roadmap's and were not understood, in their order.
    fn not_understood(&mut self, phases: &BTreeMap<Number, RoadmapPhase>) -> Vec<UnreadLine> {
        let mut unread = std::mem::take(&mut self.unread);
        // A range of phases that other lines name says nothing new.
        unread.extend(
            self.ranges
                .drain(..)
                .filter(|(_, first, last)| phases.range(first..=last).next().is_none())
                .map(|(line, ..)| line),
        );
        if phases.is_empty() && self.milestones.is_empty() {
            unread.append(&mut self.maybe);
        }
        unread.sort_by_key(|unread| unread.line);
        unread.dedup();
        self.truncated |= unread.len() > NOT_UNDERSTOOD_MAX;
        unread.truncate(NOT_UNDERSTOOD_MAX);
        unread
    }
}

impl RoadmapPhase {
    /// Adds what the roadmap tells of the phase outside of its milestone's section.
    fn merged(mut self, other: Self) -> Self {
        self.name = self.name.or(other.name);
        self.goal = self.goal.or(other.goal);
        self.depends_on = self.depends_on.or(other.depends_on);
        self.status = self.status.or(other.status);
        if self.requirements.is_empty() {
            self.requirements = other.requirements;
        }
        let either = |one: Option<bool>, two: Option<bool>| {
            one.zip(two).map(|(one, two)| one || two).or(one).or(two)
        };
        self.by_box = either(self.by_box, other.by_box);
        self.by_mark = either(self.by_mark, other.by_mark);
        self.by_row = either(self.by_row, other.by_row);
        self.parked |= other.parked;
        self
    }

    /// Adds a row of the table of progress, unless it is about a shipped phase of the number.
    fn take_row(&mut self, line: PhaseLine, status: Option<String>) {
        let is = |name: &Option<String>| {
            name.as_deref()
                .zip(line.name.as_deref())
                .is_some_and(|(own, told)| alike(own, told))
        };
        if is(&self.former) && !is(&self.name) {
            return;
        }
        self.name = self.name.take().or(line.name);
        self.status = status.or(self.status.take());
        self.by_row = line.done.or(self.by_row);
    }
}

/// Whether two entries name different phases.
fn differ(one: &RoadmapPhase, other: &RoadmapPhase) -> bool {
    one.name
        .as_deref()
        .zip(other.name.as_deref())
        .is_some_and(|(one, other)| !alike(one, other))
}

/// Marks the phases of shipped milestones that a roadmap lists by their range only: all phases of
/// the range are ticked, and others follow. Open phases in the range are new ones of that number.
fn ship_listed(phases: &mut BTreeMap<Number, RoadmapPhase>, milestones: &[MilestoneLine]) {
    for told in milestones.iter().filter(|told| told.is_shipped()) {
        let is_free = |phase: &RoadmapPhase| !phase.shipped && phase.milestone.is_none();
        let (inside, outside): (Vec<_>, Vec<_>) = phases
            .iter()
            .filter(|(_, phase)| is_free(phase) || !phase.shipped)
            .partition(|(number, phase)| is_free(phase) && told.has(number));
        let begins_later = outside.iter().any(|(_, phase)| !phase.parked);
        if inside.is_empty() || !begins_later || !inside.iter().all(|(_, phase)| phase.ticked) {
            continue;
        }
        let numbers: Vec<Number> = inside
            .into_iter()
            .map(|(number, _)| number.clone())
            .collect();
        for number in numbers {
            if let Some(phase) = phases.get_mut(&number) {
                phase.shipped = true;
                phase.milestone = Some(told.version().to_owned());
            }
        }
    }
}
