//! Builds the command lines of Claude Code, for a terminal and for a headless run.

use std::path::Path;

use uuid::Uuid;

/// The conversation to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Starts a new conversation under this id, chosen by us.
    New(Uuid),
    /// Starts under an id chosen earlier. The id never spoke, so it is still free.
    Again(Uuid),
    /// Resumes a conversation with messages.
    Resume(Uuid),
}

impl Start {
    /// The claude session id to expect in the first `SessionStart` hook.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::New(id) | Self::Again(id) | Self::Resume(id) => id,
        }
    }
}

/// The parts of an interactive start.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    pub claude: &'a Path,
    pub start: Start,
    /// The file with the document of [`crate::settings::document`].
    pub settings: &'a Path,
    /// `--permission-mode`; `None` keeps Claude Code's default.
    pub permission_mode: Option<&'a str>,
    /// `--model`; `None` keeps Claude Code's default.
    pub model: Option<&'a str>,
    /// Arguments of the project or the operator's configuration, passed unchanged.
    pub extra_args: &'a [String],
    /// The text of the first prompt.
    pub prompt: Option<&'a str>,
}

/// Returns the argument vector, the executable first.
///
/// The prompt follows `--`: a leading `-` cannot make an option of it, and no multi-value option in
/// `extra_args` can swallow it. A prompt of one word gets a trailing space, because Claude Code
/// takes a bare `update` or `mcp` for a subcommand even there. Paths must be UTF-8; other bytes
/// become replacement characters.
#[must_use]
pub fn argv(invocation: &Invocation<'_>) -> Vec<String> {
    let mut argv = vec![text(invocation.claude)];
    argv.extend(conversation(invocation.start));
    argv.extend(["--settings".to_owned(), text(invocation.settings)]);
    argv.extend(configured(
        invocation.permission_mode,
        invocation.model,
        invocation.extra_args,
    ));
    argv.extend(invocation.prompt.into_iter().flat_map(prompt_words));
    argv
}

/// The parts of a headless start.
#[derive(Debug, Clone, Copy)]
pub struct RunInvocation<'a> {
    pub claude: &'a Path,
    pub start: Start,
    /// `--permission-mode`; `None` keeps Claude Code's default.
    pub permission_mode: Option<&'a str>,
    /// `--model`; `None` keeps Claude Code's default.
    pub model: Option<&'a str>,
    /// Arguments of the project or the operator's configuration, passed unchanged.
    pub extra_args: &'a [String],
}

/// Returns the argument vector of a run with [`crate::stream`] output; otherwise like [`argv`].
///
/// A run has no hooks of ours: the stream reports the same. The prompt is the run's standard input,
/// because everybody on the machine sees arguments.
#[must_use]
pub fn run_argv(invocation: &RunInvocation<'_>) -> Vec<String> {
    const STREAM: [&str; 4] = ["-p", "--output-format", "stream-json", "--verbose"];
    let mut argv = vec![text(invocation.claude)];
    argv.extend(STREAM.map(str::to_owned));
    argv.extend(conversation(invocation.start));
    argv.extend(configured(
        invocation.permission_mode,
        invocation.model,
        invocation.extra_args,
    ));
    argv
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn conversation(start: Start) -> [String; 2] {
    let flag = match start {
        Start::New(_) | Start::Again(_) => "--session-id",
        Start::Resume(_) => "--resume",
    };
    [flag.to_owned(), start.id().to_string()]
}

fn configured(
    permission_mode: Option<&str>,
    model: Option<&str>,
    extra_args: &[String],
) -> Vec<String> {
    let flags = [("--permission-mode", permission_mode), ("--model", model)];
    let given = flags
        .into_iter()
        .filter_map(|(flag, value)| Some([flag, value?]));
    let given = given.flatten().map(str::to_owned);
    given.chain(extra_args.iter().cloned()).collect()
}

fn prompt_words(prompt: &str) -> [String; 2] {
    let is_word = prompt
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let space = if is_word { " " } else { "" };
    ["--".to_owned(), format!("{prompt}{space}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

    fn words(start: Start, extra_args: &[&str], prompt: Option<&str>) -> Vec<String> {
        let extra_args: Vec<String> = extra_args.iter().map(|&word| word.to_owned()).collect();
        argv(&Invocation {
            claude: Path::new("/opt/claude"),
            start,
            settings: Path::new("/s/settings file.json"),
            permission_mode: Some("default"),
            model: None,
            extra_args: &extra_args,
            prompt,
        })
    }

    #[test]
    fn each_start_has_its_flag() {
        let id = ID.to_string();
        for (start, flag) in [
            (Start::New(ID), "--session-id"),
            (Start::Again(ID), "--session-id"),
            (Start::Resume(ID), "--resume"),
        ] {
            assert_eq!(
                words(start, &[], None),
                [
                    "/opt/claude",
                    flag,
                    &id,
                    "--settings",
                    "/s/settings file.json",
                    "--permission-mode",
                    "default"
                ]
            );
        }
    }

    #[test]
    fn a_run_streams_without_our_hooks() {
        let id = ID.to_string();
        let words = run_argv(&RunInvocation {
            claude: Path::new("/opt/claude"),
            start: Start::Resume(ID),
            permission_mode: Some("plan"),
            model: Some("opus"),
            extra_args: &["--allowedTools".to_owned(), "Read".to_owned()],
        });
        assert_eq!(
            words,
            [
                "/opt/claude",
                "-p",
                "--output-format",
                "stream-json",
                "--verbose",
                "--resume",
                &id,
                "--permission-mode",
                "plan",
                "--model",
                "opus",
                "--allowedTools",
                "Read"
            ]
        );
    }

    #[test]
    fn a_prompt_is_never_an_option() {
        let cases = [
            ("/gsd:new-project a b", "/gsd:new-project a b"),
            (
                "--dangerously-skip-permissions",
                "--dangerously-skip-permissions ",
            ),
            ("-p", "-p "),
            ("update", "update "),
            ("two words", "two words"),
            ("--", "-- "),
        ];
        for (prompt, last) in cases {
            let words = words(
                Start::New(ID),
                &["--allowedTools", "Read", "Write"],
                Some(prompt),
            );
            assert_eq!(
                words[words.len() - 5..],
                ["--allowedTools", "Read", "Write", "--", last]
            );
        }
    }
}
