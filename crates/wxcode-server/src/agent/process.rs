//! The process of an agent, in both modes: a session in a terminal, or a headless run.
//!
//! Invariant: a project has at most one agent process, a session or a run. The project's slot
//! enforces the bound, and adoption fills the slots before the server takes requests.
//!
//! Invariant: the agent's folder is the truth about the agent's process. A new server adopts the
//! agents named by the folders, and asks no other source whether an agent lives.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use wxcode_core::id::Id;
use wxcode_holder::folder::HolderFile;

use crate::agent::{folder, metadata::Metadata, run::Run, session::Session};

/// How an agent works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Mode {
    /// A session: hooks and screen report the agent's state.
    Interactive,
    /// A run: standard output reports the agent's work.
    Headless,
}

impl Mode {
    pub(in crate::agent) const ALL: [Self; 2] = [Self::Interactive, Self::Headless];

    /// The folder below the data folder with the folders of these agents.
    pub(in crate::agent) fn root(self, data_dir: &Path) -> PathBuf {
        data_dir.join(match self {
            Self::Interactive => "sessions",
            Self::Headless => "runs",
        })
    }
}

/// An agent with a holder, before its monitor starts.
pub(in crate::agent) struct Launched {
    pub(in crate::agent) id: Id,
    pub(in crate::agent) dir: PathBuf,
    pub(in crate::agent) metadata: Metadata,
    pub(in crate::agent) holder: HolderFile,
    pub(in crate::agent) workspace: PathBuf,
    pub(in crate::agent) at: Timestamp,
    /// Whether no other agent of the project started later; an older agent no longer decides the
    /// conversation.
    pub(in crate::agent) is_latest: bool,
}

/// A monitored agent.
#[derive(Debug, Clone)]
pub(in crate::agent) enum AgentProcess {
    Session(Arc<Session>),
    Run(Arc<Run>),
}

impl AgentProcess {
    pub(in crate::agent) fn project_id(&self) -> Id {
        match self {
            Self::Session(session) => session.project_id,
            Self::Run(run) => run.project_id,
        }
    }

    pub(in crate::agent) fn dir(&self) -> &Path {
        match self {
            Self::Session(session) => &session.dir,
            Self::Run(run) => &run.dir,
        }
    }

    /// Whether the agent is gone, and all consequences are recorded.
    pub(in crate::agent) fn is_over(&self) -> bool {
        match self {
            Self::Session(session) => session.is_over(),
            Self::Run(run) => run.is_over(),
        }
    }

    /// Waits until the agent is gone and all consequences are recorded.
    pub(in crate::agent) async fn ended(&self) {
        match self {
            Self::Session(session) => drop(session.ended().await),
            Self::Run(run) => run.ended().await,
        }
    }

    /// Ends the agent and everything started by the agent; returns whether nothing is left.
    pub(in crate::agent) async fn stop(&self) -> bool {
        self.is_over() || folder::stop(self.dir(), self.ended()).await
    }
}
