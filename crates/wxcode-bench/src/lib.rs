//! What the harness and the agent that it measures with have in common: the orders and the text.

pub mod order;
pub mod text;
