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
    spawn::{self, Copy, Known, Plan, Transcript, Unjudged},
};

use wxcode_files::{FileError, Folder};

use crate::{Settings, mirror, ssh_agent};

/// The folder of transcripts in Claude Code's configuration folder.
const PROJECTS: &str = "projects";

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

/// The folder of transcripts is missing or unreadable, or another one than before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptsUnavailable {
    /// It is missing, or cannot be read.
    #[error(
        "the folder of transcripts {} {reason}, so nobody knows whether the conversation \
         {conversation} can be resumed; its id is kept. Mount or restore the folder, then try \
         again; an empty folder in its place gives the conversation up",
        path.display()
    )]
    Folder {
        path: PathBuf,
        reason: String,
        conversation: Uuid,
    },
    /// Claude Code's configuration folder changed since the conversation ran.
    #[error(
        "CLAUDE_CONFIG_DIR of agents is now {}, and was {} when the conversation {conversation} \
         ran, whose transcript is {}; its id is kept. Set CLAUDE_CONFIG_DIR back, or move the \
         folder `projects` to the new place",
        now.display(), was.display(), transcript.display()
    )]
    Changed {
        now: PathBuf,
        was: PathBuf,
        transcript: PathBuf,
        conversation: Uuid,
    },
}

/// Decides how to start the project's agent. `copy` is the folder of the current conversation's copy,
/// unless the project has none.
///
/// # Errors
/// When a file system does not answer, or a transcript is no regular file. The inner error: the
/// folder of transcripts is not there.
pub(in crate::agent) fn decide(
    project: &OutputProject,
    config_dir: &Path,
    copy: Option<&Path>,
) -> Result<Result<Plan, TranscriptsUnavailable>, FileError> {
    let known = project.claude_session_id.map(|id| Known {
        id,
        spoke: project
            .claude_session_history
            .iter()
            .any(|entry| entry.id == id && entry.spoke),
    });
    let (evidence, unavailable, copied) = match known {
        None => (Transcript::Missing, None, Copy::Missing),
        Some(known) => {
            let (evidence, unavailable, found) = look(project, config_dir, known.id)?;
            let copied = match copy {
                Some(copy) => mirror::judge(copy, known.id, &found)?,
                None => Copy::Missing,
            };
            (evidence, unavailable, copied)
        }
    };
    Ok(
        match spawn::decide(known, evidence, copied, Uuid::new_v4()) {
            Ok(plan) => Ok(plan),
            Err(Unjudged { id }) => {
                Err(
                    unavailable.unwrap_or_else(|| TranscriptsUnavailable::Folder {
                        path: config_dir.join(PROJECTS),
                        reason: "is not available".to_owned(),
                        conversation: id,
                    }),
                )
            }
        },
    )
}

/// The state of a conversation's transcript, the obstacle if it is unknown, and the file.
type Looked = (
    Transcript,
    Option<TranscriptsUnavailable>,
    transcript::Transcript,
);

/// Looks for a conversation's transcript.
fn look(
    project: &OutputProject,
    config_dir: &Path,
    conversation: Uuid,
) -> Result<Looked, FileError> {
    let missing = transcript::Transcript::Missing;
    let folder = |path: PathBuf, reason: String| TranscriptsUnavailable::Folder {
        path,
        reason,
        conversation,
    };
    let unavailable = |path: PathBuf, reason: String| {
        let folder = Some(folder(path, reason));
        Ok((Transcript::Unavailable, folder, missing.clone()))
    };
    match transcript::find(config_dir, conversation) {
        Ok(transcript::Transcript::Missing) => {}
        Ok(found @ transcript::Transcript::Spoken(_)) => {
            return Ok((Transcript::Spoken, None, found));
        }
        Ok(found @ transcript::Transcript::Empty(_)) => {
            return Ok((Transcript::Empty, None, found));
        }
        Err(error) if error.is_passing() => return Err(error),
        Err(FileError::Io { path, source, .. }) => {
            return unavailable(path, format!("cannot be read ({source})"));
        }
        Err(error) => match Folder::open(&config_dir.join(PROJECTS)) {
            Ok(_) => return Err(error),
            Err(error) => {
                let root = config_dir.join(PROJECTS);
                return unavailable(root, format!("cannot be read ({error})"));
            }
        },
    }
    if let Some(changed) = changed(project, config_dir, conversation) {
        // Nothing is at the old place, so the transcript may be restored at the new one.
        let is_gone = matches!(&changed, TranscriptsUnavailable::Changed { transcript, .. }
            if transcript.symlink_metadata().is_err());
        let evidence = match is_gone {
            true => Transcript::Away,
            false => Transcript::Unavailable,
        };
        return Ok((evidence, Some(changed), missing));
    }
    let root = config_dir.join(PROJECTS);
    match Folder::open(&root) {
        Ok(_) => Ok((Transcript::Missing, None, missing)),
        Err(error) if error.is_missing() => {
            let folder = Some(folder(root, "is missing".to_owned()));
            Ok((Transcript::Away, folder, missing))
        }
        Err(error) => Err(error),
    }
}

/// Whether the conversation ran with another configuration folder, which has its transcript, or is
/// missing itself.
fn changed(
    project: &OutputProject,
    config_dir: &Path,
    conversation: Uuid,
) -> Option<TranscriptsUnavailable> {
    let transcript = project.reported_transcript(conversation)?;
    let was_root = transcript.ancestors().nth(2)?.to_owned();
    let was = was_root.parent()?;
    let same =
        |was: &Path| was == config_dir || was.canonicalize().ok() == config_dir.canonicalize().ok();
    if was_root.file_name()? != PROJECTS || same(was) {
        return None;
    }
    let is_gone = |path: &Path| path.symlink_metadata().is_err();
    (!is_gone(transcript) || is_gone(&was_root)).then(|| TranscriptsUnavailable::Changed {
        now: config_dir.to_owned(),
        was: was.to_owned(),
        transcript: transcript.to_owned(),
        conversation,
    })
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
    let chosen = Chosen::of(settings, own);
    command::argv(&Invocation {
        claude,
        start: start(plan),
        settings: settings_file,
        permission_mode: chosen.permission_mode,
        model: chosen.model,
        extra_args: chosen.extra_args,
        prompt,
    })
}

/// The command line of a run.
pub(in crate::agent) fn run_argv(
    claude: &Path,
    plan: &Plan,
    settings: &Settings,
    own: &AgentSettings,
) -> Vec<String> {
    let chosen = Chosen::of(settings, own);
    command::run_argv(&RunInvocation {
        claude,
        start: start(plan),
        permission_mode: chosen.permission_mode,
        model: chosen.model,
        extra_args: chosen.extra_args,
    })
}

/// The choices for an agent: the project's own, or else the server's.
struct Chosen<'a> {
    permission_mode: Option<&'a str>,
    model: Option<&'a str>,
    extra_args: &'a [String],
}

impl<'a> Chosen<'a> {
    fn of(settings: &'a Settings, own: &'a AgentSettings) -> Self {
        let of_server = settings.permission_mode.as_deref();
        Self {
            permission_mode: own.permission_mode.as_deref().or(of_server),
            model: own.model.as_deref().or(settings.model.as_deref()),
            extra_args: own.args.as_deref().unwrap_or(&settings.claude_args),
        }
    }
}

const fn start(plan: &Plan) -> Start {
    match *plan {
        Plan::First { id } | Plan::Lost { id, .. } => Start::New(id),
        Plan::Again { id } => Start::Again(id),
        Plan::Resume { id } | Plan::Restore { id } => Start::Resume(id),
    }
}
