//! The deliveries of one project: one after the other, each through any node, until its end.

use std::{fmt, path::PathBuf, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    super::{dice::Dice, taken},
    SETTLE,
    member::Door,
};

/// Time for an answer; a node may sleep longer.
const ANSWER: Duration = Duration::from_secs(20);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// What became of the deliveries.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) submitted: usize,
    /// Told as failed, and taken by an agent at most once.
    pub(super) failed: usize,
    /// Requests sent again after an error.
    pub(super) repeated: usize,
}

impl Sum {
    pub(super) fn add(&mut self, other: Self) {
        self.submitted += other.submitted;
        self.failed += other.failed;
        self.repeated += other.repeated;
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.submitted + self.failed;
        write!(
            f,
            "{all} deliveries, {} submitted, {} told as failed, 0 lost, 0 doubled; {} requests repeated",
            self.submitted, self.failed, self.repeated
        )
    }
}

pub(super) struct Work {
    project: String,
    workspace: PathBuf,
    doors: Vec<Door>,
    dice: Dice,
    http: reqwest::Client,
    sum: Sum,
}

impl Work {
    pub(super) fn new(project: String, workspace: PathBuf, doors: Vec<Door>, dice: Dice) -> Self {
        let http = wxcode_testbed::plain_http().pool_max_idle_per_host(0);
        Self {
            project,
            workspace,
            doors,
            dice,
            http: http.timeout(ANSWER).build().unwrap(),
            sum: Sum::default(),
        }
    }

    /// Delivers until the end of the run, then checks all.
    pub(super) async fn go(mut self, until: watch::Receiver<bool>) -> Result<Sum, String> {
        let mut ended: Vec<(String, String, String)> = Vec::new();
        let mut number = 0;
        while *until.borrow() {
            number += 1;
            let text = format!("delivery {number} of {}", self.project);
            let id = self.queue(&text).await?;
            let state = self.end(&id, &text).await?;
            ended.push((id, text, state));
        }
        self.check(&ended).await?;
        Ok(self.sum)
    }

    /// Asks any node; `None` without a useful answer.
    async fn ask(&mut self, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let door = &self.doors[self.dice.place(self.doors.len())];
        let url = format!(
            "{}/api/v1/output-projects/{}{path}",
            door.base, self.project
        );
        let request = match body {
            Some(body) => self.http.post(url).json(&body),
            None => self.http.get(url),
        };
        let answer = request.bearer_auth(&door.token).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    /// Queues a text under its own key, again after each error.
    async fn queue(&mut self, text: &str) -> Result<String, String> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let body = json!({ "text": text, "idempotency_key": text });
            let answer = self.ask("/deliveries", Some(body)).await;
            match &answer {
                Some((202, body)) => {
                    let id = body["id"].as_str();
                    return id.map(str::to_owned).ok_or_else(|| body.to_string());
                }
                // The key says that it is queued already; else another try may succeed.
                None | Some((409 | 421 | 429 | 500.., _)) => self.sum.repeated += 1,
                other => return Err(format!("{text}: {other:?}")),
            }
            if Instant::now() > deadline {
                return Err(format!("{text}: not queued in time: {answer:?}"));
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits for the end of a delivery.
    async fn end(&mut self, id: &str, text: &str) -> Result<String, String> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let answer = self.ask(&format!("/deliveries/{id}"), None).await;
            match &answer {
                Some((200, delivery)) => match delivery["state"].as_str() {
                    Some(state @ ("submitted" | "failed")) => return Ok(state.to_owned()),
                    Some(_) => {}
                    None => return Err(format!("{text}: {delivery}")),
                },
                Some((404, body)) => return Err(format!("{text} is lost: {body}")),
                _ => {}
            }
            if Instant::now() > deadline {
                return Err(format!("{text}: no end in time: {answer:?}"));
            }
            sleep(PAUSE).await;
        }
    }

    /// Compares what was told with the agents' own record.
    async fn check(&mut self, ended: &[(String, String, String)]) -> Result<(), String> {
        let deadline = Instant::now() + SETTLE;
        let listed = loop {
            if let Some((200, listed)) = self.ask("/deliveries?limit=1000", None).await {
                break listed;
            }
            if Instant::now() > deadline {
                return Err("the deliveries are not listed in time".to_owned());
            }
            sleep(PAUSE).await;
        };
        if listed["total"] != ended.len() {
            return Err(format!(
                "{} queued, listed: {}",
                ended.len(),
                listed["total"]
            ));
        }
        let entries = taken::read(&self.workspace)?;
        for (id, text, state) in ended {
            let told = listed["deliveries"].as_array();
            let told = told.and_then(|all| all.iter().find(|one| one["id"] == **id));
            if told.is_none_or(|told| told["state"] != **state) {
                return Err(format!("{text} was {state}, and is {told:?}"));
            }
            match (state.as_str(), taken::times(&entries, text)) {
                ("submitted", 1) => self.sum.submitted += 1,
                ("failed", 0 | 1) => self.sum.failed += 1,
                (_, times) => {
                    return Err(format!(
                        "{text} is {state}, and agents took it {times} times"
                    ));
                }
            }
        }
        Ok(())
    }
}
