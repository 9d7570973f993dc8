//! A follower of a project's events across server restarts: each event once, in order, without a
//! gap.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::Notify, time::sleep};

/// The pause between attempts to connect.
const RETRY: Duration = Duration::from_millis(100);

/// The received events.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The number before the first event; `None` until the stream begins.
    pub(crate) from: Option<u64>,
    /// A digest of each event since, in order; the first has the number `from` + 1.
    pub(crate) events: Vec<u64>,
    /// The first error.
    pub(crate) wrong: Option<String>,
    /// Started and ended sessions and runs, finished commands, and hook reports: each is published
    /// once.
    once: HashSet<String>,
    /// The project is deleted.
    pub(crate) is_over: bool,
    pub(crate) connections: u64,
}

impl Told {
    /// The newest number.
    pub(crate) fn newest(&self) -> Option<u64> {
        Some(self.from? + self.events.len() as u64)
    }

    /// Whether the end of this delivery was published.
    pub(crate) fn has_delivery(&self, id: &str) -> bool {
        self.once.contains(&format!("delivery.state {id}"))
    }

    /// Handles an event.
    fn take(&mut self, id: Option<u64>, name: &str, data: &str) -> Result<(), String> {
        if name == "reset" {
            return Err(format!("a reset after {:?}: {data}", self.newest()));
        }
        let Some(id) = id else {
            return Ok(());
        };
        match (name, self.from) {
            ("state", None) => self.from = Some(id),
            ("state", Some(_)) => {
                return Err(format!(
                    "a state, number {id}, where events were asked for that follow {:?}",
                    self.newest()
                ));
            }
            (_, None) => self.from = Some(id - 1),
            _ => {}
        }
        if name == "state" {
            return Ok(());
        }
        if self.newest() != Some(id - 1) {
            return Err(format!("event {id} follows {:?}: {data}", self.newest()));
        }
        let mut digest = DefaultHasher::new();
        (name, data).hash(&mut digest);
        self.events.push(digest.finish());
        let value: Value =
            serde_json::from_str(data).map_err(|error| format!("{data}: {error}"))?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let once = match name {
            "session.started" | "session.exited" => Some(text("session_id")),
            "run.started" | "run.finished" => Some(text("run_id")),
            "delivery.state" if matches!(text("state").as_str(), "submitted" | "failed") => {
                Some(text("delivery_id"))
            }
            // A hook's event, keyed by the hook's number.
            name if name != "agent.state" => value["hook"]
                .as_u64()
                .map(|hook| format!("{} {hook}", text("session_id"))),
            _ => None,
        };
        match once {
            Some(what) if !self.once.insert(format!("{name} {what}")) => {
                Err(format!("published twice: {name}, {data}"))
            }
            _ => Ok(()),
        }
    }
}

/// A running follower.
pub(crate) struct Follower {
    told: Arc<Mutex<Told>>,
    breaks: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Follower {
    /// Follows from now on.
    pub(crate) fn start(base: &str, token: &str, project: &str) -> Self {
        Self::behind(base, token, project, None)
    }

    /// Follows from after event `from`.
    pub(crate) fn behind(base: &str, token: &str, project: &str, from: Option<u64>) -> Self {
        let told = Arc::new(Mutex::new(Told {
            from,
            ..Told::default()
        }));
        let breaks = Arc::new(Notify::new());
        let url = format!("{base}/api/v1/output-projects/{project}/events");
        let life = follow(
            url,
            token.to_owned(),
            Arc::clone(&told),
            Arc::clone(&breaks),
        );
        let task = tokio::spawn(life);
        Self { told, breaks, task }
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        lock(&self.told)
    }

    /// Breaks the connection; the follower reconnects by itself.
    pub(crate) fn breaks(&self) {
        self.breaks.notify_one();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn follow(url: String, token: String, told: Arc<Mutex<Told>>, breaks: Arc<Notify>) {
    let Ok(client) = wxcode_testbed::plain_http().build() else {
        return;
    };
    loop {
        let newest = lock(&told).newest();
        let mut request = client.get(&url).bearer_auth(&token);
        if let Some(newest) = newest {
            request = request.header("Last-Event-ID", newest.to_string());
        }
        let mut buffer: Vec<u8> = Vec::new();
        if let Ok(mut response) = request.send().await {
            if response.status() == 404 {
                lock(&told).is_over = true;
                return;
            }
            lock(&told).connections += 1;
            loop {
                let chunk = tokio::select! {
                    chunk = response.chunk() => chunk,
                    () = breaks.notified() => break,
                };
                let Ok(Some(chunk)) = chunk else { break };
                buffer.extend_from_slice(&chunk);
                while let Some(end) = buffer.windows(2).position(|two| two == b"\n\n") {
                    let block: Vec<u8> = buffer.drain(..end + 2).collect();
                    let block = String::from_utf8_lossy(&block);
                    let (id, name, data) = parse(block.trim_end());
                    let mut told = lock(&told);
                    if let Some(name) = name
                        && let Err(wrong) = told.take(id, name, data)
                    {
                        told.wrong.get_or_insert(wrong);
                        return;
                    }
                }
            }
        }
        sleep(RETRY).await;
    }
}

/// Number, name and data of a block; no name for a comment or a setting.
fn parse(block: &str) -> (Option<u64>, Option<&str>, &str) {
    let field = |name: &str| {
        let mut lines = block.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let id = field("id").and_then(|id| id.parse().ok());
    (id, field("event"), field("data").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(events: &[(u64, &str, &str)]) -> Result<Told, String> {
        let mut told = Told::default();
        for (id, name, data) in events {
            told.take(Some(*id), name, data)?;
        }
        Ok(told)
    }

    #[test]
    fn event_numbers_rise_by_one() {
        let started = r#"{"session_id":"a"}"#;
        let good = [
            (4, "state", "{}"),
            (5, "session.started", started),
            (6, "session.exited", started),
        ];
        assert_eq!(told(&good).unwrap().newest(), Some(6));
        for bad in [
            (6, "agent.state", "{}"),
            (8, "agent.state", "{}"),
            (7, "session.exited", started),
            (7, "state", "{}"),
            (7, "reset", "{}"),
            (7, "agent.state", "no JSON"),
        ] {
            let all = [good.to_vec(), vec![bad]].concat();
            assert!(told(&all).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_block_is_parsed() {
        let block = "id: 7\nevent: agent.state\ndata: {\"a\": 1}";
        assert_eq!(parse(block), (Some(7), Some("agent.state"), "{\"a\": 1}"));
        assert_eq!(parse(": nothing").1, None);
    }
}
