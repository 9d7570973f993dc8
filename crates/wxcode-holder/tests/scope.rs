//! A scope refused by systemd: the session starts without a scope, and reports the reason.
//!
//! The whole program is tested with a real systemd; the bus here misbehaves.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    thread,
};

use support::*;
use wxcode_holder::folder::{Limits, Scope, Scoped};

/// The bus's answer to a method.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Systemd reports the unit as started without starting it.
    Lies,
    /// Systemd refuses.
    Refuses,
    /// The job fails.
    Fails,
    /// The caller has another pid for the bus.
    IsOutside,
    /// The bus takes calls and never answers.
    IsSilent,
    /// The socket is no bus.
    Babbles,
    /// The bus announces a message beyond the bound.
    Floods,
}

const JOB: &str = "/org/freedesktop/systemd1/job/7";

/// A bus for a single connection.
fn bus(socket: &Path, manner: Manner) {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        // The holder disconnects after its last necessary call.
        let _ = serve(stream, manner);
    });
}

fn serve(stream: UnixStream, manner: Manner) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut input = BufReader::new(stream);
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    assert!(line.starts_with(b"\0AUTH EXTERNAL "), "{line:?}");
    if manner == Manner::Babbles {
        return out.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    }
    out.write_all(b"OK 0123456789abcdef\r\n")?;
    line.clear();
    input.read_until(b'\n', &mut line)?;
    assert_eq!(line, b"BEGIN\r\n");
    loop {
        let mut head = [0; 16];
        input.read_exact(&mut head)?;
        let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let (body, serial, fields) = (number(4), number(8), number(12));
        let mut rest = vec![0; (fields.next_multiple_of(8) + body) as usize];
        input.read_exact(&mut rest)?;
        let text = String::from_utf8_lossy(&rest).into_owned();
        if manner == Manner::IsSilent {
            continue;
        }
        if manner == Manner::Floods {
            let mut head = vec![b'l', 2, 1, 1];
            head.extend((1_u32 << 30).to_le_bytes());
            head.extend([0; 8]);
            out.write_all(&head)?;
            continue;
        }
        let answer = |signature: &str, body: &[u8]| message(2, Some(serial), "", signature, body);
        if text.contains("Hello") {
            out.write_all(&answer("s", &string(":1.7")))?;
        } else if text.contains("GetConnectionUnixProcessID") {
            let peer = rustix::net::sockopt::socket_peercred(&out)?;
            let other = u32::from(manner == Manner::IsOutside);
            let pid = peer.pid.as_raw_nonzero().get().cast_unsigned() + other;
            out.write_all(&answer("u", &pid.to_le_bytes()))?;
        } else if !text.contains("StartTransientUnit") {
            out.write_all(&answer("", &[]))?;
        } else if manner == Manner::Refuses {
            let error = message(
                3,
                Some(serial),
                "org.example.Denied",
                "s",
                &string("not for you"),
            );
            out.write_all(&error)?;
        } else {
            let result = if manner == Manner::Fails {
                "failed"
            } else {
                "done"
            };
            let mut removed = 7_u32.to_le_bytes().to_vec();
            for part in [JOB, "x.scope", result] {
                removed.resize(removed.len().next_multiple_of(4), 0);
                removed.extend(string(part));
            }
            // A quick job may end before the answer that names it.
            out.write_all(&message(4, None, "JobRemoved", "uoss", &removed))?;
            out.write_all(&answer("o", &string(JOB)))?;
        }
    }
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = u32::try_from(text.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes.push(0);
    bytes
}

/// A message by the D-Bus specification; `name` is an error's name or a signal's member.
fn message(kind: u8, reply_to: Option<u32>, name: &str, signature: &str, body: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut field = |code: u8, of: &str, value: &[u8]| {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([code, 1, of.as_bytes()[0], 0]);
        fields.extend(value);
    };
    if let Some(serial) = reply_to {
        field(5, "u", &serial.to_le_bytes());
    }
    if !name.is_empty() {
        field(if kind == 3 { 4 } else { 3 }, "s", &string(name));
    }
    let mut of_body = vec![u8::try_from(signature.len()).unwrap()];
    of_body.extend(signature.as_bytes());
    of_body.push(0);
    field(8, "g", &of_body);
    let mut message = vec![b'l', kind, 1, 1];
    message.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    message.extend(9_u32.to_le_bytes());
    message.extend(u32::try_from(fields.len()).unwrap().to_le_bytes());
    message.extend(&fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend(body);
    message
}

/// Starts a session with a request for a scope to the bus at `socket`; returns the reason of the
/// refusal.
async fn refused(socket: &Path) -> String {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("session");
    let mut spec = spec(&["/bin/sh", "-c", "echo on; read -r x"], tmp.path());
    spec.scope = Some(Scope {
        bus: socket.to_owned(),
        unit: "wxcode-test.scope".into(),
        description: "a test".into(),
        limits: Limits::default(),
    });
    let file = try_start(&dir, &spec).await.unwrap();
    let session = Session { tmp, dir, file };
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    match session.file.scope.clone() {
        Some(Scoped::Refused { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_starts_without_its_scope_and_says_why() {
    let cases = [
        (Manner::Lies, "not moved"),
        (Manner::Refuses, "org.example.Denied: not for you"),
        (Manner::Fails, "failed"),
        (Manner::IsOutside, "another PID namespace"),
        (Manner::IsSilent, "does not answer"),
        (Manner::Babbles, "malformed"),
        (Manner::Floods, "too long"),
    ];
    for (manner, expected) in cases {
        let tmp = tempfile::tempdir().unwrap();
        let socket = tmp.path().join("bus");
        bus(&socket, manner);
        let reason = refused(&socket).await;
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[tokio::test]
async fn a_missing_bus_is_named() {
    let tmp = tempfile::tempdir().unwrap();
    let reason = refused(&tmp.path().join("bus")).await;
    assert!(reason.contains("does not answer"), "{reason}");
}
