//! Tests with whole trees, in both dialects.

mod broken;

use std::{fs, path::Path};

use tempfile::TempDir;

use super::{files::Files, *};

/// Makes a workspace with these files below `.planning/`; a path with a trailing `/` is a folder.
fn workspace(files: &[(&str, &str)]) -> TempDir {
    let workspace = tempfile::tempdir().unwrap();
    let planning = workspace.path().join(".planning");
    fs::create_dir(&planning).unwrap();
    for (name, text) in files {
        let path = planning.join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    workspace
}

/// Files of version 1.9.
const OLD: &[(&str, &str)] = &[
    (
        "PROJECT.md",
        "# App\n\n## Current Milestone: v1.1 More\n\n**Goal:** More of it\n",
    ),
    (
        "ROADMAP.md",
        "# Roadmap: App\n\n## Milestones\n- ✅ **v1.0 MVP** - Phases 1-1 (shipped 2026-01-24)\n\n<details>\n\
         <summary>v1.0</summary>\n### Phase 1: Start\n- [x] 01-01: Begin\n</details>\n\n## Phases\n\
         - [x] **Phase 2: Terminal** - what is seen\n- [ ] **Phase 3: API** - what is asked\n\
         - [ ] **Phase 3.1: Fix (INSERTED)** - a repair\n- [ ] **Phase 4: Page** - what is clicked\n\n\
         ### Phase 2: Terminal\n**Goal**: A screen\n**Plans**: 2 plans\nPlans:\n- [x] 02-01: Draw\n- [x] 02-02: Keep\n\n\
         ### Phase 3: API\n**Goal**: Routes\n\n## Progress\n| Phase | Plans | Status | Done |\n|---|---|---|---|\n| 2. Terminal | 2/2 | Complete | x |\n",
    ),
    (
        "REQUIREMENTS.md",
        "# Requirements\n## v1 Requirements\n- [x] **TERM-01**: See it\n- [ ] **API-01**: Ask it\n## Traceability\n\
         | Requirement | Phase | Status |\n|---|---|---|\n| TERM-01 | Phase 2 | Complete |\n| API-01 | Phase 3 | Pending |\n",
    ),
    (
        "STATE.md",
        "# Project State\n\n## Current Position\nPhase: 3 of 4 (API)\nPlan: 1 of 2 in current phase\nStatus: In progress\n\
         Progress: [███░] 60%\n",
    ),
    (
        "MILESTONES.md",
        "# Milestones\n\n## v1.0 MVP (Shipped: 2026-01-24)\n\n**Delivered:** it\n",
    ),
    ("milestones/v1.0-ROADMAP.md", "# v1.0\n"),
    ("phases/01-start/01-01-PLAN.md", "---\nphase: 01\n---\n"),
    ("phases/01-start/01-01-SUMMARY.md", "done\n"),
    ("phases/02-terminal/02-01-PLAN.md", ""),
    ("phases/02-terminal/02-01-SUMMARY.md", ""),
    ("phases/02-terminal/02-02-PLAN.md", ""),
    ("phases/02-terminal/02-02-SUMMARY.md", ""),
    (
        "phases/02-terminal/02-VERIFICATION.md",
        "---\nphase: 02-terminal\nverified: 2026-01-25\nstatus: passed\nscore: 5/5 must-haves verified\n---\n# Report\n",
    ),
    ("phases/03-api/03-CONTEXT.md", "**Gathered:** x\n"),
    ("phases/03-api/03-RESEARCH.md", ""),
    (
        "phases/03-api/03-01-PLAN.md",
        "---\nphase: 03-api\nplan: 01\n---\n\n<objective>\nAnswer the first route\n</objective>\n",
    ),
    ("phases/03-api/03-01-SUMMARY.md", ""),
    ("phases/03-api/03-02-PLAN.md", "# The second route\n"),
    ("phases/03-api/03-UAT.md", ""),
    ("phases/03.1-fix/", ""),
    ("phases/notes.md", ""),
    ("phases/drafts/01-01-PLAN.md", ""),
];

/// Files of version 1.42.
const NEW: &[(&str, &str)] = &[
    (
        "STATE.md",
        "---\ngsd_state_version: 1.0\nmilestone: v2.0\nmilestone_name: Second\ncurrent_phase: 12A\nstatus: executing\n\
         progress:\n  total_phases: 2\n  percent: 20\n---\n\n# State\n**Current Phase:** 11\n**Current Plan:** 1\n",
    ),
    (
        "ROADMAP.md",
        "# Roadmap\n- [ ] **Phase 11: Base** - x\n- [ ] **Phase 12A: Side** - x\n\n### Phase 11: Base\n**Goal:** Stand\n",
    ),
    ("phases/CK-11-base/CK-11-CONTEXT.md", ""),
    (
        "phases/CK-11-base/plans/PLAN-01-dig.md",
        "---\nphase: 11\n---\n# Dig\n",
    ),
    ("phases/CK-11-base/plans/SUMMARY-01-dig.md", ""),
    ("phases/CK-11-base/plans/PLAN-02-pour.md", "# Pour\n"),
    (
        "phases/CK-11-base/plans/PLAN-02-pour.pre-bounce.md",
        "# Not a plan\n",
    ),
    ("phases/CK-11-base/plans/11-PLAN-OUTLINE.md", ""),
    (
        "phases/CK-11-base/11-VERIFICATION.md",
        "---\nstatus: human_needed\n---\n",
    ),
    ("phases/12A-side/12A-RESEARCH.md", ""),
];

fn plans(phase: &Phase) -> Vec<(&str, Option<&str>, bool)> {
    phase
        .plans
        .iter()
        .map(|plan| (plan.id.as_str(), plan.title.as_deref(), plan.has_summary))
        .collect()
}

#[test]
fn the_old_dialect_is_read() {
    let workspace = workspace(OLD);
    let planning = read(workspace.path()).unwrap();
    let phases: Vec<_> = planning
        .phases
        .iter()
        .map(|phase| {
            (
                phase.number.as_str(),
                phase.name.as_deref(),
                phase.folder.as_deref(),
                phase.goal.as_deref(),
                phase.disk_status,
                phase.complete,
                phase.shipped,
            )
        })
        .collect();
    assert_eq!(
        phases,
        [
            (
                "1",
                Some("Start"),
                Some("01-start"),
                None,
                DiskStatus::Complete,
                false,
                true
            ),
            (
                "2",
                Some("Terminal"),
                Some("02-terminal"),
                Some("A screen"),
                DiskStatus::Complete,
                true,
                false
            ),
            (
                "3",
                Some("API"),
                Some("03-api"),
                Some("Routes"),
                DiskStatus::Partial,
                false,
                false
            ),
            (
                "3.1",
                Some("Fix"),
                Some("03.1-fix"),
                None,
                DiskStatus::Empty,
                false,
                false
            ),
            (
                "4",
                Some("Page"),
                None,
                None,
                DiskStatus::NoDirectory,
                false,
                false
            ),
        ]
    );
    let [_, terminal, api, ..] = &planning.phases[..] else {
        panic!("{planning:?}")
    };
    assert_eq!(
        plans(terminal),
        [("02-01", Some("Draw"), true), ("02-02", Some("Keep"), true)]
    );
    assert_eq!(
        terminal.verification,
        Some(Verification {
            status: VerificationStatus::Passed,
            score: Some("5/5 must-haves verified".into())
        })
    );
    assert_eq!(
        plans(api),
        [
            ("03-01", Some("Answer the first route"), true),
            ("03-02", Some("The second route"), false)
        ]
    );
    assert_eq!(
        (api.has_context, api.has_research, api.summaries),
        (true, true, 1)
    );
    assert_eq!(api.slug.as_deref(), Some("api"));
    assert_eq!(api.uat, Some(Uat::default()));
    let requirements = &planning.requirements;
    assert_eq!((requirements.total, requirements.complete), (2, 1));
    assert_eq!(
        requirements.by_id["API-01"],
        Requirement {
            text: Some("Ask it".into()),
            complete: false,
            phase: Some("3".into()),
            status: Some("Pending".into()),
        }
    );
    let state = planning.state.as_ref().unwrap();
    assert_eq!(
        (state.phase.as_deref(), state.phases, state.percent),
        (Some("3"), Some(4), Some(60))
    );
    assert_eq!(
        planning.milestones,
        [Milestone {
            version: "v1.0".into(),
            name: Some("MVP".into()),
            shipped: Some("2026-01-24".into())
        }]
    );
    let statuses: Vec<_> = planning.phases.iter().map(|phase| phase.status).collect();
    use PhaseStatus::{Complete, Executed, InProgress, Pending};
    assert_eq!(statuses, [Executed, Complete, InProgress, Pending, Pending]);
    assert_eq!(
        (
            planning.current_phase.as_deref(),
            planning.next_phase.as_deref()
        ),
        (Some("3"), Some("3.1"))
    );
    assert_eq!(terminal.roadmap_status.as_deref(), Some("Complete"));
    assert_eq!(planning.current_version.as_deref(), Some("v1.1"));
    assert_eq!(
        planning.progress,
        Progress {
            phases_complete: 1,
            phases_executed: 1,
            phases_total: 4,
            plans_complete: 3,
            plans_total: 4,
            // One phase of four, and half of another.
            percent: 37
        }
    );
    assert!(!planning.truncated);
}

#[test]
fn the_new_dialect_is_read() {
    let workspace = workspace(NEW);
    let planning = read(workspace.path()).unwrap();
    let [base, side] = &planning.phases[..] else {
        panic!("{planning:?}")
    };
    assert_eq!(
        (base.number.as_str(), base.slug.as_deref()),
        ("11", Some("base"))
    );
    assert_eq!(base.disk_status, DiskStatus::Partial);
    assert_eq!(base.goal.as_deref(), Some("Stand"));
    assert_eq!(
        plans(base),
        [("11-01", Some("Dig"), true), ("11-02", Some("Pour"), false)]
    );
    assert_eq!(
        base.verification.as_ref().unwrap().status,
        VerificationStatus::HumanNeeded
    );
    assert_eq!(
        (side.number.as_str(), side.disk_status),
        ("12A", DiskStatus::Researched)
    );
    let state = planning.state.as_ref().unwrap();
    assert_eq!(
        (state.phase.as_deref(), state.status.as_deref()),
        (Some("12A"), Some("executing"))
    );
    assert_eq!(planning.current_version.as_deref(), Some("v2.0"));
    assert_eq!(planning.progress.percent, 25);
    assert_eq!(
        (
            planning.progress.plans_complete,
            planning.progress.plans_total
        ),
        (1, 2)
    );
}

#[test]
fn a_passed_verification_completes_a_phase() {
    let workspace = workspace(NEW);
    let folder = workspace.path().join(".planning/phases/CK-11-base");
    fs::write(folder.join("plans/SUMMARY-02-pour.md"), "").unwrap();
    let complete = || read(workspace.path()).unwrap().phases[0].complete;
    let status = || read(workspace.path()).unwrap().phases[0].status;
    assert!(!complete(), "a person has to look");
    assert_eq!(status(), PhaseStatus::NeedsReview);
    fs::remove_file(folder.join("11-VERIFICATION.md")).unwrap();
    assert_eq!(status(), PhaseStatus::Executed);
    fs::write(
        folder.join("11-VERIFICATION.md"),
        "---\nstatus: passed\n---\n",
    )
    .unwrap();
    assert!(complete());
    assert_eq!(read(workspace.path()).unwrap().progress.percent, 50);
}

#[test]
fn only_shipped_phases_come_from_the_archive() {
    let workspace = workspace(&[
        (
            "ROADMAP.md",
            "<details>\n- [x] Phase 1: Old\n</details>\n- [ ] **Phase 2: New** - x\n",
        ),
        ("milestones/v1.0-ROADMAP.md", ""),
        ("milestones/v1.0-phases/01-old/01-01-PLAN.md", "# Do it\n"),
        ("milestones/v1.0-phases/01-old/01-01-SUMMARY.md", ""),
        ("milestones/v1.0-phases/02-another/02-01-PLAN.md", ""),
    ]);
    let planning = read(workspace.path()).unwrap();
    let [old, new] = &planning.phases[..] else {
        panic!("{planning:?}")
    };
    assert_eq!(
        (old.archived.as_deref(), old.folder.as_deref()),
        (Some("milestones/v1.0-phases/01-old"), None)
    );
    assert_eq!(plans(old), [("01-01", Some("Do it"), true)]);
    assert_eq!(old.disk_status, DiskStatus::Complete);
    assert_eq!((&new.archived, new.plans.len()), (&None, 0));
}

#[test]
fn the_newer_of_two_folders_counts() {
    let workspace = workspace(&[("phases/01-b/01-01-PLAN.md", ""), ("phases/1-a/", "")]);
    let phases = workspace.path().join(".planning/phases");
    let change = |name: &str, seconds: u64| {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        fs::File::open(phases.join(name))
            .unwrap()
            .set_modified(at)
            .unwrap();
    };
    let folder = || read(workspace.path()).unwrap().phases[0].folder.clone();
    change("01-b", 1_000);
    change("1-a", 2_000);
    assert_eq!(folder().as_deref(), Some("1-a"));
    change("01-b", 3_000);
    assert_eq!(folder().as_deref(), Some("01-b"));
}

#[test]
fn the_json_has_the_api_words() {
    let workspace = workspace(NEW);
    let json = serde_json::to_value(read(workspace.path()).unwrap()).unwrap();
    let phase = &json["phases"][0];
    assert_eq!(phase["disk_status"], "partial");
    assert_eq!(phase["verification"]["status"], "human_needed");
    assert_eq!(phase["plans"][0]["id"], "11-01");
    assert_eq!(json["requirements"]["total"], 0);
}
