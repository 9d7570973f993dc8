//! Attaches a client: gets the client's session, greets the client, follows the session to its end.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wxcode_core::{
    delivery::DeliveryState,
    id::Id,
    milestone::{Milestone, MilestoneStatus},
};
use wxcode_holder::{
    client::{self as holder, Connection, Event, Request},
    folder::Exit,
};
use wxcode_protocol::Output;
use wxcode_protocol::websocket::{Notice, ServerFrame, Status};

use super::{
    client::Client,
    end::{End, code},
    options::Options,
    stream::Stream,
};
use crate::{
    access::{Caller, Callers},
    agent::{Attendance, Delivered, Found, Manager, Member, Session},
    metric::Metrics,
    milestone::Milestones,
    repository::Repository,
};

/// Time to find out how a session without a holder ended: the orphans of a killed holder are ended
/// first.
const LOST_TIMEOUT: Duration = Duration::from_secs(10);
/// The close reason for a joining client without a session to join.
const NOTHING_RUNS: &str =
    "no session runs: start it, or connect without read_only and start=false";

/// The close reason for a viewer that would have to start a session.
const MAY_NOT_START: &str =
    "no session runs, and the role viewer starts none: ask an operator to start it";
/// The reason of the close where the session goes to another node.
const MOVES: &str = "the session moves to another node: connect again";

/// State of the terminals.
#[derive(Clone)]
pub(crate) struct Terminals {
    pub(crate) store: Repository,
    pub(crate) sessions: Manager,
    pub(crate) milestones: Milestones,
    pub(crate) metrics: Metrics,
    /// Cancelled when the server ends.
    pub(crate) closing: CancellationToken,
    pub(crate) callers: Callers,
    /// Attached clients; each gets a close frame before the server ends.
    pub(crate) clients: TaskTracker,
}

/// The target of a terminal.
pub(super) enum Wanted {
    Project,
    Milestone,
}

/// Serves the client until either side ends.
pub(super) async fn attach(
    client: &mut Client,
    terminals: &Terminals,
    wanted: &Wanted,
    id: &str,
    options: &Options,
) -> End {
    match serve(client, terminals, wanted, id, options).await {
        Ok(end) | Err(end) => end,
    }
}

async fn serve(
    client: &mut Client,
    terminals: &Terminals,
    wanted: &Wanted,
    id: &str,
    options: &Options,
) -> Result<End, End> {
    let id = id
        .parse::<Id>()
        .map_err(|error| End::new(code::BAD_ID, Some("INVALID_ID"), error.to_string()))?;
    let milestone = match wanted {
        Wanted::Project => None,
        Wanted::Milestone => Some(unfinished(terminals, id).await?),
    };
    if options.joins_only() {
        let project = milestone.map_or(id, |milestone| milestone.output_project_id);
        return join(client, terminals, project, options).await;
    }
    let project = milestone
        .as_ref()
        .map_or(id, |milestone| milestone.output_project_id);
    let mut found = match milestone {
        None => terminals.sessions.get_or_create(id).await?,
        Some(milestone) => begin(client, terminals, &milestone).await?,
    };
    let member = member(terminals, client.caller.clone(), options).await;
    loop {
        if let Some(attendance) = found.session.attend(member.clone()) {
            return follow(client, terminals, &found, attendance, options).await;
        }
        // It hibernates just now: waits for the end, and starts it again.
        found = terminals.sessions.get_or_create(project).await?;
    }
}

/// Follows the running session. Without a running session, shows the last screen, if there is one.
async fn join(
    client: &mut Client,
    terminals: &Terminals,
    project: Id,
    options: &Options,
) -> Result<End, End> {
    let member = member(terminals, client.caller.clone(), options).await;
    let mut latest = terminals.sessions.look(project).await?;
    while let Some(session) = latest.as_ref().filter(|session| !session.is_over()) {
        let found = Found {
            session: Arc::clone(session),
            created: false,
        };
        if let Some(attendance) = session.attend(member.clone()) {
            return follow(client, terminals, &found, attendance, options).await;
        }
        // It hibernates just now.
        latest = terminals.sessions.look(project).await?;
    }
    let record = terminals.store.project(project).await?;
    let session_id = latest.as_ref().map(|session| session.id.to_string());
    let since = options.since.filter(|_| {
        latest
            .as_ref()
            .is_some_and(|session| names(options.session.as_deref(), session.id))
    });
    client.send(ServerFrame::Status(Status {
        session_id: session_id.unwrap_or_default(),
        connected: false,
        claude_session_id: record.and_then(|project| project.claude_session_id),
        resumed: latest.is_some(),
        message: Some(client.language.nothing_runs(latest.is_some()).to_owned()),
        notice: None,
        input: 0,
        read_only: options.read_only,
        log_off: None,
        live: 0,
        client: 0,
    }));
    if let Some(session) = latest {
        let exit = session.ended().await;
        if since.is_none_or(|since| since < exit.offset) {
            client.last_screen(&session, &exit).await;
        }
        client.send(ServerFrame::Output(Output::Exited(exit)));
    }
    if options.may_not_start {
        return Err(End::new(code::ROLE, Some("FORBIDDEN"), MAY_NOT_START));
    }
    client.finish(NOTHING_RUNS).await
}

/// Whether an offset of a client counts in this session: the client named the session, or none.
fn names(named: Option<&str>, session: Id) -> bool {
    named.is_none_or(|named| named == session.to_string())
}

/// The client as the session's other clients see it.
async fn member(terminals: &Terminals, caller: Caller, options: &Options) -> Member {
    let name = terminals.callers.person(&caller).await;
    Member::new(name, options.read_only)
}

/// Gets the session of a milestone's project; starts a pending milestone.
async fn begin(
    client: &mut Client,
    terminals: &Terminals,
    milestone: &Milestone,
) -> Result<Found, End> {
    let running = terminals
        .sessions
        .running(milestone.output_project_id)
        .is_some();
    if milestone.status == MilestoneStatus::Pending && !was_submitted(terminals, milestone).await? {
        start(client, terminals, milestone).await?;
    }
    let found = terminals
        .sessions
        .get_or_create(milestone.output_project_id)
        .await?;
    Ok(Found {
        created: found.created || !running,
        ..found
    })
}

/// Whether the command of a pending milestone was submitted: another program saved the milestone
/// back. A visit must not submit the command again; a request to start the milestone does.
async fn was_submitted(terminals: &Terminals, milestone: &Milestone) -> Result<bool, End> {
    let Some(delivery) = milestone.delivery_id else {
        return Ok(false);
    };
    let delivery = terminals.store.delivery(delivery).await?;
    Ok(delivery.is_some_and(|delivery| delivery.state == DeliveryState::Submitted))
}

async fn start(
    client: &mut Client,
    terminals: &Terminals,
    milestone: &Milestone,
) -> Result<(), End> {
    match terminals.milestones.start(milestone).await? {
        Delivered::Accepted(_) => {}
        Delivered::Refused(_) | Delivered::KeyTaken(_) => {
            client.send(ServerFrame::Output(Output::Error {
                code: "MILESTONE_ERROR".to_owned(),
                message: "the milestone could not be started: reload it and look at its status"
                    .to_owned(),
            }))
        }
    }
    Ok(())
}

async fn follow(
    client: &mut Client,
    terminals: &Terminals,
    found: &Found,
    attendance: Attendance,
    options: &Options,
) -> Result<End, End> {
    let session = &found.session;
    let reports = session.reports();
    let project = terminals.store.project(session.project_id).await?;
    let mut connection = holder::connect(&session.dir).await.ok();
    let resumed = !found.created || session.resumed;
    let message = match resumed {
        true => client.language.reconnecting(),
        false => client.language.starting(),
    };
    let notice = session.lost.as_deref().map(|reason| Notice {
        code: "conversation_lost".to_owned(),
        message: client.language.lost(reason),
    });
    let input = match (&mut connection, options.name()) {
        (Some(connection), Some(name)) => identify(connection, name).await,
        _ => 0,
    };
    let live = connection
        .as_ref()
        .map_or(0, |connection| connection.welcome.info.end);
    let log_off = connection
        .as_ref()
        .and_then(|connection| connection.welcome.info.log_off.clone());
    client.send(ServerFrame::Status(Status {
        session_id: session.id.to_string(),
        connected: true,
        claude_session_id: project.and_then(|project| project.claude_session_id),
        resumed,
        message: Some(message.to_owned()),
        notice,
        input,
        read_only: options.read_only,
        log_off,
        live,
        client: attendance.client(),
    }));
    let since = options
        .since
        .filter(|_| names(options.session.as_deref(), session.id));
    let mut reached = since;
    let exit = match connection {
        Some(connection) => {
            let (callers, caller) = (terminals.callers.clone(), client.caller.clone());
            let project = session.project_id;
            let typed = move || {
                let who = (caller.name.as_str(), caller.from.as_str());
                callers.audit(who, "type", Some(project), "ok".to_owned());
            };
            let typed = Box::new(typed);
            let mut stream = Stream::new(client, attendance, reports, options.read_only, typed);
            let dismissed = session.dismissed();
            let exit = tokio::select! {
                exit = stream.run(&terminals.closing, connection, since) => exit,
                () = dismissed.cancelled() => {
                    Err(End::new(code::GOING_AWAY, None, MOVES))
                }
            };
            reached = stream.reached;
            exit?
        }
        None => None,
    };
    // A holder vanished without a word: the session's monitor finds out why.
    let exit = match exit {
        Some(exit) => exit,
        None => {
            let found_out = tokio::select! {
                found_out = timeout(LOST_TIMEOUT, ended(session)) => found_out.ok(),
                () = terminals.closing.cancelled() => None,
            };
            found_out
                .unwrap_or(Err("the session's holder does not answer: connect again"))
                .map_err(|reason| End::new(code::GOING_AWAY, None, reason))?
        }
    };
    if let Some(rest) = client.protocol.finish() {
        client.line.push(rest);
    }
    // Sends the output that the holder no longer has; never goes back before the client's offset.
    if reached.is_none_or(|reached| reached < exit.offset) {
        client.last_screen(session, &exit).await;
    }
    client.send(ServerFrame::Output(Output::Exited(exit)));
    client.finish("the agent ended").await
}

/// An unfinished milestone.
async fn unfinished(terminals: &Terminals, id: Id) -> Result<Milestone, End> {
    let Some(milestone) = terminals.store.milestone(id).await? else {
        return Err(End::new(
            code::NOT_FOUND,
            Some("NOT_FOUND"),
            "there is no such milestone: list them to find its id",
        ));
    };
    if milestone.status.is_finished() {
        let reason = format!(
            "the milestone is {}: open its project's terminal",
            milestone.status.as_str()
        );
        return Err(End::new(code::FINISHED, Some("ALREADY_FINISHED"), reason));
    }
    Ok(milestone)
}

/// Finds out how the session of a closed holder connection ended, or that the session goes on,
/// usually under another build.
async fn ended(session: &Session) -> Result<Exit, &'static str> {
    tokio::select! {
        exit = session.ended() => Ok(exit),
        // An ended session has no holder to answer.
        () = async {
            if holder::connect(&session.dir).await.is_err() {
                std::future::pending::<()>().await;
            }
        } => Err("the session's holder was upgraded: connect again"),
    }
}

/// Sends the client's name to the holder; returns the number of the client's newest input there.
async fn identify(connection: &mut Connection, name: [u8; 16]) -> u64 {
    let Connection {
        sender, receiver, ..
    } = connection;
    if sender.send(Request::Identify { name }).await.is_err() {
        return 0;
    }
    loop {
        match receiver.next().await {
            Ok(Some(Event::Identified { newest })) => return newest,
            Ok(Some(_)) => {}
            // The stream finds the same, and the session's fate.
            Ok(None) | Err(_) => return 0,
        }
    }
}
