//! The list of output projects: sorted, searched, with what each one is doing.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use axum::{Extension, Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wxcode_claude::planning::Progress;
use wxcode_core::{
    id::Id,
    milestone::{Milestone, MilestoneStatus},
    project::{OutputProject, ProjectStatus},
};
use wxcode_store::{PAGE_MAX, Page};

use super::{
    ProjectView,
    elsewhere::Elsewhere,
    summary::{NodeSession, SessionSummary},
};
use crate::{
    Settings,
    access::Caller,
    event::Events,
    http::{
        parameter::{Params, number},
        problem::{Answer, Problem, quoted},
        state::Projects,
    },
    planning::Planning,
};

/// Projects of a page without `limit`.
const LIMIT: u64 = 50;
/// Most projects of a page.
pub(crate) const LIMIT_MAX: u64 = 500;
/// Most projects that are sorted or searched, the oldest ones.
pub(crate) const SORTED_MAX: usize = 10_000;
/// Longest text to search for, in characters.
const QUERY_MAX: usize = 200;

/// The part of the list, and its order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    /// Projects to skip.
    #[serde(default, deserialize_with = "number")]
    skip: Option<u64>,
    /// Most projects, up to 500; 50 by default.
    #[serde(default, deserialize_with = "number")]
    limit: Option<u64>,
    /// `created`, the default: oldest first. `attention`: those that wait for a person first.
    /// `activity`: the latest first. `name`: by name.
    #[param(pattern = "^(created|attention|activity|name)$")]
    sort: Option<String>,
    /// Only projects whose name or folder holds this text, in any case, or whose id begins with it.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Only projects with this record of a knowledge base.
    kb_id: Option<String>,
    /// Only projects in this progress: `created`, `initialized` or `active`.
    #[param(value_type = Option<String>, pattern = "^(created|initialized|active)$")]
    status: Option<ProjectStatus>,
}

/// The projects that a list has.
#[derive(Debug, Default)]
struct Filter {
    /// In lower case.
    text: String,
    kb_id: Option<String>,
    status: Option<ProjectStatus>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Created,
    Attention,
    Activity,
    Name,
}

/// An output project in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedProject {
    #[serde(flatten)]
    project: ProjectView,
    session: SessionSummary,
    /// The time of the project's last event or change.
    #[schema(value_type = String, format = DateTime)]
    last_activity_at: Timestamp,
    /// The newest milestone in progress.
    milestone: Option<MilestoneSummary>,
    /// The progress in `.planning/` when it was last read, at most some minutes ago; `null` before
    /// the first time.
    progress: Option<Progress>,
}

/// A milestone, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MilestoneSummary {
    #[schema(value_type = String)]
    id: Id,
    element_name: String,
    /// Always `in_progress`.
    #[schema(value_type = String)]
    status: MilestoneStatus,
}

impl From<Milestone> for MilestoneSummary {
    fn from(milestone: Milestone) -> Self {
        Self {
            id: milestone.id,
            element_name: milestone.element_name,
            status: milestone.status,
        }
    }
}

/// A page of output projects.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectList {
    projects: Vec<ListedProject>,
    /// The number of all projects, or of those that `q` finds.
    total: u64,
}

/// What the list is made of.
#[derive(Clone)]
pub(crate) struct Overview {
    pub(crate) projects: Projects,
    pub(crate) settings: Arc<Settings>,
    pub(crate) events: Events,
    pub(crate) planning: Planning,
    pub(crate) elsewhere: Elsewhere,
}

/// A project with what its place in the list depends on.
struct Seen {
    project: OutputProject,
    session: SessionSummary,
    at: Timestamp,
}

/// Lists output projects with what each one is doing.
#[utoipa::path(operation_id = "listOutputProjects", get, path = "/output-projects", tag = "output projects", params(Selection), responses(
    (status = 200, description = "A page of them", body = ProjectList),
    (status = 422, description = "Another order, or a text too long", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(overview): State<Overview>,
    Extension(caller): Extension<Caller>,
    Params(selection): Params<Selection>,
) -> Answer<Json<ProjectList>> {
    let sort = match selection.sort.as_deref() {
        None | Some("created") => Sort::Created,
        Some("attention") => Sort::Attention,
        Some("activity") => Sort::Activity,
        Some("name") => Sort::Name,
        Some(other) => {
            return Err(Problem::invalid(format!(
                "sort is {}: give attention, created, activity or name, or leave it out for created",
                quoted(other)
            )));
        }
    };
    // A caller with a grant for one project gets this project, regardless of the search text.
    let only = caller.grant.project.map(|only| only.to_string());
    let text = only.or(selection.q).unwrap_or_default().to_lowercase();
    if text.chars().count() > QUERY_MAX {
        return Err(Problem::invalid(format!(
            "q has {} characters: give at most {QUERY_MAX}",
            text.chars().count()
        )));
    }
    let page = Page {
        skip: selection.skip.unwrap_or(0),
        limit: selection.limit.unwrap_or(LIMIT).min(LIMIT_MAX),
    };
    let filter = Filter {
        text: text.trim().to_owned(),
        kb_id: selection.kb_id,
        status: selection.status,
    };
    Ok(Json(overview.page(sort, &filter, page).await?))
}

impl Overview {
    /// The first projects by attention, and the number of all.
    pub(crate) async fn by_attention(&self, limit: u64) -> Answer<ProjectList> {
        let filter = Filter::default();
        self.page(Sort::Attention, &filter, Page { skip: 0, limit })
            .await
    }

    async fn page(&self, sort: Sort, filter: &Filter, page: Page) -> Answer<ProjectList> {
        let (found, total) = match (sort, filter.has_all()) {
            (Sort::Created, true) => {
                let listing = self.projects.store.projects(page).await?;
                (self.seen(listing.items).await, listing.total)
            }
            _ => {
                let mut all = self.all().await?;
                all.retain(|project| filter.has(project));
                let total = all.len() as u64;
                let mut seen = self.seen(all).await;
                order(&mut seen, sort);
                let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
                let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
                (seen.into_iter().skip(skip).take(limit).collect(), total)
            }
        };
        let ids: Vec<_> = found.iter().map(|seen| seen.project.id).collect();
        let milestones = self.projects.store.milestones_in_work(ids).await?;
        let mut milestones: HashMap<Id, Milestone> = milestones
            .into_iter()
            .map(|milestone| (milestone.output_project_id, milestone))
            .collect();
        let places = found.iter().map(|seen| {
            let project = &seen.project;
            (project.id, project.workspace_path.clone())
        });
        let mut progress = self.planning.progress(places.collect());
        let projects = found.into_iter().map(|seen| {
            let id = seen.project.id;
            let (milestone, progress) = (milestones.remove(&id), progress.remove(&id));
            Self::listed(seen, milestone, progress)
        });
        Ok(ProjectList {
            projects: projects.collect(),
            total,
        })
    }

    async fn all(&self) -> Answer<Vec<OutputProject>> {
        let mut all = Vec::new();
        loop {
            let page = Page {
                skip: all.len() as u64,
                limit: PAGE_MAX,
            };
            let listing = self.projects.store.projects(page).await?;
            let is_empty = listing.items.is_empty();
            all.extend(listing.items);
            if is_empty || all.len() as u64 >= listing.total || all.len() >= SORTED_MAX {
                all.truncate(SORTED_MAX);
                return Ok(all);
            }
        }
    }

    /// The projects with their sessions and the times of their last events, on all nodes.
    async fn seen(&self, projects: Vec<OutputProject>) -> Vec<Seen> {
        let own = self.sessions_here(projects.iter().map(|project| project.id).collect());
        let (own, mut others) = tokio::join!(own, self.elsewhere.look(&projects));
        let mut own: HashMap<Id, NodeSession> = own
            .into_iter()
            .map(|session| (session.project_id, session))
            .collect();
        let seen = projects.into_iter().map(|project| {
            let own = own.remove(&project.id);
            let other = others.remove(&project.id);
            let times = [&own, &other].map(|found| found.as_ref().and_then(NodeSession::at));
            let times = times.into_iter().flatten();
            let at = times.chain([project.updated_at]).max();
            let best = own.into_iter().chain(other).max_by_key(NodeSession::weight);
            Seen {
                at: at.unwrap_or(project.created_at),
                session: best.map_or_else(SessionSummary::none, |best| best.session),
                project,
            }
        });
        seen.collect()
    }

    /// The sessions of this node, and the last events of these projects.
    pub(crate) async fn sessions_here(&self, projects: Vec<Id>) -> Vec<NodeSession> {
        let glances = self.projects.sessions.glances();
        let all: HashSet<Id> = projects
            .into_iter()
            .chain(glances.keys().copied())
            .collect();
        let mut events = self.events.last_times(all.iter().copied().collect()).await;
        let node = self.settings.shared.as_ref();
        let node = node.map(|shared| shared.node.name.as_str());
        let mut here = Vec::new();
        for project_id in all {
            let glance = glances.get(&project_id);
            let last_event_at = events.remove(&project_id);
            if glance.is_some() || last_event_at.is_some() {
                let session = glance.and_then(|glance| glance.session.as_deref());
                here.push(NodeSession {
                    project_id,
                    started_at: session.map(|session| session.started_at),
                    last_event_at,
                    session: glance.map_or_else(SessionSummary::none, |glance| {
                        SessionSummary::of(glance, node)
                    }),
                });
            }
        }
        here
    }

    /// All that this node knows of sessions, for its peers.
    pub(crate) async fn all_here(&self) -> Vec<NodeSession> {
        let known = self.events.known().await;
        self.sessions_here(known).await
    }

    fn listed(
        seen: Seen,
        milestone: Option<Milestone>,
        progress: Option<Progress>,
    ) -> ListedProject {
        ListedProject {
            session: seen.session,
            project: seen.project.into(),
            last_activity_at: seen.at,
            milestone: milestone.map(MilestoneSummary::from),
            progress,
        }
    }
}

impl Filter {
    fn has_all(&self) -> bool {
        self.text.is_empty() && self.kb_id.is_none() && self.status.is_none()
    }

    fn has(&self, project: &OutputProject) -> bool {
        let text = self.text.as_str();
        let folder = || project.workspace_path.to_string_lossy().to_lowercase();
        let is_found = text.is_empty()
            || project.name.to_lowercase().contains(text)
            || project.id.to_string().starts_with(text)
            || folder().contains(text);
        is_found
            && (self.kb_id.is_none() || self.kb_id == project.kb_id)
            && self.status.is_none_or(|status| status == project.status)
    }
}

fn order(seen: &mut [Seen], sort: Sort) {
    match sort {
        Sort::Created => {}
        Sort::Activity => seen.sort_by_key(|seen| Reverse(seen.at)),
        Sort::Name => seen.sort_by_cached_key(|seen| seen.project.name.to_lowercase()),
        Sort::Attention => {
            seen.sort_by_cached_key(|seen| (seen.session.rank(), Reverse(seen.at)));
        }
    }
}
