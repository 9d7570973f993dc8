//! Sample records for tests.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use wxcode_core::{
    delivery::{Delivery, DeliveryState, Route},
    id::Id,
    identity::Source,
    milestone::{Milestone, MilestoneStatus, MovedBy},
    project::{AgentSettings, HookCursor, OutputProject, ProjectStatus},
};

use crate::{Added, Command, Moved, NewDelivery, NextQuery, Queued, Rotation, Step, Store};

/// The text of a project's first command.
pub const NEW_PROJECT: &str = "/gsd:new-project";
/// The text of a later command.
pub const NEW_MILESTONE: &str = "/gsd:new-milestone";

/// A moment, `millis` after a fixed moment between whole seconds.
#[must_use]
pub fn at(millis: i64) -> Timestamp {
    let start: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
    start + SignedDuration::from_millis(millis)
}

/// A new id.
#[must_use]
pub fn id() -> Id {
    Id::generate(Timestamp::now())
}

/// A project with required fields only.
#[must_use]
pub fn project() -> OutputProject {
    let id = id();
    OutputProject {
        id,
        kb_id: None,
        name: "a project".to_owned(),
        stack_id: None,
        configuration_id: None,
        workspace_path: format!("/workspaces/{id}").into(),
        settings: AgentSettings::default(),
        status: ProjectStatus::Created,
        claude_session_id: None,
        claude_session_history: Vec::new(),
        identity_cursor: None,
        new_project_delivery: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// Settings without any of the server's.
#[must_use]
pub fn settings() -> AgentSettings {
    AgentSettings {
        permission_mode: Some("plan".to_owned()),
        model: Some("opus".to_owned()),
        args: Some(vec!["--add-dir".to_owned(), "/a b".to_owned()]),
        env: [("A", ""), ("B", "b\n=")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        claude_config_dir: Some("/home/é/.claude".into()),
        hibernate_after_s: Some(3600),
        mirror: Some(false),
        usage_metrics: Some(true),
    }
}

/// A pending milestone with required fields only.
#[must_use]
pub fn milestone(project: Id) -> Milestone {
    Milestone {
        id: id(),
        output_project_id: project,
        element_id: None,
        element_name: "PAGE_Login".to_owned(),
        status: MilestoneStatus::Pending,
        status_by: None,
        status_reason: None,
        context: None,
        wxcode_version: None,
        milestone_folder_name: None,
        delivery_id: None,
        created_at: at(0),
        updated_at: None,
        completed_at: None,
    }
}

/// A user's move with a reason, `millis` after [`at`] zero.
#[must_use]
pub fn moved(millis: i64) -> Moved {
    Moved {
        by: MovedBy::User,
        reason: Some("as it was asked for".to_owned()),
        at: at(millis),
        fence: None,
    }
}

/// Adds a project.
pub async fn add_project(store: &dyn Store) -> Id {
    let project = project();
    store.add_project(&project).await.unwrap();
    project.id
}

/// Adds a pending milestone.
pub async fn add_milestone(store: &dyn Store, project: Id) -> Id {
    let milestone = milestone(project);
    assert_eq!(store.add_milestone(&milestone).await.unwrap(), Added::Added);
    milestone.id
}

/// Moves a milestone from a status to another at this time; returns the milestone afterwards.
pub async fn advance_milestone(
    store: &dyn Store,
    id: Id,
    (from, to): (MilestoneStatus, MilestoneStatus),
    millis: i64,
) -> Milestone {
    let advanced = store.advance_milestone(id, from, to, &moved(millis)).await;
    advanced.unwrap().expect("it had the first status")
}

/// A text to be queued.
#[must_use]
pub fn text(project: Id, text: &str) -> NewDelivery {
    NewDelivery {
        id: id(),
        output_project_id: project,
        command: Command::Text(text.to_owned()),
        idempotency_key: None,
        not_before: None,
        steer: false,
        at: at(10),
        fence: None,
    }
}

/// The command of a milestone, to be queued.
#[must_use]
pub fn start(project: Id, milestone: Id) -> NewDelivery {
    let command = Command::Milestone {
        id: milestone,
        new_project: NEW_PROJECT.to_owned(),
        new_milestone: NEW_MILESTONE.to_owned(),
    };
    NewDelivery {
        command,
        ..text(project, "")
    }
}

/// The moment [`at`] zero, outside of turns.
#[must_use]
pub fn now() -> NextQuery {
    NextQuery {
        now: at(0),
        in_turn: false,
    }
}

/// Queues a delivery and expects a new delivery.
pub async fn queue(store: &dyn Store, new: &NewDelivery) -> Delivery {
    match store.queue(new).await.unwrap() {
        Queued::New(delivery) => delivery,
        other => panic!("not queued: {other:?}"),
    }
}

/// A step of `delivery` to `state`, without another change.
#[must_use]
pub fn step(delivery: &Delivery, state: DeliveryState) -> Step {
    Step::new(delivery, state, at(20))
}

/// Moves `delivery` to `state`.
pub async fn advance(store: &dyn Store, delivery: &Delivery, state: DeliveryState) -> Delivery {
    store
        .step(&step(delivery, state))
        .await
        .unwrap()
        .expect("the version is the current one")
}

/// A rotation without a hook.
#[must_use]
pub fn rotation(old: Option<Uuid>, new: Uuid) -> Rotation {
    Rotation {
        old,
        new,
        source: Source::Startup,
        reason: "replaced".to_owned(),
        transcript_path: None,
        cursor: None,
        at: at(30),
        fence: None,
    }
}

/// A hook cursor.
#[must_use]
pub const fn cursor(session_id: Id, seq: u64) -> HookCursor {
    HookCursor { session_id, seq }
}

/// The expected delivery right after queueing.
#[must_use]
pub fn queued(new: &NewDelivery, milestone_id: Option<Id>, text: &str) -> Delivery {
    Delivery {
        id: new.id,
        output_project_id: new.output_project_id,
        milestone_id,
        text: text.to_owned(),
        state: DeliveryState::Queued,
        attempts: 0,
        error: None,
        idempotency_key: new.idempotency_key.clone(),
        session_id: None,
        route: Route::Typed,
        after_seq: None,
        not_before: new.not_before,
        steer: new.steer,
        edits: 0,
        typings: 0,
        version: 0,
        created_at: new.at,
        updated_at: new.at,
    }
}
