//! Counts the tokens and the cost of a conversation from its transcript.
//!
//! - Claude Code writes one line for each block of a message, all with the message's `usage`. A
//!   message counts once, also when a fork copies it into another transcript.
//! - Subagents count in the tokens of a month and of a model. They do not count in the context.
//! - `cost-state` is Claude Code's own sum for the conversation; it is written at the agent's end.
//!
//! Source: transcripts of Claude Code 2.1.329; `conversations/` keeps recorded ones.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde::{Deserialize, Serialize};

/// Most messages remembered, so that none counts twice; beyond that the memory begins again.
const MESSAGES_MAX: usize = 200_000;
/// Most months and most models of a month; further ones count as the last one.
const MONTHS_MAX: usize = 240;
const MODELS_MAX: usize = 50;
/// Longest name of a model, in bytes.
const MODEL_MAX: usize = 200;
/// The model of messages that Claude Code wrote itself.
const SYNTHETIC: &str = "<synthetic>";
/// The context window of a model in tokens, unless its name says more.
const WINDOW: u64 = 200_000;
/// The window of a model whose name ends with `[1m]`, or of a context larger than [`WINDOW`].
const LARGE_WINDOW: u64 = 1_000_000;

/// Tokens by kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Tokens {
    /// Read by the model, without the cache.
    pub input: u64,
    /// Written into the cache.
    pub cache_write: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Written by the model.
    pub output: u64,
}

impl Tokens {
    /// All tokens that the model read.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.input
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_read)
    }

    fn each(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            input: with(self.input, other.input),
            cache_write: with(self.cache_write, other.cache_write),
            cache_read: with(self.cache_read, other.cache_read),
            output: with(self.output, other.output),
        }
    }

    fn plus(self, other: Self) -> Self {
        self.each(other, u64::saturating_add)
    }

    fn without(self, other: Self) -> Self {
        self.each(other, u64::saturating_sub)
    }

    fn max(self, other: Self) -> Self {
        self.each(other, u64::max)
    }
}

/// The usage of a month.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Month {
    pub models: BTreeMap<String, Tokens>,
    /// In US dollars, as far as Claude Code wrote it down.
    pub cost_usd: Option<f64>,
}

impl Month {
    /// The tokens of all models.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        let models = self.models.values();
        models.fold(Tokens::default(), |sum, tokens| sum.plus(*tokens))
    }
}

/// The usage of one conversation.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct ConversationUsage {
    /// The tokens of all its messages, without those of subagents.
    pub tokens: Tokens,
    /// The tokens in the context after the last message; `None` after a compaction.
    pub context: Option<u64>,
    /// The model of the last message.
    pub model: Option<String>,
    pub cost_usd: Option<f64>,
}

impl ConversationUsage {
    /// The used part of the context window, in percent.
    #[must_use]
    pub fn context_percent(&self) -> Option<f64> {
        let context = self.context?;
        let is_large = self
            .model
            .as_deref()
            .is_some_and(|model| model.ends_with("[1m]"));
        let window = match is_large || context > WINDOW {
            true => LARGE_WINDOW,
            false => WINDOW,
        };
        let tenths = context.saturating_mul(1_000) / window;
        #[expect(clippy::cast_precision_loss, reason = "at most 1000 tenths")]
        let percent = tenths.min(1_000) as f64 / 10.0;
        Some(percent)
    }
}

/// The usage of the conversations of a project, line by line.
#[derive(Debug, Default)]
pub struct Tally {
    pub months: BTreeMap<String, Month>,
    /// The counted messages, by a hash of their ids.
    messages: HashMap<u64, Tokens>,
}

/// The place of a file in the lines of a [`Tally`].
#[derive(Debug, Default, Clone)]
pub struct FileState {
    /// The month of the last line with a time.
    month: Option<String>,
    /// The last sum of the cost.
    cost_usd: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    r#type: String,
    subtype: Option<String>,
    timestamp: Option<String>,
    is_sidechain: Option<bool>,
    request_id: Option<String>,
    request_ref: Option<String>,
    message: Option<Message>,
    #[serde(rename = "totalCostUSD")]
    cost_usd: Option<f64>,
}

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Usage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
}

impl Tally {
    /// Counts a line of a file of a conversation. `is_side` says that the file is a subagent's.
    pub fn push(
        &mut self,
        line: &[u8],
        is_side: bool,
        file: &mut FileState,
        conversation: &mut ConversationUsage,
    ) {
        let has = |word: &[u8]| memchr::memmem::find(line, word).is_some();
        if !has(b"\"usage\"") && !has(b"\"cost-state\"") && !has(b"\"compact_boundary\"") {
            return;
        }
        let Ok(line) = serde_json::from_slice::<Line>(line) else {
            return;
        };
        if let Some(month) = line.timestamp.as_deref().and_then(month) {
            file.month = Some(month.to_owned());
        }
        let is_side = is_side || line.is_sidechain == Some(true);
        match (line.r#type.as_str(), line.subtype.as_deref()) {
            ("cost-state", _) => {
                if let Some(cost) = line
                    .cost_usd
                    .filter(|cost| cost.is_finite() && *cost >= 0.0)
                {
                    self.cost(cost, file, conversation);
                }
            }
            ("system", Some("compact_boundary")) if !is_side => conversation.context = None,
            ("assistant", _) => self.message(line, is_side, file, conversation),
            _ => {}
        }
    }

    fn message(
        &mut self,
        line: Line,
        is_side: bool,
        file: &FileState,
        conversation: &mut ConversationUsage,
    ) {
        let Some(message) = line.message else {
            return;
        };
        let model = message.model.unwrap_or_default();
        let Some(usage) = message.usage.filter(|_| model != SYNTHETIC) else {
            return;
        };
        let tokens = Tokens {
            input: usage.input_tokens,
            cache_write: usage.cache_creation_input_tokens,
            cache_read: usage.cache_read_input_tokens,
            output: usage.output_tokens,
        };
        let model = model.chars().take(MODEL_MAX).collect::<String>();
        if !is_side {
            conversation.context = Some(tokens.read().saturating_add(tokens.output));
            conversation.model = Some(model.clone());
        }
        let mut hasher = DefaultHasher::new();
        match &message.id {
            Some(id) => (id, line.request_id.or(line.request_ref)).hash(&mut hasher),
            // A message without an id counts for itself.
            None => self.messages.len().hash(&mut hasher),
        }
        if self.messages.len() >= MESSAGES_MAX {
            self.messages.clear();
        }
        let counted = self.messages.entry(hasher.finish()).or_default();
        let more = tokens.without(*counted);
        *counted = counted.max(tokens);
        if !is_side {
            conversation.tokens = conversation.tokens.plus(more);
        }
        let month = self.month(file);
        let is_full = month.models.len() >= MODELS_MAX && !month.models.contains_key(&model);
        let model = match is_full {
            true => String::new(),
            false => model,
        };
        let of_model = month.models.entry(model).or_default();
        *of_model = of_model.plus(more);
    }

    fn cost(&mut self, cost: f64, file: &mut FileState, conversation: &mut ConversationUsage) {
        let more = (cost - file.cost_usd.unwrap_or(0.0)).max(0.0);
        file.cost_usd = Some(cost);
        conversation.cost_usd = Some(cost);
        let month = self.month(file);
        month.cost_usd = Some(month.cost_usd.unwrap_or(0.0) + more);
    }

    fn month(&mut self, file: &FileState) -> &mut Month {
        let mut name = file.month.clone().unwrap_or_default();
        if self.months.len() >= MONTHS_MAX && !self.months.contains_key(&name) {
            name = self.months.keys().next_back().cloned().unwrap_or_default();
        }
        self.months.entry(name).or_default()
    }
}

/// The month of a time in RFC 3339: `2026-11`.
fn month(at: &str) -> Option<&str> {
    let month = at.get(..7)?;
    let is_month = month.bytes().enumerate().all(|(at, byte)| match at {
        4 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_month.then_some(month)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKED: &str = include_str!("../conversations/worked.jsonl");

    fn line(id: &str, at: &str, output: u64) -> String {
        format!(
            r#"{{"type":"assistant","timestamp":"{at}T10:00:00Z","requestId":"r{id}","message":{{"id":"{id}","model":"m","usage":{{"input_tokens":10,"cache_read_input_tokens":90,"output_tokens":{output}}}}}}}"#
        )
    }

    #[test]
    fn a_recorded_conversation_is_counted() {
        let mut tally = Tally::default();
        let (mut file, mut usage) = Default::default();
        for line in WORKED.lines() {
            tally.push(line.as_bytes(), false, &mut file, &mut usage);
        }
        // Claude Code's own sums, from its `cost-state`.
        assert_eq!((usage.tokens.input, usage.tokens.output), (90, 90));
        assert_eq!(usage.cost_usd, Some(0.00216));
        assert_eq!(usage.context, Some(20));
        let month = &tally.months["2026-11"];
        assert_eq!(month.models["claude-opus-5-5"], usage.tokens);
        assert_eq!(month.cost_usd, Some(0.00216));
    }

    #[test]
    fn a_message_counts_once() {
        let mut tally = Tally::default();
        let (mut file, mut usage) = Default::default();
        for output in [1, 5, 5] {
            let line = line("a", "2026-01-31", output);
            tally.push(line.as_bytes(), false, &mut file, &mut usage);
        }
        // A fork has it too.
        let (mut fork, mut other) = Default::default();
        let copied = line("a", "2026-01-31", 5);
        tally.push(copied.as_bytes(), false, &mut fork, &mut other);
        let own = line("b", "2026-02-01", 7);
        tally.push(own.as_bytes(), true, &mut fork, &mut other);
        assert_eq!(usage.tokens.output, 5);
        assert_eq!(tally.months["2026-01"].models["m"].output, 5);
        assert_eq!(tally.months["2026-02"].models["m"].output, 7);
        assert_eq!(other.tokens.output, 0, "a subagent's");
        assert_eq!(other.context, Some(105), "without the subagent");
    }

    #[test]
    fn the_context_is_a_part_of_the_window() {
        let usage = |context, model: &str| ConversationUsage {
            context: Some(context),
            model: Some(model.to_owned()),
            ..ConversationUsage::default()
        };
        assert_eq!(usage(50_000, "m").context_percent(), Some(25.0));
        assert_eq!(usage(50_000, "m[1m]").context_percent(), Some(5.0));
        assert_eq!(usage(300_000, "m").context_percent(), Some(30.0));
        let mut tally = Tally::default();
        let (mut file, mut used) = (FileState::default(), usage(9, "m"));
        let compacted = br#"{"type":"system","subtype":"compact_boundary"}"#;
        tally.push(compacted, false, &mut file, &mut used);
        assert_eq!(used.context_percent(), None);
    }
}
