//! Output reader of a run: turns output into events and conversation changes; equal bytes give
//! equal results, however often they are read.

use std::collections::VecDeque;

use uuid::Uuid;
use wxcode_claude::stream::{Message, ToolInput, Verdict};
use wxcode_core::{
    event::{EVENT_MAX, Kind, Reporter, RunReport, ToolCall},
    id::Id,
    run::Place,
    text::shortened,
};

use crate::session::report::{PATH_MAX, SHORT_MAX};

/// Most concurrent tools; beyond that, the oldest one ends without its name.
const TOOLS_MAX: usize = 256;
/// Lines kept of the last output outside of messages.
const WORDS_LINES: usize = 5;
/// Longest published name or id of a tool, in characters.
const NAME_MAX: usize = 200;

/// A consequence of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// An event to publish.
    Tell(Kind),
    /// The line at this offset made a conversation current.
    Turn { offset: u64, to: Uuid },
    /// The conversation has messages.
    Spoke(Uuid),
}

/// The state of a run's output so far.
#[derive(Debug)]
pub(super) struct Story {
    run: Id,
    conversation: Uuid,
    has_spoken: bool,
    /// Whether the next init line may name another conversation. Other init lines come from
    /// children of the agent.
    may_turn: bool,
    tools: VecDeque<ToolCall>,
    words: VecDeque<String>,
    pub(super) verdict: Option<Verdict>,
}

impl Story {
    pub(super) const fn new(run: Id, conversation: Uuid) -> Self {
        Self {
            run,
            conversation,
            has_spoken: false,
            may_turn: true,
            tools: VecDeque::new(),
            words: VecDeque::new(),
            verdict: None,
        }
    }

    /// The present conversation.
    pub(super) const fn conversation(&self) -> Uuid {
        self.conversation
    }

    /// The last output outside of messages.
    pub(super) fn words(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        words.join(" ")
    }

    /// Takes the messages of the line at this offset.
    pub(super) fn go_on(&mut self, offset: u64, messages: Vec<Message>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut part = 0;
        for message in messages {
            let by = RunReport {
                run_id: self.run,
                claude_session_id: self.conversation,
                place: Place { offset, part },
            };
            let told = match message {
                Message::Init { session_id } => {
                    if std::mem::take(&mut self.may_turn) {
                        self.has_spoken &= session_id == self.conversation;
                        self.conversation = session_id;
                        steps.push(Step::Turn {
                            offset,
                            to: session_id,
                        });
                    }
                    continue;
                }
                Message::Reset => {
                    self.may_turn = true;
                    continue;
                }
                Message::Verdict(verdict) => {
                    self.verdict = Some(verdict);
                    continue;
                }
                Message::Words(words) => {
                    if self.words.len() == WORDS_LINES {
                        self.words.pop_front();
                    }
                    self.words.push_back(words);
                    continue;
                }
                Message::Text(text) => Kind::RunMessage {
                    by,
                    // The event is cut to fit, and marked.
                    text: shortened(&text, EVENT_MAX),
                },
                Message::ToolUse { id, name, input } => {
                    let call = call(&name, id, &input);
                    if self.tools.len() == TOOLS_MAX {
                        self.tools.pop_front();
                    }
                    self.tools.push_back(call.clone());
                    Kind::ToolStarted {
                        by: Reporter::Run(by),
                        call,
                    }
                }
                Message::ToolResult { id } => Kind::ToolFinished {
                    by: Reporter::Run(by),
                    call: self.finished(id),
                },
            };
            part += 1;
            steps.push(Step::Tell(told));
            if !std::mem::replace(&mut self.has_spoken, true) {
                steps.push(Step::Spoke(self.conversation));
            }
        }
        steps
    }

    fn finished(&mut self, id: Option<String>) -> ToolCall {
        let id = id.map(|id| shortened(&id, NAME_MAX));
        let at = self.tools.iter().position(|call| call.tool_use_id == id);
        at.and_then(|at| self.tools.remove(at))
            .unwrap_or_else(|| ToolCall {
                tool_use_id: id,
                ..ToolCall::default()
            })
    }
}

fn call(name: &str, id: Option<String>, input: &ToolInput) -> ToolCall {
    let text = |text: &Option<String>, max| text.as_deref().map(|text| shortened(text, max));
    ToolCall {
        tool_name: shortened(name, NAME_MAX),
        tool_use_id: id.map(|id| shortened(&id, NAME_MAX)),
        file_path: text(&input.file_path, PATH_MAX),
        command: text(&input.command, SHORT_MAX),
        pattern: text(&input.pattern, SHORT_MAX),
        description: text(&input.description, SHORT_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid::from_u128(1);
    const B: Uuid = Uuid::from_u128(2);

    fn init(session_id: Uuid) -> Vec<Message> {
        vec![Message::Init { session_id }]
    }

    fn text(text: &str) -> Message {
        Message::Text(text.to_owned())
    }

    fn using(id: &str, name: &str) -> Message {
        Message::ToolUse {
            id: Some(id.to_owned()),
            name: name.to_owned(),
            input: ToolInput::default(),
        }
    }

    fn back(id: &str) -> Message {
        Message::ToolResult {
            id: Some(id.to_owned()),
        }
    }

    fn story() -> Story {
        Story::new(Id::from_bytes([1; 12]), A)
    }

    fn kinds(steps: &[Step]) -> Vec<&Kind> {
        let told = steps.iter().filter_map(|step| match step {
            Step::Tell(kind) => Some(kind),
            _ => None,
        });
        told.collect()
    }

    #[test]
    fn each_event_of_a_line_has_a_place_of_its_own() {
        let mut story = story();
        story.go_on(0, init(A));
        let steps = story.go_on(70, vec![text("a"), using("t", "Bash"), text("b")]);
        let places: Vec<_> = kinds(&steps)
            .iter()
            .map(|kind| kind.run_report().unwrap().place)
            .collect();
        let place = |part| Place { offset: 70, part };
        assert_eq!(places, [place(0), place(1), place(2)]);
    }

    #[test]
    fn a_conversation_turns_at_the_first_init_and_after_a_reset_only() {
        let mut story = story();
        let turn = |offset, to| vec![Step::Turn { offset, to }];
        assert_eq!(story.go_on(0, init(A)), turn(0, A));
        assert_eq!(story.go_on(10, init(B)), [], "a foreign process");
        let spoke = story.go_on(20, vec![text("x")]);
        assert_eq!(spoke[1..], [Step::Spoke(A)]);
        assert_eq!(story.go_on(30, vec![text("x")]).len(), 1, "once");
        story.go_on(40, vec![Message::Reset]);
        assert_eq!(story.go_on(50, init(B)), turn(50, B));
        assert_eq!(story.go_on(60, vec![text("x")])[1..], [Step::Spoke(B)]);
        assert_eq!(story.conversation(), B);
    }

    #[test]
    fn a_tool_ends_with_the_name_that_it_began_with() {
        let mut story = story();
        story.go_on(0, vec![using("1", "Bash"), using("2", "Read")]);
        let steps = story.go_on(10, vec![back("2"), back("1"), back("3")]);
        let names: Vec<_> = kinds(&steps)
            .iter()
            .map(|kind| match kind {
                Kind::ToolFinished { call, .. } => call.tool_name.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(names, ["Read", "Bash", ""]);
        for n in 0..2 * TOOLS_MAX {
            story.go_on(20, vec![using(&n.to_string(), "Bash")]);
        }
        assert_eq!(story.tools.len(), TOOLS_MAX);
    }

    #[test]
    fn the_last_words_are_few() {
        let mut story = story();
        for n in 0..9 {
            story.go_on(n, vec![Message::Words(n.to_string())]);
        }
        assert_eq!(story.words(), "4 5 6 7 8");
    }
}
