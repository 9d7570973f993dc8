//! What the tests drive wxcode with.

mod agent;
mod attached;
mod events;
mod process;
mod server;
mod socket;
mod wire;

pub(crate) use agent::{Agent, real};
pub(crate) use attached::Attached;
pub(crate) use events::{Events, Told};
pub(crate) use process::{is_alive, kill, parent_of};
pub(crate) use server::{Answer, Server, eventually};
pub(crate) use socket::Socket;
pub(crate) use wire::{Wire, drawn};
