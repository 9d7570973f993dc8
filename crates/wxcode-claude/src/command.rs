//! The command line that starts Claude Code in a terminal.

use std::path::Path;

use uuid::Uuid;

/// Which conversation the process opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A new conversation with this id, chosen by us before the start.
    New(Uuid),
    /// An id chosen earlier that never spoke: still free, so it is chosen once more.
    Again(Uuid),
    /// A conversation that has messages.
    Resume(Uuid),
}

impl Start {
    /// The conversation id that the first `SessionStart` hook of the process will report.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::New(id) | Self::Again(id) | Self::Resume(id) => id,
        }
    }
}

/// All that a start of Claude Code is made of.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// The executable.
    pub claude: &'a Path,
    /// The conversation.
    pub start: Start,
    /// File with the document of [`crate::settings::hooks`].
    pub settings: &'a Path,
    /// `--permission-mode`, if not Claude Code's own default.
    pub permission_mode: Option<&'a str>,
    /// Arguments of the operator's configuration, passed as they are.
    pub extra_args: &'a [String],
    /// Text that is submitted as the first prompt.
    pub prompt: Option<&'a str>,
}

/// The argument vector, the executable first.
///
/// The prompt stands behind `--`, so that neither a leading `-` makes it an option nor an option of
/// `extra_args` that takes many values swallows it. Paths that are not UTF-8 are not supported: they
/// are written with replacement characters.
#[must_use]
pub fn argv(invocation: &Invocation<'_>) -> Vec<String> {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let flag = match invocation.start {
        Start::New(_) | Start::Again(_) => "--session-id",
        Start::Resume(_) => "--resume",
    };
    let mut argv = vec![path(invocation.claude)];
    argv.extend([flag.to_owned(), invocation.start.id().to_string()]);
    argv.extend(["--settings".to_owned(), path(invocation.settings)]);
    if let Some(mode) = invocation.permission_mode {
        argv.push(format!("--permission-mode={mode}"));
    }
    argv.extend(invocation.extra_args.iter().cloned());
    if let Some(prompt) = invocation.prompt {
        argv.extend(["--".to_owned(), prompt.to_owned()]);
    }
    argv
}
