//! Starts a milestone: writes the milestone's context, then queues the milestone's command as a
//! delivery.

mod command;

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use wxcode_claude::template::Values;
use wxcode_core::{
    id::Id,
    milestone::{Milestone, MilestoneStatus},
    project::OutputProject,
    time::to_millis,
};
use wxcode_files::off_thread;
use wxcode_store::{Command, NewDelivery};

use crate::{
    Settings,
    agent::{Delivered, Manager, StartError},
    repository::Repository,
    workspace,
};
use command::Commands;

/// Starts milestones.
#[derive(Clone)]
pub(crate) struct Milestones {
    store: Repository,
    sessions: Manager,
    commands: Commands,
}

impl Milestones {
    pub(crate) fn new(settings: Arc<Settings>, store: Repository, sessions: Manager) -> Self {
        Self {
            commands: Commands::new(settings, store.clone()),
            store,
            sessions,
        }
    }

    /// Writes the milestone's context into the project's workspace; returns the context's path
    /// there.
    pub(crate) async fn prepare(&self, milestone: &Milestone) -> Result<String, StartError> {
        let project = self.project(milestone).await?;
        write_context(&project.workspace_path, milestone).await?;
        Ok(workspace::context_path(milestone.id))
    }

    async fn project(&self, milestone: &Milestone) -> Result<OutputProject, StartError> {
        let project = self.store.project(milestone.output_project_id).await?;
        project.ok_or(StartError::NoProject)
    }

    /// Queues the milestone's command and makes sure that a session takes the command. A repetition
    /// finds the same delivery.
    pub(crate) async fn start(&self, milestone: &Milestone) -> Result<Delivered, StartError> {
        let project = self.project(milestone).await?;
        let commands = self.commands.find(milestone, &project).await?;
        if milestone.status == MilestoneStatus::Pending {
            write_context(&project.workspace_path, milestone).await?;
        }
        let now = to_millis(Timestamp::now());
        let id = milestone.id.to_string();
        let context_path = workspace::context_path(milestone.id);
        let values = Values {
            context_path: &context_path,
            element_name: &milestone.element_name,
            milestone_id: &id,
        };
        let delivery = NewDelivery {
            id: Id::generate(now),
            output_project_id: milestone.output_project_id,
            command: Command::Milestone {
                id: milestone.id,
                new_project: commands.new_project.render(&values),
                new_milestone: commands.new_milestone.render(&values),
            },
            idempotency_key: None,
            not_before: None,
            steer: false,
            at: now,
            fence: None,
        };
        let delivered = self.sessions.deliver(&delivery).await?;
        // An edit may have come between the reading of the context and the queueing.
        if let Some(now) = self.store.milestone(milestone.id).await?
            && now.status == MilestoneStatus::Pending
            && (&now.element_name, &now.context) != (&milestone.element_name, &milestone.context)
        {
            write_context(&project.workspace_path, &now).await?;
        }
        Ok(delivered)
    }
}

/// Writes the context off the serving threads.
async fn write_context(workspace: &Path, milestone: &Milestone) -> Result<(), StartError> {
    let (place, record) = (workspace.to_owned(), milestone.clone());
    off_thread(workspace, move || workspace::prepare(&place, &record)).await?;
    Ok(())
}
