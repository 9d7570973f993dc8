//! The environment that the next agent would get, for `wxcode doctor`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wxcode_claude::environment;
use wxcode_core::project::AgentSettings;
use wxcode_files::{FileError, off_thread};

use super::launch::plan::Surroundings;
use crate::Settings;

/// The environment of an agent without settings of its project. An outlook holds names of
/// variables, and few values.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AgentEnvironment)]
pub struct Outlook {
    /// The executable of Claude Code; `null` if there is none.
    #[schema(value_type = Option<String>)]
    pub claude: Option<PathBuf>,
    /// The configured program: a path, or a name on `PATH`.
    #[schema(value_type = String)]
    pub configured: PathBuf,
    /// The variable `PATH`.
    pub path: Option<String>,
    /// Claude Code's configuration folder.
    #[schema(value_type = String)]
    pub config_dir: PathBuf,
    /// The names of the agent's variables.
    pub variables: Vec<String>,
    /// The names of Claude Code's variables that the server has and does not pass on.
    pub withheld: Vec<String>,
}

/// Looks at the environment of the next agent.
///
/// # Errors
/// When a file system of the search path does not answer.
pub async fn outlook(settings: &Settings) -> Result<Outlook, FileError> {
    let surroundings = Surroundings::new(settings, &AgentSettings::default());
    let names = surroundings.env.iter().map(|(name, _)| name);
    let variables = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let path = surroundings
        .path()
        .map(|path| path.to_string_lossy().into_owned());
    let config_dir = surroundings.config_dir.clone();
    let configured = settings.claude.clone();
    let look = move || Ok::<_, FileError>(surroundings.executable(&configured));
    Ok(Outlook {
        claude: off_thread(&settings.claude, look).await?,
        configured: settings.claude.clone(),
        path,
        config_dir,
        variables,
        withheld: environment::withheld(
            settings
                .environment
                .iter()
                .map(|(name, _)| name.as_os_str()),
            &settings.pass_env,
            &settings.agent_env,
        ),
    })
}
