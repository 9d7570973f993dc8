//! Switches a project to an older conversation, on request.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;
use wxcode_claude::transcript::{self, Transcript};
use wxcode_core::{id::Id, identity::Source, project::OutputProject, spawn::Copy, time::to_millis};
use wxcode_files::{FileError, off_thread};
use wxcode_store::{Rotated, Rotation};

use crate::{
    agent::{
        context::Context,
        ending::end_session,
        launch::{
            error::StartError,
            held_lease,
            plan::Surroundings,
            session::{Found, get_or_start},
            start::{check_owner, find_claude},
        },
    },
    mirror, workspace,
};

/// Why an older conversation was not resumed; nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It does not belong to the project.
    #[error(
        "the project never had the conversation {0}: choose one of `claude_session_history`, which the session shows"
    )]
    NotInHistory(Uuid),
    /// There is nothing to resume.
    #[error(
        "the conversation {0} holds no messages that Claude Code could resume (its transcript {1}): choose another one, or start the session without naming one"
    )]
    Silent(Uuid, &'static str),
    /// The session with another conversation did not end in time.
    #[error("the running session did not end in time: try again, and see the server's log")]
    NotEnded,
    /// Another conversation became current meanwhile.
    #[error(
        "the current conversation changed in the meantime: look at the session, then try again"
    )]
    Changed,
    /// The session could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Gets the session of a project with this conversation of its history, or makes the conversation
/// the current one and starts the session with it. Ends a session with another conversation.
///
/// # Errors
/// When the conversation cannot be resumed: nothing has changed then. When the running session does
/// not end, or the agent cannot be started: the next start resumes the current conversation.
pub(in crate::agent) async fn resume(
    context: &Arc<Context>,
    project: Id,
    conversation: Uuid,
) -> Result<Found, ResumeError> {
    let slot = context.slots.get(project);
    let _guard = slot.lock().await;
    let record = record(context, project).await?;
    let history = &record.claude_session_history;
    if !history.iter().any(|entry| entry.id == conversation) {
        return Err(ResumeError::NotInHistory(conversation));
    }
    if record.claude_session_id != Some(conversation) {
        if slot.running().is_none() {
            slot.is_free().map_err(StartError::from)?;
        }
        held_lease::check(context, project).await?;
        check_resumable(context, &record, conversation).await?;
        if slot.running().is_some() && !end_session(context, &slot, project).await {
            return Err(ResumeError::NotEnded);
        }
        switch(context, project, conversation).await?;
    }
    Ok(get_or_start(context, &slot, project).await?)
}

async fn record(context: &Context, project: Id) -> Result<OutputProject, StartError> {
    let record = context.store.project(project).await?;
    record.ok_or(StartError::NoProject)
}

/// Checks all that a start with this conversation needs, before anything is ended for it.
async fn check_resumable(
    context: &Context,
    project: &OutputProject,
    conversation: Uuid,
) -> Result<(), ResumeError> {
    let surroundings = Surroundings::new(&context.settings, &project.settings);
    find_claude(&context.settings, &surroundings).await?;
    let workspace = project.workspace_path.clone();
    off_thread(&project.workspace_path, move || {
        workspace::check(&workspace)
    })
    .await
    .map_err(StartError::from)?;
    let config_dir = surroundings.config_dir;
    check_owner(&config_dir, conversation).await?;
    let dir = config_dir.clone();
    let copy = project
        .settings
        .is_mirrored()
        .then(|| context.mirror.conversation(project.id, conversation));
    if copy.is_some() {
        context.mirror.fetch(project.id, conversation, false).await;
    }
    let _complete = context.mirror.lock(project.id).await;
    let look = move || {
        let found = transcript::find(&dir, conversation)?;
        let copied = copy.map(|copy| mirror::judge(&copy, conversation, &found));
        Ok::<_, FileError>((found, copied.transpose()?))
    };
    let (found, copied) = off_thread(&config_dir, look)
        .await
        .map_err(StartError::File)?;
    match found {
        Transcript::Spoken(_) => Ok(()),
        // The start restores it.
        _ if copied == Some(Copy::Ahead) => Ok(()),
        Transcript::Empty(_) => Err(ResumeError::Silent(conversation, "is empty")),
        Transcript::Missing => Err(ResumeError::Silent(conversation, "is gone")),
    }
}

/// Makes a conversation the current one.
async fn switch(context: &Context, project: Id, conversation: Uuid) -> Result<(), ResumeError> {
    let current = record(context, project).await?.claude_session_id;
    if current == Some(conversation) {
        return Ok(());
    }
    let rotation = Rotation {
        old: current,
        new: conversation,
        source: Source::Resume,
        reason: Source::Resume.as_str().to_owned(),
        transcript_path: None,
        cursor: None,
        at: to_millis(Timestamp::now()),
        fence: None,
    };
    let rotated = context.store.rotate(project, &rotation).await;
    match rotated.map_err(StartError::Store)? {
        Rotated::Won => Ok(()),
        Rotated::Lost(_) | Rotated::Fenced => Err(ResumeError::Changed),
        Rotated::NoProject => Err(StartError::NoProject.into()),
    }
}
