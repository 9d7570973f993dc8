//! Gathers the evidence for a start, and builds the command line.

use std::{
    ffi::{OsStr, OsString},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use uuid::Uuid;
use wxcode_claude::{
    command::{self, Invocation, RunInvocation, Start},
    environment, transcript,
};
use wxcode_core::{
    project::{AgentSettings, OutputProject},
    spawn::{self, Known, Plan, Transcript},
};

use wxcode_files::FileError;

use crate::{Settings, ssh_agent};

/// The environment of an agent, and values derived from it.
#[derive(Clone)]
pub(in crate::agent) struct Surroundings {
    pub(in crate::agent) env: Vec<(OsString, OsString)>,
    pub(in crate::agent) config_dir: PathBuf,
}

impl Surroundings {
    /// The environment of the agent of a project with these settings.
    pub(in crate::agent) fn new(settings: &Settings, own: &AgentSettings) -> Self {
        let vars = settings.environment.iter().cloned();
        let mut configured = settings.agent_env.clone();
        configured.extend(own.env.clone());
        if let Some(dir) = &own.claude_config_dir {
            let dir = dir.to_string_lossy().into_owned();
            configured.insert("CLAUDE_CONFIG_DIR".to_owned(), dir);
        }
        if let Some(socket) = ssh_agent(settings) {
            configured
                .entry(ssh_agent::VARIABLE.to_owned())
                .or_insert(socket);
        }
        let env = environment::agent(vars, &settings.pass_env, &configured);
        let get = |name: &str| {
            env.iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| Path::new(value))
        };
        let config_dir = transcript::config_dir(
            get("CLAUDE_CONFIG_DIR"),
            get("HOME").unwrap_or(Path::new("/")),
        );
        Self { env, config_dir }
    }

    pub(in crate::agent) fn path(&self) -> Option<&OsStr> {
        self.env
            .iter()
            .find(|(key, _)| key == "PATH")
            .map(|(_, value)| value.as_os_str())
    }

    /// Resolves a name or path to an executable; `None` if there is none.
    pub(in crate::agent) fn executable(&self, claude: &Path) -> Option<PathBuf> {
        let runs = |path: &Path| {
            path.metadata()
                .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        };
        if claude.components().count() > 1 || claude.is_absolute() {
            return runs(claude)
                .then(|| std::path::absolute(claude).unwrap_or_else(|_| claude.to_owned()));
        }
        std::env::split_paths(self.path()?)
            .map(|dir| dir.join(claude))
            .find(|path| runs(path))
    }
}

/// The socket of the SSH agent for agents: the stable path, or the server's own where that path is
/// too long. `None` where the configuration passes on the server's own.
fn ssh_agent(settings: &Settings) -> Option<String> {
    if settings
        .pass_env
        .iter()
        .any(|name| name == ssh_agent::VARIABLE)
    {
        return None;
    }
    let own = || {
        let mut found = settings.environment.iter();
        found.find_map(|(name, value)| (name == ssh_agent::VARIABLE).then(|| value.clone().into()))
    };
    let path = ssh_agent::path(&settings.data_dir).or_else(own)?;
    Some(path.to_str()?.to_owned())
}

/// Claude Code's configuration folder as agents see it, without a project's own settings.
#[must_use]
pub fn config_dir(settings: &Settings) -> PathBuf {
    config_dir_of(settings, &AgentSettings::default())
}

/// Claude Code's configuration folder as the agent of a project with these settings sees it.
#[must_use]
pub fn config_dir_of(settings: &Settings, own: &AgentSettings) -> PathBuf {
    Surroundings::new(settings, own).config_dir
}

/// Decides how to start the project's agent.
pub(in crate::agent) fn decide(
    project: &OutputProject,
    config_dir: &Path,
) -> Result<Plan, FileError> {
    let known = project.claude_session_id.map(|id| Known {
        id,
        spoke: project
            .claude_session_history
            .iter()
            .any(|entry| entry.id == id && entry.spoke),
    });
    let evidence = match known {
        None => Transcript::Missing,
        Some(known) => match transcript::find(config_dir, known.id)? {
            transcript::Transcript::Missing => Transcript::Missing,
            transcript::Transcript::Empty(_) => Transcript::Empty,
            transcript::Transcript::Spoken(_) => Transcript::Spoken,
        },
    };
    Ok(spawn::decide(known, evidence, Uuid::new_v4()))
}

/// The agent's command line.
pub(in crate::agent) fn argv(
    claude: &Path,
    plan: &Plan,
    settings_file: &Path,
    settings: &Settings,
    own: &AgentSettings,
    prompt: Option<&str>,
) -> Vec<String> {
    command::argv(&Invocation {
        claude,
        start: start(plan),
        settings: settings_file,
        permission_mode: own
            .permission_mode
            .as_deref()
            .or(settings.permission_mode.as_deref()),
        model: own.model.as_deref().or(settings.model.as_deref()),
        extra_args: own.args.as_deref().unwrap_or(&settings.claude_args),
        prompt,
    })
}

/// The command line of a run.
pub(in crate::agent) fn run_argv(
    claude: &Path,
    plan: &Plan,
    settings: &Settings,
    own: &AgentSettings,
    prompt: &str,
) -> Vec<String> {
    command::run_argv(&RunInvocation {
        claude,
        start: start(plan),
        permission_mode: own
            .permission_mode
            .as_deref()
            .or(settings.permission_mode.as_deref()),
        model: own.model.as_deref().or(settings.model.as_deref()),
        extra_args: own.args.as_deref().unwrap_or(&settings.claude_args),
        prompt,
    })
}

const fn start(plan: &Plan) -> Start {
    match *plan {
        Plan::First { id } | Plan::Lost { id, .. } => Start::New(id),
        Plan::Again { id } => Start::Again(id),
        Plan::Resume { id } => Start::Resume(id),
    }
}
