//! Pending requests to the server, the newest of each kind, sent before typed input.

use wxcode_protocol::websocket::ClientFrame;
use wxcode_terminal::Size;

use super::unsent::Unsent;

/// Pending requests: bounded, however slow the connection is.
#[derive(Debug)]
pub(crate) struct Owed {
    resize: Option<Size>,
    drive: bool,
    redraw: bool,
    ack: Option<u64>,
    pub(crate) unsent: Unsent,
}

impl Owed {
    pub(crate) fn new() -> Self {
        Self {
            resize: None,
            drive: false,
            redraw: false,
            ack: None,
            unsent: Unsent::new(),
        }
    }

    /// The window has this size.
    pub(crate) fn resize(&mut self, size: Size) {
        self.resize = Some(size);
    }

    /// The session shall follow this window.
    pub(crate) fn drive(&mut self) {
        self.drive = true;
    }

    /// Requests the whole screen.
    pub(crate) fn redraw(&mut self) {
        self.redraw = true;
    }

    /// Acknowledges all output up to this offset.
    pub(crate) fn ack(&mut self, offset: u64) {
        self.ack = Some(offset);
    }

    /// Drops the requests of a lost connection.
    pub(crate) fn disconnected(&mut self) {
        let unsent = std::mem::replace(&mut self.unsent, Unsent::new());
        *self = Self::new();
        self.unsent = unsent;
    }

    pub(crate) fn is_some(&self) -> bool {
        self.resize.is_some()
            || self.drive
            || self.redraw
            || self.ack.is_some()
            || self.unsent.has_next()
    }

    /// The next frame for the server.
    pub(crate) fn next(&mut self) -> Option<ClientFrame> {
        if let Some(size) = self.resize.take() {
            return Some(ClientFrame::Resize(size));
        }
        if std::mem::take(&mut self.drive) {
            return Some(ClientFrame::Drive);
        }
        if std::mem::take(&mut self.redraw) {
            return Some(ClientFrame::Redraw { history: 0 });
        }
        if let Some(offset) = self.ack.take() {
            return Some(ClientFrame::Ack(offset));
        }
        self.unsent.next()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn size(cols: u16, rows: u16) -> Size {
        Size::new(cols, rows).unwrap()
    }

    #[test]
    fn the_newest_request_goes_once() {
        let mut owed = Owed::new();
        assert!(!owed.is_some());
        owed.unsent.push(Bytes::from_static(b"x"));
        for n in 1..=100 {
            owed.resize(size(100, n));
            owed.ack(u64::from(n));
        }
        owed.redraw();
        owed.drive();
        let mut frames = Vec::new();
        while owed.is_some() {
            frames.push(owed.next().unwrap());
        }
        let number = 1;
        let bytes = Bytes::from_static(b"x");
        assert_eq!(
            frames,
            [
                ClientFrame::Resize(size(100, 100)),
                ClientFrame::Drive,
                ClientFrame::Redraw { history: 0 },
                ClientFrame::Ack(100),
                ClientFrame::Input { number, bytes },
            ]
        );
        assert_eq!(owed.next(), None);
    }

    #[test]
    fn only_typed_input_outlives_a_connection() {
        let mut owed = Owed::new();
        owed.unsent.push(Bytes::from_static(b"x"));
        owed.ack(9);
        owed.drive();
        owed.disconnected();
        assert!(matches!(owed.next(), Some(ClientFrame::Input { .. })));
        assert_eq!(owed.next(), None);
    }
}
