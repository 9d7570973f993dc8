//! The left arrow, Claude Code's key to its list of agents.

use std::fs;

use serde_json::Value;
use wxcode_protocol::Output;
use wxcode_protocol::websocket::ServerFrame;

use super::{last_turn, pid, say, start};
use crate::support::Wire;

#[tokio::test]
async fn the_left_arrow_leaves_the_prompt() {
    let Some((server, project)) = start().await else {
        return;
    };
    say(&server, &project, "before the key").await;
    let before = server.session(&project).await;
    let mut phone = Wire::attach(&server, &project, "").await;
    let number = phone.input("\u{1b}[D").await;
    phone
        .until("typed", |wire| {
            wire.frames
                .iter()
                .any(|frame| matches!(frame, ServerFrame::Output(Output::InputTaken { seq: taken }) if *taken == number))
        })
        .await;
    say(&server, &project, "after the key").await;
    let after = server.session(&project).await;
    assert_eq!(pid(&after), pid(&before));
    for key in ["claude_session_id", "claude_session_history"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(after["warning"], Value::Null);
    let texts = last_turn(&server).join("\n");
    assert!(
        texts.contains("before the key") && texts.contains("after the key"),
        "{texts}"
    );
    let records = server.agent.home.config_dir().join("sessions");
    let records: Vec<_> = fs::read_dir(records)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(records, [format!("{}.json", pid(&after))], "one process");
}
