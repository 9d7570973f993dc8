//! Checks the mode, the model, the arguments and the variables that a user chooses for an agent.

use crate::environment;

/// The permission modes of Claude Code; `default` is the older word for `manual`.
pub const PERMISSION_MODES: [&str; 7] = [
    "acceptEdits",
    "auto",
    "bypassPermissions",
    "default",
    "dontAsk",
    "manual",
    "plan",
];
/// Longest name of a model, in bytes.
pub const MODEL_MAX: usize = 200;
/// Most arguments.
pub const ARGS_MAX: usize = 64;
/// Longest arguments together, in bytes.
pub const ARGS_BYTES_MAX: usize = 64 << 10; // 64 KiB
/// Most variables.
pub const ENV_MAX: usize = 200;
/// Longest names and values of the variables together, in bytes.
pub const ENV_BYTES_MAX: usize = 64 << 10; // 64 KiB

/// Flags that wxcode sets, or that would take the conversation elsewhere, and the remedy.
const OWNED: &[(&str, &str)] = &[
    ("--session-id", CONVERSATION),
    ("--resume", CONVERSATION),
    ("--continue", CONVERSATION),
    ("--fork-session", CONVERSATION),
    ("--from-pr", CONVERSATION),
    ("--resume-session-at", CONVERSATION),
    ("--no-session-persistence", CONVERSATION),
    ("--teleport", ELSEWHERE),
    ("--cloud", ELSEWHERE),
    ("--remote", ELSEWHERE),
    ("--environment", ELSEWHERE),
    ("--desktop", ELSEWHERE),
    ("--remote-control", ELSEWHERE),
    ("--rc", ELSEWHERE),
    ("--bg", ELSEWHERE),
    ("--background", ELSEWHERE),
    ("--worktree", ELSEWHERE),
    ("--tmux", ELSEWHERE),
    ("--settings", HOOKS),
    ("--bare", HOOKS),
    ("--safe-mode", HOOKS),
    ("--permission-mode", "use the setting permission_mode"),
    (
        "--dangerously-skip-permissions",
        "use the setting permission_mode with bypassPermissions",
    ),
    ("--model", "use the setting model"),
    ("--print", OUTPUT),
    ("--output-format", OUTPUT),
    ("--input-format", OUTPUT),
    ("--help", ENDS),
    ("--version", ENDS),
    ("--init-only", ENDS),
    ("--", "the prompt comes from a delivery"),
];
const CONVERSATION: &str = "wxcode chooses the conversation";
const ELSEWHERE: &str = "the conversation stays in the session of wxcode";
const HOOKS: &str = "wxcode needs its hooks in Claude Code's settings; put your own into the \
                     settings.json of the project or of claude_config_dir";
const OUTPUT: &str = "wxcode chooses between a terminal and a run";
const ENDS: &str = "Claude Code would end at once";
/// The owned flags of one letter.
const OWNED_SHORT: [(char, &str); 6] = [
    ('r', CONVERSATION),
    ('c', CONVERSATION),
    ('p', OUTPUT),
    ('h', ENDS),
    ('v', ENDS),
    ('w', ELSEWHERE),
];

/// A choice that Claude Code or wxcode cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    #[error("permission_mode is {0:?}: give one of {modes}, or null for the server's", modes = PERMISSION_MODES.join(", "))]
    Mode(String),
    #[error(
        "model is {0:?}: give an alias such as opus or a model's full name, 1 to {MODEL_MAX} visible \
         characters without a leading `-`, or null for the server's"
    )]
    Model(String),
    #[error("args has {given:?}, which a project may not set: {remedy}; remove it")]
    Owned { given: String, remedy: &'static str },
    #[error(
        "args begins with {0:?}, which Claude Code would take for a prompt or a command: begin with a flag \
         such as --add-dir"
    )]
    NoFlag(String),
    #[error("args has an entry with a NUL, which no argument of a program can hold: remove it")]
    Nul,
    #[error(
        "args has {count} entries of {bytes} bytes: give at most {ARGS_MAX} entries of {ARGS_BYTES_MAX} bytes \
         together"
    )]
    TooLong { count: usize, bytes: usize },
    #[error(
        "env has the name {0:?}: use letters, digits and `_`, without a digit first, at most 200 of them"
    )]
    Name(String),
    #[error("env has {name}, which a project may not set: {remedy}; remove it")]
    Reserved { name: String, remedy: &'static str },
    #[error("env has a NUL in the value of {0}, which no variable can hold: remove it")]
    NulValue(String),
    #[error(
        "env would have {count} variables of {bytes} bytes: keep at most {ENV_MAX} of {ENV_BYTES_MAX} bytes \
         together, and remove others with null"
    )]
    EnvTooLong { count: usize, bytes: usize },
}

/// Checks a permission mode.
///
/// # Errors
/// [`ChoiceError::Mode`] for one that Claude Code does not have.
pub fn permission_mode(mode: &str) -> Result<(), ChoiceError> {
    match PERMISSION_MODES.contains(&mode) {
        true => Ok(()),
        false => Err(ChoiceError::Mode(shown(mode))),
    }
}

/// Checks the name of a model.
///
/// # Errors
/// [`ChoiceError::Model`] for a text that can be none.
pub fn model(model: &str) -> Result<(), ChoiceError> {
    let is_name = (1..=MODEL_MAX).contains(&model.len())
        && !model.starts_with('-')
        && !model.chars().any(|c| c.is_control() || c.is_whitespace());
    match is_name {
        true => Ok(()),
        false => Err(ChoiceError::Model(shown(model))),
    }
}

/// Checks the arguments of a project.
///
/// # Errors
/// A flag that wxcode sets itself, or a bound.
pub fn args(args: &[String]) -> Result<(), ChoiceError> {
    let bytes = args.iter().map(String::len).sum();
    if args.len() > ARGS_MAX || bytes > ARGS_BYTES_MAX {
        return Err(ChoiceError::TooLong {
            count: args.len(),
            bytes,
        });
    }
    if let Some(first) = args.first().filter(|first| !first.starts_with('-')) {
        return Err(ChoiceError::NoFlag(shown(first)));
    }
    for arg in args {
        if arg.contains('\0') {
            return Err(ChoiceError::Nul);
        }
        if let Some(remedy) = owner(arg) {
            return Err(ChoiceError::Owned {
                given: shown(arg),
                remedy,
            });
        }
    }
    Ok(())
}

/// Why wxcode alone may give this argument.
fn owner(arg: &str) -> Option<&'static str> {
    let flag = arg.split_once('=').map_or(arg, |(flag, _)| flag);
    let long = OWNED.iter().find(|(owned, _)| *owned == flag);
    let mut letters = arg.strip_prefix('-').unwrap_or_default().chars();
    let first = letters.next();
    let short = OWNED_SHORT.iter().find(|(owned, _)| Some(*owned) == first);
    long.map(|(_, remedy)| *remedy)
        .or(short.map(|(_, remedy)| *remedy))
}

/// Checks one variable of a project, without a value if it is to be removed.
///
/// # Errors
/// A name or a value that a project may not set.
pub fn variable(name: &str, value: Option<&str>) -> Result<(), ChoiceError> {
    let is_name = (1..=200).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if !is_name {
        return Err(ChoiceError::Name(shown(name)));
    }
    let reserved = |remedy| {
        Err(ChoiceError::Reserved {
            name: name.to_owned(),
            remedy,
        })
    };
    match name {
        "CLAUDE_CONFIG_DIR" => return reserved("use the setting claude_config_dir"),
        "TERM" | "COLORTERM" => return reserved("the terminal of wxcode sets it"),
        "CLAUDECODE" => return reserved("Claude Code would take itself for a nested one"),
        _ if environment::is_ours(name) => {
            return reserved("the server's own variables are not handed on");
        }
        _ => {}
    }
    match value {
        Some(value) if value.contains('\0') => Err(ChoiceError::NulValue(name.to_owned())),
        _ => Ok(()),
    }
}

/// Checks the bounds of a project's variables together.
///
/// # Errors
/// [`ChoiceError::EnvTooLong`].
pub fn variables<'a>(
    variables: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), ChoiceError> {
    let (count, bytes) = variables.fold((0, 0), |(count, bytes), (name, value)| {
        (count + 1, bytes + name.len() + value.len())
    });
    match count > ENV_MAX || bytes > ENV_BYTES_MAX {
        true => Err(ChoiceError::EnvTooLong { count, bytes }),
        false => Ok(()),
    }
}

/// The beginning of a given text, for a message.
fn shown(given: &str) -> String {
    given.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn owned_flags_are_refused_in_every_form() {
        for given in [
            "--session-id",
            "--resume=abc",
            "-r",
            "-rabc",
            "-cp",
            "-p",
            "--settings={}",
            "--model=opus",
            "--",
            "--bg",
            "-w",
        ] {
            let error = args(&words(&["--verbose", given])).unwrap_err();
            assert!(
                matches!(error, ChoiceError::Owned { .. }),
                "{given}: {error}"
            );
            assert!(error.to_string().contains(given), "{error}");
        }
        args(&words(&[
            "--add-dir",
            "/a=b",
            "--allowedTools",
            "Bash(git *)",
            "-d",
            "--append-system-prompt",
            "be brief",
        ]))
        .unwrap();
        args(&[]).unwrap();
    }

    #[test]
    fn arguments_have_bounds() {
        let refused = |given: &[String]| args(given).unwrap_err();
        let many = vec!["--verbose".to_owned(); ARGS_MAX + 1];
        assert!(matches!(refused(&many), ChoiceError::TooLong { .. }));
        let long = ["--x".to_owned(), "x".repeat(ARGS_BYTES_MAX)];
        assert!(matches!(refused(&long), ChoiceError::TooLong { .. }));
        assert!(matches!(
            refused(&words(&["update"])),
            ChoiceError::NoFlag(_)
        ));
        assert_eq!(refused(&words(&["--x", "a\0"])), ChoiceError::Nul);
    }

    #[test]
    fn modes_and_models_are_checked() {
        for mode in PERMISSION_MODES {
            permission_mode(mode).unwrap();
        }
        let error = permission_mode("careless").unwrap_err().to_string();
        assert!(
            error.contains("careless") && error.contains("acceptEdits"),
            "{error}"
        );
        for name in ["opus", "claude-opus-4-1[1m]", "us.anthropic/claude:0"] {
            model(name).unwrap();
        }
        for name in ["", "-p", "a b", "a\u{1b}", &"x".repeat(201)] {
            model(name).unwrap_err();
        }
    }

    #[test]
    fn reserved_variables_are_refused() {
        for name in ["TERM", "WXCODE_TOKEN", "CLAUDE_CONFIG_DIR", "CLAUDECODE"] {
            let error = variable(name, Some("x")).unwrap_err();
            assert!(matches!(error, ChoiceError::Reserved { .. }), "{error}");
        }
        for name in ["", "A=B", "A B", "1A", "a.b", "$A"] {
            assert!(matches!(variable(name, None), Err(ChoiceError::Name(_))));
        }
        assert!(
            variable("A", Some("secret\0"))
                .is_err_and(|error| { !error.to_string().contains("secret") })
        );
        variable("AWS_PROFILE", Some("p")).unwrap();
        assert!(variables([("A", "x".repeat(ENV_BYTES_MAX).as_str())].into_iter()).is_err());
    }
}
