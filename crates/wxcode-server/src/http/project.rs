//! Output projects over HTTP.

pub(crate) mod elsewhere;
pub(crate) mod list;
mod settings;
mod summary;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    project::{AgentSettings, NAME_MAX, OutputProject, ProjectStatus, SettingsPatch},
    run::in_the_way,
    time::to_millis,
};
use wxcode_store::ProjectPatch;

use self::settings::{GivenSettings, SettingsView};
use super::{
    body::{self, Body},
    parameter::{Params, PathId},
    problem::{Answer, Problem, quoted},
    state::Projects,
    upload,
};
use crate::{
    Settings,
    agent::Retired,
    disk::on_disk,
    planning::Planning,
    workspace::{self, place},
};

/// Longest reference to a record of the knowledge base, in characters.
const REFERENCE_MAX: usize = 200;

/// An output project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectView {
    /// 24 hexadecimal digits.
    #[schema(value_type = String)]
    id: Id,
    kb_id: Option<String>,
    name: String,
    stack_id: Option<String>,
    configuration_id: Option<String>,
    /// The absolute folder that the agent works in.
    workspace_path: String,
    /// Its own settings for the agent, used from the next start on.
    settings: SettingsView,
    /// `created`, `initialized` or `active`.
    #[schema(value_type = String)]
    status: ProjectStatus,
    /// The current conversation; `null` before the first start.
    #[schema(value_type = Option<String>)]
    claude_session_id: Option<Uuid>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<OutputProject> for ProjectView {
    fn from(project: OutputProject) -> Self {
        Self {
            id: project.id,
            kb_id: project.kb_id,
            name: project.name,
            stack_id: project.stack_id,
            configuration_id: project.configuration_id,
            workspace_path: project.workspace_path.to_string_lossy().into_owned(),
            settings: project.settings.into(),
            status: project.status,
            claude_session_id: project.claude_session_id,
            created_at: project.created_at,
            updated_at: project.updated_at,
        }
    }
}

/// A new output project.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProject {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, pattern = "{name}")]
    name: String,
    /// An existing absolute folder that no other project has; left out, a new one is made. Links
    /// are resolved. A leading `~/` is the home of the server's user.
    workspace_path: Option<String>,
    #[serde(default, deserialize_with = "body::object")]
    settings: Option<GivenSettings>,
    #[schema(min_length = 1, max_length = 200, pattern = "{reference}")]
    kb_id: Option<String>,
    #[schema(min_length = 1, max_length = 200, pattern = "{reference}")]
    stack_id: Option<String>,
    #[schema(min_length = 1, max_length = 200, pattern = "{reference}")]
    configuration_id: Option<String>,
}

/// Changes of an output project; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectChange {
    #[schema(min_length = 1, max_length = 200, pattern = "{name}")]
    name: Option<String>,
    /// Another existing absolute folder, where the conversation goes on; only while no session
    /// runs.
    workspace_path: Option<String>,
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = "{reference}")]
    stack_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = "{reference}")]
    configuration_id: Option<Option<String>>,
    /// Changes of single settings; `null` makes all of them the server's.
    #[serde(default, deserialize_with = "body::given_object")]
    #[schema(value_type = Option<GivenSettings>)]
    settings: Option<Option<GivenSettings>>,
}

/// Options of a deletion.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    /// Ends a running session first.
    #[serde(default)]
    force: bool,
}

/// Whether a character makes different names look the same. Joiners shape letters and pictures.
const fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

pub(super) fn check_name(what: &str, name: &str) -> Answer<String> {
    let name = name.trim();
    match name.chars().count() {
        0 => Err(Problem::invalid(format!(
            "{what} is empty: give 1 to {NAME_MAX} characters"
        ))),
        1..=NAME_MAX if name.chars().any(char::is_control) => Err(Problem::invalid(format!(
            "{what} is {}, which holds control characters: remove them",
            quoted(name)
        ))),
        1..=NAME_MAX if name.chars().any(is_deceptive) => Err(Problem::invalid(format!(
            "{what} holds characters without a width, or that turn the direction of the text: remove them, \
             because two different names would look the same"
        ))),
        1..=NAME_MAX if name.parse::<Id>().is_ok() => Err(Problem::invalid(format!(
            "{what} is {name}, which has the form of an id: give another one"
        ))),
        1..=NAME_MAX => Ok(name.to_owned()),
        length => Err(Problem::invalid(format!(
            "{what} has {length} characters: give at most {NAME_MAX}"
        ))),
    }
}

pub(super) fn check_reference(what: &str, reference: Option<&str>) -> Answer<()> {
    match reference {
        Some(text)
            if text.is_empty()
                || text.chars().count() > REFERENCE_MAX
                || text.chars().any(char::is_control) =>
        {
            Err(Problem::invalid(format!(
                "{what} is {}: give 1 to {REFERENCE_MAX} characters without control characters, or leave it out",
                quoted(text)
            )))
        }
        _ => Ok(()),
    }
}

/// Creates an output project.
#[utoipa::path(operation_id = "createOutputProject", post, path = "/output-projects", tag = "output projects", request_body = NewProject, responses(
    (status = 201, description = "Created", body = ProjectView),
    (status = 409, description = "`workspace_taken`: another project, which is named, has the folder; nothing was made", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A field is not valid; nothing was made", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create(
    State(projects): State<Projects>,
    State(settings): State<Arc<Settings>>,
    Body(new): Body<NewProject>,
) -> Answer<impl IntoResponse> {
    let name = check_name("name", &new.name)?;
    for (what, reference) in [
        ("kb_id", &new.kb_id),
        ("stack_id", &new.stack_id),
        ("configuration_id", &new.configuration_id),
    ] {
        check_reference(what, reference.as_deref())?;
    }
    let settings_patch = new.settings.map(GivenSettings::patch).transpose()?;
    let own = settings_patch
        .map(|patch| patch.apply(AgentSettings::default()))
        .unwrap_or_default();
    settings::check_together(&own)?;
    let now = to_millis(Timestamp::now());
    let id = Id::generate(now);
    let is_given = new.workspace_path.is_some();
    let workspace_path = match new.workspace_path {
        Some(given) => place::resolve(&settings, given.into())
            .await
            .map_err(Problem::given_workspace)?,
        None => {
            let made =
                on_disk(|| workspace::make(&settings.data_dir, &name, id)).map_err(|error| {
                    Problem::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string())
                })?;
            place::of_made(made)
                .await
                .map_err(Problem::given_workspace)?
        }
    };
    let project = OutputProject {
        id,
        kb_id: new.kb_id,
        name,
        stack_id: new.stack_id,
        configuration_id: new.configuration_id,
        workspace_path,
        settings: own,
        status: ProjectStatus::Created,
        claude_session_id: None,
        claude_session_history: Vec::new(),
        identity_cursor: None,
        new_project_delivery: None,
        created_at: now,
        updated_at: now,
    };
    if let Err(error) = projects.store.add_project(&project).await {
        if !is_given {
            // Only the folder just made, and only while it is empty.
            let _ = on_disk(|| std::fs::remove_dir(&project.workspace_path));
        }
        return Err(error.into());
    }
    projects.sessions.make_home(id).await;
    let location = format!("/api/v1/output-projects/{id}");
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(ProjectView::from(project)),
    ))
}

/// Shows an output project.
#[utoipa::path(operation_id = "showOutputProject", get, path = "/output-projects/{id}", tag = "output projects", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "The project", body = ProjectView),
    (status = 400, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(projects): State<Projects>,
    PathId(id): PathId,
) -> Answer<Json<ProjectView>> {
    Ok(Json(projects.find(id).await?.into()))
}

/// Changes the name, the workspace folder, the settings, the stack or the configuration.
#[utoipa::path(operation_id = "changeOutputProject", patch, path = "/output-projects/{id}", tag = "output projects", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body = ProjectChange, responses(
    (status = 200, description = "The project afterwards", body = ProjectView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The folder changes while its session or a run is going on, or another server has the project; or `workspace_taken`: another project, which is named, has the folder; nothing was changed", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A field is not valid; nothing was changed", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn change(
    State(projects): State<Projects>,
    State(settings): State<Arc<Settings>>,
    State(planning): State<Planning>,
    PathId(id): PathId,
    Body(change): Body<ProjectChange>,
) -> Answer<Json<ProjectView>> {
    let name = change
        .name
        .map(|name| check_name("name", &name))
        .transpose()?;
    check_reference(
        "stack_id",
        change.stack_id.as_ref().and_then(Option::as_deref),
    )?;
    check_reference(
        "configuration_id",
        change.configuration_id.as_ref().and_then(Option::as_deref),
    )?;
    let settings_patch = match change.settings {
        None => SettingsPatch::default(),
        Some(None) => SettingsPatch::clear(),
        Some(Some(given)) => given.patch()?,
    };
    let now = to_millis(Timestamp::now());
    let before = projects.find(id).await?;
    settings::check_together(&settings_patch.apply(before.settings.clone()))?;
    let workspace_path = match change.workspace_path {
        Some(given) => Some(
            place::resolve(&settings, given.into())
                .await
                .map_err(Problem::given_workspace)?,
        )
        .filter(|path| *path != before.workspace_path),
        None => None,
    };
    let patch = ProjectPatch {
        name,
        workspace_path,
        stack_id: change.stack_id,
        configuration_id: change.configuration_id,
        settings: settings_patch,
    };
    if patch.workspace_path.is_some() {
        let moved = projects.sessions.relocate(id, &patch, now).await?;
        planning.leave(id);
        if !moved.settings.is_mirrored() {
            projects.sessions.remove_copy(id).await;
        }
        return Ok(Json(moved.into()));
    }
    let changed = projects.store.patch_project(id, &patch, now).await?;
    if changed
        .as_ref()
        .is_some_and(|changed| !changed.settings.is_mirrored())
    {
        projects.sessions.remove_copy(id).await;
    }
    Ok(Json(
        changed
            .ok_or_else(|| Problem::not_found("output project"))?
            .into(),
    ))
}

/// Deletes an output project with its milestones and deliveries, never its workspace folder.
#[utoipa::path(operation_id = "deleteOutputProject", delete, path = "/output-projects/{id}", tag = "output projects", params(("id" = String, Path, description = "24 hexadecimal digits"), Removal), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Its session runs or a run is going on, and `force` was not given; or another server on the same database has the project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove(
    State(projects): State<Projects>,
    PathId(id): PathId,
    Params(removal): Params<Removal>,
) -> Answer<StatusCode> {
    projects.sessions.check_lease(id).await?;
    // A record that cannot be read can be deleted; its uploads stay.
    let workspace = projects.store.project(id).await.ok().flatten();
    match projects.sessions.retire(id, removal.force).await? {
        Retired::Removed => {
            if let Some(project) = workspace {
                upload::forget(project.workspace_path).await;
            }
            Ok(StatusCode::NO_CONTENT)
        }
        Retired::Missing => Err(Problem::not_found("output project")),
        Retired::Running => Err(Problem::conflict(
            "its session runs: end it first (DELETE …/session), or delete with ?force=true, which ends it",
        )),
        Retired::InRun(run) => Err(Problem::conflict(format!(
            "{}, or delete with ?force=true, which stops it",
            in_the_way(run)
        ))),
        Retired::Stuck => Err(Problem::not_ended()),
    }
}
