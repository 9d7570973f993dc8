//! Readers of the outside's words, for the fuzz targets.

pub use crate::{
    http::fuzzing::{QUERIES, Refusal, front, id, query},
    terminal::fuzzing::{Taken, message},
};
