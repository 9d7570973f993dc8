//! Orders and text shared by the harness and its agent.

pub mod order;
pub mod text;
