//! Parses the rows of the tables that list phases.

use super::{
    line::{self, PhaseLine, Text},
    word,
};
use crate::planning::markdown::cut;

/// Headers of a column, in lower case.
const STATUS: [&str; 10] = [
    "status",
    "state",
    "estado",
    "statut",
    "stato",
    "stand",
    "статус",
    "状态",
    "ステータス",
    "상태",
];
const NAME: [&str; 10] = [
    "name",
    "title",
    "titel",
    "nombre",
    "nome",
    "nom",
    "название",
    "名称",
    "名前",
    "이름",
];
const MILESTONE: [&str; 5] = ["milestone", "version", "meilenstein", "hito", "release"];
/// Headers that may stand before the column of the phases.
const BEFORE: [&str; 10] = [
    "", "#", "no", "no.", "nr", "nr.", "✓", "done", "order", "wave",
];

/// The columns of a table of phases.
#[derive(Debug)]
pub(super) struct Columns {
    phase: usize,
    /// A column with the bare number, where the phases' column has the names.
    number: Option<usize>,
    name: Option<usize>,
    status: Option<usize>,
    milestone: Option<usize>,
}

/// A row of a table of phases.
pub(super) struct Row<'a> {
    pub(super) phase: PhaseLine,
    pub(super) status: Option<String>,
    pub(super) milestone: Option<&'a str>,
}

/// The phase of a row, or the reason for none.
pub(super) enum Cell<'a> {
    Row(Row<'a>),
    Unknown,
    Empty,
}

impl Columns {
    /// The columns, if a row is the header of a table of phases.
    pub(super) fn of(header: &[&str]) -> Option<Self> {
        let plain = |cell: &str| cell.trim_matches(['*', '_', '`', ' ']).to_lowercase();
        let names: Vec<String> = header.iter().take(12).map(|cell| plain(cell)).collect();
        let at = |words: &[&str]| names.iter().position(|name| words.contains(&name.as_str()));
        let phase = names.iter().position(|name| word::is_phase(name));
        let is_before = |name: &String| {
            BEFORE.contains(&name.as_str())
                || STATUS.contains(&name.as_str())
                || MILESTONE.contains(&name.as_str())
        };
        let (status, name) = (at(&STATUS), at(&NAME));
        let first_is_number = matches!(
            names.first().map(String::as_str),
            Some("#" | "no" | "no." | "nr" | "nr.")
        );
        let phase = match phase {
            Some(phase) if names[..phase].iter().all(is_before) => phase,
            // A table of numbers and names.
            None if first_is_number && name.is_some() && status.is_some() => 0,
            _ => return None,
        };
        Some(Self {
            phase,
            number: (first_is_number && phase > 0).then_some(0),
            name,
            status,
            milestone: at(&MILESTONE),
        })
    }

    /// Whether the table tells the phases' state, as the table of a roadmap does.
    pub(super) fn has_status(&self) -> bool {
        self.status.is_some()
    }

    /// Parses a row below the header.
    pub(super) fn row<'a>(&self, cells: &[&'a str]) -> Cell<'a> {
        let cell = |column: Option<usize>| column.and_then(|column| cells.get(column).copied());
        let text = cell(Some(self.phase)).unwrap_or_default();
        let parsed = match line::parse(text) {
            Text::Phase(phase) => Some(phase),
            Text::Range(..) => return Cell::Empty,
            Text::Unknown => return Cell::Unknown,
            Text::Other => line::numbered(text),
        };
        let from_number = || {
            let mut phase = line::numbered(cell(self.number)?)?;
            phase.name = cut(word::without_notes(text)
                .0
                .trim_matches(['*', '_', '`', ' ']));
            Some(phase)
        };
        let Some(mut phase) = parsed.or_else(from_number) else {
            let first = text.trim_matches(|edge: char| !edge.is_alphanumeric());
            let is_sum = ["total", "sum", "summe", "gesamt"].contains(&&*first.to_lowercase());
            let is_range = first.starts_with(|digit: char| digit.is_ascii_digit());
            return if first.is_empty() || is_sum || is_range {
                Cell::Empty
            } else {
                Cell::Unknown
            };
        };
        if phase.name.is_none() {
            let name = cell(self.name).unwrap_or_default();
            phase.name = cut(word::without_notes(name)
                .0
                .trim_matches(['*', '_', '`', ' ']));
        }
        let status = cell(self.status);
        phase.done = status.and_then(word::state).or(phase.done);
        Cell::Row(Row {
            phase,
            status: status.and_then(cut),
            milestone: cell(self.milestone),
        })
    }
}
