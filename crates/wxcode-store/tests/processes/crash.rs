//! Tests with processes writing the same file, killed meanwhile.

use std::{
    collections::{HashMap, HashSet},
    os::unix::process::ExitStatusExt as _,
};

use uuid::Uuid;
use wxcode_core::{
    delivery::DeliveryState,
    id::Id,
    milestone::{Milestone, MilestoneStatus},
    project::ProjectStatus,
};
use wxcode_store::{
    Added, DeliveryStore, IdentityStore, MilestoneStore, NewDelivery, ProjectStore, Queued,
    Removed, Rotated,
    conformance::{ALL, sample},
    sqlite::SqliteStore,
};

use super::child::{Process, send, task};

/// Kills of the writer.
const KILLS: usize = 40;
/// Concurrent writing processes.
const PROCESSES: usize = 8;
/// Operations per process.
const TURNS: usize = 40;

#[tokio::test]
async fn acknowledged_changes_survive_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wxcode.db");
    let mut sent: HashMap<String, String> = HashMap::new();
    let mut rotations = Vec::new();
    for round in 0..KILLS {
        let mut writer = Process::start(&[], "crash::writer", &file, "-");
        // A different operation each time, at an arbitrary point.
        let mut patience = 1 + round * 7 % 23;
        while let Some(line) = writer.next_line() {
            note(&line, &mut sent, &mut rotations);
            patience = patience.saturating_sub(1);
            if patience == 0 {
                writer.kill();
            }
        }
        assert_eq!(writer.end().code(), None, "killed, not failed");
        check(&SqliteStore::open(&file).unwrap(), &sent, &rotations).await;
    }
    assert!(
        sent.len() > KILLS && rotations.len() > KILLS / 4,
        "{} and {}",
        sent.len(),
        rotations.len()
    );
}

/// For every write to the journal, a round ends the process there: between the frames, and within
/// them.
#[tokio::test]
async fn acknowledged_changes_survive_any_cut() {
    /// The unit of `ulimit -f`, in bytes.
    const BLOCK: usize = 512;
    /// Slightly less than a frame of the journal: a page and its header.
    const FRAME: usize = 4096;
    /// Enough for the schema and some turns of the writer.
    const JOURNAL: usize = 512 << 10;
    /// The signal for a file above its size limit.
    const SIGXFSZ: i32 = 25;
    let mut turns = 0;
    for limit in (FRAME..JOURNAL).step_by(FRAME) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wxcode.db");
        let blocks = (limit / BLOCK).to_string();
        let wrapper = [
            "sh",
            "-c",
            "ulimit -c 0; ulimit -f \"$0\"; exec \"$@\"",
            &blocks,
        ];
        let mut writer = Process::start(&wrapper, "crash::writer", &file, "-");
        let (mut sent, mut rotations) = (HashMap::new(), Vec::new());
        while let Some(line) = writer.next_line() {
            note(&line, &mut sent, &mut rotations);
        }
        assert_eq!(writer.end().signal(), Some(SIGXFSZ));
        turns = rotations.len();
        check(&SqliteStore::open(&file).unwrap(), &sent, &rotations).await;
    }
    assert!(turns > 0, "the last rounds got through all the steps");
}

fn note(line: &str, sent: &mut HashMap<String, String>, rotations: &mut Vec<String>) {
    let (what, id) = line.split_once(' ').unwrap();
    if what == "rotated" {
        rotations.push(id.to_owned());
    } else {
        sent.insert(id.to_owned(), what.to_owned());
    }
}

/// Checks that all acknowledged changes exist, and that every change is whole.
async fn check(store: &SqliteStore, sent: &HashMap<String, String>, rotations: &[String]) {
    let Some(project) = store.projects(ALL).await.unwrap().items.pop() else {
        assert!(sent.is_empty());
        return;
    };
    let milestones = store.milestones(project.id, None, ALL).await.unwrap().items;
    let milestone: HashMap<Id, Milestone> = milestones
        .into_iter()
        .map(|found| (found.id, found.record))
        .collect();
    let deliveries = store.deliveries(project.id, ALL).await.unwrap();
    assert_eq!(
        deliveries.total,
        deliveries.items.len() as u64,
        "the test examines all of them"
    );

    for (id, what) in sent {
        let id: Id = id.parse().unwrap();
        let delivery = || {
            deliveries
                .items
                .iter()
                .find(|delivery| delivery.id == id)
                .expect(what)
        };
        match what.as_str() {
            "project" => assert_eq!(id, project.id),
            "milestone" => assert!(milestone.contains_key(&id)),
            "queued" => drop(delivery()),
            "written" => assert_ne!(delivery().state, DeliveryState::Queued),
            "submitted" => assert_eq!(delivery().state, DeliveryState::Submitted),
            "removed" => assert!(!milestone.contains_key(&id)),
            other => panic!("the writer sent {other:?}"),
        }
    }
    for delivery in &deliveries.items {
        let its = delivery.milestone_id.and_then(|id| milestone.get(&id));
        match delivery.state {
            DeliveryState::Failed => {
                assert!(its.is_none(), "only removals fail one here: {delivery:?}")
            }
            DeliveryState::Submitted => {
                assert_eq!(its.unwrap().status, MilestoneStatus::InProgress)
            }
            _ => assert_eq!(its.unwrap().status, MilestoneStatus::Pending),
        }
        assert!(
            its.is_none_or(|its| its.delivery_id == Some(delivery.id)),
            "{its:?}"
        );
    }
    let is_linked = |found: &Milestone| {
        found
            .delivery_id
            .is_none_or(|id| deliveries.items.iter().any(|delivery| delivery.id == id))
    };
    assert!(milestone.values().all(is_linked));
    let submitted = deliveries
        .items
        .iter()
        .any(|delivery| delivery.state == DeliveryState::Submitted);
    assert_eq!(project.status == ProjectStatus::Initialized, submitted);
    let first = deliveries.items.iter().find(|delivery| {
        delivery.text == sample::NEW_PROJECT && delivery.state != DeliveryState::Failed
    });
    assert_eq!(project.new_project_delivery, first.map(|first| first.id));

    let history = project.claude_session_history;
    assert_eq!(
        project.claude_session_id,
        history.last().map(|entry| entry.id)
    );
    let ids: Vec<_> = history.iter().map(|entry| entry.id.to_string()).collect();
    let acknowledged: Vec<_> = ids
        .iter()
        .filter(|id| rotations.contains(id))
        .cloned()
        .collect();
    assert_eq!(acknowledged, rotations);
    let open: Vec<_> = history.iter().map(|entry| entry.until.is_none()).collect();
    assert!(
        open.iter()
            .enumerate()
            .all(|(index, open)| *open == (index + 1 == history.len())),
        "{open:?}"
    );
}

#[tokio::test]
#[ignore = "a process of the other tests"]
async fn writer() {
    let Some((file, _)) = task() else { return };
    let store = SqliteStore::open(&file).unwrap();
    let project = match store.projects(ALL).await.unwrap().items.pop() {
        Some(project) => project.id,
        None => sample::add_project(&store).await,
    };
    send(&format!("project {project}"));
    // Until the parent kills it.
    loop {
        let removed = sample::add_milestone(&store, project).await;
        send(&format!("milestone {removed}"));
        sample::queue(&store, &sample::start(project, removed)).await;
        assert_eq!(
            store
                .remove_milestone(removed, sample::at(30), None)
                .await
                .unwrap(),
            Removed::Removed
        );
        send(&format!("removed {removed}"));

        let milestone = sample::add_milestone(&store, project).await;
        send(&format!("milestone {milestone}"));
        let delivery = sample::queue(&store, &sample::start(project, milestone)).await;
        send(&format!("queued {}", delivery.id));
        let delivery = sample::advance(&store, &delivery, DeliveryState::Written).await;
        send(&format!("written {}", delivery.id));
        sample::advance(&store, &delivery, DeliveryState::Submitted).await;
        send(&format!("submitted {}", delivery.id));

        let (old, new) = (
            store
                .project(project)
                .await
                .unwrap()
                .unwrap()
                .claude_session_id,
            Uuid::new_v4(),
        );
        assert_eq!(
            store
                .rotate(project, &sample::rotation(old, new))
                .await
                .unwrap(),
            Rotated::Won
        );
        send(&format!("rotated {new}"));
    }
}

#[tokio::test]
async fn concurrent_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wxcode.db");
    let store = SqliteStore::open(&file).unwrap();
    let project = sample::add_project(&store).await;
    let mut processes: Vec<_> = (0..PROCESSES)
        .map(|_| Process::start(&[], "crash::contender", &file, &project.to_string()))
        .collect();
    let mut sent: HashMap<String, Vec<String>> = HashMap::new();
    for process in &mut processes {
        while let Some(line) = process.next_line() {
            let (what, id) = line.split_once(' ').unwrap();
            sent.entry(what.to_owned()).or_default().push(id.to_owned());
        }
        assert!(process.end().success());
    }
    let after = store.project(project).await.unwrap().unwrap();
    let history: Vec<_> = after
        .claude_session_history
        .iter()
        .map(|entry| entry.id.to_string())
        .collect();
    let rotated: HashSet<_> = sent.remove("rotated").unwrap().into_iter().collect();
    assert_eq!(history.len(), PROCESSES * TURNS);
    assert_eq!(history.into_iter().collect::<HashSet<_>>(), rotated);

    let milestones = store.milestones(project, None, ALL).await.unwrap().items;
    assert_eq!(milestones.len(), TURNS);
    let added: HashSet<_> = sent.remove("added").unwrap().into_iter().collect();
    assert_eq!(
        milestones
            .iter()
            .map(|found| found.id.to_string())
            .collect::<HashSet<_>>(),
        added
    );
    let deliveries = store.deliveries(project, ALL).await.unwrap().items;
    assert_eq!(deliveries.len(), TURNS);
    let queued: HashSet<_> = sent.remove("queued").unwrap().into_iter().collect();
    assert_eq!(
        deliveries
            .iter()
            .map(|found| found.id.to_string())
            .collect::<HashSet<_>>(),
        queued
    );
}

#[tokio::test]
#[ignore = "a process of the other tests"]
async fn contender() {
    let Some((file, project)) = task() else {
        return;
    };
    let project: Id = project.parse().unwrap();
    let store = SqliteStore::open(&file).unwrap();
    let mut old = None;
    for turn in 0..TURNS {
        let new = Uuid::new_v4();
        while let Rotated::Lost(current) = store
            .rotate(project, &sample::rotation(old, new))
            .await
            .unwrap()
        {
            old = current;
        }
        old = Some(new);
        send(&format!("rotated {new}"));

        let milestone = Milestone {
            element_id: Some(turn.to_string()),
            ..sample::milestone(project)
        };
        if store.add_milestone(&milestone).await.unwrap() == Added::Added {
            send(&format!("added {}", milestone.id));
        }
        let new = sample::text(project, "text");
        let keyed = NewDelivery {
            idempotency_key: Some(turn.to_string()),
            ..new
        };
        if let Queued::New(delivery) = store.queue(&keyed).await.unwrap() {
            send(&format!("queued {}", delivery.id));
        }
    }
}
