//! Reads a corpus of `.planning` trees in many house styles and compares with the right answers.
//!
//! Each `tests/planning/NAME.json` has the files of a tree, the expected result, and the questions
//! in which GSD's own tool must agree. Where the tool disagrees, the entry says why ours is right.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use wxcode_claude::planning::{self, NOT_UNDERSTOOD_MAX, PHASES_MAX, Planning, TEXT_MAX};
use wxcode_testbed::{gsd, skip};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(rename = "note")]
    _note: String,
    files: BTreeMap<String, String>,
    expected: Value,
    gsd: Judgement,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Judgement {
    agrees: Vec<String>,
    /// The reason for any disagreement.
    why: Option<String>,
}

/// The questions that GSD's tool answers too.
const QUESTIONS: [&str; 5] = ["phases", "plans", "percent", "current_phase", "next_phase"];

fn corpus() -> BTreeMap<String, Entry> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/planning");
    let mut entries = BTreeMap::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let entry = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        entries.insert(name, entry);
    }
    assert!(entries.len() >= 25, "{} entries", entries.len());
    entries
}

fn tree<'a>(files: impl IntoIterator<Item = (&'a String, &'a String)>) -> tempfile::TempDir {
    let workspace = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = workspace.path().join(".planning").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    workspace
}

/// The part of a result that the corpus has answers for.
fn answer(planning: &Planning) -> Value {
    let phases: Vec<Value> = planning
        .phases
        .iter()
        .map(|phase| {
            json!({
                "number": phase.number,
                "name": phase.name,
                "status": phase.status,
                "shipped": phase.shipped,
                "current": phase.current,
            })
        })
        .collect();
    json!({
        "phases": phases,
        "current_phase": planning.current_phase,
        "next_phase": planning.next_phase,
        "progress": planning.progress,
        "not_understood": planning.not_understood,
    })
}

#[test]
fn every_house_style_is_understood() {
    let mut wrong = Vec::new();
    for (name, entry) in corpus() {
        let workspace = tree(&entry.files);
        let planning = planning::read(workspace.path()).unwrap();
        let found = answer(&planning);
        if found != entry.expected {
            let pretty = |value: &Value| serde_json::to_string(value).unwrap();
            wrong.push(format!(
                "{name}\n  {}\n  {}",
                pretty(&found),
                pretty(&entry.expected)
            ));
        }
    }
    assert!(wrong.is_empty(), "found, expected:\n{}", wrong.join("\n"));
}

/// What the tool prints for a command in a workspace.
fn judge(tool: &Path, workspace: &Path, command: [&str; 2]) -> Value {
    let output = Command::new("node")
        .arg(tool)
        .args(command)
        .arg("--cwd")
        .arg(workspace)
        .env("HOME", workspace)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!(
            "{command:?}: {error}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

#[test]
fn gsd_agrees_where_it_says() {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let tool = cache.unwrap_or_default().join(format!(
        "wxcode/gsd-{}/node_modules/get-shit-done-cc/get-shit-done/bin/gsd-tools.cjs",
        gsd::VERSION
    ));
    if !tool.is_file() || Command::new("node").arg("--version").output().is_err() {
        skip("node or GSD is missing: run scripts/install-gsd");
        return;
    }
    let mut wrong = Vec::new();
    for (name, entry) in corpus() {
        let workspace = tree(&entry.files);
        let ours = planning::read(workspace.path()).unwrap();
        let theirs = judge(&tool, workspace.path(), ["roadmap", "analyze"]);
        let progress = judge(&tool, workspace.path(), ["progress", "json"]);
        let current: Vec<_> = ours.phases.iter().filter(|phase| phase.current).collect();
        let numbers: Vec<&str> = current.iter().map(|phase| phase.number.as_str()).collect();
        let their_numbers: Vec<&str> = theirs["phases"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|phase| phase["number"].as_str())
            .collect();
        let agrees = |question: &str| match question {
            "phases" => numbers == their_numbers,
            "plans" => {
                theirs["total_plans"] == ours.progress.plans_total
                    && theirs["total_summaries"] == ours.progress.plans_complete
            }
            "percent" => progress["percent"] == ours.progress.percent,
            "current_phase" => theirs["current_phase"] == json!(ours.current_phase),
            "next_phase" => theirs["next_phase"] == json!(ours.next_phase),
            other => panic!("{name}: unknown question {other}"),
        };
        let found: Vec<&str> = QUESTIONS.into_iter().filter(|one| agrees(one)).collect();
        if found != entry.gsd.agrees {
            let expected = &entry.gsd.agrees;
            wrong.push(format!(
                "{name}: agrees on {found:?}, not {expected:?}: ours {:?}\ntheirs {theirs}\n{progress}",
                answer(&ours)
            ));
        }
        if entry.gsd.agrees.len() < QUESTIONS.len() && entry.gsd.why.is_none() {
            wrong.push(format!(
                "{name}: GSD differs and the entry does not say why"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Pieces of roadmaps, joined in any order.
const PIECES: [&str; 30] = [
    "### ",
    "- [x] ",
    "- ",
    "| ",
    " | ",
    "\n",
    "\n\n",
    "Phase ",
    "Fase ",
    "第",
    "阶段",
    "1",
    "999.1",
    "-9",
    ": ",
    " — ",
    "**",
    "~~",
    "```\n",
    "~~~\n",
    "<details>\n",
    "<summary>",
    "</summary>\n",
    "</details>\n",
    "✅ ",
    "🚧 ",
    "v1.0",
    "(4/4 plans)",
    "<!--",
    "| Phase | Status |\n|---|---|\n",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_roadmap_is_read_within_bounds(
        pieces in prop::collection::vec((0..PIECES.len() + 1, any::<char>()), 0..200),
        state in "(---\nmilestone: v1.0\n---\n)?",
    ) {
        let roadmap: String = pieces
            .into_iter()
            .map(|(at, other)| {
                PIECES.get(at).map_or_else(|| other.to_string(), |piece| (*piece).to_owned())
            })
            .collect();
        let files = [("ROADMAP.md".to_owned(), roadmap), ("STATE.md".to_owned(), state)];
        let workspace = tree(files.iter().map(|(name, text)| (name, text)));
        let planning = planning::read(workspace.path()).unwrap();
        prop_assert_eq!(&planning, &planning::read(workspace.path()).unwrap());
        prop_assert!(planning.phases.len() <= PHASES_MAX);
        prop_assert!(planning.not_understood.len() <= NOT_UNDERSTOOD_MAX);
        for unread in &planning.not_understood {
            prop_assert!(unread.text.chars().count() <= TEXT_MAX && unread.line > 0);
        }
        let progress = planning.progress;
        prop_assert!(progress.phases_complete <= progress.phases_executed);
        prop_assert!(progress.phases_executed <= progress.phases_total);
        let is_done = progress.phases_total > 0
            && progress.phases_executed == progress.phases_total;
        prop_assert_eq!(progress.percent == 100, is_done);
        let least = 100 * progress.phases_executed;
        let least = least.checked_div(progress.phases_total).unwrap_or(0);
        prop_assert!(usize::from(progress.percent) >= least);
        let numbers = |one: &Option<String>| one.as_ref().is_none_or(|number| {
            planning.phases.iter().any(|phase| phase.current && phase.number == *number)
        });
        prop_assert!(numbers(&planning.current_phase) && numbers(&planning.next_phase));
    }
}
