//! An older conversation of a project becomes its current one, on request.

use jiff::Timestamp;
use uuid::Uuid;
use wxcode_claude::transcript::{self, Transcript};
use wxcode_core::{id::Id, identity::Source, time::to_millis};
use wxcode_files::off_thread;
use wxcode_store::{Rotated, Rotation};

use super::{
    plan::Surroundings,
    registry::{Found, Sessions},
    start::{StartError, unclaimed},
};

/// Why an older conversation was not resumed; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It is none of the project's.
    #[error(
        "the project never had the conversation {0}: choose one of `claude_session_history`, which the session shows"
    )]
    NotInHistory(Uuid),
    /// There is nothing to resume.
    #[error(
        "the conversation {0} holds no messages that Claude Code could resume (its transcript {1}): choose another one, or start the session without naming one"
    )]
    Silent(Uuid, &'static str),
    /// The session runs with another conversation.
    #[error(
        "the session runs, and its conversation is another one: end it first (DELETE it), then ask again"
    )]
    Running,
    /// Another one became current in the meantime.
    #[error(
        "the current conversation changed in the meantime: look at the session, and ask again if you still want to"
    )]
    Changed,
    /// The session could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Sessions {
    /// Gets the session of a project with this conversation of its history, or makes the conversation the current one
    /// and starts the session with it.
    ///
    /// # Errors
    /// When the conversation cannot be resumed, or a session with another one runs: nothing has changed then. When the
    /// agent cannot be started: the next start resumes it.
    pub async fn resume(&self, project: Id, conversation: Uuid) -> Result<Found, ResumeError> {
        let seat = self.seat(project);
        let _gate = seat.hold().await;
        let store = &self.0.store;
        let record = store
            .project(project)
            .await
            .map_err(StartError::Store)?
            .ok_or(StartError::NoProject)?;
        let history = &record.claude_session_history;
        if !history.iter().any(|entry| entry.id == conversation) {
            return Err(ResumeError::NotInHistory(conversation));
        }
        let current = record.claude_session_id;
        if current != Some(conversation) {
            if seat.running().is_some() {
                return Err(ResumeError::Running);
            }
            seat.is_free()?;
            self.check_lease(project).await?;
            let config_dir = Surroundings::new(&self.0.settings).config_dir;
            unclaimed(&config_dir, conversation).await?;
            let dir = config_dir.clone();
            let look = move || transcript::find(&dir, conversation);
            let looked = off_thread(&config_dir, look).await;
            match looked.map_err(StartError::File)? {
                Transcript::Spoken(_) => {}
                Transcript::Empty(_) => {
                    return Err(ResumeError::Silent(conversation, "is empty"));
                }
                Transcript::Missing => return Err(ResumeError::Silent(conversation, "is gone")),
            }
            let rotation = Rotation {
                old: current,
                new: conversation,
                source: Source::Resume,
                reason: Source::Resume.as_str().to_owned(),
                transcript_path: None,
                cursor: None,
                at: to_millis(Timestamp::now()),
            };
            match store
                .rotate(project, &rotation)
                .await
                .map_err(StartError::Store)?
            {
                Rotated::Won => {}
                Rotated::Lost(_) => return Err(ResumeError::Changed),
                Rotated::NoProject => return Err(StartError::NoProject.into()),
            }
        }
        Ok(self.get_or_start(&seat, project).await?)
    }
}
