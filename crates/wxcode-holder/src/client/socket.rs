//! A socket as two sides. They wake for arriving data, and for room only after a lack of room.
//!
//! A stream of tokio wakes each time the other end reads, because there may be room again: an
//! additional wake for each key. Tokio's pipes wake for a single side, and read from any
//! descriptor.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
};

use bytes::{Buf, BytesMut};
use rustix::{
    io::Errno,
    net::{SendFlags, send},
};
use tokio::{io::AsyncReadExt, net::unix::pipe};

/// Bytes per read.
const READ: usize = 16 << 10; // 16 KiB

/// The reading side.
#[derive(Debug)]
pub(super) struct Reader(pipe::Receiver);

/// The writing side.
#[derive(Debug)]
pub(super) struct Writer(OwnedFd);

/// The two sides of a connection on a non-blocking socket.
pub(super) fn split(socket: UnixStream) -> io::Result<(Reader, Writer)> {
    let writer = Writer(socket.try_clone()?.into());
    let reader = Reader(pipe::Receiver::from_owned_fd_unchecked(socket.into())?);
    Ok((reader, writer))
}

impl Reader {
    /// Appends arrived bytes; 0 at the end. Cancel-safe.
    pub(super) async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        buffer.reserve(READ);
        self.0.read_buf(buffer).await
    }
}

impl Writer {
    /// Writes all of `bytes`, removing written bytes. Cancel-safe.
    pub(super) async fn write(&mut self, bytes: &mut BytesMut) -> io::Result<()> {
        while !self.begin(bytes)? {
            self.room().await?;
        }
        Ok(())
    }

    /// Writes as much of `bytes` as there is room for, and removes the written part from `bytes`;
    /// returns whether everything was written.
    pub(super) fn begin(&self, bytes: &mut BytesMut) -> io::Result<bool> {
        while !bytes.is_empty() {
            match send(&self.0, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes.advance(n),
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    async fn room(&self) -> io::Result<()> {
        // Registered for a single wait; existing room wakes immediately.
        let socket = pipe::Sender::from_owned_fd_unchecked(self.0.try_clone()?)?;
        socket.writable().await
    }
}
