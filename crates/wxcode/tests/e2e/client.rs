//! The client library against a real server: typed calls, events, the terminal, the example.

use std::{path::PathBuf, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::time::{sleep, timeout};
use wxcode_client::{
    AgentState, Answer, AskKind, DeliveryState, Error, Events, MilestoneStatus, NewDelivery,
    NewMilestone, NewProject, Page, ProjectStatus, RunState, ScreenFormat, SessionStatus, Turn,
    TurnEnd,
    terminal::{Size, Target, Terminal, Update},
};
use wxcode_terminal::{Screen as _, Terminal as Emulator};

use crate::support::{Agent, LOOK, PATIENCE, Server};

/// An agent with an echo of each line in angle brackets.
const LINES: &str = "stty -echo; echo up; while read -r line; do echo \"<$line>\"; done";

/// Fails the test instead of waiting forever.
async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = timeout(PATIENCE, future).await;
    result.unwrap_or_else(|_| panic!("not in time: {what}"))
}

async fn end_of(mut turn: Turn, events: &mut Events<'_>) -> TurnEnd {
    loop {
        let event = in_time("the end of the turn", events.next()).await.unwrap();
        if let Some(end) = turn.take(&event) {
            return end;
        }
    }
}

#[tokio::test]
async fn typed_calls_carry_a_session() {
    let server = Server::start(Agent::fake("")).await;
    let client = server.rest();
    let project = server.project("p").await;
    let none = client.session(&project).await.unwrap();
    assert_eq!(none.status, SessionStatus::None);

    let mut events = client.events(&project).await.unwrap();
    let started = client.start_session(&project).await.unwrap();
    assert_eq!(started.status, SessionStatus::Running);
    let new = NewDelivery {
        text: "fake:permission".to_owned(),
        idempotency_key: Some("once".to_owned()),
        ..NewDelivery::default()
    };
    let delivery = client.deliver(&project, &new).await.unwrap();
    let same = client.deliver(&project, &new).await.unwrap();
    assert_eq!(same.id, delivery.id);
    let mut states = Vec::new();
    let waiting = events.delivery(&delivery.id, |delivery| states.push(delivery.state));
    let delivery = in_time("the delivery", waiting).await.unwrap();
    assert_eq!(delivery.state, DeliveryState::Submitted);
    assert_eq!(states.last(), Some(&DeliveryState::Submitted));
    let all = client.deliveries(&project, Page::default()).await.unwrap();
    assert_eq!(all.total, 1);

    let ask = loop {
        let asks = client.session(&project).await.unwrap().asks;
        if let Some(ask) = asks.filter(|ask| !ask.options.is_empty()) {
            break ask;
        }
        in_time("the question", events.next()).await.unwrap();
    };
    assert_eq!(
        (ask.kind, ask.tool_name.as_deref()),
        (AskKind::Permission, Some("Bash"))
    );
    let answer = Answer::option("Yes").to(&ask.id);
    let session = client.answer(&project, &answer).await.unwrap();
    assert_ne!(session.agent_state, AgentState::WaitingPermission);
    let screen = client.screen(&project, ScreenFormat::Text).await.unwrap();
    assert!(screen.contains("fake"), "{screen}");
    let again = client.answer(&project, &answer).await.unwrap_err();
    assert_eq!(again.problem().unwrap().status, 409);

    client.end_session(&project).await.unwrap();
    let ended = client.session(&project).await.unwrap();
    assert_eq!(ended.status, SessionStatus::Exited);
    let run = client.start_run(&project, "hello").await.unwrap();
    assert_eq!(run.state, RunState::Running);
    let run = in_time("the run", events.run(&run.id)).await.unwrap();
    assert_eq!(run.state, RunState::Succeeded);
    client.stop_run(&project, &run.id).await.unwrap();
    let runs = client.runs(&project, Page::default()).await.unwrap();
    assert_eq!(runs.runs, [run]);
}

#[tokio::test]
async fn problems_carry_status_and_code() {
    let server = Server::start(Agent::fake("")).await;
    let client = server.rest();
    let folder = tempfile::tempdir().unwrap();
    let new = NewProject {
        workspace_path: Some(folder.path().to_str().unwrap().to_owned()),
        ..NewProject::from("one")
    };
    let project = client.create_project(&new).await.unwrap();
    assert_eq!(project.status, ProjectStatus::Created);
    let taken = client.create_project(&new).await.unwrap_err();
    let problem = taken.problem().unwrap();
    assert_eq!(
        (problem.status, problem.code.as_deref()),
        (409, Some("workspace_taken"))
    );
    assert_eq!(problem.project_id.as_ref(), Some(&project.id));
    assert_eq!(problem.name.as_deref(), Some("one"));
    assert_eq!(taken.to_string(), problem.detail);

    let missing = client.project("0123456789abcdef01234567").await;
    assert_eq!(missing.unwrap_err().problem().unwrap().status, 404);
    let invalid = client.project("../milestones").await;
    assert!(matches!(invalid, Err(Error::InvalidId(_))));
    client.delete_project(&project.id, false).await.unwrap();
    let gone = client.events(&project.id).await.err().unwrap();
    assert_eq!(gone.problem().unwrap().status, 404);
}

#[tokio::test]
async fn events_continue_over_a_crash() {
    let mut server = Server::start(Agent::fake("")).await;
    let client = server.rest();
    let project = server.project("p").await;
    let mut events = client.events(&project).await.unwrap();
    let first = in_time("a state", events.next()).await.unwrap();
    assert_eq!(first.kind, "state");
    let mut numbers = Vec::new();
    let mut created = async |events: &mut Events<'_>, id: &str| {
        loop {
            let event = in_time("the milestone", events.next()).await.unwrap();
            assert!(
                !matches!(event.kind.as_str(), "state" | "reset"),
                "{event:?}"
            );
            numbers.extend(event.id);
            if event.text("milestone_id") == Some(id) {
                return;
            }
        }
    };
    let one = NewMilestone::new(&project, "one");
    let one = client.create_milestone(&one).await.unwrap();
    created(&mut events, &one.id).await;
    server.crash().await;
    // No reader listens: the events wait.
    let silence = timeout(Duration::from_millis(500), events.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    server.up().await;
    let two = NewMilestone::new(&project, "two");
    let two = client.create_milestone(&two).await.unwrap();
    created(&mut events, &two.id).await;
    let steps = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
    assert!(steps, "each once: {numbers:?}");
    client.delete_project(&project, true).await.unwrap();
    let end = loop {
        if let Err(error) = in_time("the end", events.next()).await {
            break error;
        }
    };
    assert_eq!(end.problem().map(|problem| problem.status), Some(404));
}

#[tokio::test]
async fn a_turn_ends_with_the_idle_agent() {
    let server = Server::start(Agent::fake("")).await;
    let client = server.rest();
    let project = server.project("p").await;
    let mut events = client.events(&project).await.unwrap();
    for text in ["first", "second"] {
        let delivery = client.deliver(&project, &text.into()).await.unwrap();
        let end = end_of(Turn::new(&delivery), &mut events).await;
        assert_eq!(end, TurnEnd::Idle);
        let delivery = client.delivery(&project, &delivery.id).await.unwrap();
        assert_eq!(delivery.state, DeliveryState::Submitted);
        // The agent may draw its answer just after its report of the turn's end.
        let answer = format!("last: {text}");
        let drawn = async {
            while !(client.screen(&project, ScreenFormat::Text).await)
                .unwrap()
                .contains(&answer)
            {
                sleep(LOOK).await;
            }
        };
        in_time(&answer, drawn).await;
    }
}

#[tokio::test]
async fn a_terminal_continues_at_the_byte() {
    let mut server = Server::start(Agent::script(LINES)).await;
    let project = server.project("p").await;
    let target = Target::new(&project).unwrap();
    let (mut terminal, attached) = Terminal::attach(server.remote(), target).await.unwrap();
    assert!(attached.is_first);
    terminal.resize(Size::new(100, 30).unwrap());
    terminal.drive();
    let mut shown = Shown::default();
    shown.until(&mut terminal, "up").await;
    assert_eq!(terminal.input("one\n".into()), Ok(1));
    shown.until(&mut terminal, "<one>").await;
    server.crash().await;
    shown.until_away(&mut terminal).await;
    assert_eq!(terminal.input("two\n".into()), Ok(2));
    server.up().await;
    shown.until(&mut terminal, "<two>").await;
    assert_eq!((shown.snapshots, shown.attached), (1, 1));
    assert_eq!(shown.text().matches("<one>").count(), 1);
    assert_eq!(shown.screen.as_ref().unwrap().size().cols, 100);
    assert!(terminal.close().await, "all input went out");
}

/// A terminal's screen.
#[derive(Default)]
struct Shown {
    screen: Option<Emulator>,
    snapshots: usize,
    attached: usize,
}

impl Shown {
    fn text(&self) -> String {
        self.screen.as_ref().map_or(String::new(), Emulator::text)
    }

    fn take(&mut self, update: Update) {
        match update {
            Update::Attached(attached) => {
                assert!(attached.is_same_session && !attached.lost_inputs);
                self.attached += 1;
            }
            Update::Snapshot { size, bytes, .. } => {
                let mut screen = Emulator::new(size);
                screen.feed(&bytes, &mut Vec::new());
                self.screen = Some(screen);
                self.snapshots += 1;
            }
            Update::Output { bytes, .. } => {
                let screen = self.screen.as_mut().expect("a snapshot first");
                screen.feed(&bytes, &mut Vec::new());
            }
            Update::Resized(size) => {
                let screen = self.screen.as_mut().expect("a snapshot first");
                screen.resize(size);
            }
            Update::Ended | Update::Failed(_) => panic!("{update:?}"),
            _ => {}
        }
    }

    async fn until(&mut self, terminal: &mut Terminal<'_>, text: &str) {
        while !self.text().contains(text) {
            let update = in_time(text, terminal.next()).await;
            self.take(update);
        }
    }

    async fn until_away(&mut self, terminal: &mut Terminal<'_>) {
        loop {
            match in_time("the break", terminal.next()).await {
                Update::Away { .. } => return,
                update => self.take(update),
            }
        }
    }
}

/// The example of the client library, built together with the library: cargo builds no example for
/// this test.
fn example() -> PathBuf {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../wxcode-client/Cargo.toml");
    let build = ["build", "--quiet", "--message-format=json", "--workspace"];
    let output = wxcode_testbed::cargo()
        .args(build)
        .args(["--example", "milestones", "--manifest-path", manifest])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let messages = String::from_utf8(output.stdout).unwrap();
    let executable = messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    executable.expect("the example is built")
}

#[tokio::test]
async fn the_example_feeds_three_milestones() {
    let program = tokio::task::spawn_blocking(example).await.unwrap();
    let server = Server::start(Agent::fake("")).await;
    let token = server.agent.home.path().join("token");
    std::fs::write(&token, &server.token).unwrap();
    let running = tokio::process::Command::new(program)
        .args(["--server", &server.base, "--token-file"])
        .arg(&token)
        .env_remove("WXCODE_TOKEN")
        .kill_on_drop(true)
        .output();
    let output = in_time("the example", running).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{output:?}");
    for name in ["Greeting", "Farewell", "Tests"] {
        assert!(text.contains(&format!("{name}: Completed")), "{text}");
    }
    let client = server.rest();
    let [project] = &client.all_projects().await.unwrap()[..] else {
        panic!("one project");
    };
    assert_eq!(project.status, ProjectStatus::Active);
    let done = Some(MilestoneStatus::Completed);
    let milestones = client.milestones(&project.id, done, Page::default());
    let milestones = milestones.await.unwrap();
    assert_eq!(milestones.total, 3);
    let deliveries = client.deliveries(&project.id, Page::default()).await;
    let deliveries = deliveries.unwrap().deliveries;
    let starts: Vec<_> = milestones
        .milestones
        .iter()
        .map(|milestone| milestone.delivery_id.clone().unwrap())
        .collect();
    let submitted: Vec<_> = deliveries
        .into_iter()
        .filter(|delivery| delivery.state == DeliveryState::Submitted)
        .map(|delivery| delivery.id)
        .collect();
    assert_eq!(submitted, starts, "each command once, in order");
}
