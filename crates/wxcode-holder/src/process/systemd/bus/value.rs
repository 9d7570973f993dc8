//! Values of D-Bus messages.

use super::BusError;

/// Encodes values, each at its alignment.
#[derive(Default)]
pub(crate) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(crate) fn align(&mut self, to: usize) -> &mut Self {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
        self
    }

    pub(super) fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    pub(crate) fn number(&mut self, number: u32) -> &mut Self {
        self.align(4);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(crate) fn long(&mut self, number: u64) -> &mut Self {
        self.align(8);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u32);
        self.0.extend_from_slice(text.as_bytes());
        self.byte(0)
    }

    pub(crate) fn signature(&mut self, signature: &str) -> &mut Self {
        self.byte(signature.len() as u8);
        self.0.extend_from_slice(signature.as_bytes());
        self.byte(0)
    }

    /// An array of the values written by `fill`, each at a multiple of `alignment`.
    pub(crate) fn array(&mut self, alignment: usize, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.number(0);
        let length_at = self.0.len() - 4;
        self.align(alignment);
        let begin = self.0.len();
        fill(self);
        let length = (self.0.len() - begin) as u32;
        self.0[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
        self
    }
}

/// Values, and the order of their bytes.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) big_endian: bool,
}

/// Decodes values.
pub(crate) struct Reader<'a> {
    pub(super) body: &'a Body,
    pub(super) at: usize,
}

impl Reader<'_> {
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.body.bytes.len()
    }

    pub(super) fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, len: usize) -> Result<&[u8], BusError> {
        let end = self.at.saturating_add(len);
        let bytes = self.body.bytes.get(self.at..end);
        self.at = end;
        bytes.ok_or(BusError::Malformed("truncated"))
    }

    pub(super) fn byte(&mut self) -> Result<u8, BusError> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn number(&mut self) -> Result<u32, BusError> {
        self.align(4);
        let big_endian = self.body.big_endian;
        let bytes = self.take(4)?;
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        Ok(match big_endian {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        })
    }

    pub(crate) fn text(&mut self) -> Result<String, BusError> {
        let len = self.number()? as usize;
        let text = String::from_utf8_lossy(self.take(len)?).into_owned();
        self.take(1)?;
        Ok(text)
    }

    pub(super) fn signature(&mut self) -> Result<String, BusError> {
        let len = self.byte()?.into();
        let text = String::from_utf8_lossy(self.take(len)?).into_owned();
        self.take(1)?;
        Ok(text)
    }
}
