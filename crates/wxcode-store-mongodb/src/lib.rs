//! The shared store: projects in a MongoDB database, possibly shared with a first implementation.
//!
//! `docs/mongodb.md` describes the documents and the changes of several documents. In short: a
//! change of a single document is a conditional update. A change of several documents is first
//! written, whole, into the project's document (module `change`), and any process that finds the
//! change completes it.

// These macros panic if standard output is closed.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod access;
mod address;
mod attempt;
mod change;
mod conversation;
mod delivery;
mod failure;
mod feed;
mod fields;
mod identity;
mod index;
mod lease;
mod milestone;
mod node;
mod notice;
mod open;
mod project;
mod reading;
mod records;
mod repair;
mod restore;
mod settings;
mod store;
mod upkeep;
mod workspace;

pub use self::{
    address::{Address, AddressError},
    open::{Duplicates, OpenError},
    store::{MongoStore, PATIENCE},
};
