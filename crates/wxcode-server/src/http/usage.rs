//! The usage of an output project over HTTP.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use wxcode_claude::{
    status_line::StatusLine,
    usage::{ConversationUsage, Tokens},
};

use super::{
    parameter::PathId,
    problem::{Answer, Problem},
    state::Projects,
};

/// The usage of a session's conversation; `null` for what is not known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UsageView {
    /// The used part of the model's context window.
    context_percent: Option<f64>,
    /// The tokens that the model read, those of its cache included.
    input_tokens: Option<u64>,
    /// The tokens that the model wrote.
    output_tokens: Option<u64>,
    /// The cost according to Claude Code, in US dollars.
    cost_usd: Option<f64>,
    /// The used part of the account's limit for five hours, until its reset.
    five_hour_percent: Option<f64>,
    /// The used part of the account's limit for seven days, until its reset.
    seven_day_percent: Option<f64>,
}

impl UsageView {
    /// The usage by the transcript, and by the agent's report for its status line, whose context
    /// and cost are of one conversation; `None` if nothing is known.
    pub(super) fn of(
        usage: Option<&ConversationUsage>,
        line: Option<StatusLine>,
        current: Option<Uuid>,
    ) -> Option<Self> {
        let usage = usage.filter(|usage| **usage != ConversationUsage::default());
        let line = line.unwrap_or_default();
        let of_current = Some(line).filter(|line| current.is_some() && line.session_id == current);
        let context = usage.and_then(ConversationUsage::context_percent);
        // Claude Code writes the cost into the transcript at the agent's end alone.
        let costs = [
            usage.and_then(|usage| usage.cost_usd),
            of_current.and_then(|line| line.cost_usd),
        ];
        let view = Self {
            context_percent: of_current.and_then(|line| line.context_percent).or(context),
            input_tokens: usage.map(|usage| usage.tokens.read()),
            output_tokens: usage.map(|usage| usage.tokens.output),
            cost_usd: costs.into_iter().flatten().reduce(f64::max),
            five_hour_percent: line.five_hour_percent,
            seven_day_percent: line.seven_day_percent,
        };
        let is_known = usage.is_some()
            || view.context_percent.is_some()
            || view.cost_usd.is_some()
            || view.five_hour_percent.is_some()
            || view.seven_day_percent.is_some();
        is_known.then_some(view)
    }
}

/// The usage of a project by month.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectUsage {
    /// Oldest first.
    months: Vec<MonthView>,
    /// Whether all transcripts were read to their ends; otherwise a later request has more.
    is_complete: bool,
}

/// The usage of a month.
#[derive(Debug, Serialize, ToSchema)]
struct MonthView {
    /// The month in UTC, such as `2026-11`.
    month: String,
    /// The tokens of all models, subagents included.
    tokens: Tokens,
    /// The tokens by model.
    models: BTreeMap<String, Tokens>,
    /// The cost in US dollars, as far as Claude Code wrote it down; `null` if it is not known.
    cost_usd: Option<f64>,
}

/// Shows the usage of a project's conversations by month.
#[utoipa::path(operation_id = "showUsage", get, path = "/output-projects/{id}/usage", tag = "conversations", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "The months with usage", body = ProjectUsage),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The transcripts cannot be read in time: `transcripts_unavailable`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(projects): State<Projects>,
    PathId(id): PathId,
) -> Answer<Json<ProjectUsage>> {
    let project = projects.find(id).await?;
    let usage = projects.sessions.usage().months(&project).await;
    let usage = usage.ok_or_else(|| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the transcripts cannot be read in time: try again in a moment",
        )
        .with_code("transcripts_unavailable")
    })?;
    let months = usage.months.into_iter().map(|(month, usage)| MonthView {
        month,
        tokens: usage.tokens(),
        models: usage.models,
        cost_usd: usage.cost_usd,
    });
    Ok(Json(ProjectUsage {
        months: months.collect(),
        is_complete: usage.is_complete,
    }))
}
