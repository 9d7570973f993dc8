//! The session manager, REST, WebSocket, auth and the embedded page.
