//! One attached client: gets its session, greets it, and closes it.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message};
use tokio::time::timeout;
use wxcode_core::{
    id::Id,
    milestone::{Milestone, MilestoneStatus},
};
use wxcode_holder::{
    client::{self, Connection, Event, Request},
    folder::Exit,
};
use wxcode_terminal::Screen as _;

use super::{
    Wanted,
    end::{End, code},
    language::Language,
    line::{Line, Turn},
    options::Options,
    protocol::Protocol,
    stream::Stream,
};
use crate::{
    http::App,
    screen,
    session::{Delivered, Found, Session},
};
use wxcode_protocol::websocket::{Notice, ServerFrame, Status};

/// Time for a client to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time to find out how a session without a holder ended: the orphans of a killed holder are ended
/// first.
const LOST_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a client to take its last messages after the agent's end.
const LAST_TIMEOUT: Duration = Duration::from_secs(30);
/// The reason of the close where a client joins only, and there is nothing to join.
const NOTHING_RUNS: &str =
    "no session runs: start it, or connect without read_only and start=false";

/// One attached client.
pub(super) struct Client {
    pub(super) line: Line,
    pub(super) protocol: Protocol,
    pub(super) language: Language,
}

impl Client {
    /// Serves the client until either side ends.
    pub(super) async fn attend(
        &mut self,
        app: &App,
        wanted: &Wanted,
        id: &str,
        options: &Options,
    ) -> End {
        match self.serve(app, wanted, id, options).await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn serve(
        &mut self,
        app: &App,
        wanted: &Wanted,
        id: &str,
        options: &Options,
    ) -> Result<End, End> {
        let id = id
            .parse::<Id>()
            .map_err(|error| End::new(code::BAD_ID, Some("INVALID_ID"), error.to_string()))?;
        let milestone = match wanted {
            Wanted::Project => None,
            Wanted::Milestone => Some(unfinished(app, id).await?),
        };
        if options.joins_only() {
            let project = milestone.map_or(id, |milestone| milestone.output_project_id);
            return self.join(app, project, options).await;
        }
        let found = match milestone {
            None => app.sessions.get_or_create(id).await?,
            Some(milestone) => self.begin(app, &milestone).await?,
        };
        self.follow(app, &found, options).await
    }

    /// Follows the session that runs. Otherwise shows the last screen, if there is one.
    async fn join(&mut self, app: &App, project: Id, options: &Options) -> Result<End, End> {
        let latest = app.sessions.look(project).await?;
        if let Some(session) = latest.as_ref().filter(|session| !session.is_over()) {
            let found = Found {
                session: Arc::clone(session),
                created: false,
            };
            return self.follow(app, &found, options).await;
        }
        let record = app.store.project(project).await?;
        let session_id = latest.as_ref().map(|session| session.id.to_string());
        let since = options.since.filter(|_| options.session == session_id);
        self.tell(ServerFrame::Status(Status {
            session_id: session_id.unwrap_or_default(),
            connected: false,
            claude_session_id: record.and_then(|project| project.claude_session_id),
            resumed: latest.is_some(),
            message: Some(self.language.nothing_runs(latest.is_some()).to_owned()),
            notice: None,
            input: 0,
            read_only: options.read_only,
            log_off: None,
        }));
        if let Some(session) = latest {
            let exit = session.ended().await;
            if since.is_none_or(|since| since < exit.offset) {
                self.last_screen(&session, &exit).await;
            }
            self.tell(ServerFrame::Exited(exit));
        }
        self.finish(NOTHING_RUNS).await
    }

    /// Waits until the client has its last messages.
    async fn finish(&mut self, reason: &'static str) -> Result<End, End> {
        match timeout(LAST_TIMEOUT, self.line.flush()).await {
            Ok(Ok(())) => Ok(End::new(code::ENDED, None, reason)),
            _ => Err(End::gone()),
        }
    }

    /// Gets the session of a milestone's project; starts a pending milestone.
    async fn begin(&mut self, app: &App, milestone: &Milestone) -> Result<Found, End> {
        let running = app.sessions.running(milestone.output_project_id).is_some();
        if milestone.status == MilestoneStatus::Pending {
            self.start(app, milestone).await?;
        }
        let found = app
            .sessions
            .get_or_create(milestone.output_project_id)
            .await?;
        Ok(Found {
            created: found.created || !running,
            ..found
        })
    }

    async fn start(&mut self, app: &App, milestone: &Milestone) -> Result<(), End> {
        match crate::milestone::start(app, milestone).await? {
            Delivered::Accepted(_) => {}
            Delivered::Refused(_) | Delivered::KeyTaken(_) => self.tell(ServerFrame::Error {
                code: "MILESTONE_ERROR".to_owned(),
                message: "the milestone could not be started: reload it and look at its status"
                    .to_owned(),
            }),
        }
        Ok(())
    }

    async fn follow(&mut self, app: &App, found: &Found, options: &Options) -> Result<End, End> {
        let session = &found.session;
        let attendance = session.attend(options.read_only);
        let reports = session.reports();
        let project = app.store.project(session.project_id).await?;
        let mut connection = client::connect(&session.dir).await.ok();
        let resumed = !found.created || session.resumed;
        let message = match resumed {
            true => self.language.reconnecting(),
            false => self.language.starting(),
        };
        let notice = session.lost.as_deref().map(|reason| Notice {
            code: "conversation_lost".to_owned(),
            message: self.language.lost(reason),
        });
        let input = match (&mut connection, options.name()) {
            (Some(connection), Some(name)) => identify(connection, name).await,
            _ => 0,
        };
        let log_off = connection
            .as_ref()
            .and_then(|connection| connection.welcome.info.log_off.clone());
        self.tell(ServerFrame::Status(Status {
            session_id: session.id.to_string(),
            connected: true,
            claude_session_id: project.and_then(|project| project.claude_session_id),
            resumed,
            message: Some(message.to_owned()),
            notice,
            input,
            read_only: options.read_only,
            log_off,
        }));
        let since = options
            .since
            .filter(|_| options.session.as_deref() == Some(&session.id.to_string()));
        let mut reached = since;
        let exit = match connection {
            Some(connection) => {
                let mut stream = Stream::new(self, attendance, reports, options.read_only);
                let exit = stream.run(app, connection, since).await;
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
                    () = app.closing.cancelled() => None,
                };
                found_out
                    .unwrap_or(Err("the session's holder does not answer: connect again"))
                    .map_err(|reason| End::new(code::GOING_AWAY, None, reason))?
            }
        };
        if let Some(rest) = self.protocol.finish() {
            self.line.push(rest);
        }
        // Sends the output that the holder no longer has; never goes back before the client's
        // offset.
        if reached.is_none_or(|reached| reached < exit.offset) {
            self.last_screen(session, &exit).await;
        }
        self.tell(ServerFrame::Exited(exit));
        self.finish("the agent ended").await
    }

    /// The last screen of a session.
    async fn last_screen(&mut self, session: &Session, exit: &Exit) {
        let dir = session.dir.clone();
        let read = tokio::task::spawn_blocking(move || screen::last(&dir)).await;
        if let Ok(Some(screen)) = read {
            self.tell(ServerFrame::Snapshot {
                offset: exit.offset,
                size: screen.size(),
                bytes: screen.snapshot().into(),
            });
        }
    }

    /// Queues a message to the client.
    pub(super) fn tell(&mut self, frame: ServerFrame) {
        if let Some(message) = self.protocol.tell(frame) {
            self.line.push(message);
        }
    }

    /// Sends the reason, and closes.
    pub(super) async fn close(mut self, end: End) {
        if end.code == 0 {
            return;
        }
        if let Some(code) = end.error {
            self.tell(ServerFrame::Error {
                code: code.to_owned(),
                message: end.reason.clone().into_owned(),
            });
        }
        self.line.push(Message::Close(Some(CloseFrame {
            code: end.code,
            reason: end.shortened().to_owned().into(),
        })));
        // The close is complete with the client's answer.
        let farewell = async { while !matches!(self.line.turn(true).await, Turn::Gone) {} };
        let _ = timeout(CLOSE_TIMEOUT, farewell).await;
    }
}

/// A milestone that is not finished.
async fn unfinished(app: &App, id: Id) -> Result<Milestone, End> {
    let Some(milestone) = app.store.milestone(id).await? else {
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

/// Finds out how the session of a closed holder connection ended, or that it goes on, usually as
/// another build.
async fn ended(session: &Session) -> Result<Exit, &'static str> {
    tokio::select! {
        exit = session.ended() => Ok(exit),
        // An ended session has no holder to answer.
        () = async {
            if client::connect(&session.dir).await.is_err() {
                std::future::pending::<()>().await;
            }
        } => Err("the session's holder was upgraded: connect again"),
    }
}

/// Sends the client's name to the holder; returns the number of its newest input there.
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
