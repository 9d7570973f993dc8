//! wxcode from outside: the real program, over HTTP and WebSocket, with a fake agent and with the real Claude Code.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod access;
mod answer;
mod api;
mod attach;
mod clock;
mod damage;
mod deletion;
mod delivery;
mod doctor;
mod ending;
mod events;
mod identity;
mod metrics;
mod milestone;
mod mishap;
mod model;
mod mongodb;
mod page;
mod planning;
mod pressure;
mod real;
mod reboot;
mod recording;
mod resources;
mod run;
mod service;
mod session;
mod start;
mod support;
mod survival;
mod terminal;
mod upgrade;
mod waiting_texts;
mod wire;
mod workspaces;
