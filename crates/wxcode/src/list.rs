//! `wxcode ls`.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    cli::{Common, ListProjectsOptions},
    output::{self, plain},
    remote::{Remote, block_on},
};

/// Projects of one request.
const PAGE: usize = 500;
/// Longest shown name of a milestone, in characters.
const MILESTONE_MAX: usize = 24;

pub(crate) fn run(common: &Common, options: &ListProjectsOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let rows = block_on(all(&remote, &options.sort))?;
    if options.json {
        return output::print(serde_json::to_string_pretty(&rows)?);
    }
    if rows.is_empty() {
        output::note("no projects yet: `wxcode new NAME` creates one");
        return Ok(());
    }
    output::print(format_args!(
        "{:<24}  {:<8}  {:<18}  {:>7}  {:>4}  {:>6}  {:<MILESTONE_MAX$}  NAME",
        "ID", "SESSION", "AGENT", "CLIENTS", "DONE", "ACTIVE", "MILESTONE"
    ))?;
    let now = Timestamp::now();
    for row in &rows {
        let session = &row["session"];
        // A run has no terminal, but it is the project's agent while it goes on.
        let (status, agent) = match session["run_id"].is_null() {
            true => (word(&session["status"]), word(&session["agent_state"])),
            false => ("run", "working"),
        };
        let done = row["progress"]["percent"].as_u64();
        let done = done.map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"));
        output::print(format_args!(
            "{:<24}  {status:<8}  {agent:<18}  {:>7}  {done:>4}  {:>6}  {:<MILESTONE_MAX$}  {}",
            word(&row["id"]),
            session["clients"].as_u64().unwrap_or(0),
            age(&row["last_activity_at"], now),
            milestone(word(&row["milestone"]["element_name"])),
            plain(word(&row["name"])),
        ))?;
    }
    Ok(())
}

async fn all(remote: &Remote, sort: &str) -> anyhow::Result<Vec<Value>> {
    let mut rows: Vec<Value> = Vec::new();
    loop {
        let skip = rows.len();
        let path = format!("/output-projects?sort={sort}&skip={skip}&limit={PAGE}");
        let mut page: Value = remote.client().get(&path).await?;
        let Value::Array(projects) = page["projects"].take() else {
            return Ok(rows);
        };
        let is_last = projects.is_empty();
        rows.extend(projects);
        if is_last || rows.len() as u64 >= page["total"].as_u64().unwrap_or(0) {
            return Ok(rows);
        }
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn milestone(name: &str) -> String {
    let name = plain(name);
    match name.char_indices().nth(MILESTONE_MAX) {
        None => name,
        Some(_) => name.chars().take(MILESTONE_MAX - 1).chain(['…']).collect(),
    }
}

/// The time since then in its largest unit, such as `5m`.
fn age(at: &Value, now: Timestamp) -> String {
    let at = at.as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let Some(at) = at else {
        return "-".to_owned();
    };
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let now: Timestamp = "2026-01-31T18:00:00Z".parse().unwrap();
        for (at, shown) in [
            ("2026-01-31T18:00:01Z", "0s"),
            ("2026-01-31T17:59:01Z", "59s"),
            ("2026-01-31T17:00:01Z", "59m"),
            ("2026-01-30T18:00:01Z", "23h"),
            ("2026-01-01T18:00:00Z", "30d"),
            ("soon", "-"),
        ] {
            assert_eq!(age(&at.into(), now), shown, "{at}");
        }
    }

    #[test]
    fn long_milestones_are_cut() {
        assert_eq!(milestone("Login"), "Login");
        let cut = milestone(&"ç".repeat(30));
        assert_eq!(cut.chars().count(), MILESTONE_MAX);
    }
}
