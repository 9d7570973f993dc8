//! Filters pasted text by the rule of deliveries. Line ends become carriage returns, as terminals
//! paste them.

use wxcode_claude::prompt::typeable;

/// Filters the text of a paste, which arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The first bytes of a character.
    unfinished: Vec<u8>,
    after_cr: bool,
}

impl Text {
    /// Appends the piece to `out`, without control characters and invalid UTF-8.
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut whole = std::mem::take(&mut self.unfinished);
        whole.extend_from_slice(bytes);
        let mut rest = whole.as_slice();
        loop {
            let (text, bad) = match std::str::from_utf8(rest) {
                Ok(text) => return self.write(text, out),
                Err(error) => {
                    let (text, bad) = rest.split_at(error.valid_up_to());
                    let text = std::str::from_utf8(text).unwrap_or_default();
                    let Some(len) = error.error_len() else {
                        self.write(text, out);
                        self.unfinished = bad.to_vec();
                        return;
                    };
                    (text, &bad[len..])
                }
            };
            self.write(text, out);
            rest = bad;
        }
    }

    fn write(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        // CR LF is one line end, also when it arrives in two pieces.
        let goes_on = std::mem::replace(&mut self.after_cr, text.ends_with('\r'));
        let text = text.strip_prefix('\n').filter(|_| goes_on).unwrap_or(text);
        out.extend_from_slice(typeable(text).replace('\n', "\r").as_bytes());
    }
}
