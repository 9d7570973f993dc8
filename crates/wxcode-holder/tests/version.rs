//! A client of another version of the protocol.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use support::Session;
use wxcode_protocol::{
    BUILD,
    holder::{
        Hello, PROTOCOL,
        frame::{Decoder, Type, write_json},
    },
};

#[tokio::test]
async fn a_client_of_a_newer_protocol_is_refused_by_name() {
    let session = Session::shell("read -r _").await;
    let mut socket = UnixStream::connect(session.dir.join("holder.sock")).unwrap();
    let mut hello = bytes::BytesMut::new();
    let newer = Hello {
        protocol_min: PROTOCOL + 1,
        protocol_max: PROTOCOL + 1,
        build: "wxcode 9.9.9".to_owned(),
    };
    write_json(&mut hello, Type::Hello, &newer);
    socket.write_all(&hello).unwrap();
    // The holder closes the connection after its answer, and keeps running.
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let mut decoder = Decoder::default();
    decoder.buffer().extend_from_slice(&answer);
    let (kind, payload) = decoder.next_frame().unwrap().unwrap();
    let text = String::from_utf8(payload.to_vec()).unwrap();
    assert_eq!(kind, Type::Error);
    for word in [BUILD, "wxcode 9.9.9", "another protocol"] {
        assert!(text.contains(word), "{text}");
    }
    assert_eq!(session.connect().await.welcome.protocol, PROTOCOL);
}
