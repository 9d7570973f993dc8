//! Reads the fields of a payload: big-endian numbers, and bytes with their length before them.

use bytes::{Buf, Bytes};

use crate::{Modes, Size};

/// A payload without the layout of its type.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}; the other side speaks another protocol, so run the same wxcode on both")]
pub struct Malformed(pub &'static str);

/// The unread rest of a payload.
pub(crate) struct Fields {
    rest: Bytes,
    what: &'static str,
}

impl Fields {
    pub(crate) fn new(payload: Bytes, what: &'static str) -> Self {
        Self {
            rest: payload,
            what,
        }
    }

    pub(crate) fn malformed(&self) -> Malformed {
        Malformed(self.what)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.rest.try_get_u8().map_err(|_| Malformed(self.what))
    }

    /// A flag: 0 or 1, nothing else.
    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.malformed()),
        }
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.rest.try_get_u16().map_err(|_| Malformed(self.what))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.rest.try_get_u32().map_err(|_| Malformed(self.what))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.rest.try_get_u64().map_err(|_| Malformed(self.what))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        self.rest
            .try_copy_to_slice(&mut array)
            .map_err(|_| Malformed(self.what))?;
        Ok(array)
    }

    pub(crate) fn size(&mut self) -> Result<Size, Malformed> {
        let (cols, rows) = (self.u16()?, self.u16()?);
        Size::new(cols, rows).ok_or(Malformed(self.what))
    }

    pub(crate) fn modes(&mut self) -> Result<Modes, Malformed> {
        Ok(modes_from(self.u16()?))
    }

    /// Bytes with their length (u32) before them.
    pub(crate) fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let len = self.u32()? as usize;
        if len > self.rest.len() {
            return Err(self.malformed());
        }
        Ok(self.rest.split_to(len))
    }

    /// Text with its length (u32) before it.
    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| self.malformed())
    }

    /// The whole rest.
    pub(crate) fn rest(self) -> Bytes {
        self.rest
    }

    /// The whole rest, as text.
    pub(crate) fn rest_text(self) -> Result<String, Malformed> {
        let what = self.what;
        String::from_utf8(self.rest.to_vec()).map_err(|_| Malformed(what))
    }

    /// The whole rest, as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, Malformed> {
        serde_json::from_slice(&self.rest).map_err(|_| Malformed(self.what))
    }
}

/// The modes as bits, the first field the lowest.
pub(crate) fn modes_bits(modes: Modes) -> u16 {
    [
        modes.bracketed_paste,
        modes.alternate_screen,
        modes.mouse,
        modes.focus,
        modes.synchronized,
        modes.cursor_visible,
        modes.application_cursor,
        modes.application_keypad,
    ]
    .iter()
    .enumerate()
    .fold(0, |bits, (n, on)| bits | u16::from(*on) << n)
}

fn modes_from(bits: u16) -> Modes {
    let on = |n: u16| bits & (1 << n) != 0;
    Modes {
        bracketed_paste: on(0),
        alternate_screen: on(1),
        mouse: on(2),
        focus: on(3),
        synchronized: on(4),
        cursor_visible: on(5),
        application_cursor: on(6),
        application_keypad: on(7),
    }
}
