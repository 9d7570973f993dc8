//! Questions of the agent to the user, matched between hooks and the screen.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most open requests; beyond this number the oldest is dropped. A turn makes a handful of
/// concurrent requests.
pub const REQUESTS_MAX: usize = 64;
/// Length of the text that identifies a tool's input in a dialog, in characters of its first line.
const TELLING: usize = 60;
/// Bytes of a seemingly answered request that a dialog must show to belong to the request.
const SURELY: usize = 8;

/// A pending question.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The id; each new question has another id.
    pub id: String,
    /// The kind of answer.
    pub kind: AskKind,
    /// The name of the dialog.
    pub dialog: String,
    /// The waiting tool, if a hook named the tool.
    pub tool_name: Option<String>,
    /// The tool's input, with long texts cut.
    pub tool_input: Option<Value>,
    /// The questions of a question dialog, if a hook reported the questions.
    pub questions: Vec<Question>,
    /// The choices on the screen, top to bottom; empty before the first read of the screen.
    pub options: Vec<String>,
    /// The marked choice.
    pub selected: Option<usize>,
}

/// The name of unknown dialogs and panels.
pub const OTHER: &str = "other";

impl Ask {
    /// Whether the effects of the choices are known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.dialog != OTHER
    }
}

/// The kind of answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// Permission for a tool.
    Permission,
    /// Answers to questions of the agent.
    Question,
    /// A choice without a hook: trust, an offer, a warning.
    Dialog,
}

/// A question of the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub question: String,
    /// A word or two as the title.
    pub header: String,
    /// Whether several options may be chosen.
    pub multi_select: bool,
    pub options: Vec<QuestionOption>,
}

/// An option of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionOption {
    pub label: String,
    pub description: String,
}

/// A permission or a question reported by a hook.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The hook's number in the session.
    pub hook: u64,
    /// The asking subagent; `None` for the conversation itself.
    pub by: Option<String>,
    /// The waiting tool.
    pub tool_name: String,
    /// The tool's input.
    pub tool_input: Value,
    /// The questions; empty for a permission.
    pub questions: Vec<Question>,
}

impl Request {
    #[must_use]
    pub const fn kind(&self) -> AskKind {
        if self.questions.is_empty() {
            AskKind::Permission
        } else {
            AskKind::Question
        }
    }

    /// How many bytes of the request a dialog shows; `shown` has no white space.
    fn traces(&self, shown: &str) -> usize {
        let mut texts = Vec::new();
        collect(&self.tool_input, &mut texts);
        texts
            .into_iter()
            .filter(|text| shown.contains(text.as_str()))
            .map(|text| text.len())
            .sum()
    }
}

/// The beginnings of the texts in a value, without white space.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let line = text.lines().find(|line| !line.trim().is_empty());
            let telling: String = line.unwrap_or_default().chars().take(TELLING).collect();
            // Dialogs show files by their names.
            let (_, name) = telling.rsplit_once('/').unwrap_or_default();
            let found = [bare(&telling), bare(name)];
            texts.extend(found.into_iter().filter(|text| !text.is_empty()));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text without white space, for comparison with a screen. Screens break lines anywhere.
#[must_use]
pub fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Requests without a settlement so far.
///
/// A seemingly answered request is only set aside. A dialog may come late, or vanish and return
/// during a redraw, and must still find its request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Requests(VecDeque<Open>);

#[derive(Debug, Clone, PartialEq)]
struct Open {
    request: Request,
    /// The screen has shown the request's dialog.
    shown: bool,
    /// The request seems to be answered.
    aside: bool,
    /// The output offset of the dialog, where the dialog came before its hook.
    seen_first: Option<u64>,
}

/// The id of a question known by its dialog; `since` is the output offset of the dialog.
pub(crate) fn seen_first(since: u64) -> String {
    format!("s{since}")
}

impl Requests {
    pub(crate) fn add(&mut self, request: Request) {
        if self.0.len() == REQUESTS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Open {
            request,
            shown: false,
            aside: false,
            seen_first: None,
        });
    }

    /// The id of a hook's question for the API.
    pub(crate) fn id(&self, hook: u64) -> String {
        let open = self.0.iter().find(|open| open.request.hook == hook);
        let since = open.and_then(|open| open.seen_first);
        since.map_or_else(|| format!("h{hook}"), seen_first)
    }

    /// Leaves a question the id of its dialog, which clients have read before the hook came.
    pub(crate) fn keep_id(&mut self, hook: u64, since: u64) {
        let open = self.0.iter_mut().find(|open| open.request.hook == hook);
        if let Some(open) = open {
            open.seen_first = Some(since);
        }
    }

    fn standing(&self) -> impl Iterator<Item = &Request> {
        let standing = self.0.iter().filter(|open| !open.aside);
        standing.map(|open| &open.request)
    }

    /// The request with the longest wait.
    pub(crate) fn first(&self) -> Option<&Request> {
        self.standing().next()
    }

    pub(crate) fn get(&self, hook: u64) -> Option<&Request> {
        self.standing().find(|request| request.hook == hook)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Settles a request of the conversation or of a subagent: the tool ran or failed, so the
    /// request was answered.
    pub(crate) fn settle(&mut self, by: Option<&str>, tool_name: &str, tool_input: &Value) {
        // A question's input returns with the answers added.
        let same = |request: &Request| {
            request.by.as_deref() == by
                && request.tool_name == tool_name
                && match request.kind() {
                    AskKind::Question => request.tool_input["questions"] == tool_input["questions"],
                    AskKind::Permission | AskKind::Dialog => request.tool_input == *tool_input,
                }
        };
        if let Some(at) = self.0.iter().position(|open| same(&open.request)) {
            self.0.remove(at);
        }
    }

    /// Drops the requests of the conversation or of a subagent, because the turn is over.
    pub(crate) fn drop_of(&mut self, by: Option<&str>) {
        self.0.retain(|open| open.request.by.as_deref() != by);
    }

    /// All requests seem to be answered.
    pub(crate) fn set_aside(&mut self) {
        self.0.iter_mut().for_each(|open| open.aside = true);
    }

    /// A screen without a dialog: the requests shown before seem to be answered.
    pub(crate) fn set_shown_aside(&mut self) {
        self.0.iter_mut().for_each(|open| open.aside |= open.shown);
    }

    /// Finds the request of a dialog on the screen, by the request's hook. `shown` is the dialog's
    /// text without white space, `current` the request of the previous dialog.
    ///
    /// Several requests may wait at once, reported in any order, while their dialogs show one after
    /// the other.
    pub(crate) fn show(&mut self, kind: AskKind, shown: &str, current: Option<u64>) -> Option<u64> {
        let is_alike = |open: &Open| open.request.kind() == kind;
        let waiting = self.0.iter().filter(|open| is_alike(open) && !open.aside);
        let only = waiting.count() == 1;
        let hook = self
            .0
            .iter()
            .filter(|open| is_alike(open))
            .map(|open| (open.request.traces(shown), open))
            // A lone request without a dialog so far belongs to the shown dialog, even with little
            // text in common.
            .filter(|(traces, open)| {
                let may_be = !open.shown || current == Some(open.request.hook);
                match open.aside {
                    true => *traces >= SURELY,
                    false => *traces > 0 || (only && may_be),
                }
            })
            .max_by_key(|(traces, open)| {
                let is_current = current == Some(open.request.hook);
                let older = u64::MAX - open.request.hook;
                (*traces, !open.aside, is_current, older)
            })
            .map(|(_, open)| open.request.hook);
        for open in &mut self.0 {
            // A request whose dialog vanished seems to be answered.
            open.aside |= open.shown;
            if Some(open.request.hook) == hook {
                (open.shown, open.aside) = (true, false);
            }
        }
        hook
    }
}
