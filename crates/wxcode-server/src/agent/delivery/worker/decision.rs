//! Reads the agent's decision about a reported prompt: taken, or refused by a hook of the user.
//!
//! The hook `UserPromptSubmit` reports a prompt that another hook may still refuse. The transcript
//! shows the decision; a hook of the turn proves that the agent took the prompt.

use std::time::Duration;

use tokio::time::Instant;
use wxcode_claude::transcript::outcome::{self, Outcome, Submitted};
use wxcode_core::{
    delivery::{Delivery, machine::Event},
    text::shortened,
};
use wxcode_files::off_thread;

use super::{DeliveryWorker, pending::Decision};

/// The first pause between two readings of the transcript; the pause doubles to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(20);
/// The longest pause between two readings of the transcript.
const PAUSE_MAX: Duration = Duration::from_secs(1);
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
        if self.decision.is_some() {
            return None;
        }
        let typed_at = self.typed_at.as_ref();
        let from = typed_at.and_then(|(typed, len)| (typed == path).then_some(*len));
        let decision = Decision {
            submitted: submitted(delivery, prompt_id, from.is_some()),
            path: path.clone(),
            next: from.unwrap_or(0),
            due: now + PAUSE_FIRST,
            pause: PAUSE_FIRST,
        };
        self.decision = Some(decision);
        Some(Event::Taking)
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
        let (place, submitted) = (path.clone(), decision.submitted.clone());
        let read = off_thread(&place, move || outcome::outcome(&path, from, &submitted)).await;
        let (found, next) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::debug!(session = %self.session, %error, "cannot read the transcript for a decision");
                return None;
            }
        };
        decision.next = next;
        let event = event(found?);
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

    /// Notes the transcript's length before the text is typed.
    pub(super) async fn note_transcript(&mut self) {
        self.typed_at = None;
        let Some(path) = self.transcript.clone() else {
            return;
        };
        let place = path.clone();
        let read = off_thread(&place, move || outcome::len(&path)).await;
        self.typed_at = read.ok().map(|len| (place, len));
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
