//! The agent's answer to a delivery, from the conversation.

use std::time::Duration;

use anyhow::bail;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use wxcode_client::{Client, ConversationPart, ConversationTurn, Project};

use crate::output::{self, plain};

/// Longest wait for the answer in the transcript, after the end of the turn.
const TRANSCRIPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause between two looks at the transcript.
const LOOK: Duration = Duration::from_millis(100);
/// Turns from the conversation's end that may hold the answer.
const TURNS: usize = 50;

/// The end of a delivery's turn in the conversation.
#[derive(Debug, PartialEq)]
enum Answer {
    /// The last text of the agent.
    Text(String),
    /// An error of the API.
    Error(String),
    /// The transcript ends with something else.
    Missing,
}

/// Prints the agent's answer. An error of the API is an error of the command.
pub(super) async fn print(
    client: &Client,
    project: &Project,
    delivery: &str,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + TRANSCRIPT_TIMEOUT;
    let part = ConversationPart {
        limit: Some(TURNS),
        ..ConversationPart::default()
    };
    loop {
        let page = client.conversation(&project.id, &part).await?;
        match of(&page.turns, delivery) {
            Answer::Text(text) => return output::print(plain(text.trim_end())),
            Answer::Error(text) => bail!("the turn ended with an error: {}", plain(&text)),
            Answer::Missing if Instant::now() < deadline => sleep(LOOK).await,
            Answer::Missing => {
                let id = &project.id;
                let hint = format_args!("the turn ended without an answer: see `wxcode logs {id}`");
                output::note(hint);
                return Ok(());
            }
        }
    }
}

fn of(turns: &[ConversationTurn], delivery: &str) -> Answer {
    let mut own = turns
        .iter()
        .filter(|turn| turn.delivery_id.as_deref() == Some(delivery));
    let Some(turn) = own.next_back() else {
        return Answer::Missing;
    };
    let text = |block: &Value| block["text"].as_str().map(str::to_owned);
    let Some(last) = turn.blocks.last() else {
        return Answer::Missing;
    };
    match (turn.role.as_str(), last["type"].as_str()) {
        ("assistant", Some("text")) => {
            let blocks = turn.blocks.iter().rev();
            let blocks = blocks.take_while(|block| block["type"] == "text");
            let mut texts: Vec<String> = blocks.filter_map(text).collect();
            texts.reverse();
            Answer::Text(texts.join("\n\n"))
        }
        (_, Some("error")) => Answer::Error(text(last).unwrap_or_default()),
        _ => Answer::Missing,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn turn(role: &str, delivery: &str, blocks: Value) -> ConversationTurn {
        serde_json::from_value(json!({
            "id": "t", "at": null, "role": role, "blocks": blocks, "truncated": false,
            "milestone_id": null, "delivery_id": delivery,
        }))
        .unwrap()
    }

    #[test]
    fn the_last_text_is_the_answer() {
        let prompt = turn("user", "d", json!([{ "type": "text", "text": "hi" }]));
        let tool = json!({ "type": "tool", "result": { "text": "" } });
        let first = turn(
            "assistant",
            "d",
            json!([{ "type": "text", "text": "I look" }, tool]),
        );
        let texts = json!([tool, { "type": "text", "text": "a" }, { "type": "text", "text": "b" }]);
        let last = turn("assistant", "d", texts);
        let other = turn(
            "assistant",
            "e",
            json!([{ "type": "text", "text": "other" }]),
        );
        assert_eq!(of(std::slice::from_ref(&prompt), "d"), Answer::Missing);
        let turns = [prompt, first, last, other];
        assert_eq!(of(&turns[..2], "d"), Answer::Missing);
        assert_eq!(of(&turns, "d"), Answer::Text("a\n\nb".to_owned()));
    }

    #[test]
    fn an_error_of_the_api_ends_a_turn() {
        let error = turn(
            "system",
            "d",
            json!([{ "type": "error", "text": "overloaded" }]),
        );
        assert_eq!(of(&[error], "d"), Answer::Error("overloaded".to_owned()));
    }
}
