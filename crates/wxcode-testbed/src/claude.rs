//! The real Claude Code in a temporary home, connected to the stub.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The version of `scripts/install-claude`, and of all measured facts.
pub const VERSION: &str = include_str!("../../../scripts/claude-version").trim_ascii();

/// The API key for the stub, marked as approved in the home.
pub const API_KEY: &str = "sk-ant-dummy-stub-key-000000000000";

/// The executable of the real Claude Code.
#[derive(Debug)]
pub struct RealClaude;

impl RealClaude {
    /// `WXCODE_TEST_CLAUDE`, or else the version installed by `scripts/install-claude`.
    #[must_use]
    pub fn locate() -> Option<PathBuf> {
        if let Some(path) = env::var_os("WXCODE_TEST_CLAUDE") {
            return Some(path.into());
        }
        let cache = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
        fs::canonicalize(cache.join(format!("wxcode/claude-{VERSION}/claude"))).ok()
    }
}

/// Writes GSD's two milestone commands into a `.claude` folder: `/gsd:new-project` and
/// `/gsd:new-milestone`.
///
/// # Errors
/// The folder cannot be written.
pub fn lay_gsd(folder: &Path) -> io::Result<()> {
    let commands = folder.join("commands/gsd");
    fs::create_dir_all(&commands)?;
    for command in ["new-project", "new-milestone"] {
        let text = format!("Carry out {command} for $ARGUMENTS.\n");
        fs::write(commands.join(format!("{command}.md")), text)?;
    }
    Ok(())
}

/// A home folder in which Claude Code starts without onboarding; removed on drop.
#[derive(Debug)]
pub struct Home {
    root: TempDir,
    stub_url: String,
}

impl Home {
    /// A home for a Claude Code with `stub_url` as its API.
    ///
    /// # Errors
    /// The home cannot be written.
    pub fn new(stub_url: &str) -> io::Result<Self> {
        let home = Self {
            root: tempfile::Builder::new().prefix("wxcode-home-").tempdir()?,
            stub_url: stub_url.to_owned(),
        };
        fs::create_dir(home.config_dir())?;
        let approved = &API_KEY[API_KEY.len() - 20..];
        home.update(|state| {
            state.insert("hasCompletedOnboarding".into(), true.into());
            state.insert("lastOnboardingVersion".into(), VERSION.into());
            state.insert("theme".into(), "dark".into());
            state.insert(
                "customApiKeyResponses".into(),
                json!({ "approved": [approved], "rejected": [] }),
            );
        })?;
        Ok(home)
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Claude Code's configuration folder in the home.
    #[must_use]
    pub fn config_dir(&self) -> PathBuf {
        self.root.path().join(".claude")
    }

    /// Writes GSD's two milestone commands into the home, in the form of commands.
    ///
    /// # Errors
    /// The home cannot be written.
    pub fn lay_gsd(&self) -> io::Result<()> {
        lay_gsd(&self.config_dir())
    }

    /// Makes `folder` trusted, so that no dialog of trust appears.
    ///
    /// # Errors
    /// The home cannot be read or written.
    pub fn trust(&self, folder: &Path) -> io::Result<()> {
        let folder = fs::canonicalize(folder)?.to_string_lossy().into_owned();
        self.update(|state| {
            let projects = state.entry("projects").or_insert_with(|| json!({}));
            projects[&folder] = json!({ "hasTrustDialogAccepted": true });
        })
    }

    /// Writes the user's settings, `~/.claude/settings.json`.
    ///
    /// # Errors
    /// The home cannot be written.
    pub fn settings(&self, settings: &Value) -> io::Result<()> {
        fs::write(
            self.config_dir().join("settings.json"),
            settings.to_string(),
        )
    }

    /// The complete environment for Claude Code, for `env -i` or `Command::env_clear`.
    #[must_use]
    pub fn env(&self) -> Vec<(OsString, OsString)> {
        let path = env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        let fixed = [
            ("TERM", "xterm-256color"),
            ("COLORTERM", "truecolor"),
            ("LANG", "C.UTF-8"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("DISABLE_TELEMETRY", "1"),
            ("ANTHROPIC_API_KEY", API_KEY),
        ];
        let mut vars: Vec<(OsString, OsString)> = fixed
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        vars.push(("HOME".into(), self.path().into()));
        vars.push(("PATH".into(), path));
        vars.push(("ANTHROPIC_BASE_URL".into(), self.stub_url.clone().into()));
        vars
    }

    /// Changes `~/.claude.json`.
    fn update(&self, change: impl FnOnce(&mut Map<String, Value>)) -> io::Result<()> {
        let path = self.root.path().join(".claude.json");
        let mut state = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(error),
        };
        change(&mut state);
        fs::write(path, Value::Object(state).to_string())
    }
}
