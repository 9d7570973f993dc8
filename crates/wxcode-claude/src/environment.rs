//! Builds the agent's environment from an allow-list.
//!
//! Invariant: the environment is an allow-list. Nothing of the server's own is in it.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

/// The agent's `TERM`.
pub const TERM: &str = "xterm-256color";
/// The agent's `COLORTERM`.
pub const COLORTERM: &str = "truecolor";
/// The switch of Claude Code's background sessions, always ours. A `claude` that the agent starts
/// inherits it, but not our settings; with it, `claude --bg` refuses to continue the conversation.
pub const NO_BACKGROUND: (&str, &str) = ("CLAUDE_CODE_DISABLE_AGENT_VIEW", "1");
/// The locale when neither the server nor the configuration has one.
pub const DEFAULT_LANG: &str = "C.UTF-8";

/// Variables passed on by name.
const NAMES: &[&str] = &[
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TZ",
    "TMPDIR",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_OAUTH_TOKEN",
    // Proxies, in both usual spellings.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    // Certificates for the runtimes and tools of agents.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    // A region of the provider Vertex.
    "CLOUD_ML_REGION",
];

/// Prefixes of variables to pass on.
const PREFIXES: &[&str] = &[
    "LC_",
    "XDG_",
    "GIT_",
    "ANTHROPIC_",
    "CLAUDE_CODE_USE_",
    "CLAUDE_CODE_DISABLE_",
    "DISABLE_",
    // Credentials of the providers that Claude Code can use.
    "AWS_",
    "GOOGLE_",
    "VERTEX_",
    "AZURE_",
];

/// Prefixes of the variables that Claude Code reads.
const CLAUDES_PREFIXES: &[&str] = &[
    "CLAUDE_",
    "ANTHROPIC_",
    "BASH_DEFAULT_",
    "BASH_MAX_",
    "MCP_",
];
/// Other variables that Claude Code reads.
const CLAUDES: &[&str] = &[
    "API_TIMEOUT_MS",
    "ENABLE_TOOL_SEARCH",
    "MAX_MCP_OUTPUT_TOKENS",
    "MAX_THINKING_TOKENS",
    "SLASH_COMMAND_TOOL_CHAR_BUDGET",
    "USE_BUILTIN_RIPGREP",
];
/// Variables that Claude Code sets for its own children: no setting of a user.
const CHILDS: &[&str] = &[
    "CLAUDECODE",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_EFFORT",
    "CLAUDE_ENV_FILE",
    "CLAUDE_PROJECT_DIR",
];

/// The prefix of the server's own variables, secrets among them; never passed on.
const OURS: &str = "WXCODE_";

/// Returns the agent's environment, sorted by name.
///
/// `vars` is the server's environment. The allow-list and `pass_env` select from it; a name in
/// `pass_env` with a trailing `*` is a prefix. `extra` overrides both. `TERM`, `COLORTERM` and
/// [`NO_BACKGROUND`] are always ours. `WXCODE_*` and impossible names (empty, with `=` or NUL) are dropped.
pub fn agent(
    vars: impl Iterator<Item = (OsString, OsString)>,
    pass_env: &[String],
    extra: &BTreeMap<String, String>,
) -> Vec<(OsString, OsString)> {
    let inherited = vars.filter(|(name, _)| is_allowed(name, pass_env));
    let configured = extra
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    let mut agent: BTreeMap<OsString, OsString> = inherited
        .chain(configured)
        .filter(|(name, value)| is_settable(name, value))
        .collect();
    agent.insert("TERM".into(), TERM.into());
    agent.insert("COLORTERM".into(), COLORTERM.into());
    agent.insert(NO_BACKGROUND.0.into(), NO_BACKGROUND.1.into());
    let has_locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().any(|name| {
        agent
            .get(OsStr::new(name))
            .is_some_and(|value| !value.is_empty())
    });
    if !has_locale {
        agent.insert("LANG".into(), DEFAULT_LANG.into());
    }
    agent.into_iter().collect()
}

/// The names of Claude Code's variables that are set and not passed on, sorted.
pub fn withheld<'a>(
    names: impl Iterator<Item = &'a OsStr>,
    pass_env: &[String],
    extra: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut withheld: Vec<_> = names
        .filter(|name| !is_allowed(name, pass_env))
        .filter_map(OsStr::to_str)
        .filter(|name| !CHILDS.contains(name) && !extra.contains_key(*name))
        .filter(|name| {
            CLAUDES.contains(name)
                || CLAUDES_PREFIXES
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
        })
        .map(str::to_owned)
        .collect();
    withheld.sort();
    withheld
}

fn is_allowed(name: &OsStr, pass_env: &[String]) -> bool {
    let bytes = name.as_encoded_bytes();
    NAMES.iter().any(|allowed| name == *allowed)
        || PREFIXES
            .iter()
            .any(|prefix| bytes.starts_with(prefix.as_bytes()))
        || pass_env
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => bytes.starts_with(prefix.as_bytes()),
                None => name == pattern.as_str(),
            })
}

/// Whether the variable is the server's own.
pub(crate) fn is_ours(name: &str) -> bool {
    name.starts_with(OURS)
}

fn is_settable(name: &OsStr, value: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.is_empty()
        && !bytes.starts_with(OURS.as_bytes())
        && !bytes.iter().any(|byte| matches!(byte, b'=' | 0))
        && !value.as_encoded_bytes().contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        vars: &[(&str, &str)],
        pass_env: &[&str],
        extra: &[(&str, &str)],
    ) -> BTreeMap<String, String> {
        let vars = vars.iter().map(|(name, value)| (name.into(), value.into()));
        let pass_env: Vec<String> = pass_env.iter().map(|&name| name.to_owned()).collect();
        let extra = extra
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let text = |text: OsString| text.into_string().unwrap();
        agent(vars, &pass_env, &extra)
            .into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// The names of the variables passed on.
    fn names(vars: &[(&str, &str)], pass_env: &[&str], extra: &[(&str, &str)]) -> Vec<String> {
        of(vars, pass_env, extra)
            .into_keys()
            .filter(|name| !["TERM", "COLORTERM", "LANG", NO_BACKGROUND.0].contains(&name.as_str()))
            .collect()
    }

    #[test]
    fn only_allowed_variables_are_passed() {
        let allowed = [
            "ALL_PROXY",
            "ANTHROPIC_API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "AZURE_TENANT_ID",
            "CLAUDE_CODE_DISABLE_TERMINAL_TITLE",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CONFIG_DIR",
            "CLOUD_ML_REGION",
            "DISABLE_TELEMETRY",
            "GIT_AUTHOR_NAME",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "HOME",
            "HTTPS_PROXY",
            "LC_ALL",
            "LOGNAME",
            "NODE_EXTRA_CA_CERTS",
            "NO_PROXY",
            "PATH",
            "SHELL",
            "SSL_CERT_FILE",
            "TMPDIR",
            "TZ",
            "USER",
            "VERTEX_REGION",
            "XDG_RUNTIME_DIR",
            "https_proxy",
        ];
        let refused = [
            "CLAUDECODE",
            "CLAUDE_CODE_SSE_PORT",
            "CLAUDE_CODE_CHILD_SESSION",
            "CLAUDE_CODE_ENTRYPOINT",
            "TMUX",
            "TMUX_PANE",
            "STY",
            "ZELLIJ",
            "INVOCATION_ID",
            "NOTIFY_SOCKET",
            "LISTEN_FDS",
            "WXCODE_TOKEN",
            "WXCODE_STORE",
            "AWSOME",
            "SSH_AUTH_SOCK",
            "HOMEDIR",
            "PATHS",
            "MY_GIT_TOKEN",
            "NO_COLOR",
        ];
        let all: Vec<(&str, &str)> = allowed
            .iter()
            .chain(&refused)
            .map(|&name| (name, "x"))
            .collect();
        assert_eq!(names(&all, &[], &[]), allowed);
    }

    #[test]
    fn terminal_variables_are_always_ours() {
        let vars = [("TERM", "screen"), ("COLORTERM", "no")];
        let found = of(&vars, &["TERM", "*"], &[("COLORTERM", "never")]);
        assert_eq!(
            (found["TERM"].as_str(), found["COLORTERM"].as_str()),
            (TERM, COLORTERM)
        );
    }

    #[test]
    fn background_sessions_are_always_off() {
        let on = [(NO_BACKGROUND.0, "")];
        for found in [of(&[], &[], &[]), of(&on, &["*"], &on)] {
            assert_eq!(found[NO_BACKGROUND.0], NO_BACKGROUND.1);
        }
    }

    #[test]
    fn a_missing_locale_gets_the_default() {
        assert_eq!(of(&[], &[], &[])["LANG"], DEFAULT_LANG);
        assert_eq!(of(&[("LANG", "")], &[], &[])["LANG"], DEFAULT_LANG);
        assert_eq!(
            of(&[("LANG", "pt_BR.UTF-8")], &[], &[])["LANG"],
            "pt_BR.UTF-8"
        );
        assert!(!of(&[("LC_ALL", "pt_BR.UTF-8")], &[], &[]).contains_key("LANG"));
        assert_eq!(
            of(&[("LC_TIME", "C")], &[], &[])["LANG"],
            DEFAULT_LANG,
            "it selects no character set"
        );
    }

    #[test]
    fn the_configuration_adds_variables_except_ours() {
        let vars = [
            ("MY_KEY", "k"),
            ("MY_REGION", "r"),
            ("FOO", "f"),
            ("FOOBAR", "b"),
            ("WXCODE_TOKEN", "t"),
        ];
        assert_eq!(
            names(&vars, &["MY_*", "FOO"], &[]),
            ["FOO", "MY_KEY", "MY_REGION"]
        );
        assert_eq!(
            names(
                &vars,
                &["WXCODE_TOKEN", "WXCODE_*", "*"],
                &[("WXCODE_X", "y")]
            ),
            ["FOO", "FOOBAR", "MY_KEY", "MY_REGION"]
        );
        assert_eq!(of(&vars, &["FOO"], &[("FOO", "mine")])["FOO"], "mine");
        assert!(names(&[], &[], &[("", "a"), ("A=B", "c"), ("NUL", "a\0b")]).is_empty());
    }

    #[test]
    fn withheld_variables_of_claude_are_named() {
        let set = [
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
            "CLAUDE_CODE_SSE_PORT",
            "CLAUDECODE",
            "CLAUDE_CONFIG_DIR",
            "MCP_TIMEOUT",
            "MAX_THINKING_TOKENS",
            "BASH_MAX_TIMEOUT_MS",
            "EDITOR",
        ];
        let extra = [("MAX_THINKING_TOKENS".to_owned(), "1".to_owned())].into();
        let pass_env = ["MCP_*".to_owned()];
        let found = withheld(set.iter().map(OsStr::new), &pass_env, &extra);
        assert_eq!(
            found,
            ["BASH_MAX_TIMEOUT_MS", "CLAUDE_CODE_MAX_OUTPUT_TOKENS"]
        );
    }
}
