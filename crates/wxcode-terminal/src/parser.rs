//! Turns bytes into characters, controls and sequences, with the states of the VT500 parser.

mod unfinished;

use crate::params::Params;

/// The parser's position within a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ground,
    Escape,
    EscapeIntermediate,
    CsiEntry,
    CsiParam,
    CsiIntermediate,
    CsiIgnore,
    /// SOS, PM and APC: swallowed.
    Swallow,
    Osc,
    DcsEntry,
    DcsParam,
    DcsIntermediate,
    DcsIgnore,
    DcsPass,
}

/// The result of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Nothing complete, and the run of text continues.
    None,
    /// A printable character.
    Print,
    /// A control character.
    Execute,
    /// A control sequence with this final byte.
    Csi(u8),
    /// An escape sequence with this final byte.
    Esc(u8),
    /// An operating system command; `false` for a cancelled command.
    Osc(bool),
    /// A device control string; `false` for a cancelled string.
    Dcs(bool),
}

/// The parser with the unfinished sequence.
#[derive(Debug)]
pub(crate) struct Parser {
    pub(crate) state: State,
    pub(crate) params: Params,
    /// The prefix and intermediates, oldest first; a sequence with more than three is ignored.
    collect: [u8; 3],
    collected: usize,
    /// The text of the operating system command, with the command's number.
    string: String,
    /// Whether the text exceeded its bound.
    string_over: bool,
    /// The final byte of the device control string under way.
    dcs_final: u8,
    /// Whether the string is DECRQSS (`DCS $ q`), the only supported device control string.
    dcs_is_request: bool,
    /// The bytes of an incomplete character.
    partial: [u8; 4],
    partial_len: usize,
}

impl Parser {
    /// Most bytes of an operating system command or device control string; a longer string is
    /// ignored.
    pub(crate) const MAX_STRING: usize = 64 << 10; // 64 KiB

    pub(crate) fn new() -> Self {
        Self {
            state: State::Ground,
            params: Params::new(),
            collect: [0; 3],
            collected: 0,
            string: String::new(),
            string_over: false,
            dcs_final: 0,
            dcs_is_request: false,
            partial: [0; 4],
            partial_len: 0,
        }
    }

    /// The prefix and intermediates of the finished sequence.
    pub(crate) fn collected(&self) -> &[u8] {
        self.collect.get(..self.collected).unwrap_or(b"????")
    }

    /// The text of the finished command, unless too long.
    pub(crate) fn take_string(&mut self) -> Option<String> {
        let text = std::mem::take(&mut self.string);
        (!self.string_over).then_some(text)
    }

    /// Whether the finished device control string is DECRQSS.
    pub(crate) fn is_status_request(&self) -> bool {
        self.dcs_is_request
    }

    /// Whether a character is incomplete.
    pub(crate) fn is_within_character(&self) -> bool {
        self.partial_len > 0
    }

    /// Takes a byte of a character beyond ASCII, or a byte that breaks such a character. Returns
    /// the complete character, and whether the byte has to be taken again.
    pub(crate) fn decode(&mut self, byte: u8) -> (Option<u32>, bool) {
        if self.partial_len == 0 {
            if (0xC0..0xF8).contains(&byte) {
                self.partial[0] = byte;
                self.partial_len = 1;
            }
            return (None, false);
        }
        if byte & 0xC0 != 0x80 {
            self.partial_len = 0;
            return (None, true);
        }
        self.partial[self.partial_len & 3] = byte;
        self.partial_len += 1;
        let lead = self.partial[0];
        let wanted = match lead {
            0xC0..0xE0 => 2,
            0xE0..0xF0 => 3,
            _ => 4,
        };
        if self.partial_len < wanted {
            return (None, false);
        }
        self.partial_len = 0;
        let mask = 0x7F >> wanted;
        let code = self.partial[1..wanted]
            .iter()
            .fold(u32::from(lead & mask), |code, b| {
                code << 6 | u32::from(b & 0x3F)
            });
        let shortest = [0, 0, 0x80, 0x800, 0x1_0000][wanted];
        let legal = code >= shortest && code != 0xFEFF && char::from_u32(code).is_some();
        (legal.then_some(code), false)
    }

    /// Reads a control sequence after its `CSI` in one go, if the sequence is complete and has
    /// neither intermediates nor anything unusual. Returns the sequence's length with the final
    /// byte.
    pub(crate) fn whole_csi(&mut self, bytes: &[u8]) -> Option<usize> {
        let prefixed = matches!(bytes.first(), Some(b'<'..=b'?'));
        let start = usize::from(prefixed);
        let length = bytes
            .iter()
            .skip(start)
            .position(|b| !(0x30..=0x3B).contains(b))?
            + start;
        if !matches!(bytes.get(length), Some(0x40..=0x7E)) {
            return None;
        }
        self.enter(State::CsiEntry);
        for byte in bytes.get(..start)? {
            self.gather(*byte, State::CsiParam);
        }
        bytes
            .get(start..length)?
            .iter()
            .for_each(|byte| self.params.put(*byte));
        self.state = State::Ground;
        Some(length + 1)
    }

    /// Takes a code outside of text; in [`State::Ground`] the caller prints the text.
    pub(crate) fn step(&mut self, code: u32) -> Event {
        let byte = u8::try_from(code).unwrap_or(0xFF);
        // C1 controls come as characters of two bytes.
        match code {
            0x1B => return self.escape(),
            0x18 | 0x1A => return self.cancel(),
            0x9C => return self.terminate(),
            0x90 => return self.enter(State::DcsEntry),
            0x9B => return self.enter(State::CsiEntry),
            0x9D => return self.start_string(),
            0x98 | 0x9E | 0x9F => return self.enter(State::Swallow),
            0x80..0xA0 => {
                self.state = State::Ground;
                return Event::Execute;
            }
            _ => {}
        }
        let executable = code < 0x20;
        if code >= 0xA0 {
            return self.beyond_ascii(code);
        }
        match self.state {
            State::Ground => {
                return if executable {
                    Event::Execute
                } else {
                    Event::Print
                };
            }
            State::Swallow | State::DcsIgnore => return Event::None,
            State::Osc => {
                if byte == 0x07 {
                    self.state = State::Ground;
                    return Event::Osc(true);
                }
                if !executable {
                    self.put(code);
                }
                return Event::None;
            }
            State::DcsPass => {
                if byte != 0x7F {
                    self.put(code);
                }
                return Event::None;
            }
            State::DcsEntry | State::DcsParam | State::DcsIntermediate if executable => {
                return Event::None;
            }
            _ if executable => return Event::Execute,
            _ if byte == 0x7F => return Event::None,
            _ => {}
        }
        match (self.state, byte) {
            (State::Escape, b'[') => self.enter(State::CsiEntry),
            (State::Escape, b']') => self.start_string(),
            (State::Escape, b'P') => self.enter(State::DcsEntry),
            (State::Escape, b'X' | b'^' | b'_') => self.enter(State::Swallow),
            (State::Escape | State::EscapeIntermediate, 0x20..=0x2F) => {
                self.gather(byte, State::EscapeIntermediate)
            }
            (State::Escape | State::EscapeIntermediate, _) => {
                self.state = State::Ground;
                Event::Esc(byte)
            }
            (State::CsiIgnore, 0x40..) => {
                self.state = State::Ground;
                Event::None
            }
            (State::CsiIgnore, _) => Event::None,
            (State::CsiEntry | State::CsiParam | State::CsiIntermediate, 0x40..) => {
                self.state = State::Ground;
                Event::Csi(byte)
            }
            (State::DcsEntry | State::DcsParam | State::DcsIntermediate, 0x40..) => {
                self.state = State::DcsPass;
                self.dcs_final = byte;
                self.dcs_is_request = byte == b'q' && self.collected() == b"$";
                self.string.clear();
                self.string_over = false;
                Event::None
            }
            (State::CsiEntry | State::CsiParam | State::CsiIntermediate, 0x20..=0x2F) => {
                self.gather(byte, State::CsiIntermediate)
            }
            (_, 0x20..=0x2F) => self.gather(byte, State::DcsIntermediate),
            (State::CsiEntry | State::CsiParam, 0x30..=0x3B) => {
                self.params.put(byte);
                self.state = State::CsiParam;
                Event::None
            }
            (State::DcsEntry | State::DcsParam, 0x30..=0x3B) => {
                self.params.put(byte);
                self.state = State::DcsParam;
                Event::None
            }
            (State::CsiEntry, _) => self.gather(byte, State::CsiParam),
            (State::DcsEntry, _) => self.gather(byte, State::DcsParam),
            (State::CsiParam | State::CsiIntermediate, _) => {
                self.state = State::CsiIgnore;
                Event::None
            }
            (_, _) => {
                self.state = State::DcsIgnore;
                Event::None
            }
        }
    }

    /// A character beyond ASCII: text of a string, ignored, or the end of a malformed sequence.
    fn beyond_ascii(&mut self, code: u32) -> Event {
        match self.state {
            State::Ground => return Event::Print,
            State::Osc | State::DcsPass => self.put(code),
            State::CsiIgnore | State::DcsIgnore => {}
            _ => self.state = State::Ground,
        }
        Event::None
    }

    fn escape(&mut self) -> Event {
        let before = self.state;
        self.enter(State::Escape);
        match before {
            State::Osc => Event::Osc(true),
            State::DcsPass => Event::Dcs(true),
            _ => Event::None,
        }
    }

    fn cancel(&mut self) -> Event {
        let before = self.state;
        self.state = State::Ground;
        match before {
            State::Osc => Event::Osc(false),
            State::DcsPass => Event::Dcs(false),
            _ => Event::Execute,
        }
    }

    fn terminate(&mut self) -> Event {
        let before = self.state;
        self.state = State::Ground;
        match before {
            State::Osc => Event::Osc(true),
            State::DcsPass => Event::Dcs(true),
            _ => Event::None,
        }
    }

    fn enter(&mut self, state: State) -> Event {
        self.state = state;
        if state != State::Swallow {
            self.params.reset();
        }
        self.collected = 0;
        Event::None
    }

    fn start_string(&mut self) -> Event {
        self.state = State::Osc;
        self.string.clear();
        self.string_over = false;
        Event::None
    }

    fn gather(&mut self, byte: u8, state: State) -> Event {
        if let Some(slot) = self.collect.get_mut(self.collected) {
            *slot = byte;
        }
        // The maximum plus one stands for "too many".
        self.collected = (self.collected + 1).min(self.collect.len() + 1);
        self.state = state;
        Event::None
    }

    fn put(&mut self, code: u32) {
        if let Some(c) = char::from_u32(code).filter(|_| !self.string_over) {
            self.string.push(c);
            if self.string.len() > Self::MAX_STRING {
                self.string_over = true;
                self.string = String::new();
            }
        }
    }
}
