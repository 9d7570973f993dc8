//! Parses `ROADMAP.md`: phases, plans and milestones.

use std::collections::BTreeMap;

use super::{
    PHASE_REQUIREMENTS_MAX, PHASES_MAX, PLANS_MAX,
    markdown::{bold, cells, checkbox, cut, field, heading, item, lines},
    milestone::{self, MilestoneLine},
    name::{Number, plan_id, without_code},
    requirement,
};

/// The content of the roadmap.
#[derive(Debug, Default)]
pub(super) struct Roadmap {
    pub(super) phases: BTreeMap<Number, RoadmapPhase>,
    /// Plan titles by id.
    pub(super) plans: BTreeMap<String, String>,
    pub(super) milestones: Vec<MilestoneLine>,
    /// A bound was reached.
    pub(super) truncated: bool,
}

/// A phase in the roadmap.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RoadmapPhase {
    pub(super) name: Option<String>,
    pub(super) goal: Option<String>,
    pub(super) depends_on: Option<String>,
    pub(super) requirements: Vec<String>,
    /// The state in the table of progress.
    pub(super) status: Option<String>,
    /// The box is ticked.
    pub(super) ticked: bool,
    /// Only folded sections with shipped milestones name the phase.
    pub(super) shipped: bool,
}

impl Roadmap {
    /// Returns the entry of a phase named inside or outside of a folded section.
    fn phase(&mut self, number: Number, folded: bool) -> Option<&mut RoadmapPhase> {
        if self.phases.len() == PHASES_MAX && !self.phases.contains_key(&number) {
            self.truncated = true;
            return None;
        }
        let phase = self.phases.entry(number).or_insert_with(|| RoadmapPhase {
            shipped: folded,
            ..RoadmapPhase::default()
        });
        phase.shipped &= folded;
        Some(phase)
    }

    fn plan(&mut self, text: &str) {
        let Some((id, rest)) = plan_id(text.trim_matches(['*', '`'])) else {
            return;
        };
        let rest = rest.strip_prefix("-PLAN.md").unwrap_or(rest);
        let title = rest.trim_start_matches(['*', '`', ':', '-', '–', '—', ' ']);
        let Some(title) = cut(title) else { return };
        if self.plans.len() == PLANS_MAX && !self.plans.contains_key(&id) {
            self.truncated = true;
            return;
        }
        self.plans.insert(id, title);
    }
}

pub(super) fn parse(text: &str) -> Roadmap {
    let mut roadmap = Roadmap::default();
    let mut folds = 0_usize;
    // The phase of the current section.
    let mut section: Option<Number> = None;
    // The column of the states in the table of progress.
    let mut states: Option<usize> = None;
    for line in lines(text) {
        if line.contains("<details") {
            folds += 1;
            section = None;
        }
        let folded = folds > 0;
        if line.contains("</details") {
            folds = folds.saturating_sub(1);
        }
        if let Some(cells) = cells(line) {
            if cells[0].eq_ignore_ascii_case("phase") {
                states = cells
                    .iter()
                    .position(|cell| cell.eq_ignore_ascii_case("status"));
            } else if let Some(column) = states
                && let Some((number, rest)) = Number::take(without_code(cells[0]))
                && rest.starts_with('.')
                && let Some(entry) = roadmap.phase(number, folded)
            {
                entry.status = cells.get(column).and_then(|cell| cut(cell));
                entry.name = entry
                    .name
                    .take()
                    .or_else(|| cut(rest.trim_start_matches('.')));
            }
            continue;
        }
        states = None;
        if let Some((_, title)) = heading(line) {
            section = None;
            if let Some((number, name)) = phase(title)
                && let Some(entry) = roadmap.phase(number.clone(), folded)
            {
                entry.name = name.or(entry.name.take());
                section = Some(number);
            }
        } else if let Some((ticked, text)) = checkbox(line) {
            if let Some((number, name)) = phase(text) {
                if let Some(entry) = roadmap.phase(number, folded) {
                    entry.name = entry.name.take().or(name);
                    entry.ticked |= ticked;
                }
            } else {
                roadmap.plan(text);
            }
        } else if let Some((key, value)) = field(line)
            && let Some(number) = &section
            && ["goal", "depends on", "requirements"].contains(&key.as_str())
        {
            if let Some(entry) = roadmap.phases.get_mut(number) {
                match key.as_str() {
                    "goal" => entry.goal = entry.goal.take().or_else(|| cut(value)),
                    "depends on" => {
                        entry.depends_on = entry.depends_on.take().or_else(|| cut(value))
                    }
                    _ if entry.requirements.is_empty() => entry.requirements = requirements(value),
                    _ => {}
                }
            }
        } else if section.is_none()
            // A milestone is bold; a version in a sentence is none.
            && let Some(entry) = item(line)
                .filter(|text| text.contains("**v"))
                .and_then(milestone::milestone_line)
            && roadmap.milestones.len() < super::MILESTONES_MAX
        {
            roadmap.milestones.push(entry);
        }
    }
    roadmap
}

/// Parses the ids in `AUTH-01, AUTH-02`, with or without brackets.
fn requirements(value: &str) -> Vec<String> {
    let words = value.split([',', ' ', ';', '[', ']', '`', '*']);
    words
        .filter_map(requirement::id)
        .take(PHASE_REQUIREMENTS_MAX)
        .map(str::to_owned)
        .collect()
}

/// Parses a leading phase number and name in a heading or an item: `Phase 3: Name`, `**Phase 3:
/// Name** - purpose`, `Phase 3: Name (2/2 plans) — completed 2026-01-24`.
fn phase(text: &str) -> Option<(Number, Option<String>)> {
    let (text, is_bold) = bold(text).map_or((text, false), |(inner, _)| (inner, true));
    let rest = text
        .get(..6)
        .filter(|word| word.eq_ignore_ascii_case("phase "))
        .map(|_| text[6..].trim_start())?;
    let (number, rest) = Number::take(without_code(rest))?;
    let mut name = rest.trim_start_matches([':', '-', '–', '—', '.', ' ']);
    if !is_bold {
        let end = [" - ", " – ", " — "]
            .iter()
            .filter_map(|end| name.find(end))
            .min();
        name = &name[..end.unwrap_or(name.len())];
    }
    Some((number, cut(without_note(name))))
}

/// Removes the notes after a name: `(INSERTED)`, `(2/2 plans)`.
fn without_note(name: &str) -> &str {
    match name
        .trim_end()
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once(" ("))
    {
        Some((name, note)) if note == "INSERTED" || note.ends_with(" plans") => name,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROADMAP: &str = "\
# Roadmap: App

## Milestones
- ✅ **v1.0 MVP** - Phases 1-2 (shipped 2026-01-24)
- 🚧 **v1.1 More** - Phases 3-4 (in progress)

<details>
<summary>✅ v1.0 MVP (Phases 1-2) - SHIPPED 2026-01-24</summary>

- [x] Phase 1: Old (and gone) (2/2 plans) — completed 2026-01-20
#### Phase 2: Older — COMPLETE
**Goal**: Gone
</details>

- [x] **Phase 3: Screen** - what is seen
- [ ] **Phase 3.1: Fix (INSERTED)** - a repair
- [ ] Phase 4: Plain - words

### Phase 3: The screen
**Goal**: Show it
**Plans**: 2 plans
Plans:
- [x] 03-01: Draw it
- [ ] 03-02-PLAN.md — Keep it

#### Phase 4: Plain
**Goal:** Be plain
Goal: not this one

```
### Phase 9: An example
```
";

    fn at(roadmap: &Roadmap, number: &str) -> (Option<String>, Option<String>, bool, bool) {
        let phase = &roadmap.phases[&Number::take(number).unwrap().0];
        (
            phase.name.clone(),
            phase.goal.clone(),
            phase.ticked,
            phase.shipped,
        )
    }

    #[test]
    fn lists_and_sections_name_phases() {
        let roadmap = parse(ROADMAP);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            at(&roadmap, "1"),
            (text("Old (and gone)"), None, true, true)
        );
        assert_eq!(
            at(&roadmap, "2"),
            (text("Older"), text("Gone"), false, true)
        );
        assert_eq!(
            at(&roadmap, "3"),
            (text("The screen"), text("Show it"), true, false)
        );
        assert_eq!(at(&roadmap, "3.1"), (text("Fix"), None, false, false));
        assert_eq!(
            at(&roadmap, "4"),
            (text("Plain"), text("Be plain"), false, false)
        );
        assert_eq!(roadmap.phases.len(), 5);
        assert_eq!(
            roadmap.plans.into_iter().collect::<Vec<_>>(),
            [("03-01", "Draw it"), ("03-02", "Keep it")]
                .map(|(id, title)| (id.to_owned(), title.to_owned()))
        );
        assert_eq!(roadmap.milestones.len(), 2);
    }

    #[test]
    fn a_phase_has_dependencies_requirements_and_state() {
        let roadmap = parse(
            "### Phase 3: API\n**Goal**: Ask\n**Depends on**: Phase 2\n**Requirements**: [API-01, API-02], and more-words\n\n\
             | Requirement | Phase | Status |\n|---|---|---|\n| 3. none | Phase 3 | Pending |\n\n\
             ## Progress\n\n| Phase | Milestone | Plans Complete | Status | Completed |\n|---|---|---|---|---|\n\
             | 3. API | v1.1 | 1/2 | In progress | - |\n| 3.1. Fix | v1.1 | 0/1 | Deferred |\n| 4. Half wri",
        );
        let phase = |number: &str| &roadmap.phases[&Number::take(number).unwrap().0];
        let api = phase("3");
        assert_eq!(api.depends_on.as_deref(), Some("Phase 2"));
        assert_eq!(api.requirements, ["API-01", "API-02"]);
        assert_eq!(api.status.as_deref(), Some("In progress"));
        let fix = phase("3.1");
        assert_eq!(
            (fix.name.as_deref(), fix.status.as_deref()),
            (Some("Fix"), Some("Deferred"))
        );
        assert_eq!(phase("4").status, None);
        assert_eq!(roadmap.phases.len(), 3);
    }

    #[test]
    fn a_phase_outside_a_fold_is_unshipped() {
        let text = "<details>\n### Phase 1: A\n</details>\n- [ ] **Phase 1: A**\n";
        assert!(!at(&parse(text), "1").3);
    }

    #[test]
    fn phases_and_plans_are_bounded() {
        let phases: String = (0..PHASES_MAX + 2)
            .map(|number| format!("- [ ] Phase {number}: x\n"))
            .collect();
        let roadmap = parse(&phases);
        assert_eq!(
            (roadmap.phases.len(), roadmap.truncated),
            (PHASES_MAX, true)
        );
        let plans: String = (0..PLANS_MAX + 2)
            .map(|number| format!("- [ ] 01-{number}: x\n"))
            .collect();
        let roadmap = parse(&plans);
        assert_eq!((roadmap.plans.len(), roadmap.truncated), (PLANS_MAX, true));
    }
}
