//! One attached client: what the session writes goes out as fast as the client takes it, what it says goes in.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use tokio::{sync::broadcast, time::timeout};
use wxcode_claude::hook::HookEvent;
use wxcode_core::{
    id::Id,
    milestone::{Milestone, MilestoneStatus},
};
use wxcode_holder::{
    client::{self, Connection, Event, Request, Sender},
    folder::{self, Exit},
};
use wxcode_terminal::Size;

use super::{
    Wanted,
    end::{End, code},
    language::Language,
    message::{ClientMessage, INPUT_MAX, Notice, ServerMessage, Signal},
    report,
    text::Cutter,
};
use crate::{
    http::App,
    session::{Delivered, Found, Session},
};

/// How long a client may take to say its last word after a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// One attached client.
pub(super) struct Client {
    pub(super) socket: WebSocket,
    pub(super) language: Language,
}

impl Client {
    /// Serves the client until one of both has to go.
    pub(super) async fn attend(&mut self, app: &App, wanted: &Wanted, id: &str) -> Result<(), End> {
        let id = id
            .parse::<Id>()
            .map_err(|error| End::new(code::BAD_ID, Some("INVALID_ID"), error.to_string()))?;
        let found = match wanted {
            Wanted::Project => app.sessions.get_or_create(id).await?,
            Wanted::Milestone => self.begin(app, id).await?,
        };
        self.follow(app, &found).await
    }

    /// Gets the session of a milestone's project; a pending milestone is started.
    async fn begin(&mut self, app: &App, id: Id) -> Result<Found, End> {
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
        let running = app.sessions.running(milestone.output_project_id).is_some();
        if milestone.status == MilestoneStatus::Pending {
            self.start(app, &milestone).await?;
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
            Delivered::Accepted(_) => Ok(()),
            Delivered::Refused(_) => {
                let message =
                    "the milestone could not be started: reload it and look at its status"
                        .to_owned();
                self.send(&ServerMessage::Error {
                    message,
                    code: Some("MILESTONE_ERROR"),
                })
                .await
            }
        }
    }

    async fn follow(&mut self, app: &App, found: &Found) -> Result<(), End> {
        let session = &found.session;
        let project = app.store.project(session.project_id).await?;
        let resumed = !found.created || session.resumed;
        let notice = session
            .lost
            .as_deref()
            .map(|reason| Notice::lost(self.language, reason));
        let status = ServerMessage::Status {
            connected: true,
            session_id: Some(session.id.to_string()),
            claude_session_id: project.and_then(|project| project.claude_session_id),
            resumed,
            message: Some(if resumed {
                self.language.reconnecting()
            } else {
                self.language.starting()
            }),
            notice,
        };
        self.send(&status).await?;
        let _attendance = session.attend();
        let mut reports = session.reports();
        let connection = match client::connect(&session.dir).await {
            Ok(connection) => connection,
            // It ended in this moment, or its holder did.
            Err(error) => {
                let Ok(exit) = timeout(CLOSE_TIMEOUT, session.ended()).await else {
                    return Err(End::new(
                        code::AGENT,
                        Some("SESSION_ERROR"),
                        format!("the session's holder does not answer: {error}; connect again"),
                    ));
                };
                return self.last_screen(session, &exit).await;
            }
        };
        let Connection {
            sender,
            mut receiver,
            ..
        } = connection;
        let lost = |error: client::ClientError| {
            End::new(
                code::GOING_AWAY,
                None,
                format!("lost the session's holder: {error}; connect again"),
            )
        };
        sender
            .send(Request::Attach { since: None })
            .await
            .map_err(lost)?;
        let mut cutter = Cutter::default();
        let mut inputs = 0_u64;
        let mut fresh = true;
        loop {
            tokio::select! {
                event = receiver.next() => match event.map_err(lost)? {
                    Some(Event::Snapshot { bytes, .. }) => {
                        cutter = Cutter::default();
                        // What the client shows is of before the gap: it starts from an empty screen.
                        let reset: &[u8] = if std::mem::take(&mut fresh) { b"" } else { b"\x1bc" };
                        let text = cutter.cut(&[reset, &bytes].concat());
                        self.output(text).await?;
                    }
                    Some(Event::Output { bytes, .. }) => {
                        fresh = false;
                        let text = cutter.cut(&bytes);
                        self.output(text).await?;
                    }
                    Some(Event::InputRefused { reason, .. }) => {
                        let message = format!("the input was not taken: {reason}");
                        self.send(&ServerMessage::Error { message, code: Some("INPUT_REFUSED") }).await?;
                    }
                    Some(Event::Exited(exit)) => {
                        let text = cutter.finish();
                        self.output(text).await?;
                        return if fresh { self.last_screen(session, &exit).await } else { self.ended(&exit).await };
                    }
                    Some(_) => {}
                    // The holder is gone without a word: the session's watcher finds out why.
                    None => return self.parted(session, &mut cutter, fresh).await,
                },
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.take(message, &sender, &mut inputs).await?,
                    Some(Err(_)) | None => return Err(End::gone()),
                },
                report = reports.recv() => self.report(report).await?,
                () = app.closing.cancelled() => {
                    return Err(End::new(code::GOING_AWAY, None, "the server is ending, the agent is not: connect again"));
                }
            }
        }
    }

    /// The holder closed the connection; a client that is still `fresh` has seen nothing of the session.
    async fn parted(
        &mut self,
        session: &Arc<Session>,
        cutter: &mut Cutter,
        fresh: bool,
    ) -> Result<(), End> {
        let text = cutter.finish();
        self.output(text).await?;
        match timeout(CLOSE_TIMEOUT, session.ended()).await {
            Ok(exit) if fresh => self.last_screen(session, &exit).await,
            Ok(exit) => self.ended(&exit).await,
            Err(_) => Err(End::new(
                code::GOING_AWAY,
                None,
                "the session's holder closed the connection: connect again",
            )),
        }
    }

    async fn last_screen(&mut self, session: &Session, exit: &Exit) -> Result<(), End> {
        if let Some(screen) = folder::last_screen(&session.dir) {
            let mut cutter = Cutter::default();
            let text = cutter.cut(&screen) + &cutter.finish();
            self.output(text).await?;
        }
        self.ended(exit).await
    }

    async fn ended(&mut self, exit: &Exit) -> Result<(), End> {
        self.send(&ServerMessage::Closed {
            exit_code: exit.code,
            signal: exit.signal,
        })
        .await?;
        Err(End::new(code::ENDED, None, "the agent ended"))
    }

    async fn report(
        &mut self,
        report: Result<Arc<HookEvent>, broadcast::error::RecvError>,
    ) -> Result<(), End> {
        // A client that missed some reports still has the screen.
        if let Ok(event) = report {
            for message in report::messages(&event) {
                self.send_json(&message).await?;
            }
        }
        Ok(())
    }

    async fn take(
        &mut self,
        message: Message,
        holder: &Sender,
        inputs: &mut u64,
    ) -> Result<(), End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Err(End::gone()),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Binary(_) => {
                return self
                    .refuse(
                        "VALIDATION",
                        "send text frames with one JSON object each".to_owned(),
                    )
                    .await;
            }
        };
        let request = match ClientMessage::parse(&text) {
            Ok(ClientMessage::Input { data }) if data.len() > INPUT_MAX => {
                let detail = format!(
                    "the input has {} bytes: send at most {INPUT_MAX} in one message",
                    data.len()
                );
                return self.refuse("TOO_LARGE", detail).await;
            }
            Ok(ClientMessage::Input { data }) if data.is_empty() => return Ok(()),
            Ok(ClientMessage::Input { data }) => input(Bytes::from(data), inputs),
            Ok(ClientMessage::Resize { rows, cols }) => match Size::new(cols, rows) {
                Some(size) => Request::Resize { size },
                None => {
                    return self
                        .refuse("VALIDATION", "rows and cols must be 1 to 500".to_owned())
                        .await;
                }
            },
            Ok(ClientMessage::Signal {
                signal: Signal::Interrupt,
            }) => Request::Signal {
                signal: client::Signal::Interrupt,
            },
            Ok(ClientMessage::Signal {
                signal: Signal::Terminate,
            }) => Request::Signal {
                signal: client::Signal::Terminate,
            },
            // End of file is a key of the terminal, not a signal.
            Ok(ClientMessage::Signal {
                signal: Signal::EndOfFile,
            }) => input(Bytes::from_static(b"\x04"), inputs),
            Err(detail) => return self.refuse("VALIDATION", detail).await,
        };
        let gone = |error| {
            End::new(
                code::GOING_AWAY,
                None,
                format!("lost the session's holder: {error}; connect again"),
            )
        };
        holder.send(request).await.map_err(gone)
    }

    async fn refuse(&mut self, code: &'static str, message: String) -> Result<(), End> {
        self.send(&ServerMessage::Error {
            message,
            code: Some(code),
        })
        .await
    }

    async fn output(&mut self, data: String) -> Result<(), End> {
        if data.is_empty() {
            return Ok(());
        }
        self.send(&ServerMessage::Output { data }).await
    }

    async fn send(&mut self, message: &ServerMessage) -> Result<(), End> {
        self.send_json(message).await
    }

    async fn send_json(&mut self, message: &impl serde::Serialize) -> Result<(), End> {
        let text = serde_json::to_string(message).map_err(|_| End::gone())?;
        self.socket
            .send(Message::Text(text.into()))
            .await
            .map_err(|_| End::gone())
    }

    /// Says why, and closes.
    pub(super) async fn close(mut self, end: End) {
        if end.code == 0 {
            return;
        }
        if let Some(code) = end.error {
            let message = end.reason.clone().into_owned();
            let _ = self
                .send(&ServerMessage::Error {
                    message,
                    code: Some(code),
                })
                .await;
        }
        let reason = end.shortened().to_owned();
        let farewell = async {
            self.socket
                .send(Message::Close(Some(CloseFrame {
                    code: end.code,
                    reason: reason.into(),
                })))
                .await?;
            // The close is complete when the client has answered it.
            while let Some(Ok(_)) = self.socket.recv().await {}
            Ok::<_, axum::Error>(())
        };
        let _ = timeout(CLOSE_TIMEOUT, farewell).await;
    }
}

fn input(bytes: Bytes, inputs: &mut u64) -> Request {
    *inputs += 1;
    Request::Input {
        seq: *inputs,
        bytes,
    }
}
