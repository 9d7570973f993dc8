//! Agents of the tests, and their environments.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use wxcode_testbed::{Home, RealClaude, Stub, fake_agent, skip};

/// An executable in place of claude, with a home.
pub(crate) struct Agent {
    pub(crate) claude: PathBuf,
    pub(crate) home: Home,
    pub(crate) stub: Option<Stub>,
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Lines for `wxcode.toml`.
    pub(crate) config: String,
}

impl Agent {
    /// The fake agent in these modes, see [`fake_agent`].
    pub(crate) fn fake(modes: &str) -> Self {
        let home = Home::new("http://127.0.0.1:9").unwrap();
        home.lay_gsd().unwrap();
        let env = vec![(fake_agent::MODES.into(), modes.into())];
        let config = format!("[agent]\npass_env = ['{}']\n", fake_agent::MODES);
        Self {
            claude: fake_agent::path(),
            home,
            stub: None,
            env,
            config,
        }
    }

    /// A shell script as claude.
    pub(crate) fn script(text: &str) -> Self {
        let home = Home::new("http://127.0.0.1:9").unwrap();
        home.lay_gsd().unwrap();
        let claude = home.path().join("script");
        fs::write(&claude, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&claude, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Self {
            claude,
            home,
            stub: None,
            env: Vec::new(),
            config: String::new(),
        }
    }

    /// Logs the real Claude Code in with an account instead of a key: accounts have usage limits.
    pub(crate) fn with_account(mut self) -> Self {
        let token = format!("sk-ant-oat01-{}", "a".repeat(80));
        let table = "[agent.env]\nANTHROPIC_API_KEY = ''\n";
        self.config = format!(
            "{}\n{table}CLAUDE_CODE_OAUTH_TOKEN = '{token}'\n",
            self.config
        );
        self
    }

    /// Adds lines to `wxcode.toml`, before any table.
    pub(crate) fn with_config(mut self, lines: &str) -> Self {
        self.config = format!("{lines}\n{}", self.config);
        self
    }

    /// Removes the commands of GSD from the agent's home.
    pub(crate) fn without_gsd(self) -> Self {
        fs::remove_dir_all(self.home.config_dir().join("commands")).unwrap();
        self
    }

    /// Makes the real Claude Code trust the folders below `root`.
    pub(crate) fn trust(&self, root: &Path) {
        self.home.trust(root).unwrap();
    }
}

/// The real Claude Code and the agent's stub; `None`, with the reason printed, where Claude Code is
/// not installed.
pub(crate) fn real() -> Option<Agent> {
    let Some(claude) = RealClaude::locate() else {
        skip("the real Claude Code is not installed: run scripts/install-claude");
        return None;
    };
    let stub = Stub::start_blocking().unwrap();
    let home = Home::new(&stub.base_url()).unwrap();
    home.lay_gsd().unwrap();
    Some(Agent {
        claude,
        home,
        stub: Some(stub),
        env: Vec::new(),
        config: String::new(),
    })
}
