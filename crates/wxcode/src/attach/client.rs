//! The attached client: what comes from the server, the keyboard, the window and the system, in one loop.

use std::{future::pending, io, iter::from_fn, time::Instant};

use anyhow::Context;
use bytes::Bytes;
use tokio::{sync::mpsc, time::sleep_until};
use wxcode_holder::folder::Exit;
use wxcode_protocol::websocket::{ClientFrame, Role, ServerFrame, Status};
use wxcode_terminal::{Screen, Size};

use super::{
    end::End,
    keys::{self, DetachKey, Scanner},
    line::{Line, News},
    link::{Address, Link, Since},
    mirror::{Gap, Mirror},
    owed::Owed,
    painting::{PACE, Painting},
    paste::Pastes,
    retry::{Lost, Next, Retry},
    signals::Signals,
    window::{self, READ_MAX, Window},
};

/// How the user wants it.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    /// The project's name.
    pub(crate) name: String,
    /// What leaves.
    pub(crate) detach_key: DetachKey,
    /// Whether the session is to have this window's size.
    pub(crate) drive: bool,
}

/// Finds the server anew: its base URL and token.
pub(crate) type Find<'a> = &'a dyn Fn() -> Option<(String, String)>;

/// An attached client.
pub(crate) struct Client<'a> {
    address: Address,
    wishes: Wishes,
    find: Find<'a>,
    line: Line,
    retry: Retry,
    /// The session that the mirror and the unsent are of; empty before the first.
    session: String,
    is_read_only: bool,
    mirror: Option<Mirror>,
    /// Whether the mirror goes on with what comes; otherwise it only shows what was.
    is_current: bool,
    owed: Owed,
    role: Option<Role>,
    painting: Painting,
    window: Window,
    size: Size,
    pastes: Pastes,
    scanner: Scanner,
}

impl<'a> Client<'a> {
    /// Connects, and takes the terminal when the session is there: until then Ctrl+C works as ever.
    ///
    /// # Errors
    /// There is no session to be had, or the terminal cannot be made raw.
    pub(crate) async fn attach(
        address: Address,
        wishes: Wishes,
        find: Find<'a>,
    ) -> anyhow::Result<Self> {
        let mut link = Link::connect(&address, None).await?;
        let status = loop {
            if let ServerFrame::Status(status) = link.next().await? {
                break status;
            }
        };
        let size = window::size();
        let mut client = Self {
            pastes: Pastes::default(),
            scanner: Scanner::new(wishes.detach_key),
            line: Line::up(link),
            retry: Retry::new(),
            session: String::new(),
            is_read_only: address.read_only,
            mirror: None,
            is_current: false,
            owed: Owed::new(),
            role: None,
            painting: Painting::new(size),
            window: Window::open().context("the terminal cannot be made raw: use another one")?,
            size,
            address,
            wishes,
            find,
        };
        client.attached(status);
        Ok(client)
    }

    /// Until the end.
    ///
    /// # Errors
    /// The system refuses signals or the terminal.
    pub(crate) async fn run(mut self) -> anyhow::Result<End> {
        let mut signals = Signals::listen()?;
        let mut end = loop {
            match self.turn(&mut signals).await {
                Ok(None) => {}
                Ok(Some(end)) => break end,
                // Whatever the terminal's error is, it cannot be used any more.
                Err(_) => break End::Hangup,
            }
        };
        self.leave(&mut end).await;
        Ok(end)
    }

    /// Waits for one thing and does it.
    async fn turn(&mut self, signals: &mut Signals) -> io::Result<Option<End>> {
        let now = Instant::now();
        let mirror = self.mirror.as_ref();
        let synchronized = mirror.is_some_and(|mirror| mirror.terminal().modes().synchronized);
        let mut due = self.painting.due(synchronized, now);
        if self.window.display.is_busy() {
            due = None;
        } else if due.is_some_and(|due| due <= now) {
            self.draw(now);
            due = self.painting.due(synchronized, now);
        }
        let outbox = self.line.outbox().filter(|_| self.owed.is_some());
        let more = READ_MAX + self.pastes.held();
        let takes_keys = self.is_read_only || self.owed.unsent.has_room(more);
        let settles = self.pastes.due();
        let news = tokio::select! {
            biased;
            _ = signals.terminate.recv() => return Ok(Some(End::Signal("SIGTERM"))),
            _ = signals.interrupt.recv() => return Ok(Some(End::Signal("SIGINT"))),
            _ = signals.hangup.recv() => return Ok(Some(End::Hangup)),
            _ = signals.window.recv() => {
                self.resized();
                return Ok(None);
            }
            _ = signals.resumed.recv() => {
                self.window.again()?;
                self.resized();
                return Ok(None);
            }
            result = self.window.display.drawn(), if self.window.display.is_busy() => {
                result?;
                return Ok(None);
            }
            bytes = self.window.keyboard.read(), if takes_keys => return Ok(self.typed(bytes?)),
            () = until(settles), if takes_keys => {
                let keys = self.pastes.settle(Instant::now());
                return Ok(self.keys(keys));
            }
            () = hand_over(outbox, &mut self.owed) => return Ok(None),
            () = until(due) => return Ok(None),
            news = self.line.next() => news,
        };
        let since = Instant::now();
        let mut end = self.take(news);
        // What is here already becomes one drawing with it.
        while end.is_none()
            && since.elapsed() < PACE
            && let Some(news) = self.line.next_at_once()
        {
            end = self.take(news);
        }
        Ok(end)
    }

    fn take(&mut self, news: News) -> Option<End> {
        match news {
            News::Frame(frame) => return self.frame(frame),
            News::Lost(lost) => return self.lost(lost),
            News::TryNow => {
                // Anybody may listen where a server was that is gone: it is not asked for the session.
                let Some((base, token)) = (self.find)() else {
                    let why = "no server runs on the data folder".to_owned();
                    return self.lost(Lost::Broken(why));
                };
                (self.address.base, self.address.token) = (base, token);
                let mirror = self.mirror.as_ref().filter(|_| self.is_current);
                let since = mirror.map(|mirror| Since {
                    session: self.session.clone(),
                    offset: mirror.offset(),
                });
                self.line = Line::connect(self.address.clone(), since);
            }
            News::Connected(link) => self.line = Line::up(link),
        }
        None
    }

    fn frame(&mut self, frame: ServerFrame) -> Option<End> {
        let now = Instant::now();
        match frame {
            ServerFrame::Status(status) => self.attached(status),
            ServerFrame::Snapshot {
                offset,
                size,
                bytes,
            } => {
                self.mirror = Some(Mirror::new(offset, size, &bytes));
                self.is_current = true;
                self.owed.ack(offset);
                self.painting.changed(now);
            }
            ServerFrame::Output { offset, bytes } => {
                let mirror = self.mirror.as_mut().filter(|_| self.is_current)?;
                if let Err(gap) = mirror.output(offset, &bytes) {
                    return self.torn(gap);
                }
                self.owed.ack(mirror.offset());
                self.painting.changed(now);
            }
            ServerFrame::Resized { offset, size } => {
                let mirror = self.mirror.as_mut().filter(|_| self.is_current)?;
                if let Err(gap) = mirror.resized(offset, size) {
                    return self.torn(gap);
                }
                self.owed.redraw();
                self.painting.changed(now);
            }
            ServerFrame::InputTaken(number) => self.owed.unsent.answered(number),
            ServerFrame::InputRefused { number, reason } => {
                self.owed.unsent.answered(number);
                self.painting.notice.say(&reason, now);
            }
            // All that it wrote came before.
            ServerFrame::Exited(exit) => return Some(self.ended(Some(exit))),
            ServerFrame::Error { message, .. } => self.painting.notice.say(&message, now),
            ServerFrame::Role(role) => {
                if self.role == Some(Role::Driver) && role == Role::Viewer {
                    let text = "another window sets the size now: type to have this one's";
                    self.painting.notice.say(text, now);
                }
                self.role = Some(role);
            }
            ServerFrame::Report(_) => {}
        }
        None
    }

    /// The first frame of a connection.
    fn attached(&mut self, status: Status) {
        let now = Instant::now();
        self.retry.attached();
        self.painting.notice.release();
        self.line.attached();
        self.is_read_only = self.address.read_only || status.read_only;
        let is_first = self.session.is_empty();
        let mut tell: Vec<String> = Vec::new();
        if is_first {
            let verb = if self.is_read_only { "shows" } else { "is" };
            tell.push(format!(
                "this {verb} {}: {} leaves, the agent goes on",
                self.wishes.name, self.wishes.detach_key
            ));
        }
        if self.session == status.session_id {
            self.owed.unsent.resume(status.input);
        } else {
            self.is_current = false;
            self.pastes.abandon();
            if self.owed.unsent.restart(status.input) {
                tell.push("what was typed last did not reach the agent that ended".to_owned());
            }
            if !is_first {
                tell.extend(status.message);
            }
            self.session = status.session_id;
        }
        tell.extend(status.notice.map(|notice| notice.message));
        tell.extend(status.log_off);
        if !tell.is_empty() {
            self.painting.notice.say(&tell.join(" · "), now);
        }
        if self.mirror.as_ref().is_some_and(Mirror::lacks_history) {
            self.owed.redraw();
        }
        if !self.is_read_only {
            self.owed.resize(self.size);
            let drove = self.role.take() == Some(Role::Driver);
            if (is_first && self.wishes.drive) || drove {
                self.owed.drive();
            }
        }
    }

    /// What is here cannot be continued: the next connection begins with a snapshot.
    fn torn(&mut self, gap: Gap) -> Option<End> {
        self.is_current = false;
        self.lost(Lost::Broken(gap.to_string()))
    }

    fn lost(&mut self, lost: Lost) -> Option<End> {
        self.owed.disconnected();
        match self.retry.lost(&lost) {
            Next::Again(pause) => {
                self.line = Line::pause(pause);
                let why = match lost {
                    Lost::Broken(why) => why,
                    lost => lost.to_string(),
                };
                self.painting.notice.hold(&format!(
                    "the server is away, connecting again: {} leaves, keys wait ({why})",
                    self.wishes.detach_key
                ));
                None
            }
            Next::Ended if self.session.is_empty() => Some(End::NeverRan),
            Next::Ended => Some(self.ended(None)),
            Next::Fail => Some(End::Lost(lost)),
        }
    }

    fn ended(&self, exit: Option<Exit>) -> End {
        let mirror = self.mirror.as_ref();
        let text = mirror.map(|mirror| mirror.terminal().text());
        let screen = text.unwrap_or_default().trim_end().to_owned();
        End::Exited { exit, screen }
    }

    fn typed(&mut self, bytes: Vec<u8>) -> Option<End> {
        if bytes.is_empty() {
            return Some(End::Hangup);
        }
        if keys::is_typing(&bytes) {
            self.painting.notice.dismiss();
        }
        let keys = self.pastes.take(&bytes, Instant::now());
        self.keys(keys)
    }

    /// Keys and whole pastes go to the agent, up to the key that leaves.
    fn keys(&mut self, mut bytes: Vec<u8>) -> Option<End> {
        let key = self.scanner.find(&bytes);
        bytes.truncate(key.unwrap_or(bytes.len()));
        if !self.is_read_only {
            self.owed.unsent.push(Bytes::from(bytes));
        }
        key.map(|_| End::Detached { unsent: false })
    }

    /// The window has another size, or lost what it showed.
    fn resized(&mut self) {
        self.size = window::size();
        self.painting.resize(self.size, Instant::now());
        if !self.is_read_only {
            self.owed.resize(self.size);
        }
    }

    fn draw(&mut self, now: Instant) {
        let screen = self.mirror.as_ref().map(Mirror::terminal);
        let drawing = self.painting.draw(screen, now);
        let leave = self.painting.leave();
        self.window.display.draw(drawing, leave);
    }

    /// Gives the terminal back, then takes leave of the server: what was typed before goes out.
    async fn leave(self, end: &mut End) {
        let Self {
            window,
            line,
            mut owed,
            mut pastes,
            is_read_only,
            ..
        } = self;
        if !is_read_only {
            owed.unsent.push(Bytes::from(pastes.close()));
        }
        drop(window);
        line.close(from_fn(|| owed.next())).await;
        if let End::Detached { unsent } = end {
            *unsent = owed.unsent.is_some();
        }
    }
}

/// Puts what is owed next into the outbox, when there is one and it has room.
async fn hand_over(outbox: Option<mpsc::Sender<ClientFrame>>, owed: &mut Owed) {
    if let Some(outbox) = outbox
        && let Ok(room) = outbox.reserve().await
    {
        if let Some(frame) = owed.next() {
            room.send(frame);
        }
        return;
    }
    // The connection is gone: it says so itself.
    pending().await
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => pending().await,
    }
}
