//! The usage of projects whose settings ask for it.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    Metrics,
    label::{Project, ProjectKind},
};
use crate::{agent::Manager, repository::Repository};

/// Most projects with their usage in the metrics; the first ones by their creation.
const PROJECTS_MAX: u64 = 100;
/// Time for all of them; those after it keep their earlier values.
const TIME_MAX: Duration = Duration::from_secs(1);

/// Updates the usage of the projects.
pub(super) async fn count(metrics: &Metrics, store: &Repository, sessions: &Manager) {
    let Ok(shown) = store.metered_projects(PROJECTS_MAX).await else {
        return;
    };
    if shown.is_empty() {
        clear(metrics);
        return;
    }
    let (_, running) = sessions.survey();
    let read = async {
        let mut found = Vec::new();
        for project in shown {
            let months = sessions.usage().months(&project).await;
            let context = sessions.usage().current(&project).await;
            let session = running
                .iter()
                .find(|session| session.project_id == project.id);
            let line = match session {
                Some(session) => session.status_line().await.unwrap_or_default(),
                None => Default::default(),
            };
            found.push((project, months, context, line));
        }
        found
    };
    let Ok(found) = timeout(TIME_MAX, read).await else {
        return;
    };
    clear(metrics);
    let all = &metrics.0;
    for (project, months, context, line) in found {
        let name = project.id.to_string();
        if let Some(months) = months {
            let sum = |of: &dyn Fn(&wxcode_claude::usage::Tokens) -> u64| {
                let months = months.months.iter();
                months.map(|(_, month)| of(&month.tokens())).sum::<u64>()
            };
            tokens(metrics, &name, "input", sum(&|tokens| tokens.input));
            tokens(metrics, &name, "output", sum(&|tokens| tokens.output));
            tokens(
                metrics,
                &name,
                "cache_read",
                sum(&|tokens| tokens.cache_read),
            );
            tokens(
                metrics,
                &name,
                "cache_write",
                sum(&|tokens| tokens.cache_write),
            );
            let costs: Vec<f64> = months
                .months
                .iter()
                .filter_map(|(_, month)| month.cost_usd)
                .collect();
            if !costs.is_empty() {
                let project = Project {
                    project: name.clone(),
                };
                all.cost.get_or_create(&project).set(costs.iter().sum());
            }
        }
        let is_current = line.session_id == project.claude_session_id;
        let context = context.and_then(|context| context.context_percent());
        let of_line = line.context_percent.filter(|_| is_current);
        for (kind, value) in [
            ("context", of_line.or(context)),
            ("five_hour", line.five_hour_percent),
            ("seven_day", line.seven_day_percent),
        ] {
            if let Some(value) = value {
                let project = ProjectKind {
                    project: name.clone(),
                    kind,
                };
                all.percent.get_or_create(&project).set(value);
            }
        }
    }
}

/// Removes all values: those of projects that no longer ask for them go.
fn clear(metrics: &Metrics) {
    metrics.0.tokens.clear();
    metrics.0.cost.clear();
    metrics.0.percent.clear();
}

fn tokens(metrics: &Metrics, project: &str, kind: &'static str, count: u64) {
    let project = ProjectKind {
        project: project.to_owned(),
        kind,
    };
    let gauge = metrics.0.tokens.get_or_create(&project);
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}
