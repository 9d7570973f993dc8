//! Drivers of the end-to-end tests.

mod agent;
mod attached;
mod events;
mod front_proxy;
mod namespaces;
mod outage;
mod process;
mod proxy;
mod server;
mod socket;
mod systemd;
mod wire;

pub(crate) use agent::{Agent, real};
pub(crate) use attached::Attached;
pub(crate) use events::{Events, Told};
pub(crate) use front_proxy::FrontProxy;
pub(crate) use namespaces::Namespaces;
pub(crate) use outage::Outage;
pub(crate) use process::{is_alive, is_stopped, kill, make_fifo, parent_of};
pub(crate) use proxy::{Frame, Proxy, Stop};
pub(crate) use server::{Answer, LOOK, PATIENCE, Server, TOKEN, eventually, holder_program};
pub(crate) use socket::Socket;
pub(crate) use systemd::{Systemd, USER};
pub(crate) use wire::{Wire, drawn};
