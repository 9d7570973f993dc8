//! The embedded store: an SQLite file in the data folder, readable by any SQLite tool.

mod access;
mod columns;
mod conversation;
mod delivery;
mod failure;
mod identity;
mod lease;
mod link;
mod milestone;
mod node;
mod notice;
mod open;
mod project;
mod queue;
mod schema;
mod store;
mod workers;

pub use self::{open::OpenError, store::SqliteStore};
