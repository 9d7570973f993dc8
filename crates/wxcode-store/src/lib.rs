//! The `Store` trait, its promises, and its embedded form. The trait is split by resource: each
//! module has a trait with the operations on the module's records.
//!
//! A change behind a promise is a single conditional operation, and the answer names the winner.
//! The conformance suite (module `conformance`, behind the feature of the same name) knows the
//! trait alone.
//!
//! Invariant: only this crate and `wxcode-store-mongodb` touch a database.

// These macros panic if standard output is closed.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod access;
mod change;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod conversation;
pub mod copy;
mod delivery;
mod error;
mod identity;
pub mod kept;
mod lease;
mod listing;
mod milestone;
mod node;
mod notice;
mod project;
pub mod search;
pub mod sqlite;

use async_trait::async_trait;

pub use self::{
    access::{AUDIT_MAX, AccessStore, CREDENTIALS_MAX},
    change::{Change, ChangeStore},
    conversation::{CopyFile, CopyStore, PIECE_MAX, READ_MAX},
    delivery::{
        Command, DeliveryStore, Edit, Edited, NewDelivery, Next, NextQuery, QUEUE_MAX, Queued,
        Step, moved,
    },
    error::{Result, StoreError},
    identity::{IdentityStore, Reclaimed, Rotated, Rotation},
    lease::{LeaseStore, Swapped},
    listing::{Listing, PAGE_MAX, Page},
    milestone::{Added, MilestoneEdit, MilestoneEdited, MilestoneStore, Moved, Removed},
    node::{NODE_KEY, NODES_MAX, NodeStore},
    notice::{NOTICES_MAX, NoticeStore, TARGETS_MAX},
    project::{ProjectPatch, ProjectRecords, ProjectStore},
};

/// The records of all projects. Each operation is atomic, and durable when it returns `Ok`. If a
/// caller stops waiting, the operation may still happen, as a whole.
///
/// Times are kept to the millisecond, see [`wxcode_core::time::to_millis`]. People and the workflow
/// move `updated_at`; the book-keeping of conversations and deliveries does not.
#[async_trait]
pub trait Store:
    ProjectStore
    + IdentityStore
    + MilestoneStore
    + DeliveryStore
    + LeaseStore
    + AccessStore
    + CopyStore
    + NoticeStore
    + NodeStore
    + ChangeStore
    + Send
    + Sync
    + 'static
{
    /// Checks that the store answers.
    async fn ping(&self) -> Result<()>;
    /// Adds projects of another store, each with all its records, unchanged and in their order.
    /// Projects that the store has stay as they are. A project appears with all its records or not
    /// at all. Nobody else may change these projects meanwhile; within a project, ids, elements and
    /// keys are unique.
    async fn restore_projects(&self, all: Vec<ProjectRecords>) -> Result<()>;
}
