//! The embedded store among processes: killed ones, many at once, and ones on a disk that gives out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod child;
mod crash;
mod disk;
