//! Messages of the terminal's binary protocol, of both sides: refused, skipped, or equal after a
//! round trip.

use bytes::Bytes;
use wxcode_protocol::Output;
use wxcode_protocol::websocket::{ClientFrame, DecodeError, HISTORY_MAX, INPUT_MAX, ServerFrame};

/// Runs one input as a client's message, and as a server's.
pub fn run(data: &[u8]) {
    let message = Bytes::copy_from_slice(data);
    client(&message);
    server(&message);
}

fn client(message: &Bytes) {
    let decoded = ClientFrame::decode(message.clone());
    assert_eq!(decoded == Err(DecodeError::Empty), message.is_empty());
    let Ok(Some(frame)) = decoded else { return };
    match &frame {
        ClientFrame::Input { bytes, .. } => assert!(bytes.len() <= INPUT_MAX),
        ClientFrame::Redraw { history } => assert!(*history <= HISTORY_MAX),
        _ => {}
    }
    let again = frame.encode();
    assert!(message.starts_with(&again), "{frame:?}");
    assert_eq!(ClientFrame::decode(again), Ok(Some(frame)));
}

fn server(message: &Bytes) {
    let Ok(Some(frame)) = ServerFrame::decode(message.clone()) else {
        return;
    };
    let again = frame.encode();
    let json = matches!(
        frame,
        ServerFrame::Status(_)
            | ServerFrame::Output(Output::Exited(_))
            | ServerFrame::Output(Output::Error { .. })
            | ServerFrame::Report(_)
    );
    assert!(json || message.starts_with(&again), "{frame:?}");
    // Numbers with a fraction may change in JSON: reports are not compared.
    if !matches!(frame, ServerFrame::Report(_)) {
        assert_eq!(ServerFrame::decode(again), Ok(Some(frame)));
    }
}
