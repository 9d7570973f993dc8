//! Frames to send: the newest of each kind, then inputs.

use wxcode_protocol::{Signal, Size, websocket::ClientFrame};

use super::inputs::Inputs;

/// Frames for the connection: bounded, however slow the connection is.
#[derive(Debug)]
pub(super) struct Outgoing {
    resize: Option<Size>,
    drive: bool,
    signal: Option<Signal>,
    /// Bytes of history.
    redraw: Option<u32>,
    ack: Option<u64>,
    pub(super) inputs: Inputs,
}

impl Outgoing {
    pub(super) fn new() -> Self {
        Self {
            resize: None,
            drive: false,
            signal: None,
            redraw: None,
            ack: None,
            inputs: Inputs::new(),
        }
    }

    /// The window has this size.
    pub(super) fn resize(&mut self, size: Size) {
        self.resize = Some(size);
    }

    /// Asks the session to follow this client's window.
    pub(super) fn drive(&mut self) {
        self.drive = true;
    }

    /// Sends a signal to the program in the foreground.
    pub(super) fn signal(&mut self, signal: Signal) {
        self.signal = Some(signal);
    }

    /// Requests the whole screen with up to `history` bytes of history.
    pub(super) fn redraw(&mut self, history: u32) {
        self.redraw = Some(history);
    }

    /// Acknowledges the output up to this offset.
    pub(super) fn ack(&mut self, offset: u64) {
        self.ack = Some(offset);
    }

    /// Drops the frames for a lost connection, but not the inputs.
    pub(super) fn disconnected(&mut self) {
        let inputs = std::mem::replace(&mut self.inputs, Inputs::new());
        *self = Self::new();
        self.inputs = inputs;
    }

    pub(super) fn is_some(&self) -> bool {
        self.resize.is_some()
            || self.drive
            || self.signal.is_some()
            || self.redraw.is_some()
            || self.ack.is_some()
            || self.inputs.has_next()
    }

    /// The next frame for the server.
    pub(super) fn next(&mut self) -> Option<ClientFrame> {
        if let Some(size) = self.resize.take() {
            return Some(ClientFrame::Resize(size));
        }
        if std::mem::take(&mut self.drive) {
            return Some(ClientFrame::Drive);
        }
        if let Some(signal) = self.signal.take() {
            return Some(ClientFrame::Signal(signal));
        }
        if let Some(history) = self.redraw.take() {
            return Some(ClientFrame::Redraw { history });
        }
        if let Some(offset) = self.ack.take() {
            return Some(ClientFrame::Ack(offset));
        }
        self.inputs.next()
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
    fn the_newest_frame_of_each_kind_goes_once() {
        let mut outgoing = Outgoing::new();
        assert!(!outgoing.is_some());
        outgoing.inputs.push(Bytes::from_static(b"x")).unwrap();
        for n in 1..=100 {
            outgoing.resize(size(100, n));
            outgoing.ack(u64::from(n));
        }
        outgoing.redraw(0);
        outgoing.drive();
        let mut frames = Vec::new();
        while outgoing.is_some() {
            frames.push(outgoing.next().unwrap());
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
        assert_eq!(outgoing.next(), None);
    }

    #[test]
    fn only_inputs_outlive_a_connection() {
        let mut outgoing = Outgoing::new();
        outgoing.inputs.push(Bytes::from_static(b"x")).unwrap();
        outgoing.ack(9);
        outgoing.drive();
        outgoing.disconnected();
        assert!(matches!(outgoing.next(), Some(ClientFrame::Input { .. })));
        assert_eq!(outgoing.next(), None);
    }
}
