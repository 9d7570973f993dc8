//! `wxcode login`, `wxcode token …`, `wxcode audit`.

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    cli::{AuditOptions, Common, ListOptions, NewTokenOptions, RevokeOptions, TokenCommand},
    output,
    remote::{Remote, block_on},
};

/// `wxcode login`: prints a link that logs a browser in, once.
pub(crate) fn login(common: &Common) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let made: Value = block_on(async {
        let none = json!({});
        Ok(remote.client().post("/logins", &none).await?)
    })?;
    let link = made["url"].as_str().context("the answer has no link")?;
    if link.starts_with('/') {
        return output::print(format_args!("{}{link}", remote.page_url()));
    }
    output::print(format_args!("{link}"))
}

/// `wxcode token …`
pub(crate) fn token(common: &Common, command: &TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create(options) => create(common, options),
        TokenCommand::List(options) => list(common, options),
        TokenCommand::Revoke(options) => revoke(common, options),
    }
}

fn create(common: &Common, options: &NewTokenOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let made: Value = block_on(async {
        let project = match &options.project {
            Some(text) => Some(remote.project(text).await?.id),
            None => None,
        };
        let new = json!({
            "name": options.name,
            "role": options.role,
            "project_id": project,
            "expires_in_s": options.expires.map(|time| time.as_secs()),
        });
        Ok(remote.client().post("/tokens", &new).await?)
    })?;
    let token = made["token"].as_str().context("the answer has no token")?;
    output::note("the token is shown this once: keep it now");
    output::print(token)
}

async fn tokens(remote: &Remote) -> anyhow::Result<Vec<Value>> {
    let mut listed: Value = remote.client().get("/tokens").await?;
    match listed["tokens"].take() {
        Value::Array(tokens) => Ok(tokens),
        _ => Ok(Vec::new()),
    }
}

fn list(common: &Common, options: &ListOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let tokens = block_on(tokens(&remote))?;
    if options.json {
        return output::print(serde_json::to_string_pretty(&tokens)?);
    }
    if tokens.is_empty() {
        output::note("no tokens yet: `wxcode token create NAME` creates one");
        return Ok(());
    }
    output::print(format_args!(
        "{:<20}  {:<8}  {:<24}  {:<20}  LAST USE",
        "NAME", "ROLE", "PROJECT", "EXPIRES"
    ))?;
    for token in tokens {
        output::print(format_args!(
            "{:<20}  {:<8}  {:<24}  {:<20}  {}",
            text(&token["name"]),
            text(&token["role"]),
            text(&token["project_id"]),
            time(&token["expires_at"]),
            time(&token["last_use"]["at"]),
        ))?;
    }
    Ok(())
}

fn revoke(common: &Common, options: &RevokeOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let all = tokens(&remote).await?;
        let found = all.iter().find(|token| token["name"] == options.name);
        let id = found.and_then(|token| token["id"].as_str());
        let id = id.with_context(|| {
            format!(
                "there is no token {:?}: `wxcode token list` lists them",
                options.name
            )
        })?;
        Ok(remote.client().delete(&format!("/tokens/{id}")).await?)
    })
}

/// `wxcode audit`.
pub(crate) fn audit(common: &Common, options: &AuditOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let path = format!("/audit?limit={}", options.limit);
    let listed: Value = block_on(async { Ok(remote.client().get(&path).await?) })?;
    if options.json {
        return output::print(serde_json::to_string_pretty(&listed["entries"])?);
    }
    for entry in listed["entries"].as_array().into_iter().flatten() {
        output::print(format_args!(
            "{}  {:<18}  {:<24}  {:<7}  {}, {}",
            time(&entry["at"]),
            text(&entry["action"]),
            text(&entry["project_id"]),
            text(&entry["outcome"]),
            text(&entry["actor"]),
            text(&entry["address"]),
        ))?;
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// A time to the second.
fn time(value: &Value) -> String {
    let at = value.as_str().and_then(|at| at.parse::<Timestamp>().ok());
    at.map_or_else(
        || "-".to_owned(),
        |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// Parses the time of `--expires`: a number of days, hours, minutes or seconds.
pub(crate) fn span(given: &str) -> Result<SignedDuration, String> {
    let bad = || format!("{given:?} is no time: give a number with d, h, m or s, such as 30d");
    let units: [(char, i64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
    let mut found = units
        .iter()
        .filter_map(|(unit, seconds)| Some((given.strip_suffix(*unit)?, seconds)));
    let (number, seconds) = found.next().ok_or_else(bad)?;
    let number: u32 = number.parse().map_err(|_| bad())?;
    Ok(SignedDuration::from_secs(i64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(span("30d"), Ok(SignedDuration::from_hours(30 * 24)));
        assert_eq!(span("90s"), Ok(SignedDuration::from_secs(90)));
        for bad in ["", "d", "30", "-1d", "1w", "x1d", "1é"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
