//! A rest: waits until nothing is under way, then compares everything.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    client::Order,
    count::Account,
    follower::Follower,
    plan::CLIENTS,
    process::Tree,
    table,
    taken::{self, Entry},
    world::{Verdict, World},
};

/// How long nothing may change before a rest fails.
const PATIENCE: Duration = Duration::from_secs(240);
/// Longest time of an agent for redrawing its screen in another size.
const REDRAWN: Duration = Duration::from_secs(20);
/// The polling interval.
const LOOK: Duration = Duration::from_millis(50);

impl World {
    pub(crate) async fn settle(&mut self, account: &mut Account) -> Verdict<bool> {
        for pause in std::mem::take(&mut self.pauses) {
            let _ = pause.await;
        }
        for slot in 0..self.slots.len() {
            for client in self.slots[slot].clients.iter().flatten() {
                client.tell(Order::Read);
            }
        }
        for slot in 0..self.slots.len() {
            self.calm(slot, account).await?;
        }
        // From here on, only reconnecting clients start anything.
        for slot in 0..self.slots.len() {
            let session = self.calm(slot, account).await?;
            self.compare_identity(slot, &session)?;
            self.compare_screens(slot, account).await?;
            self.compare_draft(slot).await?;
            self.compare_events(slot).await?;
            self.compare_processes(slot, &session).await?;
            account.checks += 6;
        }
        self.compare_attached().await?;
        account.rests += 1;
        Ok(true)
    }

    /// Waits until nothing is under way in a project: the commands are over, and the agent is idle
    /// or gone.
    async fn calm(&mut self, slot: usize, account: &mut Account) -> Verdict<Value> {
        let mut until = Instant::now() + PATIENCE;
        let mut before = String::new();
        loop {
            self.check(account).await?;
            let session = self.session(slot).await?;
            self.deliveries(slot).await?;
            let open: Vec<_> = self.slots[slot]
                .accepted
                .iter()
                .filter(|(_, accepted)| !matches!(accepted.state.as_str(), "submitted" | "failed"))
                .collect();
            let status = session["status"].as_str().unwrap_or_default();
            let is_calm = open.is_empty()
                && session["run"].is_null()
                && match status {
                    "running" => session["agent_state"] == "idle" && session["warning"].is_null(),
                    "starting" => false,
                    _ => true,
                };
            if is_calm {
                return Ok(session);
            }
            let now = format!(
                "{status} {} {open:?} {}",
                session["agent_state"], session["asks"]
            );
            if now != before {
                until = Instant::now() + PATIENCE;
                before = now;
            }
            if Instant::now() > until {
                let wrong = format!("no progress within {PATIENCE:?}: {open:?}\n{session:#}");
                return Err(self.of(slot, &wrong));
            }
            if !session["asks"].is_null() {
                self.answer(slot, 0).await?;
            }
            let entries = self.slots[slot].compare_taken(true);
            if !was_heard(&entries.map_err(|wrong| self.of(slot, &wrong))?, &session) {
                self.stop(slot).await?;
            }
            sleep(LOOK).await;
        }
    }

    /// The current conversation is the agent's last report, and the history has every reported one.
    fn compare_identity(&mut self, slot: usize, session: &Value) -> Verdict {
        let entries = self.slots[slot].compare_taken(true);
        let entries = entries.map_err(|wrong| self.of(slot, &wrong))?;
        let history = &self.slots[slot].history;
        let pid = session["pid"].as_i64();
        let mut last = None;
        for entry in &entries {
            let Entry::Began {
                began,
                pid: of,
                told,
            } = entry
            else {
                continue;
            };
            if *told && !history.contains(began) {
                let wrong = format!("the agent reported {began}, but the history is {history:?}");
                return Err(self.of(slot, &wrong));
            }
            if pid == Some(i64::from(*of)) {
                last = Some((began, *told));
            }
        }
        match last {
            Some((began, true)) if session["claude_session_id"] != **began => {
                let wrong = format!("the agent is in {began}, but the session is {session:#}");
                Err(self.of(slot, &wrong))
            }
            _ => Ok(()),
        }
    }

    /// All connected clients reach the end, and a snapshot there equals the log's screen.
    async fn compare_screens(&mut self, slot: usize, account: &mut Account) -> Verdict {
        let mut redrawn = [None; CLIENTS];
        let until = Instant::now() + PATIENCE;
        loop {
            let session = self.session(slot).await?;
            let (id, end) = (session["session_id"].as_str(), session["seq"].as_u64());
            let mut all = true;
            let mut state = String::new();
            for (number, client) in self.slots[slot].clients.iter().enumerate() {
                let Some(client) = client else { continue };
                let seen = client.seen();
                let here = seen.is_connected && session["status"] == "running";
                let behind = seen.session.as_deref() != id || Some(seen.offset) != end;
                let unanswered = seen.unanswered;
                let shots = seen.snapshots;
                let connection = seen.connections;
                drop(seen);
                if !here {
                    continue;
                }
                match redrawn[number] {
                    _ if behind || unanswered > 0 => all = false,
                    Some((of, before)) if of == connection => all &= shots > before,
                    _ => {
                        client.tell(Order::Redraw(0));
                        redrawn[number] = Some((connection, shots));
                        all = false;
                    }
                }
                state += &format!(
                    "client {number} behind: {behind}, {unanswered} inputs not answered, {:?}; ",
                    redrawn[number]
                );
            }
            let collected = self.slots[slot].collect();
            collected.map_err(|wrong| self.of(slot, &wrong))?;
            self.compare(slot, true, account)?;
            let ended =
                |session: &str| id != Some(session) || session_is_over(&session_dir(self, session));
            let over: Vec<String> = self.slots[slot]
                .tape
                .sessions()
                .filter(|session| ended(session))
                .map(str::to_owned)
                .collect();
            // A killed holder's unwritten output is in no log.
            account.compared.gone += self.slots[slot]
                .tape
                .forget(|session| over.iter().any(|one| one == session));
            if all && self.slots[slot].tape.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                let wrong = format!(
                    "clients do not get to the end, or are given what no log holds: {state}{session:#}"
                );
                return Err(self.of(slot, &wrong));
            }
            sleep(LOOK).await;
        }
    }

    /// The text in the agent's input box was typed once.
    async fn compare_draft(&mut self, slot: usize) -> Verdict {
        let path = self.path(slot, "/screen");
        let until = Instant::now() + REDRAWN;
        loop {
            let screen = self.ask(reqwest::Method::GET, &path, None).await?;
            // A killed agent may have submitted the text after the last drawing of the box.
            let draft = match self.session(slot).await?["status"] == "running" {
                true => taken::draft(screen.body.as_str().unwrap_or_default()),
                false => String::new(),
            };
            let entries = self.slots[slot].compare_taken(true);
            let entries = entries.map_err(|wrong| self.of(slot, &wrong))?;
            let Err(wrong) = taken::no_word_twice(&entries, &draft) else {
                return Ok(());
            };
            if Instant::now() > until {
                return Err(self.of(slot, &wrong));
            }
            sleep(LOOK).await;
        }
    }

    /// All followers received the events of the log.
    async fn compare_events(&mut self, slot: usize) -> Verdict {
        let place = &self.slots[slot];
        let (base, token) = (&self.server.base, &self.server.token);
        let Some(from) = place.follower.told().from else {
            return Err(self.of(slot, "the stream of events has not begun"));
        };
        let now = Follower::start(base, token, &place.id);
        let again = Follower::behind(base, token, &place.id, Some(from));
        let until = Instant::now() + PATIENCE;
        while let Some(behind) =
            heard(&place.follower, &again, &now).map_err(|wrong| self.of(slot, &wrong))?
        {
            if Instant::now() > until {
                return Err(self.of(slot, &format!("events are missing: {behind}")));
            }
            sleep(LOOK).await;
        }
        let told = place.follower.told();
        match place.accepted.keys().find(|id| !told.has_delivery(id)) {
            Some(id) => Err(self.of(slot, &format!("no event reports the end of delivery {id}"))),
            None => Ok(()),
        }
    }

    /// An ended session has no processes, except orphans of an agent that ended by itself.
    async fn compare_processes(&mut self, slot: usize, session: &Value) -> Verdict {
        self.sweep(slot);
        // No process of a killed holder is left.
        let doomed = Tree {
            keepers: std::mem::take(&mut self.slots[slot].doomed),
            agents: Vec::new(),
        };
        self.all_gone(slot, &doomed).await?;
        let reason = session["exit"]["reason"].as_str().unwrap_or_default();
        let is_ended = session["status"] == "exited" || session["status"] == "none";
        // Orphans live until a user ends a session of the project, even after the last session was
        // lost with its holder.
        let may_leave = ["exited", "signaled", "oom_killed", "holder_lost"];
        if !is_ended || may_leave.contains(&reason) {
            return Ok(());
        }
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let left = table::about(&self.slots[slot].workspace);
            // A client may connect and start another session meanwhile.
            let session = self.session(slot).await?;
            let same = session["exit"]["reason"] == reason;
            if left.is_empty() || !same {
                return Ok(());
            }
            if Instant::now() > until {
                let wrong = format!("the session ended ({reason}), but {left:?} remain");
                return Err(self.of(slot, &wrong));
            }
            sleep(LOOK).await;
        }
    }

    /// The stopped viewer shows the session's screen again.
    async fn compare_attached(&mut self) -> Verdict {
        let path = self.path(0, "/screen");
        let id = self.slots[0].id.clone();
        let Some(attached) = self
            .attached
            .as_ref()
            .filter(|attached| attached.is_of(&id))
        else {
            return Ok(());
        };
        if attached.process().await.is_none() {
            return Ok(());
        }
        let screen = self.ask(reqwest::Method::GET, &path, None).await?;
        let text = screen.body.as_str().unwrap_or_default().to_owned();
        if screen.status != 200 || attached.shows(&text, Duration::from_secs(60)).await {
            return Ok(());
        }
        match attached.process().await {
            // The viewer ended with the session.
            None => Ok(()),
            Some(_) => Err(format!("wxcode attach does not show:\n{text}")),
        }
    }
}

/// Whether the running agent's report of the conversation arrived. On a busy machine the hook may
/// give up, and the agent's readiness stays unknown.
fn was_heard(entries: &[Entry], session: &Value) -> bool {
    let pid = session["pid"].as_i64();
    let told = entries.iter().rev().find_map(|entry| match entry {
        Entry::Began { pid: of, told, .. } if pid == Some(i64::from(*of)) => Some(*told),
        _ => None,
    });
    told.unwrap_or(true)
}

/// Compares the received events with a second reading; returns the late follower, if any.
fn heard(told: &Follower, read: &Follower, now: &Follower) -> Verdict<Option<String>> {
    let newest = now.told().newest();
    let (told, read) = (told.told(), read.told());
    if let Some(wrong) = told.wrong.as_ref().or(read.wrong.as_ref()) {
        return Err(format!("events: {wrong}"));
    }
    let count = told.events.len().min(read.events.len());
    if told.events[..count] != read.events[..count] {
        return Err("what was told is not what the log of events holds".to_owned());
    }
    let all = newest.is_some() && told.newest() >= newest && read.newest() >= newest;
    let behind = || {
        format!(
            "newest {newest:?}, told {:?}, read {:?}",
            told.newest(),
            read.newest()
        )
    };
    Ok((!all).then(behind))
}

fn session_dir(world: &World, session: &str) -> std::path::PathBuf {
    world.server.data_dir().join("sessions").join(session)
}

fn session_is_over(dir: &std::path::Path) -> bool {
    dir.join("exit.json").exists()
}
