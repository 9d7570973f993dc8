//! Parses `STATE.md` in each of its dialects: bold fields, plain fields, front matter.

use super::{
    State,
    markdown::{body, cut, field, front_matter, lines},
    name::Number,
};

/// Parses a `STATE.md`. Front matter precedes text; the first of several equal fields counts.
pub(super) fn parse(text: &str) -> State {
    let mut state = State::default();
    for (key, value) in front_matter(text) {
        match key.as_str() {
            "milestone" => keep(&mut state.milestone, &value),
            "milestone_name" => keep(&mut state.milestone_name, &value),
            "current_phase" => number(&mut state.phase, &value),
            "current_phase_name" => keep(&mut state.phase_name, &value),
            "current_plan" => number(&mut state.plan, &value),
            "status" => keep(&mut state.status, &value),
            "stopped_at" => keep(&mut state.stopped_at, &value),
            "last_activity" => keep(&mut state.last_activity, &value),
            "paused_at" => keep(&mut state.paused_at, &value),
            "last_updated" => keep(&mut state.last_updated, &value),
            "progress.total_phases" => count(&mut state.phases, &value),
            "progress.percent" => percent(&mut state.percent, &value),
            _ => {}
        }
    }
    for (key, value) in lines(body(text)).filter_map(field) {
        match key.as_str() {
            "phase" | "current phase" => {
                number(&mut state.phase, value);
                of(&mut state.phases, value);
                let mut named = None;
                number(&mut named, value);
                // Skip the name of a phase other than the current one.
                if named.is_some()
                    && named == state.phase
                    && let Some((_, name)) = value.split_once('(')
                {
                    keep(&mut state.phase_name, in_parentheses(name));
                }
            }
            "current phase name" => keep(&mut state.phase_name, value),
            "total phases" => count(&mut state.phases, value),
            "plan" | "current plan" => {
                number(&mut state.plan, value);
                of(&mut state.plans, value);
            }
            "total plans in phase" => count(&mut state.plans, value),
            "status" => keep(&mut state.status, value),
            "last activity" => keep(&mut state.last_activity, value),
            "stopped at" => keep(&mut state.stopped_at, value),
            "progress" => percent(&mut state.percent, value),
            "milestone" => keep(&mut state.milestone, value),
            _ => {}
        }
    }
    state
}

fn keep(field: &mut Option<String>, value: &str) {
    if field.is_none() {
        *field = cut(value);
    }
}

/// The text up to the parenthesis closing an already opened one.
fn in_parentheses(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return &text[..at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    text
}

/// The leading number of a value.
fn number(field: &mut Option<String>, value: &str) {
    if field.is_none() {
        *field = Number::take(value.trim()).map(|(number, _)| number.to_string());
    }
}

fn count(field: &mut Option<u32>, value: &str) {
    if field.is_none() {
        *field = value
            .split(|character: char| !character.is_ascii_digit())
            .next()
            .and_then(|digits| digits.parse().ok());
    }
}

/// The second number of `3 of 7`.
fn of(field: &mut Option<u32>, value: &str) {
    if let Some((_, total)) = value.split_once(" of ") {
        count(field, total);
    }
}

/// The number before the percent sign, or the whole value.
fn percent(field: &mut Option<u8>, value: &str) {
    if field.is_some() {
        return;
    }
    let digits = value.split('%').next().unwrap_or(value).trim_end();
    let start = digits
        .rfind(|character: char| !character.is_ascii_digit())
        .map_or(0, |at| {
            at + digits[at..].chars().next().map_or(1, char::len_utf8)
        });
    *field = digits[start..].parse::<u32>().ok().map(|percent| {
        // More than 100 counts as 100.
        u8::try_from(percent.min(100)).unwrap_or(100)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn plain_fields_are_read() {
        let state = parse(
            "# Project State\n## Current Position\n\nPhase: 03 of 7 (Terminal (web)) — complete (mostly)\nPlan: 1 of 3 in current phase\n\
             Status: In progress\nLast activity: 2026-01-24 — Drew it\n\nProgress: [███░░░] 43%\n\n\
             ## Session Continuity\nStopped at: Plan 2\n",
        );
        let expected = State {
            phase: text("3"),
            phase_name: text("Terminal (web)"),
            phases: Some(7),
            plan: text("1"),
            plans: Some(3),
            status: text("In progress"),
            last_activity: text("2026-01-24 — Drew it"),
            stopped_at: text("Plan 2"),
            percent: Some(43),
            ..State::default()
        };
        assert_eq!(state, expected);
    }

    #[test]
    fn bold_fields_are_read() {
        let state = parse(
            "**Current Phase:** 03.1\n**Current Phase Name:** Terminal\n**Total Phases:** 7\n**Current Plan:** 2\n\
             **Total Plans in Phase:** 3\n**Status:** Ready to execute\n**Progress:** [██████████] 100%\n\
             **Last Activity:** 2026-01-24\n",
        );
        let expected = State {
            phase: text("3.1"),
            phase_name: text("Terminal"),
            phases: Some(7),
            plan: text("2"),
            plans: Some(3),
            status: text("Ready to execute"),
            last_activity: text("2026-01-24"),
            percent: Some(100),
            ..State::default()
        };
        assert_eq!(state, expected);
    }

    #[test]
    fn front_matter_precedes_text() {
        let state = parse(
            "---\ngsd_state_version: 1.0\nmilestone: v1.1\nmilestone_name: More\ncurrent_phase: 4\n\
             current_phase_name: \"API: first\"\ncurrent_plan: Not started\nstatus: executing\n\
             paused_at: null\nlast_updated: 2026-01-24T10:00:00Z\nprogress:\n  \
             total_phases: 9\n  completed_phases: 3\n  percent: 33\n---\n\
             Phase: 3 of 7 (Terminal)\nPlan: 2 of 3\nStatus: old\nProgress: [█] 10%\n",
        );
        let expected = State {
            phase: text("4"),
            phase_name: text("API: first"),
            phases: Some(9),
            plan: text("2"),
            plans: Some(3),
            status: text("executing"),
            percent: Some(33),
            last_updated: text("2026-01-24T10:00:00Z"),
            milestone: text("v1.1"),
            milestone_name: text("More"),
            ..State::default()
        };
        assert_eq!(state, expected);
    }

    #[test]
    fn values_without_a_number_are_dropped() {
        let state = parse("Phase: Not started (defining requirements)\nPlan: —\nProgress: [░░░]\n");
        assert_eq!(state, State::default());
        let state = parse("---\ncurrent_phase: 4\n---\nPhase: 3 of 7 (Terminal)\n");
        assert_eq!((state.phase, state.phase_name), (text("4"), None));
        assert_eq!(parse("Progress: 999999%").percent, Some(100));
        assert_eq!(parse("Progress: é9").percent, Some(9));
    }
}
