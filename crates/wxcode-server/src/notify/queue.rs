//! Puts published events into the queue of each receiver that wants them.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::sleep;
use wxcode_core::{
    access::Role,
    id::Id,
    notice::{Address, Notice, Target, has},
    time::to_millis,
};
use wxcode_store::Result;

use super::Notices;
use crate::event::{AllBatch, AllLine};

/// Pause after a failure of the store, which keeps the place in the stream.
const RETRY: Duration = Duration::from_secs(1);
/// Longest shown name of a project in a message to a browser, in characters: a message has at most
/// 3,000 bytes.
const WORDS_MAX: usize = 200;

/// Follows the events of all projects after `cursor`; never ends.
pub(super) async fn follow(notices: &Notices, mut cursor: u64) {
    let feed = notices.0.events.all();
    let mut newest = feed.watch();
    let mut waiting = Waiting::default();
    loop {
        match feed.after(cursor) {
            AllBatch::Lines(lines) if lines.is_empty() => {
                if newest.changed().await.is_err() {
                    return;
                }
            }
            AllBatch::Lines(lines) => {
                for line in lines {
                    let mut done = Vec::new();
                    while let Err(error) = take(notices, &mut waiting, &line, &mut done).await {
                        tracing::warn!(%error, "notices wait for the store");
                        sleep(RETRY).await;
                    }
                    cursor = line.seq;
                }
            }
            AllBatch::Gone => {
                tracing::warn!("notices are too slow: some events are left out");
                cursor = feed.newest();
            }
        }
    }
}

/// Queues an event for each receiver that wants it.
///
/// `done` has the receivers of an earlier try that broke off.
async fn take(
    notices: &Notices,
    waiting: &mut Waiting,
    line: &AllLine,
    done: &mut Vec<Id>,
) -> Result<()> {
    let targets = notices.recent().await?;
    if targets.is_empty() {
        return Ok(());
    }
    let kind = line.line.name();
    let event = format!("{}-{}", line.project, line.line.seq);
    let call = waiting.begins(line);
    let mut name = None;
    for target in targets.iter() {
        if done.contains(&target.id) {
            continue;
        }
        let body = match &target.address {
            Address::Webhook { events, .. } if has(events, kind) => body(&event, line),
            Address::Push { .. } => match &call {
                Some(call) if may_see(notices, target, line.project).await? => {
                    if name.is_none() {
                        let project = notices.0.store.project(line.project).await?;
                        name = Some(project.map_or_else(String::new, |project| project.name));
                    }
                    message(line.project, name.as_deref().unwrap_or_default(), call)
                }
                _ => continue,
            },
            Address::Webhook { .. } => continue,
        };
        let now = to_millis(Timestamp::now());
        let notice = Notice {
            id: Id::generate(now),
            target: target.id,
            event: event.clone(),
            kind: kind.to_owned(),
            body,
            attempts: 0,
            created_at: now,
            due_at: now,
        };
        let dropped = notices.0.store.add_notice(&notice).await?;
        done.push(target.id);
        notices.0.metrics.notices_dropped(dropped);
        notices.0.added.notify_one();
    }
    waiting.settle(line);
    Ok(())
}

/// The body for a webhook: the event with its id and its project.
fn body(event: &str, line: &AllLine) -> String {
    let mut data: Value = serde_json::from_str(line.line.json()).unwrap_or_default();
    data["id"] = event.into();
    data["project_id"] = line.project.to_string().into();
    data.to_string()
}

/// Whether the receiver's credential still counts for the project. The credential of a removed
/// login ends its receiver.
async fn may_see(notices: &Notices, target: &Target, project: Id) -> Result<bool> {
    let Some(id) = target.credential else {
        return Ok(true);
    };
    match notices.0.callers.grant(id).await? {
        Some(grant) => Ok(grant.covers(Role::Viewer, Some(project))),
        None => {
            notices.remove(target.id).await?;
            Ok(false)
        }
    }
}

/// What a project waits for.
struct Call {
    state: String,
    ask: Option<String>,
}

/// The questions that browsers know, so that each comes once.
#[derive(Default)]
struct Waiting(HashMap<Id, String>);

impl Waiting {
    /// What a project waits for from this event on; `None` if for nobody, or for the same as before.
    fn begins(&self, line: &AllLine) -> Option<Call> {
        let (state, key, ask) = Self::of(line)?;
        let key = key?;
        (self.0.get(&line.project) != Some(&key)).then_some(Call { state, ask })
    }

    /// Remembers the event's question.
    fn settle(&mut self, line: &AllLine) {
        match Self::of(line) {
            Some((_, Some(key), _)) => {
                self.0.insert(line.project, key);
            }
            Some((_, None, _)) => {
                self.0.remove(&line.project);
            }
            None => {}
        }
    }

    /// The state of an agent, the key of its question, and the question's kind.
    fn of(line: &AllLine) -> Option<(String, Option<String>, Option<String>)> {
        if line.line.name() == "session.exited" {
            return Some((String::new(), None, None));
        }
        if line.line.name() != "agent.state" {
            return None;
        }
        let data: Value = serde_json::from_str(line.line.json()).ok()?;
        let state = data["state"].as_str()?.to_owned();
        let waits = matches!(
            state.as_str(),
            "waiting_permission" | "waiting_question" | "blocked_dialog"
        );
        let ask = data["ask"]["id"].as_str();
        let key = waits.then(|| format!("{state} {}", ask.unwrap_or_default()));
        let kind = data["ask"]["kind"].as_str().map(str::to_owned);
        Some((state, key, kind))
    }
}

/// The message for a browser: the waiting project, the reason, and the address to open.
fn message(project: Id, name: &str, call: &Call) -> String {
    let name: String = name.chars().take(WORDS_MAX).collect();
    let words = match call.state.as_str() {
        "waiting_permission" => "needs permission",
        "waiting_question" => "has a question",
        _ => "needs you",
    };
    json!({
        "project_id": project.to_string(),
        "name": name,
        "state": call.state,
        "ask": call.ask,
        "title": name,
        "body": words,
        "url": format!("/#/projects/{project}"),
    })
    .to_string()
}
