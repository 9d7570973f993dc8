//! Reads the conversations of projects: pages, exports and searches.
//!
//! - A transcript that is gone is read from its copy.
//! - Only conversations of the project's own history are read.
//! - Transcripts are opened on the threads for foreign files, one part at a time.

mod attribution;
pub(crate) mod follow;
mod index;
mod search;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;
use wxcode_claude::{
    conversation::{self, Page, Pass, Turn},
    transcript,
};
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_files::{FileError, Folder, Links, RegularFile, off_thread};

pub(crate) use self::{
    attribution::Attributions,
    index::{Indexer, Progress},
    search::{Cursor, Found, Hit, permit, search},
};
use crate::{Settings, agent::config_dir_of, mirror::Mirror};

/// Most bytes of a transcript in an export.
const EXPORT_MAX: u64 = 4 << 30; // 4 GiB
/// Bytes of a transcript per part of an export.
const EXPORT_PART: u64 = 1 << 20; // 1 MiB

/// Why a conversation cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConversationError {
    /// It does not belong to the project.
    #[error(
        "the project never had the conversation {0}: choose one of `claude_session_history`, which the session shows"
    )]
    NotInHistory(Uuid),
    /// Its transcript is gone.
    #[error(
        "the transcript of the conversation {0} is gone from {1}: Claude Code deletes old ones; restore it, or read another conversation"
    )]
    Gone(Uuid, PathBuf),
    /// Nothing is known of the transcripts.
    #[error("the transcripts cannot be read: {0}")]
    Unavailable(#[from] FileError),
}

/// The place of a conversation's transcript and of its copy.
#[derive(Clone)]
pub(crate) struct Source {
    config_dir: PathBuf,
    id: Uuid,
    known: Option<PathBuf>,
    must_exist: bool,
    /// The folder of its copy.
    copy: PathBuf,
    mirror: Mirror,
    /// Whether other nodes may have its copy.
    is_shared: bool,
    project: Id,
}

impl Source {
    /// The project's current conversation, or the one with this id; `None` before the first one.
    /// While a session is live, Claude Code may write the first message of its conversation later.
    pub(crate) fn of(
        settings: &Arc<Settings>,
        mirror: &Mirror,
        project: &OutputProject,
        id: Option<Uuid>,
        is_live: bool,
    ) -> Result<Option<Self>, ConversationError> {
        let Some(id) = id.or(project.claude_session_id) else {
            return Ok(None);
        };
        let entry = project
            .claude_session_history
            .iter()
            .find(|entry| entry.id == id)
            .ok_or(ConversationError::NotInHistory(id))?;
        let is_awaited = is_live && project.claude_session_id == Some(id);
        Ok(Some(Self {
            config_dir: config_dir_of(settings, &project.settings),
            id,
            known: entry.transcript_path.clone(),
            must_exist: entry.spoke && !is_awaited,
            copy: mirror.conversation(project.id, id),
            mirror: mirror.clone(),
            is_shared: mirror.is_shared(),
            project: project.id,
        }))
    }

    /// The same without a look at the copies of other nodes.
    pub(crate) fn of_this_node(mut self) -> Self {
        self.is_shared = false;
        self
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Reads a page; an empty one before the first message.
    pub(crate) async fn page(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page, ConversationError> {
        self.run(move |file| match file {
            Some(mut file) => conversation::page(&mut file, before, limit),
            None => Ok(Page::default()),
        })
        .await
    }

    /// Reads a page and the conversation's title.
    pub(crate) async fn titled_page(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<(Page, Option<String>), ConversationError> {
        self.run(move |file| match file {
            Some(mut file) => {
                let title = conversation::title(&mut file)?;
                Ok((conversation::page(&mut file, before, limit)?, title))
            }
            None => Ok(Default::default()),
        })
        .await
    }

    /// Begins an export.
    pub(crate) async fn export(&self) -> Result<Export, ConversationError> {
        let pass = self
            .run(|file| {
                let file = file.map(|file| io::Read::take(file, EXPORT_MAX));
                Ok(file.map(Pass::new))
            })
            .await?;
        Ok(Export {
            place: self.config_dir.clone(),
            pass,
        })
    }

    /// Opens the transcript, and works with it on a thread for foreign files.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Option<std::fs::File>) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ConversationError> {
        if self.is_shared && self.is_gone().await {
            self.mirror.fetch(self.project, self.id, false).await;
        }
        let source = self.clone();
        off_thread(&self.config_dir, move || {
            let opened = transcript::open(&source.config_dir, source.id, source.known.as_deref());
            let file = match opened {
                Ok(Some(file)) => Some(file),
                Ok(None) => source.copied()?,
                Err(error) if error.is_missing() => match source.copied()? {
                    None if source.must_exist => return Err(error.into()),
                    // A fresh home has no folder of transcripts yet.
                    copied => copied,
                },
                Err(error) => return Err(error.into()),
            };
            if file.is_none() && source.must_exist {
                return Err(ConversationError::Gone(source.id, source.config_dir));
            }
            let path = file.as_ref().map(|file| file.path().to_owned());
            let file = file.map(|file| file.reader(u64::MAX).into_inner());
            work(file).map_err(|error| read_error(path.as_deref(), error).into())
        })
        .await
    }

    /// Whether the transcript is not on this machine.
    async fn is_gone(&self) -> bool {
        let source = self.clone();
        let look = off_thread(&self.config_dir, move || {
            transcript::open(&source.config_dir, source.id, source.known.as_deref())
        });
        match look.await {
            Ok(file) => file.is_none(),
            Err(error) => error.is_missing(),
        }
    }

    /// Opens the copy, if there is one. Only whole lines are appended to it, and a shortened one
    /// replaces it, so a reader needs no lock.
    fn copied(&self) -> Result<Option<RegularFile>, FileError> {
        if let Err(error) = self.mirror.check(self.project, self.id) {
            tracing::warn!(project = %self.project, conversation = %self.id, %error, "cannot check the copy of a conversation; reading it as it is");
        }
        let name = format!("{}.jsonl", self.id);
        let opened = Folder::open(&self.copy)
            .and_then(|folder| folder.file(Path::new(&name), Links::Refuse));
        match opened {
            Err(error) if error.is_missing() => Ok(None),
            file => file.map(Some),
        }
    }
}

fn read_error(path: Option<&Path>, source: io::Error) -> FileError {
    FileError::Io {
        action: "read",
        path: path.unwrap_or(Path::new("the transcript")).to_owned(),
        source,
    }
}

/// An export under way.
pub(crate) struct Export {
    place: PathBuf,
    pass: Option<Pass<io::Take<std::fs::File>>>,
}

impl Export {
    /// The next turns, oldest first; `None` at the end.
    pub(crate) async fn next(mut self) -> io::Result<Option<(Vec<Turn>, Self)>> {
        let Some(mut pass) = self.pass.take() else {
            return Ok(None);
        };
        let read = off_thread(&self.place, move || {
            let turns = pass
                .next_turns(EXPORT_PART)
                .map_err(|error| read_error(None, error))?;
            Ok::<_, FileError>(turns.map(|turns| (turns, pass)))
        });
        let read = read.await.map_err(io::Error::other)?;
        Ok(read.map(|(turns, pass)| {
            self.pass = Some(pass);
            (turns, self)
        }))
    }
}
