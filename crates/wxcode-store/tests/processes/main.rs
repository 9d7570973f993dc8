//! Tests of the embedded store with processes: killed, concurrent, and on a full disk.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod child;
mod crash;
mod disk;
