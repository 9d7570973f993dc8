//! wxcode from outside: the real program, over HTTP and WebSocket, with a fake agent and with the real Claude Code.

mod access;
mod api;
mod delivery;
mod milestone;
mod mishap;
mod page;
mod real;
mod session;
mod support;
mod survival;
mod terminal;
