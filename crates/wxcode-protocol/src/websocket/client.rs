//! Messages of a client.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{DecodeError, HISTORY_MAX, INPUT_MAX, MalformedMessage};
use crate::{Signal, Size};

const INPUT: u8 = 4;
const RESIZE: u8 = 6;
const SIGNAL: u8 = 7;
const REDRAW: u8 = 12;
const ACK: u8 = 16;
const DRIVE: u8 = 17;
const PING: u8 = 18;

/// A message of a client.
///
/// ```
/// use bytes::Bytes;
/// use wxcode_protocol::websocket::ClientFrame;
///
/// let input = ClientFrame::Input { number: 1, bytes: Bytes::from_static(b"ls\r") };
/// let message = input.encode();
/// assert_eq!(message[0], 4, "the type");
/// assert_eq!(ClientFrame::decode(message)?, Some(input));
/// # Ok::<(), wxcode_protocol::websocket::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// Types bytes. Answered by `InputTaken` or `InputRefused`.
    Input {
        /// Counts up by one from 1.
        number: u64,
        /// At most [`INPUT_MAX`] bytes.
        bytes: Bytes,
    },
    /// The size of the client's window.
    Resize(Size),
    /// A signal to the program in the foreground.
    Signal(Signal),
    /// Requests a snapshot with up to this many bytes of history, at most [`HISTORY_MAX`].
    Redraw {
        /// The length in bytes.
        history: u32,
    },
    /// The client has parsed all output up to this offset.
    Ack(u64),
    /// Asks the session to follow this client's size.
    Drive,
    /// Asks for a sign of life. Answered by `Pong`. For clients without pings of their own, such as
    /// a browser's.
    Ping,
}

impl ClientFrame {
    /// Encodes the message: its type, then its payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(9);
        match self {
            Self::Input { number, bytes } => {
                out.reserve(9 + bytes.len());
                out.put_u8(INPUT);
                out.put_u64(*number);
                out.put_slice(bytes);
            }
            Self::Resize(size) => {
                out.put_u8(RESIZE);
                out.put_u16(size.cols);
                out.put_u16(size.rows);
            }
            Self::Signal(signal) => {
                out.put_u8(SIGNAL);
                out.put_u8(signal.code());
            }
            Self::Redraw { history } => {
                out.put_u8(REDRAW);
                out.put_u32(*history);
            }
            Self::Ack(offset) => {
                out.put_u8(ACK);
                out.put_u64(*offset);
            }
            Self::Drive => out.put_u8(DRIVE),
            Self::Ping => out.put_u8(PING),
        }
        out.freeze()
    }

    /// Decodes a message; `None` for an unknown type.
    ///
    /// # Errors
    /// The message is empty, does not have the layout of its type, or exceeds [`INPUT_MAX`] or
    /// [`HISTORY_MAX`].
    pub fn decode(mut message: Bytes) -> Result<Option<Self>, DecodeError> {
        let kind = message.try_get_u8().map_err(|_| DecodeError::Empty)?;
        let frame = match kind {
            INPUT => {
                let number = message
                    .try_get_u64()
                    .map_err(|_| MalformedMessage("Input"))?;
                if message.len() > INPUT_MAX {
                    return Err(DecodeError::TooLarge(message.len()));
                }
                let bytes = message.split_off(0);
                Self::Input { number, bytes }
            }
            RESIZE => {
                let wrong = MalformedMessage("Resize");
                let cols = message.try_get_u16().map_err(|_| wrong)?;
                let rows = message.try_get_u16().map_err(|_| wrong)?;
                Self::Resize(Size::new(cols, rows).ok_or(wrong)?)
            }
            SIGNAL => {
                let code = message
                    .try_get_u8()
                    .map_err(|_| MalformedMessage("Signal"))?;
                Self::Signal(Signal::from_code(code).ok_or(MalformedMessage("Signal"))?)
            }
            REDRAW => match message.try_get_u32() {
                Ok(history @ ..=HISTORY_MAX) => Self::Redraw { history },
                _ => return Err(MalformedMessage("Redraw").into()),
            },
            ACK => Self::Ack(message.try_get_u64().map_err(|_| MalformedMessage("Ack"))?),
            DRIVE => Self::Drive,
            PING => Self::Ping,
            _ => return Ok(None),
        };
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_round_trips() {
        let frames = [
            ClientFrame::Input {
                number: 7,
                bytes: Bytes::from_static(b"\x1b[200~a\x1b[201~"),
            },
            ClientFrame::Input {
                number: u64::MAX,
                bytes: Bytes::new(),
            },
            ClientFrame::Resize(Size::new(120, 40).unwrap()),
            ClientFrame::Signal(Signal::Interrupt),
            ClientFrame::Signal(Signal::Terminate),
            ClientFrame::Redraw { history: 40_960 },
            ClientFrame::Ack(1 << 40),
            ClientFrame::Drive,
            ClientFrame::Ping,
        ];
        for frame in frames {
            assert_eq!(ClientFrame::decode(frame.encode()), Ok(Some(frame)));
        }
    }

    #[test]
    fn the_layout_is_as_documented() {
        let input = ClientFrame::Input {
            number: 258,
            bytes: Bytes::from_static(b"hi"),
        };
        assert_eq!(&input.encode()[..], b"\x04\0\0\0\0\0\0\x01\x02hi");
        let resize = ClientFrame::Resize(Size::new(300, 40).unwrap());
        assert_eq!(&resize.encode()[..], b"\x06\x01\x2c\0\x28");
    }

    #[test]
    fn malformed_is_refused_and_unknown_skipped() {
        let decode = |bytes: &'static [u8]| ClientFrame::decode(Bytes::from_static(bytes));
        assert_eq!(decode(b""), Err(DecodeError::Empty));
        for bad in [
            b"\x04\0\0\0\0\0\0\0".as_slice(),
            b"\x06\0\x01\0\0",
            b"\x06\x01\xf5\0\x01",
            b"\x07\x09",
            b"\x0c\xff\xff\xff\xff",
            b"\x10\x01",
        ] {
            assert!(
                matches!(decode(bad), Err(DecodeError::Malformed(_))),
                "{bad:?}"
            );
        }
        assert_eq!(decode(b"\xff anything"), Ok(None));
        let mut large = vec![0; 9 + INPUT_MAX + 1];
        large[0] = INPUT;
        let large = ClientFrame::decode(large.into());
        assert_eq!(large, Err(DecodeError::TooLarge(INPUT_MAX + 1)));
    }
}
