//! Waiting deliveries are edited, moved, cancelled and put off.

use std::{fs, path::PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{deliveries, running};
use crate::support::{Agent, Events, Server};

/// A turn that lasts until its release.
pub(super) struct Held {
    _folder: TempDir,
    gate: PathBuf,
}

impl Held {
    /// Begins such a turn.
    pub(super) async fn begin(server: &Server, project: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = folder.path().join("gate");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &gate,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        let hold = server
            .deliver(project, &format!("fake:hold {}", gate.display()))
            .await;
        server.delivery_until(project, &hold, "submitted").await;
        let is_working = |session: &Value| session["agent_state"] == "working";
        server.session_until(project, "working", is_working).await;
        Self {
            _folder: folder,
            gate,
        }
    }

    pub(super) async fn release(&self) {
        let gate = self.gate.clone();
        // Opening the FIFO is the signal; the agent may close it before any write.
        tokio::task::spawn_blocking(move || fs::File::options().write(true).open(gate))
            .await
            .unwrap()
            .unwrap();
    }
}

pub(super) fn of(project: &str, delivery: &Value) -> String {
    let id = delivery["id"].as_str().unwrap();
    format!("{}/{id}", deliveries(project))
}

fn in_seconds(seconds: i64) -> String {
    (Timestamp::now() + SignedDuration::from_secs(seconds)).to_string()
}

async fn later(server: &Server, project: &str, text: &str, seconds: i64) -> Value {
    let body = json!({ "text": text, "not_before": in_seconds(seconds) });
    server.post(&deliveries(project), body).await.expect(202)
}

async fn listed(server: &Server, project: &str) -> Vec<String> {
    let list = server.get(&deliveries(project)).await.expect(200);
    let all = list["deliveries"].as_array().unwrap().iter();
    all.map(|delivery| delivery["text"].as_str().unwrap().to_owned())
        .collect()
}

/// The prompts reported by the agent, in order, up to `last`.
async fn taken(events: &mut Events, last: &str) -> Vec<String> {
    events
        .until(last, |told| {
            told.name == "prompt.submitted" && told.data["prompt"] == last
        })
        .await;
    let prompts = events
        .seen
        .iter()
        .filter(|told| told.name == "prompt.submitted");
    prompts
        .map(|told| told.data["prompt"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn waiting_texts_are_edited_moved_and_cancelled() {
    let (mut server, project) = running("", "").await;
    let turn = Held::begin(&server, &project).await;
    let mut events = Events::follow(&server, &project).await;
    events.named("state").await;
    let body = json!({ "text": "first", "idempotency_key": "k" });
    let first = server
        .post(&deliveries(&project), body.clone())
        .await
        .expect(202);
    let second = server.deliver(&project, "second").await;
    let third = server.deliver(&project, "third").await;

    let edited = server
        .patch(&of(&project, &first), json!({ "text": "first, edited" }))
        .await
        .expect(200);
    assert_eq!(
        (&edited["text"], &edited["state"], &edited["edits"]),
        (&json!("first, edited"), &json!("queued"), &json!(1))
    );
    let told = events
        .until("the edit", |told| {
            told.name == "delivery.state" && told.data["edits"] == 1
        })
        .await;
    assert_eq!(
        (&told.data["delivery_id"], &told.data["text"]),
        (&first["id"], &json!("first, edited"))
    );
    // The key names the edited delivery.
    let again = server.post(&deliveries(&project), body).await.expect(202);
    assert_eq!(again, edited);

    server
        .patch(&of(&project, &third), json!({ "before": first["id"] }))
        .await
        .expect(200);
    server.delete(&of(&project, &second)).await.expect(204);
    let cancelled = server.get(&of(&project, &second)).await.expect(200);
    assert_eq!(
        (&cancelled["state"], &cancelled["error"]),
        (&json!("failed"), &json!("cancelled"))
    );
    let order = ["third", "first, edited", "second"];
    assert_eq!(listed(&server, &project).await[1..], order);

    // The next server finds the same order and texts.
    server.crash().await;
    server.up().await;
    assert_eq!(listed(&server, &project).await[1..], order);
    let mut events = Events::follow(&server, &project).await;
    turn.release().await;
    assert_eq!(
        taken(&mut events, "first, edited").await,
        ["third", "first, edited"]
    );
    server.delivery_until(&project, &first, "submitted").await;

    for over in [&first, &second] {
        let path = of(&project, over);
        let code = |answer: Value| answer["code"].clone();
        for change in [
            json!({ "text": "too late" }),
            json!({ "not_before": null }),
            json!({ "before": third["id"] }),
        ] {
            let problem = server.patch(&path, change).await.expect(409);
            assert_eq!(code(problem), "not_queued");
        }
        assert_eq!(code(server.delete(&path).await.expect(409)), "not_queued");
    }
}

#[tokio::test]
async fn bad_changes_change_nothing() {
    let (server, project) = running("", "").await;
    let other = server.project("other").await;
    let turn = Held::begin(&server, &project).await;
    let queued = server.deliver(&project, "text").await;
    let path = of(&project, &queued);
    let nowhere = "0".repeat(24);
    for (status, change) in [
        (422, json!({})),
        (422, json!({ "text": "  " })),
        (413, json!({ "text": "x".repeat((1 << 20) + 1) })),
        (422, json!({ "not_before": "soon" })),
        (422, json!({ "before": queued["id"] })),
        (422, json!({ "before": nowhere })),
        (422, json!({ "before": "x" })),
    ] {
        server.patch(&path, change).await.problem(status);
    }
    let foreign = of(&other, &queued);
    server
        .patch(&foreign, json!({ "text": "another" }))
        .await
        .problem(404);
    server.delete(&foreign).await.problem(404);
    assert_eq!(server.get(&path).await.expect(200), queued);
    turn.release().await;
    server.delivery_until(&project, &queued, "submitted").await;
}

#[tokio::test]
async fn a_cancelled_milestone_starts_again() {
    let (server, project) = running("", "").await;
    let turn = Held::begin(&server, &project).await;
    let milestone = server.milestone(&project, "one").await;
    let path = format!("/milestones/{milestone}");
    let start = format!("{path}/start");
    let queued = server.post(&start, json!({})).await.expect(202);
    server.delete(&of(&project, &queued)).await.expect(204);
    let after = server.get(&path).await.expect(200);
    assert_eq!(after["status"], "pending", "{after:#}");
    let mut events = Events::follow(&server, &project).await;
    let state = events.named("state").await;
    assert_eq!(
        (
            &state.data["milestones"][0]["by"],
            &state.data["milestones"][0]["reason"]
        ),
        (&json!("delivery"), &json!("cancelled"))
    );

    let again = server.post(&start, json!({})).await.expect(202);
    assert_ne!(again["id"], queued["id"]);
    turn.release().await;
    server.delivery_until(&project, &again, "submitted").await;
    let started = |milestone: &Value| milestone["status"] == "in_progress";
    server.until(&path, "started", started).await;
}

#[tokio::test]
async fn a_text_waits_for_its_time() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let due = Timestamp::now() + SignedDuration::from_secs(8);
    let body = json!({ "text": "later", "not_before": due.to_string() });
    let later = server.post(&deliveries(&project), body).await.expect(202);
    let at: Timestamp = later["not_before"].as_str().unwrap().parse().unwrap();
    assert_eq!(at.as_millisecond(), due.as_millisecond());
    // No agent waits for the delivery's time, and the delivery holds up no other delivery.
    assert_eq!(server.session(&project).await["status"], "none");
    let mut events = Events::follow(&server, &project).await;
    let now = server.deliver(&project, "now").await;
    server.delivery_until(&project, &now, "submitted").await;
    assert_eq!(taken(&mut events, "later").await, ["now", "later"]);
    assert!(Timestamp::now() >= due);
    server.delivery_until(&project, &later, "submitted").await;
}

#[tokio::test]
async fn a_time_ahead_outlives_session_and_server() {
    let (mut server, project) = running("", "").await;
    server.idle(&project).await;
    let put_off = later(&server, &project, "tomorrow", 86_400).await;
    let soon = later(&server, &project, "soon", 86_400).await;
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    server.terminate().await;
    server.up().await;
    for delivery in [&put_off, &soon] {
        let found = server.get(&of(&project, delivery)).await.expect(200);
        assert_eq!(found, *delivery);
    }
    assert_eq!(server.session(&project).await["status"], "exited");
    // The delivery's time comes: an agent starts for the delivery alone.
    let change = json!({ "not_before": in_seconds(1) });
    server.patch(&of(&project, &soon), change).await.expect(200);
    server.delivery_until(&project, &soon, "submitted").await;
    let waits = server.get(&of(&project, &put_off)).await.expect(200);
    assert_eq!(waits["state"], "queued");
    // A running agent gets a delivery right after the delivery loses its time.
    server
        .patch(&of(&project, &put_off), json!({ "not_before": null }))
        .await
        .expect(200);
    server.delivery_until(&project, &put_off, "submitted").await;
}

#[tokio::test]
async fn a_time_without_its_folder_waits() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let put_off = later(&server, &project, "text", 1).await;
    let away = workspace.with_extension("away");
    fs::rename(&workspace, &away).unwrap();
    let names = |delivery: &Value| {
        delivery["error"]
            .as_str()
            .is_some_and(|error| !error.is_empty())
    };
    let waits = server
        .until(&of(&project, &put_off), "the folder is named", names)
        .await;
    assert_eq!(waits["state"], "queued");
    fs::rename(&away, &workspace).unwrap();
    server.delivery_until(&project, &put_off, "submitted").await;
}

#[tokio::test]
async fn a_steering_text_goes_into_the_turn() {
    let (server, project) = running("", "").await;
    let turn = Held::begin(&server, &project).await;
    let waits = server.deliver(&project, "after the turn").await;
    let body = json!({ "text": "into the turn", "steer": true });
    let steers = server.post(&deliveries(&project), body).await.expect(202);
    server.delivery_until(&project, &steers, "submitted").await;
    assert_eq!(
        server.session(&project).await["agent_state"],
        "working",
        "the turn goes on"
    );
    let waiting = server.get(&of(&project, &waits)).await.expect(200);
    assert_eq!(waiting["state"], "queued");
    turn.release().await;
    server.delivery_until(&project, &waits, "submitted").await;
    // Outside of a turn, a steering delivery is a delivery like any other.
    let body = json!({ "text": "outside of turns", "steer": true });
    let idle = server.post(&deliveries(&project), body).await.expect(202);
    server.delivery_until(&project, &idle, "submitted").await;
}
