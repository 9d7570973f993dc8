//! Reads the agent's decision about a reported prompt: taken, or refused by a hook of the user.
//!
//! The hook `UserPromptSubmit` reports a prompt that another hook may still refuse. The transcript
//! shows the decision; a hook of the turn proves that the agent took the prompt.
//!
//! No hook reports a command that Claude Code carries out itself. The transcript has a record of
//! such a command, or Claude Code's words of refusal. A command that opened a panel stands in the
//! history of prompts.

use std::time::Duration;

use tokio::time::Instant;
use wxcode_claude::transcript::{
    command::{self, Carried},
    outcome::{self, Outcome, Submitted},
};
use wxcode_core::{
    delivery::{
        Delivery,
        machine::{Event, Readiness},
    },
    text::shortened,
};
use wxcode_files::{FileError, off_thread};

use super::{
    Current, DeliveryWorker,
    pending::{Decision, Sought, TypedAt},
};

/// The longest pause between two readings of the transcript; the first doubles.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// The name of a panel opened by a command.
const PANEL: &str = "other";
/// Longest message of a refusal, in characters.
const REASON_MAX: usize = 500;

impl DeliveryWorker {
    /// The event after the agent's reports so far about the delivery in progress.
    pub(super) fn report(&mut self, now: Instant) -> Option<Event> {
        let delivery = &self.current.as_ref()?.delivery;
        let reported = self.report_of(delivery)?;
        let (Some(prompt_id), Some(path)) = (&reported.prompt_id, &reported.transcript) else {
            return Some(Event::Reported);
        };
        // An earlier turn proves nothing.
        if !reported.in_turn && self.turn_seq > reported.seq {
            return Some(Event::Reported);
        }
        let is_sought = |decision: &Decision| matches!(decision.sought, Sought::Prompt(_));
        if self.decision.as_ref().is_some_and(is_sought) {
            return None;
        }
        let typed_at = self.typed_at.as_ref();
        let from = typed_at.and_then(|typed| (typed.transcript == *path).then_some(typed.len));
        let sought = Sought::Prompt(submitted(delivery, prompt_id, from.is_some()));
        let decision = Decision::new(sought, path.clone(), from.unwrap_or(0), now);
        self.decision = Some(decision);
        Some(Event::Taking)
    }

    /// After an Enter: looks for the record of a command that no hook reports. Only a record after
    /// the typing counts, so another server's typing proves nothing.
    pub(super) fn seek_command(&mut self, now: Instant) {
        let (Some(Current { delivery, .. }), Some(typed), None) =
            (&self.current, &self.typed_at, &self.decision)
        else {
            return;
        };
        if command::is_command(&delivery.text) {
            let sought = Sought::Command {
                text: delivery.text.clone(),
                history: typed.history,
                panel: false,
            };
            let path = typed.transcript.clone();
            let decision = Decision::new(sought, path, typed.len, now);
            self.decision = Some(decision);
        }
    }

    /// Reads the transcript when due, and returns the decision found.
    pub(super) async fn read_decision(&mut self, now: Instant) -> Option<Event> {
        let decision = self
            .decision
            .as_mut()
            .filter(|decision| now >= decision.due)?;
        decision.pause = PAUSE_MAX.min(decision.pause * 2);
        decision.due = now + decision.pause;
        let (path, from) = (decision.path.clone(), decision.next);
        if let Sought::Command { panel, .. } = &mut decision.sought {
            *panel = matches!(&self.readiness, Readiness::Dialog(name) if name == PANEL);
        }
        let (place, sought) = (path.clone(), decision.sought.clone());
        let look = move || match sought {
            Sought::Prompt(submitted) => {
                let (found, next) = outcome::outcome(&path, from, &submitted)?;
                Ok::<_, FileError>((found.map(event), next))
            }
            Sought::Command {
                text,
                history,
                panel,
            } => {
                let (carried, next) = command::carried(&path, from, &text)?;
                let found = match carried {
                    Some(Carried::Out) => Some(Event::Reported),
                    Some(Carried::Refused(words)) => Some(Event::Declined(words)),
                    None if panel && command::is_submitted(&path, history, &text)? => {
                        Some(Event::Reported)
                    }
                    None => None,
                };
                Ok((found, next))
            }
        };
        let read = off_thread(&place, look).await;
        let (found, next) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::debug!(session = %self.session, %error, "cannot read the transcript for a decision");
                return None;
            }
        };
        decision.next = next;
        let event = found?;
        self.decision = None;
        Some(event)
    }

    /// The last word about a delivery whose agent is gone: `None` for an unreported delivery.
    pub(super) async fn last_outcome(&self, delivery: &Delivery) -> Option<Outcome> {
        let reported = self.report_of(delivery)?;
        let (Some(prompt_id), Some(path)) = (&reported.prompt_id, reported.transcript.clone())
        else {
            return Some(Outcome::Taken);
        };
        let submitted = submitted(delivery, prompt_id, false);
        let place = path.clone();
        let read = off_thread(&place, move || outcome::outcome(&path, 0, &submitted)).await;
        let found = read.ok().and_then(|(found, _)| found);
        // A reported prompt is never typed again.
        Some(match found {
            Some(Outcome::Refused(reason)) => Outcome::Refused(shortened(&reason, REASON_MAX)),
            Some(Outcome::Taken) | None => Outcome::Taken,
        })
    }

    /// Notes the lengths of the transcript and of the history before the text is typed.
    pub(super) async fn note_transcript(&mut self) {
        self.typed_at = None;
        let Some(transcript) = self.transcript.clone() else {
            return;
        };
        let place = transcript.clone();
        let read = move || {
            let history = command::history(&transcript);
            Ok::<_, FileError>(TypedAt {
                len: outcome::len(&transcript)?,
                history: history.map_or(Ok(0), |path| outcome::len(&path))?,
                transcript,
            })
        };
        self.typed_at = off_thread(&place, read).await.ok();
    }
}

fn event(outcome: Outcome) -> Event {
    match outcome {
        Outcome::Taken => Event::Reported,
        Outcome::Refused(reason) => Event::Refused(shortened(&reason, REASON_MAX)),
    }
}

fn submitted(delivery: &Delivery, prompt_id: &str, is_placed: bool) -> Submitted {
    let since = delivery.created_at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    Submitted {
        text: delivery.text.clone(),
        prompt_id: prompt_id.to_owned(),
        since: match is_placed {
            true => String::new(),
            false => since.to_string(),
        },
    }
}
