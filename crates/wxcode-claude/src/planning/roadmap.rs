//! Parses `ROADMAP.md`: phases, plans and milestones.

mod line;
mod phase;
mod resolve;
mod scope;
mod table;
mod text;
mod word;

use std::collections::BTreeMap;

use super::{
    MILESTONES_MAX, NOT_UNDERSTOOD_MAX, PHASES_MAX, PLANS_MAX, UnreadLine,
    markdown::{boxed, cells, checkbox, cut, field, heading, item, numbered_lines, ordered},
    milestone::{self, MilestoneLine},
    name::{Number, plan_id},
};
use line::{PhaseLine, Text};
use phase::Source;
pub(super) use phase::{RoadmapPhase, alike};
pub(super) use resolve::Resolved;
use scope::{Context, Scopes, UNSCOPED};
use table::{Cell, Columns};
use text::{folds, without_comments, without_wrapping};

/// The content of the roadmap.
#[derive(Debug, Default)]
pub(super) struct Roadmap {
    /// The phases by number, and by the section of a milestone.
    phases: BTreeMap<(Number, usize), RoadmapPhase>,
    scopes: Scopes,
    /// Rows of tables outside of a milestone's section.
    rows: Vec<(PhaseLine, Option<String>)>,
    /// Lines that may be sentences about phases: they count where no other line lists phases.
    weak: Vec<(usize, PhaseLine)>,
    /// The lines with several phases, and those phases.
    ranges: Vec<(UnreadLine, Number, Number)>,
    /// Lines with a word for a phase and no number that is understood.
    unread: Vec<UnreadLine>,
    /// Lines that a roadmap without any phase may mean as phases.
    maybe: Vec<UnreadLine>,
    /// Plan titles by id.
    plans: BTreeMap<String, String>,
    pub(super) milestones: Vec<MilestoneLine>,
    /// A bound was reached.
    truncated: bool,
}

impl Roadmap {
    /// Adds the phase of a line to a section.
    fn add(&mut self, scope: usize, line: &PhaseLine, source: Source) -> Option<&mut RoadmapPhase> {
        let key = (line.number.clone(), scope);
        if self.phases.len() >= PHASES_MAX && !self.phases.contains_key(&key) {
            self.truncated = true;
            return None;
        }
        let phase = self.phases.entry(key).or_default();
        // A second box with another name: the numbers began again.
        let began_again = source == Source::Box
            && phase.by_box.is_some()
            && matches!((&phase.name, &line.name), (Some(old), Some(new)) if !alike(old, new));
        if began_again {
            *phase = RoadmapPhase::default();
        }
        let overrides = source == Source::Heading && line.is_separate;
        if line.name.is_some() && (overrides || phase.name.is_none()) {
            phase.name.clone_from(&line.name);
        }
        let told = match source {
            Source::Box => &mut phase.by_box,
            Source::Heading | Source::Mark => &mut phase.by_mark,
            Source::Row => &mut phase.by_row,
        };
        if let Some(done) = line.done {
            *told = Some(told.unwrap_or(false) || done);
        }
        phase.parked |= line.is_struck && line.done != Some(true);
        Some(phase)
    }

    fn plan(&mut self, text: &str) -> bool {
        let Some((id, rest)) = plan_id(text.trim_matches(['*', '`'])) else {
            return false;
        };
        let rest = rest.strip_prefix("-PLAN.md").unwrap_or(rest);
        let title = rest.trim_start_matches(['*', '`', ':', '-', '–', '—', ' ']);
        let Some(title) = cut(title) else { return true };
        if self.plans.len() == PLANS_MAX && !self.plans.contains_key(&id) {
            self.truncated = true;
            return true;
        }
        self.plans.insert(id, title);
        true
    }

    /// Parses a line of a table, of which the header was read before.
    fn row(&mut self, columns: &Columns, cells: &[&str], scope: usize, unread: UnreadLine) {
        match columns.row(cells) {
            Cell::Row(row) => {
                let version = row.milestone.and_then(milestone::version_in);
                let scope = version.map_or(scope, |version| self.scopes.of_version(version));
                if !columns.has_status() {
                    keep(
                        &mut self.weak,
                        (scope, row.phase),
                        PHASES_MAX,
                        &mut self.truncated,
                    );
                } else if scope == UNSCOPED {
                    let row = (row.phase, row.status);
                    keep(&mut self.rows, row, PHASES_MAX, &mut self.truncated);
                } else if let Some(phase) = self.add(scope, &row.phase, Source::Row) {
                    phase.status = row.status.or(phase.status.take());
                }
            }
            Cell::Unknown if columns.has_status() => {
                keep(
                    &mut self.unread,
                    unread,
                    NOT_UNDERSTOOD_MAX,
                    &mut self.truncated,
                );
            }
            Cell::Unknown | Cell::Empty => {}
        }
    }

    /// Parses the text of an item outside of tables and headings.
    fn item(&mut self, line: &str, context: &Context, in_phase: bool, unread: UnreadLine) {
        let Some(text) = item(line) else {
            return;
        };
        let is_box = checkbox(line).is_some();
        let scope = context.scope();
        match line::parse(text) {
            Text::Phase(phase) if phase.is_separate && is_box => {
                self.add(scope, &phase, Source::Box);
            }
            Text::Phase(phase) if phase.is_separate && !in_phase && phase.done.is_some() => {
                self.add(scope, &phase, Source::Mark);
            }
            Text::Phase(phase) if !in_phase && (is_box || phase.is_separate) => {
                keep(
                    &mut self.weak,
                    (scope, phase),
                    PHASES_MAX,
                    &mut self.truncated,
                );
            }
            Text::Range(first, last) if !in_phase && !context.is_shipped(&self.scopes) => {
                let range = (unread, first, last);
                keep(
                    &mut self.ranges,
                    range,
                    NOT_UNDERSTOOD_MAX,
                    &mut self.truncated,
                );
            }
            Text::Unknown if !in_phase && !context.is_shipped(&self.scopes) => {
                keep(
                    &mut self.unread,
                    unread,
                    NOT_UNDERSTOOD_MAX,
                    &mut self.truncated,
                );
            }
            Text::Phase(_) | Text::Range(..) | Text::Unknown => {}
            Text::Other => {
                let inner = boxed(text).map_or(text, |(_, inner)| inner);
                if is_box && self.plan(inner) {
                    return;
                }
                let listed = match ordered(line) {
                    Some((number, _)) => Some(format!("{number}. {inner}")),
                    None if is_box => Some(inner.to_owned()),
                    None => None,
                };
                let numbered = listed
                    .filter(|_| context.lists_phases && !in_phase)
                    .and_then(|text| line::numbered(&text));
                if let Some(mut phase) = numbered {
                    phase.done = boxed(text).map(|(ticked, _)| ticked).or(phase.done);
                    keep(
                        &mut self.weak,
                        (scope, phase),
                        PHASES_MAX,
                        &mut self.truncated,
                    );
                } else if is_box {
                    // A roadmap without phases is told once, not by each of its boxes.
                    let mut ignored = false;
                    keep(&mut self.maybe, unread, NOT_UNDERSTOOD_MAX, &mut ignored);
                }
                // A milestone is bold; a version in a sentence is none.
                if !in_phase
                    && text.contains("**v")
                    && let Some(entry) = milestone::milestone_line(text)
                {
                    keep(
                        &mut self.milestones,
                        entry,
                        MILESTONES_MAX,
                        &mut self.truncated,
                    );
                }
            }
        }
    }
}

/// Adds an element to a bounded list.
fn keep<T>(list: &mut Vec<T>, element: T, max: usize, truncated: &mut bool) {
    if list.len() < max {
        list.push(element);
    } else {
        *truncated = true;
    }
}

pub(super) fn parse(text: &str) -> Roadmap {
    let mut roadmap = Roadmap::default();
    let (text, lines_before) = without_wrapping(text);
    let text = without_comments(text);
    let folds = folds(&text);
    let mut context = Context::default();
    // The phase of the current section, its milestone's section, and its heading's level.
    let mut section: Option<(Number, usize, usize)> = None;
    let mut columns: Option<Columns> = None;
    for (number, line) in numbered_lines(&text) {
        let unread = || UnreadLine {
            line: lines_before + number,
            text: cut(line).unwrap_or_default(),
        };
        if line.contains("<details") && folds.contains(&number) {
            context.open_fold(&mut roadmap.scopes);
            section = None;
        }
        let summary = line
            .split_once("<summary")
            .and_then(|(_, rest)| rest.split_once('>'));
        let summary = summary.map(|(_, text)| text.split("</summary").next().unwrap_or(text));
        if let Some(cells) = cells(line) {
            if let Some(found) = Columns::of(&cells) {
                columns = Some(found);
            } else if let Some(columns) = &columns {
                roadmap.row(columns, &cells, context.scope(), unread());
            }
        } else if let Some((level, title)) = titled(line, summary) {
            columns = None;
            match line::parse(title) {
                Text::Phase(phase) => {
                    if summary.is_some() {
                        context.summarize_phase();
                    }
                    let scope = context.scope();
                    section = roadmap
                        .add(scope, &phase, Source::Heading)
                        .map(|_| (phase.number, scope, level));
                }
                found => {
                    if section.as_ref().is_none_or(|(_, _, own)| level <= *own) {
                        section = None;
                    }
                    let is_shipped = context.is_shipped(&roadmap.scopes);
                    match found {
                        Text::Range(first, last) if !is_shipped => {
                            let range = (unread(), first, last);
                            let list = &mut roadmap.ranges;
                            keep(list, range, NOT_UNDERSTOOD_MAX, &mut roadmap.truncated);
                        }
                        Text::Unknown if !is_shipped => {
                            let list = &mut roadmap.unread;
                            keep(list, unread(), NOT_UNDERSTOOD_MAX, &mut roadmap.truncated);
                        }
                        _ => {}
                    }
                    if word::after_part(title).is_some_and(|rest| word::is_numeral(rest.trim())) {
                        keep(&mut roadmap.maybe, unread(), NOT_UNDERSTOOD_MAX, &mut false);
                    }
                    context.title(&mut roadmap.scopes, title, level, summary.is_some());
                    if summary.is_none()
                        && let Some(entry) = milestone::milestone_line(title)
                    {
                        let list = &mut roadmap.milestones;
                        keep(list, entry, MILESTONES_MAX, &mut roadmap.truncated);
                    }
                }
            }
        } else {
            columns = None;
            let told = field(line);
            if let Some((key, value)) = told
                && let Some((number, scope, _)) = &section
                && let Some(phase) = roadmap.phases.get_mut(&(number.clone(), *scope))
            {
                phase.field(&key, value);
            }
            roadmap.item(line, &context, section.is_some(), unread());
        }
        if line.contains("</details") && context.close_fold() {
            section = None;
        }
    }
    roadmap
}

/// The level and text of a heading, of a fold's summary, or of a bold line with a phase.
fn titled<'a>(line: &'a str, summary: Option<&'a str>) -> Option<(usize, &'a str)> {
    if let Some(summary) = summary {
        return Some((scope::SUMMARY_LEVEL, summary.trim()));
    }
    heading(line).or_else(|| {
        let text = line.trim();
        let is_phase = text.starts_with("**")
            && matches!(line::parse(text), Text::Phase(phase) if phase.name.is_some());
        is_phase.then_some((6, text))
    })
}

#[cfg(test)]
mod tests;
