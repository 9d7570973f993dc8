//! Types into a session through the socket of its holder, as a hostile tool of an agent would.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use bytes::{BufMut as _, BytesMut};
use wxcode_protocol::holder::{
    Hello,
    frame::{self, Decoder, Type},
};

/// How long the holder may take for its answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Says hello, types the text, and prints the holder's answers: `taken`, or the refusal.
pub(crate) fn type_into(socket: &str, text: &str) -> io::Result<u8> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut out = BytesMut::new();
    frame::write_json(&mut out, Type::Hello, &Hello::ours());
    frame::write(&mut out, Type::Input, |payload| {
        payload.put_u64(1);
        payload.put_slice(text.as_bytes());
    });
    stream.write_all(&out)?;
    let mut decoder = Decoder::default();
    let mut buffer = [0; 4_096];
    loop {
        match decoder.next_frame().map_err(io::Error::other)? {
            Some((Type::InputTaken, _)) => {
                println!("taken");
                return Ok(0);
            }
            Some((Type::Error | Type::InputRefused, reason)) => {
                println!("refused: {}", String::from_utf8_lossy(&reason));
                return Ok(1);
            }
            Some(_) => {}
            None => match stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => decoder.buffer().put_slice(&buffer[..n]),
            },
        }
    }
}
