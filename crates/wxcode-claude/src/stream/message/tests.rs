use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ID: &str = "0d6a3f0e-54a1-4ee0-9a5a-0b6a1c7d2e11";

/// The messages of a stream in pieces of this size, each with the offset of its line.
fn of(stream: impl AsRef<[u8]>, size: usize) -> Vec<(u64, Message)> {
    let mut messages = Messages::default();
    let mut all = Vec::new();
    let mut on_line = |offset, found: Vec<Message>| {
        all.extend(found.into_iter().map(|message| (offset, message)));
    };
    for piece in stream.as_ref().chunks(size) {
        messages.push(piece, &mut on_line);
    }
    messages.finish(&mut on_line);
    assert_eq!(messages.at(), stream.as_ref().len() as u64);
    all
}

fn one(line: &Value) -> Vec<Message> {
    let found = of(line.to_string(), 1 << 20);
    found.into_iter().map(|(_, message)| message).collect()
}

fn assistant(content: &Value) -> Value {
    json!({ "type": "assistant", "message": { "role": "assistant", "content": content }, "parent_tool_use_id": null })
}

/// Output of 2.1.329 in a terminal.
fn story() -> String {
    let init = json!({ "type": "system", "subtype": "init", "session_id": ID, "tools": ["Bash"] });
    let hook = json!({ "type": "system", "subtype": "hook_started", "session_id": ID });
    let call = assistant(
        &json!([{ "id": "t1", "input": { "command": "echo hi", "description": "d" }, "name": "Bash", "type": "tool_use" }]),
    );
    let back = json!({ "type": "user", "message": { "role": "user", "content": [{ "tool_use_id": "t1", "type": "tool_result", "content": "hi", "is_error": false }] } });
    let said = assistant(&json!([{ "text": "done", "type": "text" }]));
    let end = format!(
        r#"{{"duration_api_ms":7,"session_id":"{ID}","total_cost_usd":0.5,"is_error":false,"num_turns":2,"subtype":"success","result":"done","type":"result","duration_ms":151}}"#
    );
    format!("{hook}\r\n{init}\r\n{call}\r\n{back}\r\n{said}\r\n{end}\r\n\u{1b}[?25h")
}

#[test]
fn a_run_is_read_from_init_to_result() {
    let found = of(story(), 1 << 20);
    let messages: Vec<Message> = found.iter().map(|(_, message)| message.clone()).collect();
    let input = ToolInput {
        command: Some("echo hi".into()),
        description: Some("d".into()),
        ..ToolInput::default()
    };
    let expected = [
        Message::Init {
            session_id: Uuid::parse_str(ID).unwrap(),
        },
        Message::ToolUse {
            id: Some("t1".into()),
            name: "Bash".into(),
            input,
        },
        Message::ToolResult {
            id: Some("t1".into()),
        },
        Message::Text("done".into()),
        Message::Verdict(Verdict {
            is_error: false,
            text: Some("done".into()),
            duration_ms: Some(151),
            cost_usd: Some(0.5),
            turns: Some(2),
        }),
    ];
    assert_eq!(messages, expected);
    let line = |n: usize| {
        story()
            .lines()
            .take(n)
            .map(|line| line.len() as u64 + 2)
            .sum::<u64>()
    };
    assert_eq!(found[0].0, line(1));
    assert_eq!(found[3].0, line(4));
}

#[test]
fn one_message_may_hold_several_blocks() {
    let blocks = json!([{ "type": "thinking", "thinking": "hm" }, { "type": "text", "text": "a" }, { "type": "text", "text": "" },
        { "type": "tool_use", "id": "t", "name": "Write", "input": { "file_path": "/f", "content": "secret" } }]);
    let found = one(&assistant(&blocks));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(!format!("{found:?}").contains("secret"));
    let mut of_subagent = assistant(&blocks);
    of_subagent["parent_tool_use_id"] = "t0".into();
    assert!(matches!(&one(&of_subagent)[..], [Message::ToolUse { .. }]));
}

#[test]
fn values_of_unexpected_types_are_skipped() {
    for odd in [
        json!(null),
        json!(7),
        json!("x"),
        json!([1]),
        json!({ "a": 1 }),
        json!(true),
    ] {
        assert_eq!(one(&json!({ "type": odd })), []);
        assert_eq!(one(&json!({ "type": "assistant", "message": odd })), []);
        assert_eq!(one(&assistant(&odd)), []);
        assert_eq!(one(&assistant(&json!([odd]))), []);
        let call = one(&assistant(
            &json!([{ "type": "tool_use", "id": odd, "name": odd, "input": odd }]),
        ));
        assert!(matches!(&call[..], [Message::ToolUse { .. }]), "{call:?}");
        let end = json!({ "type": "result", "is_error": odd, "result": odd, "errors": odd, "duration_ms": odd, "num_turns": odd, "total_cost_usd": odd });
        assert!(matches!(&one(&end)[..], [Message::Verdict(_)]), "{end}");
    }
}

#[test]
fn errors_come_with_the_result_or_as_words() {
    let end = json!({ "type": "result", "subtype": "error_during_execution", "is_error": true, "errors": ["no such", "conversation"] });
    let [Message::Verdict(verdict)] = &one(&end)[..] else {
        panic!()
    };
    assert_eq!(
        (verdict.is_error, verdict.text.as_deref()),
        (true, Some("no such; conversation"))
    );
    let red = "\u{1b}[0m\u{1b}[31mError: in use.\u{1b}[39m\u{1b}[0m\r\n\u{1b}[?25h";
    assert_eq!(of(red, 3), [(0, Message::Words("Error: in use.".into()))]);
    // Half a line of JSON is no text.
    assert_eq!(of(&story()[..40], 7), []);
}

#[test]
fn half_an_emoji_keeps_the_line() {
    let line = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"cut \ud83d and \ud83d\ude00 \\ud83d \n"}]}}"#;
    let found = of(line, 10);
    assert_eq!(
        found,
        [(0, Message::Text("cut \u{fffd} and 😀 \\ud83d \n".into()))]
    );
}

#[test]
fn only_lines_within_the_bound_are_read() {
    let with = |len: usize| {
        let back = json!({ "type": "user", "message": { "content": [{ "tool_use_id": "t", "type": "tool_result", "content": "x".repeat(len) }] } });
        format!("{back}\r\n{}", story())
    };
    let all = of(story(), 1 << 20).len();
    assert_eq!(of(with(5 << 20), 32 << 10).len(), all + 1);
    assert_eq!(of(with(9 << 20), 32 << 10).len(), all);
}

#[test]
fn reading_continues_after_a_gap() {
    let mut messages = Messages::default();
    let mut found = Vec::new();
    messages.push(&story().as_bytes()[..50], |_, _| ());
    messages.skip_to(70_000);
    let text = format!(
        "rest of a line\r\n{}\r\n",
        assistant(&json!([{ "type": "text", "text": "on" }]))
    );
    messages.push(text.as_bytes(), |at, new| found.push((at, new)));
    assert_eq!(found, [(70_016, vec![Message::Text("on".into())])]);
}

proptest! {
    #[test]
    fn the_result_is_independent_of_cuts(size in 1_usize..200, noise in "[^\r\n{]{0,40}") {
        let stream = format!("{noise}\r\n{}", story());
        prop_assert_eq!(of(&stream, size), of(&stream, 1 << 20));
    }

    #[test]
    fn any_bytes_are_accepted(chunks: Vec<Vec<u8>>) {
        let mut messages = Messages::default();
        for chunk in &chunks {
            messages.push(chunk, |_, _| ());
        }
        messages.finish(|_, _| ());
    }

    #[test]
    fn any_text_in_an_object_is_accepted(text in "[\\\\\"ud8cde0-9{}\\[\\],: é]{0,60}") {
        of(format!("{{\"type\":\"assistant\",\"message\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}]}}}}"), 9);
        mended(&text);
    }
}
