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
    client::{self, Connection, Event, Request},
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
        let mut shown = Shown::default();
        let exit = match client::connect(&session.dir).await {
            Ok(connection) => {
                self.stream(app, connection, &mut reports, &mut shown)
                    .await?
            }
            Err(_) => None,
        };
        // A holder that is gone without a word: the session's watcher finds out why.
        let exit = match exit {
            Some(exit) => exit,
            None => timeout(CLOSE_TIMEOUT, session.ended()).await.map_err(|_| {
                End::new(
                    code::GOING_AWAY,
                    None,
                    "the session's holder does not answer: connect again",
                )
            })?,
        };
        let text = shown.cutter.finish();
        self.output(text).await?;
        if shown.nothing {
            self.last_screen(session).await?;
        }
        self.ended(&exit).await
    }

    /// Follows the session until it ends; `None` when its holder is lost.
    async fn stream(
        &mut self,
        app: &App,
        connection: Connection,
        reports: &mut broadcast::Receiver<Arc<HookEvent>>,
        shown: &mut Shown,
    ) -> Result<Option<Exit>, End> {
        let Connection {
            sender,
            mut receiver,
            ..
        } = connection;
        if sender.send(Request::Attach { since: None }).await.is_err() {
            return Ok(None);
        }
        let mut inputs = 0_u64;
        loop {
            tokio::select! {
                event = receiver.next() => match event {
                    Ok(Some(Event::Snapshot { bytes, .. })) => {
                        let text = shown.anew(&bytes);
                        self.output(text).await?;
                    }
                    Ok(Some(Event::Output { bytes, .. })) => {
                        let text = shown.more(&bytes);
                        self.output(text).await?;
                    }
                    Ok(Some(Event::InputRefused { reason, .. })) => {
                        let message = format!("the input was not taken: {reason}");
                        self.send(&ServerMessage::Error { message, code: Some("INPUT_REFUSED") }).await?;
                    }
                    Ok(Some(Event::Exited(exit))) => return Ok(Some(exit)),
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return Ok(None),
                },
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => {
                        let Some(request) = self.take(message, &mut inputs).await? else { continue };
                        if sender.send(request).await.is_err() {
                            return Ok(None);
                        }
                    }
                    Some(Err(_)) | None => return Err(End::gone()),
                },
                report = reports.recv() => self.report(report).await?,
                () = app.closing.cancelled() => {
                    return Err(End::new(code::GOING_AWAY, None, "the server is ending, the agent is not: connect again"));
                }
            }
        }
    }

    async fn last_screen(&mut self, session: &Session) -> Result<(), End> {
        let screen = folder::last_screen(&session.dir).unwrap_or_default();
        self.output(String::from_utf8_lossy(&screen).into_owned())
            .await
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

    /// What the holder is asked because of a message; a bad one is answered here.
    async fn take(&mut self, message: Message, inputs: &mut u64) -> Result<Option<Request>, End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Err(End::gone()),
            Message::Ping(_) | Message::Pong(_) => return Ok(None),
            Message::Binary(_) => {
                self.refuse(
                    "VALIDATION",
                    "send text frames with one JSON object each".to_owned(),
                )
                .await?;
                return Ok(None);
            }
        };
        match request(&text, inputs) {
            Ok(request) => Ok(request),
            Err((code, detail)) => self.refuse(code, detail).await.map(|()| None),
        }
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

/// What a client has been shown of the session.
struct Shown {
    cutter: Cutter,
    nothing: bool,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            cutter: Cutter::default(),
            nothing: true,
        }
    }
}

impl Shown {
    /// The text of a whole screen.
    fn anew(&mut self, screen: &[u8]) -> String {
        self.cutter = Cutter::default();
        // What the client shows is of before the gap: it starts from an empty screen.
        let reset: &[u8] = if std::mem::take(&mut self.nothing) {
            b""
        } else {
            b"\x1bc"
        };
        self.cutter.cut(&[reset, screen].concat())
    }

    /// The text of what follows.
    fn more(&mut self, bytes: &[u8]) -> String {
        self.nothing = false;
        self.cutter.cut(bytes)
    }
}

/// What a message asks of the holder; the error is its code and what to do.
fn request(text: &str, inputs: &mut u64) -> Result<Option<Request>, (&'static str, String)> {
    let mut input = |bytes: Bytes| {
        *inputs += 1;
        Request::Input {
            seq: *inputs,
            bytes,
        }
    };
    let message = ClientMessage::parse(text).map_err(|detail| ("VALIDATION", detail))?;
    Ok(Some(match message {
        ClientMessage::Input { data } if data.len() > INPUT_MAX => {
            let length = data.len();
            let detail =
                format!("the input has {length} bytes: send at most {INPUT_MAX} in one message");
            return Err(("TOO_LARGE", detail));
        }
        ClientMessage::Input { data } if data.is_empty() => return Ok(None),
        ClientMessage::Input { data } => input(Bytes::from(data)),
        ClientMessage::Resize { rows, cols } => match Size::new(cols, rows) {
            Some(size) => Request::Resize { size },
            None => return Err(("VALIDATION", "rows and cols must be 1 to 500".to_owned())),
        },
        ClientMessage::Signal {
            signal: Signal::Interrupt,
        } => Request::Signal {
            signal: client::Signal::Interrupt,
        },
        ClientMessage::Signal {
            signal: Signal::Terminate,
        } => Request::Signal {
            signal: client::Signal::Terminate,
        },
        // End of file is a key of the terminal, not a signal.
        ClientMessage::Signal {
            signal: Signal::EndOfFile,
        } => input(Bytes::from_static(b"\x04")),
    }))
}
