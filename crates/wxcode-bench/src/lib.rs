//! What the harness and the agent that it measures with have in common: the orders and the text; and the slope of a series.

pub mod order;
pub mod slope;
pub mod text;
