//! The user's terminal: raw while this lives, and restored afterwards in any case.

mod raw;

use std::{
    io::{self, IsTerminal, PipeReader, PipeWriter},
    os::fd::AsFd,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{Signal, getpid, kill_process},
    termios::tcgetwinsize,
};
use tokio::sync::mpsc;
use wxcode_terminal::Size;

use self::raw::Raw;

/// Most bytes per read of the keyboard.
pub(crate) const READ_MAX: usize = 64 << 10; // 64 KiB
/// How long a stopped terminal may delay the end.
const LAST_WRITE: Duration = Duration::from_secs(1);
/// The size of a window of unknown size.
const SIZE_UNKNOWN: Size = Size { cols: 80, rows: 24 };

/// The user's terminal, raw. Its parts are dropped in this order.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) keyboard: Keyboard,
    pub(crate) display: Display,
    raw: Raw,
}

/// Keyboard input, read by a thread.
#[derive(Debug)]
pub(crate) struct Keyboard {
    typed: mpsc::Receiver<io::Result<Vec<u8>>>,
    /// Dropping it ends the thread, which then takes no input for the shell.
    _open: PipeWriter,
}

/// Drawings, written by a thread because a terminal may be slow.
#[derive(Debug)]
pub(crate) struct Display {
    drawings: Option<SyncSender<Vec<u8>>>,
    drawn: mpsc::Receiver<io::Result<()>>,
    /// Closed at the end of the thread.
    writer: Receiver<()>,
    is_busy: bool,
}

/// Whether the process has a terminal.
pub(crate) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Cells of the window.
pub(crate) fn size() -> Size {
    let within = |side: u16, unknown: u16| match side {
        0 => unknown,
        side => side.min(Size::MAX),
    };
    tcgetwinsize(io::stdout()).map_or(SIZE_UNKNOWN, |size| Size {
        cols: within(size.ws_col, SIZE_UNKNOWN.cols),
        rows: within(size.ws_row, SIZE_UNKNOWN.rows),
    })
}

impl Window {
    /// Makes the terminal raw.
    ///
    /// # Errors
    /// There is no terminal, or it is gone.
    pub(crate) fn open() -> io::Result<Self> {
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let output = io::stdout().as_fd().try_clone_to_owned()?;
        let raw = Raw::make(input, output)?;
        Ok(Self {
            keyboard: Keyboard::open()?,
            display: Display::open()?,
            raw,
        })
    }

    /// Gives the terminal back and stops the process, as Ctrl+Z does in a shell.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(crate) async fn suspend(&mut self) -> io::Result<()> {
        while self.display.is_busy() {
            self.display.drawn().await?;
        }
        self.raw.suspend();
        Ok(kill_process(getpid(), Signal::STOP)?)
    }

    /// Makes the terminal raw again, after the shell had it.
    pub(crate) fn again(&self) -> io::Result<()> {
        self.raw.again()
    }
}

impl Keyboard {
    fn open() -> io::Result<Self> {
        let (closed, open) = io::pipe()?;
        let (sender, typed) = mpsc::channel(1);
        thread::Builder::new()
            .name("keyboard".to_owned())
            .spawn(move || read_all(&closed, &sender))?;
        Ok(Self { typed, _open: open })
    }

    /// Typed input, at most [`READ_MAX`] bytes; empty when the terminal is gone. Cancel-safe.
    pub(crate) async fn read(&mut self) -> io::Result<Vec<u8>> {
        self.typed.recv().await.unwrap_or_else(|| Ok(Vec::new()))
    }
}

impl Display {
    fn open() -> io::Result<Self> {
        let (drawings, queue) = sync_channel(1);
        let (done, drawn) = mpsc::channel(1);
        let (ended, writer) = sync_channel(0);
        thread::Builder::new()
            .name("display".to_owned())
            .spawn(move || draw_all(&queue, &done, ended))?;
        Ok(Self {
            drawings: Some(drawings),
            drawn,
            writer,
            is_busy: false,
        })
    }

    /// Whether the last drawing is still being written.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Draws; only allowed when not [busy](Self::is_busy). `leave` undoes all drawings so far.
    pub(crate) fn draw(&mut self, drawing: Vec<u8>, leave: Vec<u8>) {
        raw::on_leave(leave);
        if drawing.is_empty() {
            return;
        }
        if let Some(drawings) = &self.drawings {
            self.is_busy = drawings.try_send(drawing).is_ok();
        }
    }

    /// Waits until the drawing is written. Cancel-safe.
    pub(crate) async fn drawn(&mut self) -> io::Result<()> {
        let result = self.drawn.recv().await;
        self.is_busy = false;
        result.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.drawings = None;
        if self.writer.recv_timeout(LAST_WRITE) == Err(RecvTimeoutError::Timeout) {
            // Half a drawing is on its way to a stopped terminal: more would block.
            raw::on_leave(Vec::new());
        }
    }
}

/// Reads until the terminal or the other end of the pipe is gone.
fn read_all(closed: &PipeReader, typed: &mpsc::Sender<io::Result<Vec<u8>>>) {
    let stdin = io::stdin();
    let mut bytes = vec![0; READ_MAX];
    loop {
        let mut fds = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(closed, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Err(Errno::INTR) => continue,
            Ok(_) if fds[1].revents().is_empty() => {}
            _ => return,
        }
        let read = match rustix::io::read(&stdin, &mut bytes) {
            Err(Errno::INTR) => continue,
            // The other side has hung up.
            Ok(0) | Err(Errno::IO) => return,
            Ok(count) => Ok(bytes.get(..count).unwrap_or_default().to_vec()),
            Err(error) => Err(error.into()),
        };
        let is_over = read.is_err();
        if typed.blocking_send(read).is_err() || is_over {
            return;
        }
    }
}

/// Writes drawings until the channel closes, then drops `_ended`.
fn draw_all(
    queue: &Receiver<Vec<u8>>,
    done: &mpsc::Sender<io::Result<()>>,
    _ended: SyncSender<()>,
) {
    while let Ok(drawing) = queue.recv() {
        if done
            .blocking_send(raw::write_all(io::stdout(), &drawing))
            .is_err()
        {
            return;
        }
    }
}
