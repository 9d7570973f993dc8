//! The agent's reports about its own state in its terminal (OSC 7501): evidence below hooks, and
//! above the process record and the screen.

use super::{Agent, Dialog, DialogKind};
use crate::ask::AskKind;

/// Readings of the process record in a row for refuting a reported turn: half a minute of readings.
pub const DOUBTS_MAX: u8 = 30;

/// A report of the agent about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub status: Status,
    /// The output offset of the report, in bytes.
    pub offset: u64,
}

/// The reported status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The agent works, or waits for its own background work.
    Working,
    /// The agent waits for an answer, of this kind if the report names a kind.
    Blocked(Option<AskKind>),
    /// No turn runs.
    Ended,
    /// The agent takes the report back.
    Cleared,
}

/// The newest report, and the evidence against the report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    report: Report,
    /// Readings of the process record against the report, without other evidence in between.
    doubts: u8,
}

impl Agent {
    /// Takes a report.
    pub(super) fn take_report(&mut self, report: Report) {
        let was_blocked = self.is_reported_blocked();
        self.reported = Some(Standing { report, doubts: 0 });
        match report.status {
            Status::Blocked(_) => {}
            Status::Working => {
                (self.turn, self.opened) = (true, true);
                // Subagents and other tools work on while a question stands.
                if was_blocked {
                    self.answered(report.offset, |_| true);
                }
            }
            Status::Ended => {
                self.turn = false;
                self.compacting = false;
                // A panel of the user's own is in no report.
                let is_asking = |dialog: &Dialog| dialog.kind != DialogKind::Blocking;
                self.answered(report.offset, |dialog| was_blocked || is_asking(dialog));
            }
            Status::Cleared if was_blocked => self.answered(report.offset, |_| true),
            Status::Cleared => {}
        }
    }

    /// The kind of question named by the newest report.
    pub(super) fn reported_ask(&self) -> Option<AskKind> {
        match self.reported?.report.status {
            // Before the conversation began, only start-up dialogs are there.
            Status::Blocked(_) if !self.started => Some(AskKind::Dialog),
            Status::Blocked(kind) => Some(kind.unwrap_or(AskKind::Dialog)),
            Status::Working | Status::Ended | Status::Cleared => None,
        }
    }

    /// Whether the agent waits for an answer by the newest report.
    pub(super) fn is_reported_blocked(&self) -> bool {
        self.reported_ask().is_some()
    }

    /// Whether a screen was drawn before the newest report, and says nothing about the time after.
    pub(super) fn is_older_than_report(&self, offset: u64) -> bool {
        self.reported
            .is_some_and(|standing| offset < standing.report.offset)
    }

    /// The screen shows an input box and no dialog, after this many bytes of output: refutes a
    /// report of a question, unless the question's dialog is still to be drawn.
    pub(super) fn refute_block(&mut self, offset: u64) {
        if self.is_reported_blocked()
            && self
                .reported
                .is_some_and(|standing| offset > standing.report.offset)
        {
            self.reported = None;
        }
    }

    /// Whether the newest report outranks a process record without a turn.
    ///
    /// The record of an agent with background work may say idle, so a report outranks the record at
    /// first. A false report must not hold deliveries up for good, so the record wins when it
    /// insists. `settled` means: the screen came to rest with its input box and without a dialog.
    pub(super) fn outranks_record(&mut self, settled: bool) -> bool {
        let Some(standing) = &mut self.reported else {
            return false;
        };
        let outranks = match standing.report.status {
            Status::Working => {
                standing.doubts = standing.doubts.saturating_add(1);
                self.turn && standing.doubts < DOUBTS_MAX
            }
            Status::Blocked(_) => !settled,
            Status::Ended | Status::Cleared => return false,
        };
        if !outranks {
            self.reported = None;
        }
        outranks
    }

    /// Other evidence came: the process record has to insist again.
    pub(super) fn drop_doubts(&mut self) {
        if let Some(standing) = &mut self.reported {
            standing.doubts = 0;
        }
    }

    /// The questions are answered, and so is a dialog last seen before `offset`.
    fn answered(&mut self, offset: u64, is_meant: impl Fn(&Dialog) -> bool) {
        self.requests.set_aside();
        let is_over = |seen: u64, dialog: &Dialog| seen <= offset && is_meant(dialog);
        if self
            .shown
            .as_ref()
            .is_some_and(|shown| is_over(shown.seen, &shown.dialog))
        {
            self.shown = None;
        }
    }
}
