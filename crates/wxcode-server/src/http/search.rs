//! The search of conversations over HTTP.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use wxcode_claude::conversation::Query;
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_store::Page;

use super::{
    parameter::{Params, PathId},
    problem::{Answer, Problem, quoted},
    state::Projects,
};
use crate::{
    Settings,
    access::Caller,
    agent::Manager,
    conversation::{Cursor, Found, Hit, Progress, permit, search},
};

/// Hits of an answer by default, and at most.
const HITS: usize = 20;
const HITS_MAX: usize = 100;
/// Longest query, in bytes.
const QUERY_MAX: usize = 500;
/// Most projects of a search, the first ones of their list.
const PROJECTS_MAX: u64 = 1_000;

/// The words to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// Words, up to 500 bytes. Case and accents do not matter; each word may be the beginning of
    /// one. A turn is a hit when it has all of them.
    #[param(min_length = 1, max_length = 500)]
    q: String,
    /// The `next` of the answer before.
    after: Option<String>,
    /// Most hits, 1 to 100; 20 by default.
    limit: Option<usize>,
}

/// The hits of a search.
#[derive(Serialize, ToSchema)]
#[schema(as = SearchResult)]
pub(super) struct FoundView {
    /// The newest turns of each conversation come first.
    hits: Vec<HitView>,
    /// The `after` of the next answer: there are more hits, or a bound of bytes or time was
    /// reached; `null` when everything was searched.
    next: Option<String>,
    /// Conversations without a readable transcript.
    unread: u64,
    /// The progress of the index while it has not all conversations; `null` otherwise.
    indexing: Option<IndexingView>,
}

/// The progress of the index, in bytes of transcripts.
#[derive(Serialize, ToSchema)]
#[schema(as = SearchIndexing)]
struct IndexingView {
    done: u64,
    total: u64,
}

impl From<Progress> for IndexingView {
    fn from(progress: Progress) -> Self {
        let Progress { done, total } = progress;
        Self { done, total }
    }
}

/// A turn with the words.
#[derive(Serialize, ToSchema)]
#[schema(as = SearchHit)]
struct HitView {
    #[schema(value_type = String)]
    project_id: Id,
    #[schema(value_type = String)]
    claude_session_id: Uuid,
    turn_id: String,
    at: Option<String>,
    /// The text around the first word, up to 200 bytes.
    snippet: String,
    /// The `before` of the page of the conversation that ends with this turn.
    before: String,
}

impl From<Hit> for HitView {
    fn from(hit: Hit) -> Self {
        Self {
            project_id: hit.project,
            claude_session_id: hit.conversation,
            turn_id: hit.turn,
            at: hit.at,
            snippet: hit.snippet,
            before: hit.before.to_string(),
        }
    }
}

/// Searches all conversations of a project.
#[utoipa::path(operation_id = "searchProject", get, path = "/output-projects/{id}/search", tag = "conversations", params(("id" = String, Path, description = "24 hexadecimal digits"), Words), responses(
    (status = 200, description = "The hits", body = FoundView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A parameter that does not fit", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Too many searches at once: `searches_busy`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn of_project(
    State(projects): State<Projects>,
    State(settings): State<Arc<Settings>>,
    PathId(id): PathId,
    Params(words): Params<Words>,
) -> Answer<Json<FoundView>> {
    let project = projects.find(id).await?;
    let only = Some(project.id);
    found(&settings, &projects.sessions, &[project], only, &words).await
}

/// Searches all conversations of all projects that the caller may see.
#[utoipa::path(operation_id = "search", get, path = "/search", tag = "conversations", params(Words), responses(
    (status = 200, description = "The hits", body = FoundView),
    (status = 422, description = "A parameter that does not fit", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Too many searches at once: `searches_busy`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn of_all(
    State(projects): State<Projects>,
    State(settings): State<Arc<Settings>>,
    Extension(caller): Extension<Caller>,
    Params(words): Params<Words>,
) -> Answer<Json<FoundView>> {
    let page = Page {
        skip: 0,
        limit: PROJECTS_MAX,
    };
    let all = match caller.grant.project {
        Some(only) => vec![projects.find(only).await?],
        None => projects.store.projects(page).await?.items,
    };
    let only = caller.grant.project;
    found(&settings, &projects.sessions, &all, only, &words).await
}

async fn found(
    settings: &Arc<Settings>,
    sessions: &Manager,
    projects: &[OutputProject],
    only: Option<Id>,
    words: &Words,
) -> Answer<Json<FoundView>> {
    let query = (words.q.len() <= QUERY_MAX)
        .then(|| Query::new(&words.q))
        .flatten()
        .ok_or_else(|| {
            Problem::invalid(format!(
                "q is {}: give at least one word, and up to {QUERY_MAX} bytes",
                quoted(&words.q)
            ))
        })?;
    let limit = words.limit.unwrap_or(HITS);
    if !(1..=HITS_MAX).contains(&limit) {
        return Err(Problem::invalid(format!(
            "limit is {limit}: give 1 to {HITS_MAX}, or leave it out for {HITS}"
        )));
    }
    let after = words.after.as_deref();
    let row = after.and_then(|after| after.strip_prefix('i'));
    let row = row.and_then(|row| row.parse::<i64>().ok());
    let from = match after {
        Some(after) if row.is_none() => Some(cursor(after, projects)?),
        _ => None,
    };
    let _permit = permit().await.ok_or_else(|| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many searches run at once: try again in a moment",
        )
        .with_code("searches_busy")
    })?;
    if from.is_none() {
        let indexed = sessions.indexer();
        let indexed = indexed.search(projects, only, &query, row, limit).await;
        if let Some(indexed) = indexed {
            return Ok(Json(FoundView {
                hits: indexed.hits.into_iter().map(HitView::from).collect(),
                next: indexed.next.map(|row| format!("i{row}")),
                unread: indexed.unread,
                indexing: indexed.indexing.map(IndexingView::from),
            }));
        }
    }
    let Found { hits, next, unread } =
        search(settings, sessions.mirror(), projects, &query, from, limit).await;
    Ok(Json(FoundView {
        hits: hits.into_iter().map(HitView::from).collect(),
        next: next.map(|next| next.to_string()),
        unread,
        indexing: None,
    }))
}

/// The place to go on from, which must still exist.
fn cursor(after: &str, projects: &[OutputProject]) -> Answer<Cursor> {
    let known = |cursor: &Cursor| {
        let mut projects = projects.iter();
        projects
            .find(|project| project.id == cursor.project)
            .is_some_and(|project| {
                let mut history = project.claude_session_history.iter();
                history.any(|entry| entry.id == cursor.conversation)
            })
    };
    after.parse().ok().filter(known).ok_or_else(|| {
        Problem::invalid(format!(
            "after is {}: give the `next` of the answer before, or begin again without it",
            quoted(after)
        ))
    })
}
