//! The Messages API's wire form of an answer: server-sent events, or one JSON document.

use serde_json::{Value, json};

/// What a message consists of.
pub(super) enum Content<'a> {
    Text(&'a str),
    Tool { name: &'a str, input: &'a Value },
}

impl Content<'_> {
    const fn stop_reason(&self) -> &'static str {
        match self {
            Self::Text(_) => "end_turn",
            Self::Tool { .. } => "tool_use",
        }
    }

    fn block(&self, id: &str) -> Value {
        match self {
            Self::Text(text) => json!({ "type": "text", "text": text }),
            Self::Tool { name, input } => {
                json!({ "type": "tool_use", "id": id, "name": name, "input": input })
            }
        }
    }
}

/// A message as one document, for requests without `stream`.
pub(super) fn document(number: usize, model: &Value, content: &Content<'_>) -> Value {
    json!({
        "id": format!("msg_{number:06}"), "type": "message", "role": "assistant", "model": model,
        "content": [content.block(&format!("toolu_{number:06}"))],
        "stop_reason": content.stop_reason(), "stop_sequence": null,
        "usage": { "input_tokens": 10, "output_tokens": 10 },
    })
}

/// The beginning of a streamed message, up to the start of its only content block.
pub(super) fn begin(number: usize, model: &Value, content: &Content<'_>) -> String {
    let block = match content {
        Content::Text(_) => json!({ "type": "text", "text": "" }),
        Content::Tool { name, .. } => {
            json!({ "type": "tool_use", "id": format!("toolu_{number:06}"), "name": name, "input": {} })
        }
    };
    let message = json!({
        "id": format!("msg_{number:06}"), "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 10, "output_tokens": 1 },
    });
    event("message_start", &json!({ "message": message }))
        + &event(
            "content_block_start",
            &json!({ "index": 0, "content_block": block }),
        )
}

/// A piece of the content.
pub(super) fn delta(content: &Content<'_>) -> String {
    let delta = match content {
        Content::Text(text) => json!({ "type": "text_delta", "text": text }),
        Content::Tool { input, .. } => {
            json!({ "type": "input_json_delta", "partial_json": input.to_string() })
        }
    };
    event(
        "content_block_delta",
        &json!({ "index": 0, "delta": delta }),
    )
}

/// The end of a streamed message.
pub(super) fn end(content: &Content<'_>) -> String {
    let delta = json!({ "stop_reason": content.stop_reason(), "stop_sequence": null });
    event("content_block_stop", &json!({ "index": 0 }))
        + &event(
            "message_delta",
            &json!({ "delta": delta, "usage": { "output_tokens": 10 } }),
        )
        + &event("message_stop", &json!({}))
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

/// One server-sent event; the type stands in the data too.
fn event(name: &str, data: &Value) -> String {
    let mut data = data.clone();
    data["type"] = name.into();
    format!("event: {name}\ndata: {data}\n\n")
}
