//! wxcode from outside: the real program, over HTTP and WebSocket, with a fake agent and with the real Claude Code.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod access;
mod api;
mod attach;
mod delivery;
mod events;
mod milestone;
mod mishap;
mod model;
mod mongodb;
mod page;
mod planning;
mod pressure;
mod real;
mod recording;
mod session;
mod support;
mod survival;
mod terminal;
mod wire;
