//! The Messages API's wire form of an answer: server-sent events, or a JSON document.

use serde_json::{Value, json};

/// The content of a message.
pub(super) enum Content<'a> {
    Text(&'a str),
    /// Tool calls: a name and an input each.
    Tools(&'a [(String, Value)]),
}

impl Content<'_> {
    const fn stop_reason(&self) -> &'static str {
        match self {
            Self::Text(_) => "end_turn",
            Self::Tools(_) => "tool_use",
        }
    }

    fn blocks(&self, number: usize) -> Vec<Value> {
        match self {
            Self::Text(text) => vec![json!({ "type": "text", "text": text })],
            Self::Tools(calls) => {
                let block = |(index, (name, input)): (usize, &(String, Value))| json!({ "type": "tool_use", "id": call_id(number, index), "name": name, "input": input });
                calls.iter().enumerate().map(block).collect()
            }
        }
    }
}

fn call_id(number: usize, index: usize) -> String {
    format!("toolu_{number:06}_{index}")
}

/// A message as a single document, for requests without `stream`.
pub(super) fn document(number: usize, model: &Value, content: &Content<'_>) -> Value {
    json!({
        "id": format!("msg_{number:06}"), "type": "message", "role": "assistant", "model": model,
        "content": content.blocks(number),
        "stop_reason": content.stop_reason(), "stop_sequence": null,
        "usage": { "input_tokens": 10, "output_tokens": 10 },
    })
}

/// The beginning of a streamed message, up to the start of the first content block.
pub(super) fn begin(number: usize, model: &Value, content: &Content<'_>) -> String {
    let message = json!({
        "id": format!("msg_{number:06}"), "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 10, "output_tokens": 1 },
    });
    let first = match content {
        Content::Text(_) => json!({ "type": "text", "text": "" }),
        Content::Tools(calls) => opened(number, 0, calls),
    };
    event("message_start", &json!({ "message": message })) + &start(0, &first)
}

/// The content: a piece of the text, or all calls except the end of the last call.
pub(super) fn delta(number: usize, content: &Content<'_>) -> String {
    let calls = match content {
        Content::Text(text) => return piece(0, &json!({ "type": "text_delta", "text": text })),
        Content::Tools(calls) => calls,
    };
    let mut events = String::new();
    for (index, (_, input)) in calls.iter().enumerate() {
        if index > 0 {
            events += &event("content_block_stop", &json!({ "index": index - 1 }));
            events += &start(index, &opened(number, index, calls));
        }
        let part = json!({ "type": "input_json_delta", "partial_json": input.to_string() });
        events += &piece(index, &part);
    }
    events
}

/// The end of a streamed message.
pub(super) fn end(content: &Content<'_>) -> String {
    let last = match content {
        Content::Text(_) => 0,
        Content::Tools(calls) => calls.len().saturating_sub(1),
    };
    let delta = json!({ "stop_reason": content.stop_reason(), "stop_sequence": null });
    event("content_block_stop", &json!({ "index": last }))
        + &event(
            "message_delta",
            &json!({ "delta": delta, "usage": { "output_tokens": 10 } }),
        )
        + &event("message_stop", &json!({}))
}

/// A call with its input still to come.
fn opened(number: usize, index: usize, calls: &[(String, Value)]) -> Value {
    let name = calls.get(index).map(|(name, _)| name);
    json!({ "type": "tool_use", "id": call_id(number, index), "name": name, "input": {} })
}

fn start(index: usize, block: &Value) -> String {
    event(
        "content_block_start",
        &json!({ "index": index, "content_block": block }),
    )
}

fn piece(index: usize, delta: &Value) -> String {
    event(
        "content_block_delta",
        &json!({ "index": index, "delta": delta }),
    )
}

/// An error document.
pub(super) fn error(status: u16) -> Value {
    let kind = match status {
        401 => "authentication_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": "asked for by the test" } })
}

/// A server-sent event; the data repeats the type.
fn event(name: &str, data: &Value) -> String {
    let mut data = data.clone();
    data["type"] = name.into();
    format!("event: {name}\ndata: {data}\n\n")
}
