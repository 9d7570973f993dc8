//! The attached client: what comes from the server, the keyboard, the window and the system, in one loop.

use std::{future::pending, io, time::Instant};

use anyhow::Context;
use bytes::Bytes;
use tokio::time::sleep_until;
use wxcode_client::{
    Server,
    terminal::{Attached, Exit, Find, Lost, Role, Target, Terminal, Update},
};
use wxcode_terminal::{Screen, Size};

use super::{
    clipboard::{Clipboard, Copy},
    end::End,
    keys::{self, DetachKey, Scanner},
    mirror::Mirror,
    painting::{PACE, Painting},
    paste::Pastes,
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

/// An attached client.
pub(crate) struct Client<'a> {
    wishes: Wishes,
    terminal: Terminal<'a>,
    mirror: Option<Mirror>,
    role: Option<Role>,
    painting: Painting,
    window: Window,
    size: Size,
    pastes: Pastes,
    scanner: Scanner,
    clipboard: Clipboard,
    /// Output before this offset is a replay.
    live: u64,
}

impl<'a> Client<'a> {
    /// Connects, and takes the terminal when the session is there: until then Ctrl+C works as ever.
    ///
    /// # Errors
    /// There is no session to be had, or the terminal cannot be made raw.
    pub(crate) async fn attach(
        server: Server,
        target: Target,
        wishes: Wishes,
        find: Find<'a>,
    ) -> anyhow::Result<Self> {
        let (terminal, attached) = Terminal::attach(server, target).await?;
        let size = window::size();
        let mut client = Self {
            pastes: Pastes::default(),
            scanner: Scanner::new(wishes.detach_key),
            clipboard: Clipboard::default(),
            live: 0,
            terminal: terminal.with_find(find),
            mirror: None,
            role: None,
            painting: Painting::new(size),
            window: Window::open().context("the terminal cannot be made raw: use another one")?,
            size,
            wishes,
        };
        client.terminal.resize(size);
        if client.wishes.drive {
            client.terminal.drive();
        }
        client.attached(attached);
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
        let more = READ_MAX + self.pastes.held();
        let takes_keys = self.terminal.is_read_only() || self.terminal.has_room(more);
        let settles = self.pastes.due();
        let update = tokio::select! {
            biased;
            _ = signals.terminate.recv() => return Ok(Some(End::Signal("SIGTERM"))),
            _ = signals.interrupt.recv() => return Ok(Some(End::Signal("SIGINT"))),
            _ = signals.hangup.recv() => return Ok(Some(End::Hangup)),
            _ = signals.window.recv() => {
                self.resized();
                return Ok(None);
            }
            _ = signals.stop.recv() => {
                self.window.suspend().await?;
                // Another thread may get the signal, and this one go on for a moment: until the
                // shell resumes the program, the terminal is the shell's.
                signals.resumed.recv().await;
                self.painting.enter_again(Instant::now());
                self.resumed()?;
                return Ok(None);
            }
            _ = signals.resumed.recv() => {
                self.resumed()?;
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
            () = until(due) => return Ok(None),
            update = self.terminal.next() => update,
        };
        let since = Instant::now();
        let mut end = self.take(update);
        // Updates that are here already become one drawing with it.
        while end.is_none()
            && since.elapsed() < PACE
            && let Some(update) = self.terminal.next_at_once()
        {
            end = self.take(update);
        }
        Ok(end)
    }

    fn take(&mut self, update: Update) -> Option<End> {
        let now = Instant::now();
        match update {
            Update::Attached(attached) => self.attached(attached),
            Update::Snapshot { size, bytes, .. } => {
                self.mirror = Some(Mirror::new(size, &bytes));
                self.clipboard = Clipboard::default();
                self.painting.changed(now);
            }
            Update::Output { offset, bytes } => {
                self.mirror.as_mut()?.output(&bytes);
                let copy = self.clipboard.take(&bytes);
                // A replay or a second client copies nothing.
                if offset >= self.live && self.role == Some(Role::Driver) {
                    self.copy(copy, now);
                }
                self.painting.changed(now);
            }
            Update::Resized(size) => {
                self.mirror.as_mut()?.resized(size);
                self.terminal.redraw(0);
                self.painting.changed(now);
            }
            Update::InputRefused { reason, .. } => self.painting.notice.say(&reason, now),
            // All output came before.
            Update::Exited(exit) => return Some(self.ended(Some(exit))),
            Update::Error { message, .. } => self.painting.notice.say(&message, now),
            Update::Role(role) => {
                if self.role == Some(Role::Driver) && role == Role::Viewer {
                    let text = "another window sets the size now: type to have this one's";
                    self.painting.notice.say(text, now);
                }
                self.role = Some(role);
            }
            Update::Away { lost, .. } => {
                let why = match lost {
                    Lost::Broken(why) => why,
                    lost => lost.to_string(),
                };
                self.painting.notice.hold(&format!(
                    "the server is away, connecting again: {} leaves, keys wait ({why})",
                    self.wishes.detach_key
                ));
            }
            Update::Ended if self.terminal.session().is_empty() => return Some(End::NeverRan),
            Update::Ended => return Some(self.ended(None)),
            Update::Failed(lost) => return Some(End::Lost(lost)),
            // An answer to an input, a hook's event, and news of a later version of the crate.
            _ => {}
        }
        None
    }

    /// The first update of a connection.
    fn attached(&mut self, attached: Attached) {
        let now = Instant::now();
        let status = attached.status;
        self.live = status.live;
        self.painting.notice.release();
        let mut tell: Vec<String> = Vec::new();
        if attached.is_first {
            let is_read_only = self.terminal.is_read_only();
            let verb = if is_read_only { "shows" } else { "is" };
            tell.push(format!(
                "this {verb} {}: {} leaves, the agent goes on",
                self.wishes.name, self.wishes.detach_key
            ));
        }
        if !attached.is_same_session {
            self.pastes.abandon();
            if attached.lost_inputs {
                tell.push("what was typed last did not reach the agent that ended".to_owned());
            }
            if !attached.is_first {
                tell.extend(status.message);
            }
        }
        tell.extend(status.notice.map(|notice| notice.message));
        tell.extend(status.log_off);
        if !tell.is_empty() {
            self.painting.notice.say(&tell.join(" · "), now);
        }
        if self.mirror.as_ref().is_some_and(Mirror::lacks_history) {
            self.terminal.redraw(0);
        }
        self.role = None;
    }

    /// Hands a copy of the agent to the user's terminal.
    fn copy(&mut self, copy: Option<Copy>, now: Instant) {
        match copy {
            Some(Copy::Sequence(sequence)) => self.painting.pass_on(sequence, now),
            Some(Copy::TooLarge) => {
                let text = "the agent copied more than 1 MiB: it is not in the clipboard";
                self.painting.notice.say(text, now);
            }
            None => {}
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
        self.send(bytes);
        key.map(|_| End::Detached { unsent: false })
    }

    /// The shell gave the terminal back.
    fn resumed(&mut self) -> io::Result<()> {
        self.window.again()?;
        self.terminal.wake();
        self.resized();
        Ok(())
    }

    /// The window has another size, or lost what it showed.
    fn resized(&mut self) {
        self.size = window::size();
        self.painting.resize(self.size, Instant::now());
        self.terminal.resize(self.size);
    }

    fn send(&mut self, bytes: Vec<u8>) {
        if !self.terminal.is_read_only()
            && let Err(error) = self.terminal.input(Bytes::from(bytes))
        {
            let text = error.to_string();
            self.painting.notice.say(&text, Instant::now());
        }
    }

    fn draw(&mut self, now: Instant) {
        let screen = self.mirror.as_ref().map(Mirror::terminal);
        let drawing = self.painting.draw(screen, now);
        let leave = self.painting.leave();
        self.window.display.draw(drawing, leave);
    }

    /// Gives the terminal back, then takes leave of the server: what was typed before goes out.
    async fn leave(mut self, end: &mut End) {
        let rest = self.pastes.close();
        self.send(rest);
        let Self {
            window, terminal, ..
        } = self;
        drop(window);
        let is_sent = terminal.close().await;
        if let End::Detached { unsent } = end {
            *unsent = !is_sent;
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => pending().await,
    }
}
