//! What the agent asks of the user: what its hooks report of it, and what its screen shows.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most requests that are kept open; the oldest is forgotten beyond that. A turn asks for a handful at once.
pub const REQUESTS_MAX: usize = 64;
/// How much of a text in a tool's input tells a dialog that shows it, in characters of its first line.
const TELLING: usize = 60;
/// How much of a request's texts a dialog must show, in bytes, when the request seemed to be answered.
const SURELY: usize = 8;

/// What stands there to be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Names it; each new ask has another one.
    pub id: String,
    /// What kind of answer it takes.
    pub kind: AskKind,
    /// The name of the dialog.
    pub dialog: String,
    /// The tool that waits, where a hook told of it.
    pub tool_name: Option<String>,
    /// What that is called with; long texts in it are cut.
    pub tool_input: Option<Value>,
    /// The questions, where it is one and a hook told of it.
    pub questions: Vec<Question>,
    /// The choices on the screen, top to bottom; empty while no look has shown them.
    pub options: Vec<String>,
    /// The choice that is marked.
    pub selected: Option<usize>,
}

/// The name of dialogs and panels that are not known.
pub const OTHER: &str = "other";

impl Ask {
    /// Whether it is known what its choices do.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.dialog != OTHER
    }
}

/// What kind of answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// Leave for a tool.
    Permission,
    /// Answers to questions of the agent.
    Question,
    /// A choice that no hook tells of: trust, an offer, a warning.
    Dialog,
}

/// A question of the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What is asked.
    pub question: String,
    /// A word or two for it.
    pub header: String,
    /// Whether several options may be taken.
    pub multi_select: bool,
    /// What may be chosen.
    pub options: Vec<QuestionOption>,
}

/// One answer that may be chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionOption {
    /// Its name.
    pub label: String,
    /// What it means.
    pub description: String,
}

/// A permission or a question that a hook told of.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The hook's number in the session.
    pub hook: u64,
    /// The subagent that asks; `None` for the conversation itself.
    pub by: Option<String>,
    /// The tool that waits.
    pub tool_name: String,
    /// What it is called with.
    pub tool_input: Value,
    /// The questions; empty for a permission.
    pub questions: Vec<Question>,
}

impl Request {
    /// What it asks for.
    #[must_use]
    pub const fn kind(&self) -> AskKind {
        if self.questions.is_empty() {
            AskKind::Permission
        } else {
            AskKind::Question
        }
    }

    /// The id of the ask that it is.
    #[must_use]
    pub fn id(&self) -> String {
        format!("h{}", self.hook)
    }

    /// How much of it a dialog shows, by texts of its input; `shown` has no white space.
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
            // Files are shown by their names.
            let (_, name) = telling.rsplit_once('/').unwrap_or_default();
            let found = [bare(&telling), bare(name)];
            texts.extend(found.into_iter().filter(|text| !text.is_empty()));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text without its white space, as texts are compared with a screen, which breaks their lines anywhere.
#[must_use]
pub fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The requests that nothing has settled yet.
///
/// One that seems to be answered, by what the screen or the record of the process say, is only set aside: a dialog may
/// come late, or go and come again while the screen is drawn anew, and then it is known what it belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Requests(VecDeque<Open>);

#[derive(Debug, Clone, PartialEq)]
struct Open {
    request: Request,
    /// A look has shown its dialog.
    shown: bool,
    /// It seems to be answered.
    aside: bool,
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
        });
    }

    fn standing(&self) -> impl Iterator<Item = &Request> {
        let standing = self.0.iter().filter(|open| !open.aside);
        standing.map(|open| &open.request)
    }

    /// The one that has waited longest.
    pub(crate) fn first(&self) -> Option<&Request> {
        self.standing().next()
    }

    pub(crate) fn get(&self, hook: u64) -> Option<&Request> {
        self.standing().find(|request| request.hook == hook)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// A tool ran or failed: what asked for it was answered.
    pub(crate) fn settle(&mut self, tool_name: &str, tool_input: &Value) {
        // A question's input comes back with the answers in it.
        let same = |request: &Request| {
            request.tool_name == tool_name
                && match request.kind() {
                    AskKind::Question => request.tool_input["questions"] == tool_input["questions"],
                    AskKind::Permission | AskKind::Dialog => request.tool_input == *tool_input,
                }
        };
        if let Some(at) = self.0.iter().position(|open| same(&open.request)) {
            self.0.remove(at);
        }
    }

    /// The turn of the conversation or of one of its subagents is over, and with it what it asked for.
    pub(crate) fn drop_of(&mut self, by: Option<&str>) {
        self.0.retain(|open| open.request.by.as_deref() != by);
    }

    /// Nothing seems to be asked any more.
    pub(crate) fn set_aside(&mut self) {
        self.0.iter_mut().for_each(|open| open.aside = true);
    }

    /// A screen without a dialog: what was shown on it before seems to be answered.
    pub(crate) fn set_shown_aside(&mut self) {
        self.0.iter_mut().for_each(|open| open.aside |= open.shown);
    }

    /// The request that a dialog on the screen belongs to, by its hook. `shown` is the dialog's text without white
    /// space, `current` the request that the dialog before it belonged to.
    ///
    /// Several may wait at once, told in any order, while one dialog after the other shows.
    pub(crate) fn show(&mut self, kind: AskKind, shown: &str, current: Option<u64>) -> Option<u64> {
        let is_alike = |open: &Open| open.request.kind() == kind;
        let waiting = self.0.iter().filter(|open| is_alike(open) && !open.aside);
        let only = waiting.count() == 1;
        let hook = self
            .0
            .iter()
            .filter(|open| is_alike(open))
            .map(|open| (open.request.traces(shown), open))
            // A lone request that was never seen belongs to what shows, however little it shows of it.
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
            // One that was shown and is no more seems to be answered.
            open.aside |= open.shown;
            if Some(open.request.hook) == hook {
                (open.shown, open.aside) = (true, false);
            }
        }
        hook
    }
}
