//! `wxcode ls`.

use serde_json::{Value, json};

use crate::{
    cli::{Common, ListOptions},
    output,
    remote::{Remote, block_on},
};

pub(crate) fn run(common: &Common, options: &ListOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let rows = block_on(async {
        let mut rows = Vec::new();
        for project in remote.client().all_projects().await? {
            let path = format!("/output-projects/{}/session", project.id);
            let session: Value = remote.client().get(&path).await?;
            rows.push((project, session));
        }
        Ok(rows)
    })?;
    if options.json {
        let rows: Vec<Value> =
            rows.iter().map(|(project, session)| json!({ "id": project.id, "name": project.name, "session": session })).collect();
        return output::print(serde_json::to_string_pretty(&rows)?);
    }
    if rows.is_empty() {
        output::note(
            "no projects yet: create one on the page or with POST /api/v1/output-projects",
        );
        return Ok(());
    }
    output::print(format_args!(
        "{:<24}  {:<8}  {:<18}  {:>7}  NAME",
        "ID", "SESSION", "AGENT", "CLIENTS"
    ))?;
    for (project, session) in rows {
        let text = |key: &str| session[key].as_str().unwrap_or("-").to_owned();
        // A run has no terminal, but it is the project's agent while it goes on.
        let (status, agent) = match session["run"].is_null() {
            true => (text("status"), text("agent_state")),
            false => ("run".to_owned(), "working".to_owned()),
        };
        output::print(format_args!(
            "{:<24}  {:<8}  {:<18}  {:>7}  {}",
            project.id, status, agent, session["clients"], project.name
        ))?;
    }
    Ok(())
}
