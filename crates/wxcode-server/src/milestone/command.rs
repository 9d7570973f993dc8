//! Finds the commands of milestones: templates of the configuration, or else templates of the
//! installed GSD.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};
use wxcode_claude::{
    gsd::{self, Gsd},
    template::Template,
};
use wxcode_core::{milestone::Milestone, project::OutputProject};
use wxcode_store::Queued;

use crate::{
    Settings,
    agent::{StartError, config_dir_of},
    repository::Repository,
    workspace,
};

/// Time for a search for GSD: a folder may lie on a hanging mount.
pub(crate) const GSD_DEADLINE: Duration = Duration::from_secs(5);
/// Concurrent searches for GSD, hanging searches included.
pub(crate) const GSD_LOOKS_MAX: usize = 4;

/// Finds the commands of milestones.
#[derive(Clone)]
pub(super) struct Commands {
    settings: Arc<Settings>,
    store: Repository,
    /// Permits for searches for GSD; a hanging search keeps its permit.
    lookups: Arc<Semaphore>,
}

/// The templates of a start.
pub(super) struct Templates {
    pub(super) new_project: Template,
    pub(super) new_milestone: Template,
}

impl Commands {
    pub(super) fn new(settings: Arc<Settings>, store: Repository) -> Self {
        Self {
            settings,
            store,
            lookups: Arc::new(Semaphore::new(GSD_LOOKS_MAX)),
        }
    }

    /// Finds the commands for a milestone of this project.
    pub(super) async fn find(
        &self,
        milestone: &Milestone,
        project: &OutputProject,
    ) -> Result<Templates, StartError> {
        let workspace = project.workspace_path.as_path();
        let config_dir = config_dir_of(&self.settings, &project.settings);
        let configured = &self.settings.commands;
        if let (Some(new_project), Some(new_milestone)) =
            (&configured.new_project, &configured.new_milestone)
        {
            return Ok(Templates {
                new_project: new_project.clone(),
                new_milestone: new_milestone.clone(),
            });
        }
        let found = look(&self.lookups, &config_dir, workspace).await;
        let gsd = match found {
            Ok(Some(gsd)) => gsd,
            // A queued command needs no new templates.
            Ok(None) | Err(_) if self.is_on_its_way(milestone).await? => {
                Gsd::skills(workspace.into())
            }
            Ok(None) => {
                workspace::check(workspace)?;
                return Err(StartError::GsdMissing {
                    workspace: workspace.to_owned(),
                    config_dir,
                });
            }
            Err(error) => return Err(error),
        };
        let template = |configured: &Option<Template>, text: &str| match configured {
            Some(template) => Ok(template.clone()),
            None => Template::parse(text).map_err(|error| StartError::Agent(error.to_string())),
        };
        Ok(Templates {
            new_project: template(&configured.new_project, &gsd.new_project)?,
            new_milestone: template(&configured.new_milestone, &gsd.new_milestone)?,
        })
    }

    /// Whether another start of the milestone finds the milestone's delivery.
    async fn is_on_its_way(&self, milestone: &Milestone) -> Result<bool, StartError> {
        let earlier = match milestone.delivery_id {
            Some(delivery) => self.store.delivery(delivery).await?,
            None => None,
        };
        Ok(Queued::instead(milestone.status, earlier).is_some())
    }
}

/// Searches for GSD off the serving threads.
async fn look(
    lookups: &Arc<Semaphore>,
    config_dir: &Path,
    workspace: &Path,
) -> Result<Option<Gsd>, StartError> {
    let late = || StartError::GsdUnknown {
        workspace: workspace.to_owned(),
        config_dir: config_dir.to_owned(),
        seconds: GSD_DEADLINE.as_secs(),
    };
    let looking = async {
        let turn = Arc::clone(lookups).acquire_owned().await.ok()?;
        let (workspace, config_dir) = (workspace.to_owned(), config_dir.to_owned());
        let look = tokio::task::spawn_blocking(move || {
            let found = gsd::find(Some(&workspace), &config_dir);
            drop(turn);
            found
        });
        look.await.ok()
    };
    timeout(GSD_DEADLINE, looking)
        .await
        .ok()
        .flatten()
        .ok_or_else(late)
}
