//! A project: the clients, the known state, and the invariants.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    client::Client,
    follower::Follower,
    plan::CLIENTS,
    table::Process,
    taken::{self, Entry},
    tape::Tape,
    world::Verdict,
};

/// A command accepted by the server.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) text: String,
    pub(crate) state: String,
    /// The reason of the failure.
    pub(crate) error: String,
}

/// A project and the known state of the project.
pub(crate) struct Slot {
    pub(crate) id: String,
    pub(crate) workspace: PathBuf,
    pub(crate) clients: [Option<Client>; CLIENTS],
    pub(crate) follower: Follower,
    pub(crate) tape: Tape,
    /// Commands by id.
    pub(crate) accepted: BTreeMap<String, Accepted>,
    /// Texts by key, for repeated requests.
    pub(crate) keys: BTreeMap<u64, String>,
    /// Texts refused by the server.
    pub(crate) refused: Vec<String>,
    pub(crate) milestone: Option<String>,
    /// The conversations reported by the server, oldest first.
    pub(crate) history: Vec<String>,
    /// A guardian was killed: the daemons of the guardian's agent can no longer be found.
    pub(crate) is_unguarded: bool,
    /// Descendants of killed holders, which must end.
    pub(crate) doomed: Vec<Process>,
    taken_bytes: u64,
}

/// A holder's own file.
pub(crate) struct Family {
    pub(crate) dir: PathBuf,
    pub(crate) holder: Process,
    pub(crate) agent: Process,
    pub(crate) guardian: Option<Process>,
}

impl Family {
    fn read(dir: PathBuf) -> Option<Self> {
        let file: Value = serde_json::from_slice(&fs::read(dir.join("holder.json")).ok()?).ok()?;
        let process = |value: &Value, pid: &str, start: &str| {
            let pid = i32::try_from(value[pid].as_i64()?).ok()?;
            let start = value[start].as_u64()?;
            Some(Process { pid, start })
        };
        Some(Self {
            dir,
            holder: process(&file, "pid", "start_time")?,
            agent: process(&file, "agent_pid", "agent_start_time")?,
            guardian: process(&file["guardian"], "pid", "start_time"),
        })
    }
}

impl Slot {
    pub(crate) fn new(id: String, workspace: PathBuf, follower: Follower) -> Self {
        Self {
            id,
            workspace,
            clients: [const { None }; CLIENTS],
            follower,
            tape: Tape::default(),
            accepted: BTreeMap::new(),
            keys: BTreeMap::new(),
            refused: Vec::new(),
            milestone: None,
            history: Vec::new(),
            is_unguarded: false,
            doomed: Vec::new(),
            taken_bytes: 0,
        }
    }

    /// The processes of all existing sessions and runs, the newest last.
    pub(crate) fn families(&self, data_dir: &Path) -> Vec<Family> {
        let dirs = ["sessions", "runs"].map(|kind| fs::read_dir(data_dir.join(kind)));
        let mut dirs: Vec<PathBuf> = dirs
            .into_iter()
            .flatten()
            .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
            .filter(|dir| {
                fs::read_to_string(dir.join("spec.json")).is_ok_and(|spec| spec.contains(&self.id))
            })
            .collect();
        dirs.sort();
        dirs.into_iter().filter_map(Family::read).collect()
    }

    /// The processes of the running session, if any.
    pub(crate) fn family(&self, data_dir: &Path) -> Option<Family> {
        let alive = |family: &Family| family.holder.is_alive();
        self.families(data_dir).into_iter().rfind(alive)
    }

    /// Records an accepted command and checks that the state follows the last known state.
    pub(crate) fn accept(&mut self, delivery: &Value) -> Result<(), String> {
        let text = |key: &str| delivery[key].as_str().unwrap_or_default().to_owned();
        let (id, state) = (text("id"), text("state"));
        let new = Accepted {
            text: text("text"),
            state: state.clone(),
            error: text("error"),
        };
        let known = self.accepted.entry(id).or_insert_with(|| new.clone());
        let order = |state: &str| ["queued", "written"].iter().position(|one| *one == state);
        let follows = match (order(&known.state), order(&state)) {
            (None, _) => known.state == state,
            (Some(before), Some(now)) => before <= now,
            (Some(_), None) => matches!(state.as_str(), "submitted" | "failed"),
        };
        if !follows || known.text != new.text {
            return Err(format!("a delivery changed from {known:?} to {delivery}"));
        }
        *known = new;
        Ok(())
    }

    /// Handles the server's list of commands: every accepted command is in the list.
    pub(crate) fn list(&mut self, listing: &Value) -> Result<(), String> {
        let listed = listing["deliveries"].as_array().ok_or("no list")?;
        for id in self.accepted.keys() {
            if !listed.iter().any(|delivery| delivery["id"] == **id) {
                return Err(format!("delivery {id} was accepted but is not listed"));
            }
        }
        listed.iter().try_for_each(|delivery| self.accept(delivery))
    }

    /// Handles the server's history of conversations: the history only grows.
    pub(crate) fn remember(&mut self, session: &Value) -> Result<(), String> {
        let entries = session["claude_session_history"].as_array();
        let ids: Vec<String> = entries
            .ok_or("no history")?
            .iter()
            .map(|entry| entry["id"].as_str().unwrap_or_default().to_owned())
            .collect();
        if !ids.starts_with(&self.history) {
            return Err(format!(
                "the history changed from {:?} to {ids:?}",
                self.history
            ));
        }
        let current = session["claude_session_id"].as_str();
        if current != ids.last().map(String::as_str) {
            return Err(format!(
                "the current conversation is {current:?}, and the history {ids:?}"
            ));
        }
        self.history = ids;
        Ok(())
    }

    /// Compares the agents' records with the given commands; with `all`, even without new lines.
    pub(crate) fn compare_taken(&mut self, all: bool) -> Result<Vec<Entry>, String> {
        let size = fs::metadata(self.workspace.join(taken::FILE)).map_or(0, |file| file.len());
        if size == self.taken_bytes && !all {
            return Ok(Vec::new());
        }
        self.taken_bytes = size;
        let entries = taken::read(&self.workspace)?;
        taken::no_word_twice(&entries, "")?;
        for text in &self.refused {
            if taken::times(&entries, text) > 0 {
                return Err(format!("{text:?} was refused but submitted"));
            }
        }
        for (id, Accepted { text, state, .. }) in &self.accepted {
            let times = taken::times(&entries, text);
            let is_right = match state.as_str() {
                "submitted" => times == 1,
                _ => times <= 1,
            };
            if !is_right {
                return Err(format!(
                    "delivery {id} is {state}, and the agent took it {times} times: {text:?}"
                ));
            }
        }
        Ok(entries)
    }

    /// Counts the commands by final state, and the failed commands that the agent received anyway.
    pub(crate) fn ends(&self) -> Verdict<BTreeMap<String, u64>> {
        let entries = taken::read(&self.workspace)?;
        let mut ends = BTreeMap::new();
        for accepted in self.accepted.values() {
            let taken = accepted.state == "failed" && taken::times(&entries, &accepted.text) > 0;
            let end = match (taken, accepted.text.starts_with("/clear")) {
                (false, _) => accepted.state.clone(),
                // These commands have no hook.
                (true, true) => "carried out by the agent itself".to_owned(),
                (true, false) => {
                    // A late or missing report: see deliveries.md. Still worth printing.
                    let Accepted { text, error, .. } = accepted;
                    println!("failed although the agent received it: {text:?}: {error}");
                    "failed though it was taken".to_owned()
                }
            };
            *ends.entry(end).or_default() += 1;
        }
        Ok(ends)
    }

    /// Moves the clients' new output to the tape.
    pub(crate) fn collect(&mut self) -> Result<(), String> {
        for (number, client) in self.clients.iter().enumerate() {
            let Some(client) = client else { continue };
            let mut seen = client.seen();
            if let Some(wrong) = &seen.wrong {
                return Err(format!("client {number}: {wrong}"));
            }
            for (session, given) in seen.given.drain(..) {
                self.tape.add(&session, given);
            }
        }
        match &self.follower.told().wrong {
            Some(wrong) => Err(format!("events: {wrong}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn slot(workspace: &Path) -> Slot {
        let follower = Follower::start("http://127.0.0.1:9", "", "p");
        Slot::new("p".to_owned(), workspace.to_owned(), follower)
    }

    fn delivery(state: &str) -> Value {
        json!({ "id": "d", "text": "hello w1.", "state": state })
    }

    #[tokio::test]
    async fn a_delivery_never_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut slot = slot(folder.path());
        for state in ["queued", "queued", "written", "submitted", "submitted"] {
            slot.accept(&delivery(state)).unwrap();
        }
        for state in ["queued", "written", "failed"] {
            assert!(slot.accept(&delivery(state)).is_err(), "{state}");
        }
        let all = json!({ "deliveries": [delivery("submitted")] });
        slot.list(&all).unwrap();
        assert!(slot.list(&json!({ "deliveries": [] })).is_err());
    }

    #[tokio::test]
    async fn submitted_texts_arrive_once() {
        let folder = tempfile::tempdir().unwrap();
        let took = |times: usize| {
            let line = "{\"took\":\"hello w1.\",\"pid\":1}\n";
            fs::write(folder.path().join(taken::FILE), line.repeat(times)).unwrap();
        };
        for (state, times, is_right) in [
            ("submitted", 0, false),
            ("submitted", 1, true),
            ("submitted", 2, false),
            ("failed", 0, true),
            ("failed", 1, true),
            ("failed", 2, false),
        ] {
            let mut slot = slot(folder.path());
            slot.accept(&delivery(state)).unwrap();
            took(times);
            assert_eq!(
                slot.compare_taken(true).is_ok(),
                is_right,
                "{state} {times}"
            );
        }
        let mut slot = slot(folder.path());
        slot.refused.push("hello w1.".to_owned());
        took(1);
        assert!(slot.compare_taken(true).is_err());
    }

    #[tokio::test]
    async fn the_conversation_history_only_grows() {
        let folder = tempfile::tempdir().unwrap();
        let mut slot = slot(folder.path());
        let session = |ids: &[&str]| {
            let history: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
            json!({ "claude_session_id": ids.last(), "claude_session_history": history })
        };
        slot.remember(&session(&[])).unwrap();
        slot.remember(&session(&["a"])).unwrap();
        slot.remember(&session(&["a", "b"])).unwrap();
        for wrong in [&["a"][..], &["b"], &["b", "a"], &["a", "c"]] {
            assert!(slot.remember(&session(wrong)).is_err(), "{wrong:?}");
        }
        let mut other = session(&["a", "b"]);
        other["claude_session_id"] = json!("a");
        assert!(slot.remember(&other).is_err());
    }
}
