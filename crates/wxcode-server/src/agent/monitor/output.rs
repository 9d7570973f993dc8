//! Output reader of a run: turns output into events and conversation changes; equal bytes give
//! equal results, however often they are read.

use std::collections::VecDeque;

use uuid::Uuid;
use wxcode_claude::stream::{LostWrites, Message, ToolInput, Verdict};
use wxcode_core::{
    event::{EVENT_MAX, Kind, Reporter, RunReport, ToolCall},
    id::Id,
    run::Place,
    text::shortened,
};

use crate::agent::monitor::report::{PATH_MAX, SHORT_MAX};

/// Most concurrent tools; beyond this number, the oldest tool ends without its name.
const TOOLS_MAX: usize = 256;
/// Lines kept of the last output outside of messages.
const WORDS_LINES: usize = 5;
/// Longest published name or id of a tool, in characters.
const NAME_MAX: usize = 200;

/// A consequence of a message.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::agent) enum Step {
    /// An event to publish.
    Publish(Kind),
    /// The line at this offset made a conversation current.
    SwitchConversation { offset: u64, to: Uuid },
    /// The conversation has messages.
    Spoke(Uuid),
}

/// The state of a run's output so far.
#[derive(Debug)]
pub(in crate::agent) struct OutputReader {
    run: Id,
    conversation: Uuid,
    has_spoken: bool,
    /// Whether the next init line may name another conversation. Other init lines come from
    /// children of the agent.
    may_switch: bool,
    tools: VecDeque<ToolCall>,
    lines: VecDeque<String>,
    lost_writes: Option<LostWrites>,
    pub(in crate::agent) verdict: Option<Verdict>,
}

impl OutputReader {
    pub(in crate::agent) const fn new(run: Id, conversation: Uuid) -> Self {
        Self {
            run,
            conversation,
            has_spoken: false,
            may_switch: true,
            tools: VecDeque::new(),
            lines: VecDeque::new(),
            lost_writes: None,
            verdict: None,
        }
    }

    /// The present conversation.
    pub(in crate::agent) const fn conversation(&self) -> Uuid {
        self.conversation
    }

    /// The last output outside of messages.
    pub(in crate::agent) fn last_lines(&self) -> String {
        let words: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        words.join(" ")
    }

    /// What the user should know of a run besides its outcome.
    pub(in crate::agent) fn warning(&self) -> Option<String> {
        let lost = self.lost_writes.as_ref()?;
        let what = if lost.has_transcript {
            "lines of the conversation's transcript"
        } else {
            "changes to its settings"
        };
        let reason = lost
            .reason
            .as_deref()
            .map(|reason| shortened(reason, NAME_MAX));
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        Some(format!(
            "the agent could not save {what}{reason}, so a later resume may lack them: make room on the disk of Claude's configuration folder"
        ))
    }

    /// Takes the messages of the line at this offset.
    pub(in crate::agent) fn read(&mut self, offset: u64, messages: Vec<Message>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut part = 0;
        for message in messages {
            let by = RunReport {
                run_id: self.run,
                claude_session_id: self.conversation,
                place: Place { offset, part },
            };
            let kind = match message {
                Message::Init { session_id } => {
                    if std::mem::take(&mut self.may_switch) {
                        self.has_spoken &= session_id == self.conversation;
                        self.conversation = session_id;
                        steps.push(Step::SwitchConversation {
                            offset,
                            to: session_id,
                        });
                    }
                    continue;
                }
                Message::Reset => {
                    self.may_switch = true;
                    continue;
                }
                Message::Verdict(verdict) => {
                    self.verdict = Some(verdict);
                    continue;
                }
                Message::WritesLost(lost) => {
                    self.lost_writes = Some(lost);
                    continue;
                }
                Message::Words(words) => {
                    if self.lines.len() == WORDS_LINES {
                        self.lines.pop_front();
                    }
                    self.lines.push_back(words);
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
            steps.push(Step::Publish(kind));
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

    fn reader() -> OutputReader {
        OutputReader::new(Id::from_bytes([1; 12]), A)
    }

    fn kinds(steps: &[Step]) -> Vec<&Kind> {
        let kind = steps.iter().filter_map(|step| match step {
            Step::Publish(kind) => Some(kind),
            _ => None,
        });
        kind.collect()
    }

    #[test]
    fn each_event_of_a_line_has_a_place() {
        let mut reader = reader();
        reader.read(0, init(A));
        let steps = reader.read(70, vec![text("a"), using("t", "Bash"), text("b")]);
        let places: Vec<_> = kinds(&steps)
            .iter()
            .map(|kind| kind.run_report().unwrap().place)
            .collect();
        let place = |part| Place { offset: 70, part };
        assert_eq!(places, [place(0), place(1), place(2)]);
    }

    #[test]
    fn first_init_or_reset_switches_conversation() {
        let mut reader = reader();
        let turn = |offset, to| vec![Step::SwitchConversation { offset, to }];
        assert_eq!(reader.read(0, init(A)), turn(0, A));
        assert_eq!(reader.read(10, init(B)), [], "a foreign process");
        let spoke = reader.read(20, vec![text("x")]);
        assert_eq!(spoke[1..], [Step::Spoke(A)]);
        assert_eq!(reader.read(30, vec![text("x")]).len(), 1, "once");
        reader.read(40, vec![Message::Reset]);
        assert_eq!(reader.read(50, init(B)), turn(50, B));
        assert_eq!(reader.read(60, vec![text("x")])[1..], [Step::Spoke(B)]);
        assert_eq!(reader.conversation(), B);
    }

    #[test]
    fn tool_end_repeats_the_tool_name() {
        let mut reader = reader();
        reader.read(0, vec![using("1", "Bash"), using("2", "Read")]);
        let steps = reader.read(10, vec![back("2"), back("1"), back("3")]);
        let names: Vec<_> = kinds(&steps)
            .iter()
            .map(|kind| match kind {
                Kind::ToolFinished { call, .. } => call.tool_name.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(names, ["Read", "Bash", ""]);
        for n in 0..2 * TOOLS_MAX {
            reader.read(20, vec![using(&n.to_string(), "Bash")]);
        }
        assert_eq!(reader.tools.len(), TOOLS_MAX);
    }

    #[test]
    fn last_lines_are_bounded() {
        let mut reader = reader();
        for n in 0..9 {
            reader.read(n, vec![Message::Words(n.to_string())]);
        }
        assert_eq!(reader.last_lines(), "4 5 6 7 8");
    }
}
