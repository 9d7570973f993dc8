//! Records what a holder of an older build says.

use std::{
    fs,
    io::{Read, Write},
    os::{fd::AsRawFd, unix::net::UnixStream},
    path::Path,
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;

use super::{
    KEYS, TEXT,
    double::{Exchange, Frame, Recording, code, encoded, take_frame},
};
use crate::support::{Agent, Server};

/// With nothing said for this long the holder has said all: this is a tool, and nobody waits for it.
const SILENCE: Duration = Duration::from_millis(1_500);

/// Asks, and hears what is said to it.
fn exchange(socket: &mut UnixStream, asked: Frame) -> Exchange {
    socket.write_all(&encoded(&asked)).unwrap();
    socket.set_read_timeout(Some(SILENCE)).unwrap();
    let (mut buffer, mut said) = (BytesMut::new(), Vec::new());
    let mut chunk = [0; 65_536];
    while let Ok(n @ 1..) = socket.read(&mut chunk) {
        buffer.put_slice(&chunk[..n]);
        while let Some(frame) = take_frame(&mut buffer) {
            said.push(frame);
        }
    }
    assert!(buffer.is_empty(), "half a frame");
    Exchange { asked, said }
}

fn payload(fill: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut bytes = BytesMut::new();
    fill(&mut bytes);
    bytes.freeze()
}

fn input(number: u64, keys: &str) -> Frame {
    let payload = payload(|p| {
        p.put_u64(number);
        p.put_slice(keys.as_bytes());
    });
    (code::INPUT, payload)
}

#[tokio::test]
#[ignore = "writes a fixture, with a program of an older build in WXCODE_OLD_PROGRAM"]
async fn what_a_holder_of_an_older_build_says_is_recorded() {
    let old = std::env::var_os("WXCODE_OLD_PROGRAM").expect("WXCODE_OLD_PROGRAM");
    let mut server = Server::start(Agent::fake("")).await;
    server.terminate().await;
    server.program = vec![old];
    server.up().await;
    let project = server.project("recorded").await;
    server.start_session(&project).await;
    let idle = |session: &Value| session["agent_state"] == "idle";
    server.session_until(&project, "idle", idle).await;
    server.crash().await;

    let dir = server.session_dirs().remove(0);
    let to = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/fixtures/holder-1");
    fs::create_dir_all(&to).unwrap();
    let own = |text: &str| anonymous(&server, text);
    for name in ["spec.json", "holder.json"] {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        fs::write(to.join(name), own(&text)).unwrap();
    }
    let folder = fs::File::open(&dir).unwrap();
    let path = format!("/proc/self/fd/{}/holder.sock", folder.as_raw_fd());
    let mut socket = UnixStream::connect(path).unwrap();
    let hello = br#"{"protocol_min":1,"protocol_max":1,"build":"a recorder"}"#;
    let screen = |number: u64| (code::SCREEN, payload(|p| p.put_u64(number)));
    let deliver = payload(|p| {
        p.put_u32(3);
        p.put_slice(b"key");
        p.put_slice(format!("\x1b[200~{TEXT}\x1b[201~").as_bytes());
    });
    let asked = [
        (code::HELLO, Bytes::from_static(hello)),
        (code::EVENTS, payload(|p| p.put_u64(0))),
        (code::ATTACH, payload(|p| p.put_u32(0))),
        (code::IDENTIFY, Bytes::from_static(&[7; 16])),
        (code::INFO, Bytes::new()),
        screen(1),
        (code::DELIVER, deliver),
        screen(2),
        input(1, "\r"),
        screen(3),
        input(2, KEYS),
        screen(4),
        (code::STOP, payload(|p| p.put_u64(1_000))),
    ];
    let mut exchanges = asked.map(|asked| exchange(&mut socket, asked));
    for (code, payload) in exchanges.iter_mut().flat_map(|exchange| &mut exchange.said) {
        if *code == code::HOOK {
            let text = String::from_utf8(payload.split_off(HOOK_HEADER).to_vec()).unwrap();
            *payload = [&payload[..], own(&text).as_bytes()].concat().into();
        }
    }
    let holder: Value = serde_json::from_slice(&fs::read(to.join("holder.json")).unwrap()).unwrap();
    let about = format!(
        "A session with the fake agent, recorded of a holder of {}.",
        holder["build"]
    );
    fs::write(
        to.join("conversation"),
        Recording::write(&exchanges, &about),
    )
    .unwrap();
}

/// The number, the lineage and the process before a hook's payload.
const HOOK_HEADER: usize = 12;

/// With other names for what is where it was recorded.
fn anonymous(server: &Server, text: &str) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let places = [
        (server.agent.claude.to_str().unwrap(), "/usr/bin/claude"),
        (server.data_dir().to_str().unwrap(), "/home/user/.wxcode"),
        (server.agent.home.path().to_str().unwrap(), "/home/user"),
        (boot.trim(), "00000000-0000-0000-0000-000000000000"),
    ];
    let mut text = text.to_owned();
    for (place, name) in places {
        // Claude Code's folders of projects are named after their paths.
        let dashes = |path: &str| path.replace(['/', '.', '_'], "-");
        text = text
            .replace(place, name)
            .replace(&dashes(place), &dashes(name));
    }
    text
}
