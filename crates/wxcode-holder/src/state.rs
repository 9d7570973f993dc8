//! The state for a holder's successor program: named, versioned, bounded and checked.
//!
//! [`MAGIC`], `u16` format, `u16` zero, `u64` length of the rest, `u32` CRC-32C of the rest, then
//! sections: four letters, `u32` length, payload; numbers are big-endian. A reader skips an unknown
//! section with a small first letter, and rejects the state for an unknown section with a capital.
//! The sections of format 1:
//!
//! - `FACT`: the JSON of [`Facts`]; unknown fields are ignored.
//! - `SCRN`: `u8` length of a name, the name of the screen's format, and the screen in this format.
//!   [`SCREEN_FORMAT`] is a snapshot for a freshly reset terminal.
//! - `RING`: the newest output; its last byte precedes the offset `end` of the facts.
//! - `TYPE`: the bytes waiting to be typed, each as long as the facts say, and the screen's replies
//!   after them.
//! - `KEYS`: the keys of the newest deliveries, the oldest first, each after its `u32` length.

mod facts;
mod format;

use bytes::{Buf, BufMut};
use wxcode_terminal::{Screen, Terminal};

pub use facts::{Change, Client, Facts, Kind, Pasting, Report, Sizing, Typing, Waiting, Wish};
pub use format::{FORMAT, MAX_STATE, SCREEN_FORMAT, StateError};

use wxcode_protocol::holder::frame::MAX_KEY;

/// The first bytes of a state.
pub const MAGIC: &[u8; 8] = b"wxstate\0";
/// Most bytes of the screen's history; older rows stay behind.
pub const HISTORY_MAX: usize = 32 << 20; // 32 MiB
/// Most keys: the newest keys.
pub const MAX_KEYS: usize = 65_536;

/// Magic, format, zero, length and checksum.
const HEADER: usize = 8 + 2 + 2 + 8 + 4;
/// The letters of a section and its length.
const SECTION: usize = 8;

/// The state of a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The small facts.
    pub facts: Facts,
    /// The snapshot of the screen, with the whole history.
    pub screen: Vec<u8>,
    /// The newest output.
    pub ring: Vec<u8>,
    /// Waiting input: the messages, as long as the facts say, and the screen's replies after them.
    pub typing: Vec<u8>,
    /// The keys of the newest deliveries, the oldest first.
    pub keys: Vec<String>,
}

impl State {
    /// Encodes the state.
    ///
    /// # Errors
    /// The state is beyond [`MAX_STATE`].
    pub fn encode(&self) -> Result<Vec<u8>, StateError> {
        // Numbers and text: their serialisation into memory cannot fail.
        let facts = serde_json::to_vec(&self.facts).unwrap_or_default();
        let keys: usize = self.keys.iter().map(|key| 4 + key.len()).sum();
        let screen = 1 + SCREEN_FORMAT.len() + self.screen.len();
        let lengths = [
            facts.len(),
            screen,
            self.ring.len(),
            self.typing.len(),
            keys,
        ];
        let length = HEADER + lengths.iter().map(|len| SECTION + len).sum::<usize>();
        if length > MAX_STATE {
            return Err(StateError::TooLarge(length));
        }
        let mut out = Vec::with_capacity(length);
        out.put_slice(MAGIC);
        out.put_u16(FORMAT);
        out.put_u16(0);
        out.put_u64((length - HEADER) as u64);
        out.put_u32(0);
        put_section(&mut out, b"FACT", &[&facts]);
        let name = SCREEN_FORMAT.as_bytes();
        put_section(
            &mut out,
            b"SCRN",
            &[&[name.len() as u8], name, &self.screen],
        );
        put_section(&mut out, b"RING", &[&self.ring]);
        put_section(&mut out, b"TYPE", &[&self.typing]);
        let mut list = Vec::with_capacity(keys);
        for key in &self.keys {
            list.put_u32(key.len() as u32);
            list.put_slice(key.as_bytes());
        }
        put_section(&mut out, b"KEYS", &[&list]);
        let checksum = crc32c::crc32c(&out[HEADER..]);
        out[HEADER - 4..HEADER].copy_from_slice(&checksum.to_be_bytes());
        Ok(out)
    }

    /// Decodes a state.
    ///
    /// # Errors
    /// The bytes are no state, or the state is of a newer format, damaged, or contradicts itself.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        Self::sections(body(bytes)?)
    }

    /// The keys of an otherwise unusable state, so that no delivery is typed again; none without a
    /// whole list of keys.
    #[must_use]
    pub fn keys_in(bytes: &[u8]) -> Vec<String> {
        let mut rest = body(bytes).unwrap_or_default();
        while let Some((letters, after)) = rest.split_first_chunk::<4>() {
            rest = after;
            match take(&mut rest) {
                Ok(payload) if letters == b"KEYS" => return keys_of(payload).unwrap_or_default(),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        Vec::new()
    }

    fn sections(mut rest: &[u8]) -> Result<Self, StateError> {
        let mut facts = None;
        let (mut screen, mut ring, mut typing, mut keys) = (None, None, None, None);
        while !rest.is_empty() {
            let letters: [u8; 4] = *rest.first_chunk().ok_or(StateError::Damaged)?;
            rest.advance(letters.len());
            let payload = take(&mut rest)?;
            match &letters {
                b"FACT" => {
                    let read = serde_json::from_slice::<Facts>(payload);
                    facts = Some(read.map_err(|_| StateError::Impossible("unreadable facts"))?);
                }
                b"SCRN" => screen = Some(screen_of(payload)?),
                b"RING" => ring = Some(payload),
                b"TYPE" => typing = Some(payload),
                b"KEYS" => keys = Some(keys_of(payload)?),
                [first, ..] if first.is_ascii_lowercase() => {}
                _ => {
                    let name = String::from_utf8_lossy(&letters).into_owned();
                    return Err(StateError::Section(name));
                }
            }
        }
        let missing = StateError::Impossible("a section is missing");
        let (Some(facts), Some(screen), Some(ring), Some(typing), Some(keys)) =
            (facts, screen, ring, typing, keys)
        else {
            return Err(missing);
        };
        let state = Self {
            facts,
            screen: screen.to_vec(),
            ring: ring.to_vec(),
            typing: typing.to_vec(),
            keys,
        };
        facts::check(&state.facts, state.ring.len(), state.typing.len())?;
        Ok(state)
    }

    /// The terminal with the screen.
    #[must_use]
    pub fn terminal(&self) -> Terminal {
        let mut terminal = Terminal::new(self.facts.sizes.now);
        terminal.feed(&self.screen, &mut Vec::new());
        terminal
    }

    /// Encodes a screen.
    #[must_use]
    pub fn screen_of(terminal: &Terminal) -> Vec<u8> {
        terminal.snapshot_with_history(HISTORY_MAX)
    }
}

/// The body after the header of a sound state of a known format.
fn body(bytes: &[u8]) -> Result<&[u8], StateError> {
    if bytes.len() > MAX_STATE {
        return Err(StateError::TooLarge(bytes.len()));
    }
    let mut rest = bytes.strip_prefix(MAGIC).ok_or(StateError::Unknown)?;
    let format = rest.try_get_u16().map_err(|_| StateError::Damaged)?;
    if format == 0 || format > FORMAT {
        return Err(StateError::Newer(format));
    }
    rest.try_get_u16().map_err(|_| StateError::Damaged)?;
    let length = rest.try_get_u64().map_err(|_| StateError::Damaged)?;
    let checksum = rest.try_get_u32().map_err(|_| StateError::Damaged)?;
    match rest.len() as u64 == length && crc32c::crc32c(rest) == checksum {
        true => Ok(rest),
        false => Err(StateError::Damaged),
    }
}

fn put_section(out: &mut Vec<u8>, letters: &[u8; 4], parts: &[&[u8]]) {
    out.put_slice(letters);
    out.put_u32(parts.iter().map(|part| part.len()).sum::<usize>() as u32);
    for part in parts {
        out.put_slice(part);
    }
}

/// A `u32` length and this many bytes.
fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], StateError> {
    let len = rest.try_get_u32().map_err(|_| StateError::Damaged)? as usize;
    let (taken, after) = rest.split_at_checked(len).ok_or(StateError::Damaged)?;
    *rest = after;
    Ok(taken)
}

fn screen_of(payload: &[u8]) -> Result<&[u8], StateError> {
    let (len, rest) = payload.split_first().ok_or(StateError::Damaged)?;
    let (name, screen) = rest
        .split_at_checked(usize::from(*len))
        .ok_or(StateError::Damaged)?;
    match name == SCREEN_FORMAT.as_bytes() {
        true => Ok(screen),
        false => Err(StateError::ScreenFormat(
            String::from_utf8_lossy(name).into_owned(),
        )),
    }
}

fn keys_of(mut payload: &[u8]) -> Result<Vec<String>, StateError> {
    let mut keys = Vec::new();
    while !payload.is_empty() {
        let key = take(&mut payload)?;
        if keys.len() == MAX_KEYS || key.len() > MAX_KEY {
            return Err(StateError::Impossible("too many or too long keys"));
        }
        let key =
            std::str::from_utf8(key).map_err(|_| StateError::Impossible("a key is not UTF-8"))?;
        keys.push(key.to_owned());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests;
