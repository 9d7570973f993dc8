//! Hands a hook's payload from the agent to the holder.

mod compact;

pub use compact::compact;

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::{fd::AsRawFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::{BufMut, BytesMut};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use serde::{Deserialize, Serialize};

use crate::folder::SOCKET;
use wxcode_protocol::holder::frame::{self, Decoder, MAX_HOOK, Type};

/// Time for a whole report, with allowance for an overloaded machine. A hook that gave up is gone
/// when the holder measures the hook's depth, and the report does not count.
pub const REPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Largest part of a payload that is read, in bytes; no event that matters is longer.
const READ_MAX: u64 = 64 << 20; // 64 MiB
/// Largest payload that is passed on, in bytes; long strings in a larger payload are cut.
const PAYLOAD_MAX: usize = 4 << 20; // 4 MiB

/// Reports the event on standard input to the holder that wrote `hook_file`. A failure is a line on
/// standard error: a hook must never fail the agent.
pub fn run(hook_file: &Path) {
    let mut payload = Vec::new();
    let read = io::stdin().lock().take(READ_MAX).read_to_end(&mut payload);
    // Claude Code writes a hook's output into its debug log.
    if let Err(error) = read {
        let _ = writeln!(
            io::stderr(),
            "wxcode-holder hook: cannot read the event: {error}"
        );
        return;
    }
    if let Err(error) = report(hook_file, &compact(payload, PAYLOAD_MAX)) {
        let _ = writeln!(io::stderr(), "wxcode-holder hook: {error}");
    }
}

/// The input of a hook: `hook.json`, 0600.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookFile {
    pub version: u32,
    /// The holder's socket.
    pub socket: PathBuf,
    /// The secret of the session's hooks.
    pub secret: String,
}

impl fmt::Debug for HookFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookFile({})", self.socket.display())
    }
}

/// Why the holder did not take a payload.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The hook file cannot be read.
    #[error("{path}: {error}; the session has ended, or the hook runs as another user")]
    File { path: PathBuf, error: io::Error },
    /// The payload is beyond the bound.
    #[error("a hook payload of {0} bytes, where {MAX_HOOK} are allowed; it is not reported")]
    TooLarge(usize),
    /// The holder cannot be reached, or did not answer within [`REPORT_TIMEOUT`].
    #[error(
        "the holder does not answer ({0}); the session has ended, or the machine is overloaded"
    )]
    Holder(#[from] io::Error),
    /// The holder refused.
    #[error("the holder refused: {0}")]
    Refused(String),
}

/// Reports a payload to the holder that wrote `hook_file`, and waits until the holder has kept the
/// payload.
///
/// Blocks for at most [`REPORT_TIMEOUT`].
///
/// # Errors
/// The holder is gone, refuses the secret, or does not answer in time.
pub fn report(hook_file: &Path, payload: &[u8]) -> Result<(), HookError> {
    let until = Instant::now() + REPORT_TIMEOUT;
    if payload.len() > MAX_HOOK {
        return Err(HookError::TooLarge(payload.len()));
    }
    let unreadable = |error| HookError::File {
        path: hook_file.to_owned(),
        error,
    };
    let bytes = fs::read(hook_file).map_err(unreadable)?;
    let file: HookFile = serde_json::from_slice(&bytes).map_err(|e| unreadable(e.into()))?;
    let folder = file.socket.parent().unwrap_or(Path::new("/"));
    let mut stream = connect(folder, until)?;

    let mut out = BytesMut::new();
    frame::write(&mut out, Type::Report, |p| {
        p.put_u32(file.secret.len() as u32);
        p.put_slice(file.secret.as_bytes());
        p.put_slice(payload);
    });
    let mut rest = &out[..];
    while !rest.is_empty() {
        stream.set_write_timeout(Some(remaining(until)?))?;
        let n = stream.write(rest)?;
        rest = &rest[n..];
    }
    answer(&mut stream, until)
}

fn answer(stream: &mut UnixStream, until: Instant) -> Result<(), HookError> {
    let mut decoder = Decoder::default();
    let mut buffer = [0; 512];
    loop {
        let frame = decoder.next_frame().map_err(io::Error::other)?;
        match frame {
            Some((Type::Reported, _)) => return Ok(()),
            Some((Type::Error, text)) => {
                return Err(HookError::Refused(
                    String::from_utf8_lossy(&text).into_owned(),
                ));
            }
            Some(_) => {}
            None => {
                stream.set_read_timeout(Some(remaining(until)?))?;
                let n = stream.read(&mut buffer)?;
                if n == 0 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                decoder.buffer().put_slice(&buffer[..n]);
            }
        }
    }
}

/// The rest of the time; at least a millisecond, because zero would mean forever.
fn remaining(until: Instant) -> io::Result<Duration> {
    let rest = until.saturating_duration_since(Instant::now());
    if rest < Duration::from_millis(1) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(rest)
}

fn connect(folder: &Path, until: Instant) -> io::Result<UnixStream> {
    let folder = open_folder(folder)?;
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Also bounds the wait for a place in the listener's queue.
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(remaining(until)?))?;
    rustix::net::connect(&socket, &address(&folder)?)?;
    Ok(UnixStream::from(socket))
}

/// The address of the socket in a folder, through the folder's descriptor, because an address has
/// room for only 108 bytes.
pub(crate) fn address(folder: &impl AsRawFd) -> io::Result<SocketAddrUnix> {
    let path = format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd());
    Ok(SocketAddrUnix::new(path)?)
}

/// A handle on a session's folder.
pub(crate) fn open_folder(dir: &Path) -> io::Result<rustix::fd::OwnedFd> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(dir, flags, Mode::empty())?)
}
