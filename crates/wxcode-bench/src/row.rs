//! The rows of the table: a module for each row.

mod adoption;
mod attach;
mod capture;
mod client_memory;
mod engine;
mod holder_memory;
mod hook;
pub(crate) mod hostile;
mod key;
mod mirror;
mod session_memory;
mod stalled;
mod store;
mod throughput;
mod transcript;

use std::fmt;

use crate::Bench;

/// Measures a row, or a row and its variants.
type Measure = fn(&Bench) -> anyhow::Result<Vec<Row>>;

/// All rows, by name, in the order of the table.
pub(crate) const ROWS: [(&str, Measure); 16] = [
    ("engine", engine::measure),
    ("hostile", hostile::measure),
    ("throughput", throughput::measure),
    ("echo", key::idle),
    ("load", key::beside_load),
    ("holder", holder_memory::measure),
    ("session", session_memory::measure),
    ("client", client_memory::measure),
    ("attach", attach::measure),
    ("stalled", stalled::measure),
    ("adoption", adoption::measure),
    ("hook", hook::measure),
    ("capture", capture::measure),
    ("store", store::measure),
    ("mirror", mirror::measure),
    ("transcript", transcript::measure),
];

/// A line of the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) target: String,
    /// Whether the target is reached; `None` without a target.
    pub(crate) reached: Option<bool>,
    pub(crate) measured: String,
    /// Absolute values, of the limit and of wxcode.
    pub(crate) numbers: String,
}

/// The row as a line of a Markdown table.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missed = if self.reached == Some(false) {
            " (missed)"
        } else {
            ""
        };
        write!(
            f,
            "| {} | {} | **{}**{missed} | <sub>{}</sub> |",
            self.what, self.target, self.measured, self.numbers
        )
    }
}
