//! The conversation of an output project over HTTP.

use std::{io, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use wxcode_claude::conversation::{TURNS_MAX, Turn, markdown};
use wxcode_core::id::Id;

use super::{
    parameter::{Params, PathId},
    problem::{Answer, Problem, quoted},
    state::Projects,
};
use crate::{
    Settings,
    conversation::{Attributions, ConversationError, Export, Source},
};

/// Turns of a page by default.
const TURNS: usize = 50;

/// The part and the form of a conversation.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// A conversation of the project's history; the current one by default.
    #[param(value_type = Option<String>, format = "uuid")]
    claude_session_id: Option<Uuid>,
    /// The `next` of the page after the wanted one, or the `before` of a search's hit; the last
    /// page by default.
    #[param(pattern = "^[0-9]{1,19}$")]
    before: Option<String>,
    /// Most turns, 1 to 200; 50 by default.
    limit: Option<usize>,
    /// Left out for a page; `markdown` or `jsonl` for the whole conversation.
    #[param(pattern = "^(markdown|jsonl)$")]
    format: Option<String>,
}

/// A page of a conversation.
#[derive(Serialize, ToSchema)]
#[schema(as = Conversation)]
pub(super) struct ConversationView {
    /// The conversation; `null` before the project's first one.
    #[schema(value_type = Option<String>)]
    claude_session_id: Option<Uuid>,
    /// Its title in one line, up to 80 characters: that of `/rename`, else Claude Code's own, else
    /// the first words of the user; `null` before them.
    title: Option<String>,
    /// The turns, oldest first. A page may have fewer than asked for, even none, although `next`
    /// leads on.
    turns: Vec<TurnView>,
    /// The `before` of the page before this one; `null` at the beginning of the conversation.
    next: Option<String>,
    /// The lines of the transcript that were not understood in the part that was read.
    skipped: u64,
}

/// A turn, its milestone and its delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationTurn)]
struct TurnView {
    #[serde(flatten)]
    turn: Turn,
    /// The milestone in work.
    #[schema(value_type = Option<String>)]
    milestone_id: Option<Id>,
    /// The delivery of the prompt, or of the prompt that the turn answers; `null` for a typed one.
    #[schema(value_type = Option<String>)]
    delivery_id: Option<Id>,
}

/// The form of an export.
#[derive(Clone, Copy)]
enum Format {
    Markdown,
    Jsonl,
}

/// Shows a conversation: a page of its turns, from the end on, or the whole as Markdown or JSON
/// lines.
#[utoipa::path(operation_id = "showConversation", get, path = "/output-projects/{id}/conversation", tag = "conversations", params(("id" = String, Path, description = "24 hexadecimal digits"), Options), responses(
    (status = 200, description = "The page; with `format` the whole conversation as a stream", content(
        (ConversationView = "application/json"),
        (String = "text/markdown; charset=utf-8"),
        (String = "application/jsonl"),
    )),
    (status = 404, description = "No such project, the project never had the conversation, or its transcript is gone: `transcript_missing`", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A parameter that does not fit", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The folder of transcripts is missing or cannot be read: `transcripts_unavailable`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(projects): State<Projects>,
    State(settings): State<Arc<Settings>>,
    PathId(id): PathId,
    Params(options): Params<Options>,
) -> Answer<Response> {
    let format = format(&options)?;
    let before = match &options.before {
        None => None,
        Some(before) => Some(before.parse::<u64>().map_err(|_| {
            Problem::invalid(format!(
                "before is {}: give the `next` of a page, or the `before` of a hit",
                quoted(before)
            ))
        })?),
    };
    let limit = options.limit.unwrap_or(TURNS);
    if !(1..=TURNS_MAX).contains(&limit) {
        return Err(Problem::invalid(format!(
            "limit is {limit}: give 1 to {TURNS_MAX}, or leave it out for {TURNS}"
        )));
    }
    let project = projects.find(id).await?;
    let is_live = projects.sessions.running(id).is_some();
    let source = Source::of(
        &settings,
        projects.sessions.mirror(),
        &project,
        options.claude_session_id,
        is_live,
    )?;
    let attributions = Attributions::read(&projects.store, id).await?;
    match format {
        Some(format) => {
            let export = match &source {
                Some(source) => Some(source.export().await?),
                None => None,
            };
            Ok(streamed(format, export, attributions))
        }
        None => page(source, before, limit, attributions).await,
    }
}

fn format(options: &Options) -> Answer<Option<Format>> {
    let format = match options.format.as_deref() {
        None => return Ok(None),
        Some("markdown") => Format::Markdown,
        Some("jsonl") => Format::Jsonl,
        Some(other) => {
            return Err(Problem::invalid(format!(
                "format is {}: give markdown or jsonl, or leave it out for a page",
                quoted(other)
            )));
        }
    };
    match (&options.before, options.limit) {
        (None, None) => Ok(Some(format)),
        _ => Err(Problem::invalid(
            "an export is the whole conversation: leave out before and limit, or format",
        )),
    }
}

async fn page(
    source: Option<Source>,
    before: Option<u64>,
    limit: usize,
    mut attributions: Attributions,
) -> Answer<Response> {
    let (page, title) = match &source {
        Some(source) => source.titled_page(before, limit).await?,
        None => Default::default(),
    };
    if let Some(prompt) = &page.prompt {
        attributions.of(prompt);
    }
    let turns = page.turns.into_iter();
    Ok(Json(ConversationView {
        claude_session_id: source.map(|source| source.id()),
        title,
        turns: turns
            .map(|turn| TurnView::new(turn, &mut attributions))
            .collect(),
        next: page.next.map(|next| next.to_string()),
        skipped: page.skipped,
    })
    .into_response())
}

impl TurnView {
    fn new(turn: Turn, attributions: &mut Attributions) -> Self {
        let attribution = attributions.of(&turn);
        Self {
            turn,
            milestone_id: attribution.milestone,
            delivery_id: attribution.delivery,
        }
    }
}

/// A part is read when the client has taken the last one.
fn streamed(format: Format, export: Option<Export>, attributions: Attributions) -> Response {
    let parts = stream::try_unfold(
        (export, attributions),
        move |(export, mut attributions)| async move {
            let Some(export) = export else {
                return Ok::<_, io::Error>(None);
            };
            let Some((turns, export)) = export.next().await? else {
                return Ok(None);
            };
            let mut part = String::new();
            for turn in turns {
                match format {
                    Format::Markdown => part.push_str(&markdown(&turn)),
                    Format::Jsonl => {
                        let view = TurnView::new(turn, &mut attributions);
                        let line = serde_json::to_string(&view).map_err(io::Error::other)?;
                        part.push_str(&line);
                        part.push('\n');
                    }
                }
            }
            Ok(Some((part, (Some(export), attributions))))
        },
    );
    let kind = match format {
        Format::Markdown => "text/markdown; charset=utf-8",
        Format::Jsonl => "application/jsonl",
    };
    let mut response = Response::new(Body::from_stream(parts));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

impl From<ConversationError> for Problem {
    fn from(error: ConversationError) -> Self {
        let said = error.to_string();
        match error {
            ConversationError::NotInHistory(_) => Self::new(StatusCode::NOT_FOUND, said),
            ConversationError::Gone(..) => {
                Self::new(StatusCode::NOT_FOUND, said).with_code("transcript_missing")
            }
            ConversationError::Unavailable(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, said)
                .with_code("transcripts_unavailable"),
        }
    }
}
