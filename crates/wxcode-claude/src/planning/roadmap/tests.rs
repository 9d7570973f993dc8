//! Tests with whole roadmaps.

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

fn parse(text: &str) -> Resolved {
    super::parse(text).resolve(None, &[], Vec::new())
}

fn at(roadmap: &Resolved, number: &str) -> (Option<String>, Option<String>, bool, bool) {
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
    assert_eq!(at(&roadmap, "2"), (text("Older"), text("Gone"), true, true));
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
    assert_eq!(super::parse(ROADMAP).milestones.len(), 2);
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
