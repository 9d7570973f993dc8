//! The binary protocol: frames unchanged, with the client's credit.

use std::collections::VecDeque;

use axum::extract::ws::Message;
use bytes::Bytes;

use super::received::Received;
use wxcode_protocol::Output;
use wxcode_protocol::websocket::{CREDIT, ClientFrame, DecodeError, ServerFrame};

/// Frames counted together, in bytes: a bound on the number of entries.
const ACCOUNT: usize = 16 << 10; // 16 KiB

/// Unacknowledged frames on the way to a client.
#[derive(Default)]
pub(super) struct Binary {
    /// Output on its way: the offset that acknowledges a piece, and the number of its bytes.
    sent: VecDeque<(u64, usize)>,
    unacknowledged: usize,
}

impl Binary {
    pub(super) fn receive(&mut self, message: Bytes) -> Received {
        match ClientFrame::decode(message) {
            Ok(Some(ClientFrame::Ack(offset))) => {
                self.acknowledged(offset);
                Received::Nothing
            }
            Ok(Some(frame)) => Received::Frame(frame),
            Ok(None) => Received::Nothing,
            Err(error) => {
                let code = match error {
                    DecodeError::TooLarge(_) => "TOO_LARGE",
                    DecodeError::Empty | DecodeError::Malformed(_) => "VALIDATION",
                };
                Received::Refused(code, error.to_string())
            }
        }
    }

    pub(super) fn send(&mut self, frame: &ServerFrame) -> Message {
        match frame {
            ServerFrame::Output(Output::Snapshot { offset, bytes, .. }) => {
                self.sent(*offset, bytes.len())
            }
            ServerFrame::Output(Output::Output { offset, bytes }) => {
                self.sent(offset + bytes.len() as u64, bytes.len());
            }
            _ => {}
        }
        Message::Binary(frame.encode())
    }

    pub(super) fn has_credit(&self) -> bool {
        self.unacknowledged < CREDIT
    }

    fn sent(&mut self, end: u64, len: usize) {
        self.unacknowledged += len;
        match self.sent.back_mut() {
            Some((last, bytes)) if *bytes + len <= ACCOUNT => {
                *last = end;
                *bytes += len;
            }
            _ => self.sent.push_back((end, len)),
        }
    }

    fn acknowledged(&mut self, offset: u64) {
        while let Some((end, len)) = self.sent.front().copied()
            && end <= offset
        {
            self.unacknowledged -= len;
            self.sent.pop_front();
        }
        if self.sent.is_empty() {
            self.sent = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(offset: u64, len: usize) -> ServerFrame {
        ServerFrame::Output(Output::Output {
            offset,
            bytes: Bytes::from(vec![b'x'; len]),
        })
    }

    #[test]
    fn acknowledgements_return_credit() {
        let mut binary = Binary::default();
        let mut offset = 0;
        while binary.has_credit() {
            binary.send(&output(offset, 32 << 10));
            offset += 32 << 10;
        }
        assert_eq!(offset as usize, CREDIT);
        binary.receive(ClientFrame::Ack(1).encode());
        assert!(!binary.has_credit(), "nothing whole is acknowledged");
        binary.receive(ClientFrame::Ack(64 << 10).encode());
        assert!(binary.has_credit());
        assert_eq!(binary.unacknowledged, CREDIT - (64 << 10));
        binary.receive(ClientFrame::Ack(u64::MAX).encode());
        assert_eq!((binary.unacknowledged, binary.sent.len()), (0, 0));
    }

    #[test]
    fn small_frames_share_an_account() {
        let mut binary = Binary::default();
        for offset in 0..CREDIT as u64 {
            binary.send(&output(offset, 1));
        }
        assert!(!binary.has_credit());
        assert_eq!(binary.sent.len(), CREDIT / ACCOUNT);
    }

    #[test]
    fn snapshots_are_acknowledged_by_offset() {
        let mut binary = Binary::default();
        binary.send(&ServerFrame::Output(Output::Snapshot {
            offset: 10,
            size: wxcode_terminal::Size::new(80, 24).unwrap(),
            bytes: Bytes::from(vec![b'x'; 2 * CREDIT]),
        }));
        assert!(!binary.has_credit());
        binary.receive(ClientFrame::Ack(10).encode());
        assert!(binary.has_credit());
    }
}
