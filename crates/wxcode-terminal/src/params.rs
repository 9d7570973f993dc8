//! The parameters of a control sequence, within the limits of xterm.js.

/// Numbers separated by `;`, each with sub-numbers separated by `:`.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    values: Vec<i32>,
    /// All sub-numbers; -1 is an empty sub-number.
    subs: Vec<i32>,
    /// For each value, the end of the value's sub-numbers in `subs`.
    sub_ends: Vec<usize>,
    reject_digits: bool,
    reject_sub_digits: bool,
    digit_is_sub: bool,
}

impl Params {
    /// Most numbers, and most sub-numbers, of a sequence; later numbers are ignored.
    const MAX: usize = 32;

    pub(crate) fn new() -> Self {
        Self {
            values: vec![0],
            subs: Vec::new(),
            sub_ends: vec![0],
            reject_digits: false,
            reject_sub_digits: false,
            digit_is_sub: false,
        }
    }

    /// A placeholder without memory.
    pub(crate) fn empty() -> Self {
        Self {
            values: Vec::new(),
            subs: Vec::new(),
            sub_ends: Vec::new(),
            reject_digits: false,
            reject_sub_digits: false,
            digit_is_sub: false,
        }
    }

    /// Resets to a single 0.
    pub(crate) fn reset(&mut self) {
        self.values.clear();
        self.values.push(0);
        self.subs.clear();
        self.sub_ends.clear();
        self.sub_ends.push(0);
        self.reject_digits = false;
        self.reject_sub_digits = false;
        self.digit_is_sub = false;
    }

    /// Takes a digit, `;` or `:`.
    pub(crate) fn put(&mut self, byte: u8) {
        match byte {
            b';' => {
                self.digit_is_sub = false;
                if self.values.len() >= Self::MAX {
                    self.reject_digits = true;
                } else {
                    self.values.push(0);
                    self.sub_ends.push(self.subs.len());
                }
            }
            b':' => {
                self.digit_is_sub = true;
                if self.reject_digits || self.subs.len() >= Self::MAX {
                    self.reject_sub_digits = true;
                } else {
                    self.subs.push(-1);
                    if let Some(end) = self.sub_ends.last_mut() {
                        *end = self.subs.len();
                    }
                }
            }
            _ => self.digit(i32::from(byte.wrapping_sub(b'0') & 0xF)),
        }
    }

    fn digit(&mut self, digit: i32) {
        if self.reject_digits || self.digit_is_sub && self.reject_sub_digits {
            return;
        }
        let store = if self.digit_is_sub {
            &mut self.subs
        } else {
            &mut self.values
        };
        if let Some(value) = store.last_mut() {
            *value = if *value == -1 {
                digit
            } else {
                value.saturating_mul(10).saturating_add(digit)
            };
        }
    }

    /// The number of values; at least one.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The number at `index`; 0 for a missing number.
    pub(crate) fn get(&self, index: usize) -> i32 {
        self.values.get(index).copied().unwrap_or(0)
    }

    /// The number at `index` as a count: 1 for a missing number or 0.
    pub(crate) fn count(&self, index: usize) -> usize {
        self.get(index).max(1) as usize
    }

    /// The numbers.
    pub(crate) fn values(&self) -> &[i32] {
        &self.values
    }

    /// The sub-numbers of the number at `index`.
    pub(crate) fn subs(&self, index: usize) -> &[i32] {
        let end = self.sub_ends.get(index).copied().unwrap_or(0);
        let start = match index.checked_sub(1) {
            Some(before) => self.sub_ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        self.subs.get(start..end).unwrap_or_default()
    }

    /// Writes parameters from which a parser reaches the same state.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (i, value) in self.values.iter().enumerate() {
            if i > 0 {
                out.push(b';');
            }
            out.extend_from_slice(value.to_string().as_bytes());
            for sub in self.subs(i) {
                out.push(b':');
                if *sub >= 0 {
                    out.extend_from_slice(sub.to_string().as_bytes());
                }
            }
        }
        if self.reject_digits {
            out.push(b';');
        }
        if self.reject_sub_digits {
            out.push(b':');
            if !self.digit_is_sub && !self.reject_digits && self.values.len() < Self::MAX {
                out.push(b';');
            }
        }
    }
}
