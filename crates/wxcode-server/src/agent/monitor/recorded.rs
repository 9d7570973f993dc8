//! Replays sequences recorded from the real Claude Code against the agent's state.
//!
//! A line of a recording is a hook's payload, `look` (a resting screen), `record` (Claude's own
//! record of the process, read twice), or `state` (the agent's real state).

use std::{fs, path::Path};

use serde_json::Value;
use wxcode_claude::hook;
use wxcode_core::{
    agent::{Agent, Dialog, DialogKind, Evidence, Look},
    ask::bare,
};

use crate::agent::monitor::report::evidence;

fn recordings() -> Vec<(String, Vec<Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wxcode-claude/hooks");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, lines.collect())
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn look(shown: &str, commands: &str) -> Evidence {
    let kind = match shown {
        "permission" => Some(DialogKind::Permission),
        "question" => Some(DialogKind::Question),
        "blocking" => Some(DialogKind::Blocking),
        _ => None,
    };
    let dialog = kind.map(|kind| Dialog {
        name: shown.to_owned(),
        kind,
        options: vec!["Yes".into(), "No".into()],
        selected: Some(0),
        form: None,
        text: bare(commands),
    });
    Evidence::Screen(Look {
        prompt: dialog.is_none(),
        dialog,
        bracketed_paste: true,
        offset: 1,
    })
}

/// An agent waiting for a prompt.
fn idle() -> Agent {
    let mut agent = Agent::default();
    agent.observe(&Evidence::SessionStarted);
    agent.observe(&look("prompt", ""));
    agent
}

#[test]
fn recorded_sequences_lead_to_observed_states() {
    let recordings = recordings();
    assert!(recordings.len() > 12, "the recordings are there");
    for (name, lines) in recordings {
        let mut agent = if name == "start" {
            Agent::default()
        } else {
            idle()
        };
        let mut last_input = String::new();
        let mut checked = 0;
        for (at, line) in lines.iter().enumerate() {
            if let Some(payload) = line.get("hook") {
                let event = hook::parse(payload.to_string().as_bytes()).unwrap();
                if event.name() == "PermissionRequest" {
                    last_input = payload["tool_input"].to_string();
                }
                let hook = u64::try_from(at).unwrap() + 1;
                if let Some(evidence) = evidence(hook, &event) {
                    agent.observe(&evidence);
                }
            } else if let Some(shown) = line["look"].as_str() {
                agent.observe(&look(shown, &last_input));
            } else if let Some(record) = line["record"].as_str() {
                agent.observe(match record {
                    "idle" => &Evidence::RecordedIdle,
                    _ => &Evidence::RecordedBusy,
                });
            } else {
                let state = line["state"].as_str().unwrap();
                assert_eq!(agent.state().as_str(), state, "{name}, line {}", at + 1);
                assert_eq!(agent.ask().is_some(), agent.state().is_asking(), "{name}");
                checked += 1;
            }
        }
        assert!(checked > 0, "{name} says what was seen");
        assert_eq!(agent.state().as_str(), "idle", "{name} ends idle");
    }
}

/// After any cut or gap in a sequence, the process record restores the state.
#[test]
fn process_record_restores_the_state() {
    for (name, lines) in recordings() {
        let hooks: Vec<&Value> = lines.iter().filter_map(|line| line.get("hook")).collect();
        for cut in 0..=hooks.len() {
            for left_out in 0..cut {
                let mut agent = idle();
                for (at, payload) in hooks[..cut].iter().enumerate() {
                    let event = hook::parse(payload.to_string().as_bytes()).unwrap();
                    let seq = u64::try_from(at).unwrap() + 1;
                    if at != left_out
                        && let Some(evidence) = evidence(seq, &event)
                    {
                        agent.observe(&evidence);
                    }
                }
                agent.observe(&Evidence::RecordedIdle);
                assert_eq!(agent.state().as_str(), "idle", "{name} {cut} {left_out}");
                agent.observe(&look("prompt", ""));
                assert!(agent.is_ready(), "{name} {cut} {left_out}");
            }
        }
    }
}
