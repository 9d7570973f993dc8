//! A small D-Bus client: calls systemd and waits for its jobs.
//!
//! Written from the D-Bus specification, version 0.41: "Message Protocol" and "Authentication
//! Protocol".

mod value;

pub(crate) use value::Writer;

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use value::{Body, Reader};

/// Largest message read, in bytes.
const MESSAGE_MAX: usize = 64 << 10; // 64 KiB
/// The beginning of a message, in bytes.
const HEAD: usize = 16;
/// Longest line of the authentication, in bytes.
const LINE_MAX: u64 = 4 << 10; // 4 KiB

/// Why a call to systemd failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BusError {
    /// The bus does not answer, or not in time.
    #[error("the bus does not answer: {0}")]
    Io(#[from] io::Error),
    /// An invalid message.
    #[error("malformed message from the bus ({0})")]
    Malformed(&'static str),
    /// The bus, or systemd, refuses.
    #[error("{name}: {message}")]
    Refused {
        /// The error's name.
        name: String,
        /// The error's text.
        message: String,
    },
    /// The bus is outside of this container. Outside, our pids mean other processes.
    #[error("the bus belongs to another PID namespace")]
    Outside,
}

/// A connection to a bus.
pub(crate) struct Bus {
    stream: BufReader<UnixStream>,
    serial: u32,
    until: Instant,
    /// Signals from the time of waiting for an answer.
    signals: Vec<Message>,
}

/// A method call without its body.
pub(crate) struct Call<'a> {
    pub(crate) destination: &'a str,
    pub(crate) path: &'a str,
    pub(crate) interface: &'a str,
    pub(crate) member: &'a str,
    pub(crate) signature: &'a str,
}

/// A received message.
#[derive(Debug)]
pub(crate) struct Message {
    kind: u8,
    pub(crate) member: String,
    error: String,
    reply_to: u32,
    signature: String,
    body: Body,
}

/// A method of the bus itself.
pub(crate) const fn of_the_bus<'a>(member: &'a str, signature: &'a str) -> Call<'a> {
    Call {
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
        member,
        signature,
    }
}

const RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

impl Bus {
    /// Connects to the bus at a socket. All work on the connection takes at most `timeout`.
    pub(crate) fn connect(socket: &Path, timeout: Duration) -> Result<Self, BusError> {
        let stream = UnixStream::connect(socket)?;
        let mut bus = Self {
            stream: BufReader::new(stream),
            serial: 0,
            until: Instant::now() + timeout,
            signals: Vec::new(),
        };
        bus.authenticate()?;
        let hello = bus.call(&of_the_bus("Hello", ""), Writer::default())?;
        let mut own = Writer::default();
        own.text(&hello.reader().text()?);
        let pid = bus.call(&of_the_bus("GetConnectionUnixProcessID", "s"), own)?;
        // With another pid, systemd would move another process.
        match pid.reader().number()? == std::process::id() {
            true => Ok(bus),
            false => Err(BusError::Outside),
        }
    }

    fn authenticate(&mut self) -> Result<(), BusError> {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let hex: String = uid.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.send(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
        self.limit()?;
        let mut line = String::new();
        (&mut self.stream).take(LINE_MAX).read_line(&mut line)?;
        if !line.starts_with("OK ") {
            return Err(BusError::Malformed("no OK to the authentication"));
        }
        self.send(b"BEGIN\r\n")
    }

    /// Calls a method and returns its answer.
    pub(crate) fn call(&mut self, call: &Call<'_>, body: Writer) -> Result<Message, BusError> {
        self.serial += 1;
        let serial = self.serial;
        self.send(&encode(call, serial, &body.0))?;
        loop {
            let message = self.receive()?;
            match message.kind {
                SIGNAL => self.signals.push(message),
                RETURN if message.reply_to == serial => return Ok(message),
                ERROR if message.reply_to == serial => {
                    let text = match message.signature.starts_with('s') {
                        true => message.reader().text()?,
                        false => String::new(),
                    };
                    return Err(BusError::Refused {
                        name: message.error,
                        message: text,
                    });
                }
                _ => {}
            }
        }
    }

    /// The next signal.
    pub(crate) fn signal(&mut self) -> Result<Message, BusError> {
        if !self.signals.is_empty() {
            return Ok(self.signals.remove(0));
        }
        loop {
            let message = self.receive()?;
            if message.kind == SIGNAL {
                return Ok(message);
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), BusError> {
        self.limit()?;
        self.stream.get_mut().write_all(bytes)?;
        Ok(())
    }

    fn receive(&mut self) -> Result<Message, BusError> {
        self.limit()?;
        let mut head = [0; HEAD];
        self.stream.read_exact(&mut head)?;
        let head = Head::read(&head)?;
        let mut rest = vec![0; head.rest()];
        self.limit()?;
        self.stream.read_exact(&mut rest)?;
        Message::read(&head, rest)
    }

    /// Limits the next read or write to the rest of the time.
    fn limit(&self) -> io::Result<()> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let stream = self.stream.get_ref();
        stream.set_read_timeout(Some(left))?;
        stream.set_write_timeout(Some(left))
    }
}

/// The beginning of a message: its byte order, its kind, and the lengths of its parts.
struct Head {
    big_endian: bool,
    kind: u8,
    fields: usize,
    body: usize,
}

impl Head {
    fn read(head: &[u8; HEAD]) -> Result<Self, BusError> {
        let big_endian = match head[0] {
            b'l' => false,
            b'B' => true,
            _ => return Err(BusError::Malformed("its byte order")),
        };
        let number = |at: usize| -> usize {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            let number = match big_endian {
                true => u32::from_be_bytes(bytes),
                false => u32::from_le_bytes(bytes),
            };
            number as usize
        };
        let (body, fields) = (number(4), number(12));
        if body > MESSAGE_MAX || fields > MESSAGE_MAX {
            return Err(BusError::Malformed("too long"));
        }
        Ok(Self {
            big_endian,
            kind: head[1],
            fields,
            body,
        })
    }

    /// The length of the rest of the message.
    const fn rest(&self) -> usize {
        self.fields.next_multiple_of(8) + self.body
    }
}

/// Reads the messages of a stream up to its end or its first error, and each message's body as a
/// text and as a number: for the fuzz target.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_all(mut stream: &[u8]) -> (usize, BusError) {
    let mut messages = 0;
    let read = |stream: &mut &[u8]| -> Result<(), BusError> {
        let mut head = [0; HEAD];
        stream.read_exact(&mut head)?;
        let head = Head::read(&head)?;
        let mut rest = vec![0; head.rest()];
        stream.read_exact(&mut rest)?;
        let message = Message::read(&head, rest)?;
        let _ = message.reader().text();
        let _ = message.reader().number();
        Ok(())
    };
    loop {
        match read(&mut stream) {
            Ok(()) => messages += 1,
            Err(error) => return (messages, error),
        }
    }
}

impl Message {
    /// Reads the fields and the body behind a head; the bytes have the length that the head names.
    fn read(head: &Head, mut rest: Vec<u8>) -> Result<Self, BusError> {
        let body = rest.split_off(head.fields.next_multiple_of(8));
        rest.truncate(head.fields);
        let mut message = Self {
            kind: head.kind,
            member: String::new(),
            error: String::new(),
            reply_to: 0,
            signature: String::new(),
            body: Body {
                bytes: body,
                big_endian: head.big_endian,
            },
        };
        let fields = Body {
            bytes: rest,
            big_endian: head.big_endian,
        };
        let mut fields = Reader {
            body: &fields,
            at: 0,
        };
        while !fields.is_at_end() {
            fields.align(8);
            let code = fields.byte()?;
            let signature = fields.signature()?;
            match (code, signature.as_str()) {
                (3, "s") => message.member = fields.text()?,
                (4, "s") => message.error = fields.text()?,
                (5, "u") => message.reply_to = fields.number()?,
                (8, "g") => message.signature = fields.signature()?,
                (_, "s" | "o") => drop(fields.text()?),
                (_, "g") => drop(fields.signature()?),
                (_, "u") => drop(fields.number()?),
                _ => return Err(BusError::Malformed("a header")),
            }
        }
        Ok(message)
    }

    /// Reads the body.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader {
            body: &self.body,
            at: 0,
        }
    }
}

fn encode(call: &Call<'_>, serial: u32, body: &[u8]) -> Vec<u8> {
    let mut fields = Writer::default();
    let texts = [
        (1, "o", call.path),
        (2, "s", call.interface),
        (3, "s", call.member),
        (6, "s", call.destination),
    ];
    for (code, signature, text) in texts {
        fields.align(8).byte(code).signature(signature).text(text);
    }
    if !call.signature.is_empty() {
        fields
            .align(8)
            .byte(8)
            .signature("g")
            .signature(call.signature);
    }
    let mut message = Writer::default();
    // Little-endian, a method call, no flags, version 1.
    message.byte(b'l').byte(1).byte(0).byte(1);
    message
        .number(body.len() as u32)
        .number(serial)
        .number(fields.0.len() as u32);
    message.0.extend_from_slice(&fields.0);
    message.align(8);
    message.0.extend_from_slice(body);
    message.0
}
