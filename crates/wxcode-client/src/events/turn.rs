//! The turn that a delivery begins.

use crate::{Delivery, DeliveryState, Event};

/// The end of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnEnd {
    /// The agent waits for the next prompt.
    Idle,
    /// The agent ended.
    Exited {
        /// A stable word, such as `exited` or `stopped`.
        reason: String,
    },
    /// The delivery failed, so no turn began.
    NotDelivered {
        /// The reason, with a remedy.
        reason: String,
    },
}

/// Finds the end of the turn that a delivery begins, in the events since before the delivery.
///
/// The turn begins with the `prompt.submitted` of the delivery's text, and ends with the first
/// `agent.state` of `idle` whose hook is a later one of the same session. The events of one hook
/// may come in any order, and the delivery's own event may come after the end of a short turn.
/// Where events are lost, the situation in the `state` after the `reset` decides; it does not tell
/// a failed delivery from a submitted one. A delivery of an earlier request, which was submitted
/// already, ends with the first idle state after its submission.
///
/// ```no_run
/// use wxcode_client::{Client, Error, NewDelivery, Turn};
///
/// # async fn example(client: Client, project: &str) -> Result<(), Error> {
/// let mut events = client.events(project).await?;
/// let delivery = client.deliver(project, &NewDelivery::from("Say hello.")).await?;
/// let mut turn = Turn::new(&delivery);
/// let end = loop {
///     let event = events.next().await?;
///     if event.kind == "question.asked" {
///         println!("the agent asks: {}", event.data["questions"]);
///     }
///     if let Some(end) = turn.take(&event) {
///         break end;
///     }
/// };
/// println!("{end:?}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Turn {
    delivery: String,
    text: String,
    /// RFC 3339.
    created_at: String,
    /// The time of the submission, if it was before the first event. RFC 3339.
    submitted_at: Option<String>,
    /// The delivery was submitted.
    is_submitted: bool,
    /// Events were lost.
    is_reset: bool,
    prompt: Option<Place>,
    /// The newest prompt of any text, before the delivery is known as submitted.
    latest_prompt: Option<Place>,
    /// The newest state of an agent.
    idle: Option<Place>,
}

/// A hook of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    session: String,
    hook: u64,
}

impl Place {
    fn of(event: &Event) -> Option<Self> {
        Some(Self {
            session: event.text("session_id")?.to_owned(),
            hook: event.number("hook")?,
        })
    }
}

impl Turn {
    /// The turn of a delivery.
    pub fn new(delivery: &Delivery) -> Self {
        let is_submitted = delivery.state == DeliveryState::Submitted;
        Self {
            delivery: delivery.id.clone(),
            text: delivery.text.clone(),
            created_at: delivery.created_at.clone(),
            submitted_at: is_submitted.then(|| delivery.updated_at.clone()),
            is_submitted,
            is_reset: false,
            prompt: None,
            latest_prompt: None,
            idle: None,
        }
    }

    /// Takes the next event; the end of the turn, once an event shows it.
    pub fn take(&mut self, event: &Event) -> Option<TurnEnd> {
        match event.kind.as_str() {
            "prompt.submitted" => {
                self.latest_prompt = Place::of(event);
                if self.prompt.is_none() && self.is_mine(event) {
                    self.prompt.clone_from(&self.latest_prompt);
                }
            }
            "delivery.state" if event.text("delivery_id") == Some(&self.delivery) => {
                match event.text("state") {
                    Some("submitted") => {
                        self.is_submitted = true;
                        // The agent may report a command in other words.
                        if self.prompt.is_none() {
                            self.prompt = self.latest_prompt.take();
                        }
                    }
                    Some("failed") => {
                        let reason = event.text("error").unwrap_or_default().to_owned();
                        return Some(TurnEnd::NotDelivered { reason });
                    }
                    _ => {}
                }
            }
            "agent.state" => {
                let is_idle = event.text("state") == Some("idle");
                if is_idle && self.is_after_submission(event) {
                    return Some(TurnEnd::Idle);
                }
                self.idle = Place::of(event).filter(|_| is_idle);
            }
            "session.exited" => {
                let ours = self.prompt.as_ref().map(|prompt| prompt.session.as_str());
                if self.is_submitted && (ours.is_none() || ours == event.text("session_id")) {
                    let reason = event.text("reason").unwrap_or_default().to_owned();
                    return Some(TurnEnd::Exited { reason });
                }
            }
            "reset" => self.is_reset = true,
            // An idle agent: its turn is over.
            "session.hibernated" if self.is_submitted => return Some(TurnEnd::Idle),
            // The events between are lost: the situation itself must do.
            "state" => return self.situation(event),
            _ => {}
        }
        let (prompt, idle) = (self.prompt.as_ref()?, self.idle.as_ref()?);
        let is_over =
            self.is_submitted && prompt.session == idle.session && idle.hook > prompt.hook;
        is_over.then_some(TurnEnd::Idle)
    }

    fn situation(&mut self, event: &Event) -> Option<TurnEnd> {
        let is_known = match &self.submitted_at {
            Some(_) => self.is_after_submission(event),
            None => self.is_submitted || self.is_settled_in(event),
        };
        if !is_known {
            return None;
        }
        self.is_submitted = true;
        let session = &event.data["session"];
        if session["status"] == "hibernated" {
            return Some(TurnEnd::Idle);
        }
        if session["status"] == "exited" {
            let reason = session["exit"]["reason"].as_str().unwrap_or_default();
            return Some(TurnEnd::Exited {
                reason: reason.to_owned(),
            });
        }
        (session["agent_state"] == "idle").then_some(TurnEnd::Idle)
    }

    /// Whether an event is later than a submission before the first event.
    fn is_after_submission(&self, event: &Event) -> bool {
        let at = event.text("at").unwrap_or_default().trim_end_matches('Z');
        let submitted_at = self.submitted_at.as_deref();
        submitted_at.is_some_and(|then| at > then.trim_end_matches('Z'))
    }

    /// Whether the situation after lost events no longer has the delivery in line. The first `state`
    /// may be from the moment before the delivery was stored.
    fn is_settled_in(&self, event: &Event) -> bool {
        if !self.is_reset {
            return false;
        }
        let at = event.text("at").unwrap_or_default().trim_end_matches('Z');
        let open = event.data["deliveries"].as_array();
        let is_open = open.is_none_or(|open| {
            let mut ids = open.iter().map(|delivery| &delivery["delivery_id"]);
            ids.any(|id| *id == self.delivery)
        });
        at > self.created_at.trim_end_matches('Z') && !is_open
    }

    fn is_mine(&self, event: &Event) -> bool {
        let prompt = event.text("prompt").unwrap_or_default().trim();
        let text = self.text.trim();
        // A long text is cut, in the event and in the answer of the API.
        let beginning = prompt.strip_suffix('…').unwrap_or(prompt);
        prompt == text || (event.data["cut"] == true && text.starts_with(beginning))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(kind: &str, data: Value) -> Event {
        Event {
            id: None,
            kind: kind.to_owned(),
            data,
        }
    }

    fn prompt(hook: u64, text: &str) -> Event {
        let data = json!({ "session_id": "s", "hook": hook, "prompt": text });
        event("prompt.submitted", data)
    }

    fn state(hook: u64, state: &str) -> Event {
        let data = json!({ "session_id": "s", "hook": hook, "state": state });
        event("agent.state", data)
    }

    fn delivery(state: &str) -> Event {
        let data = json!({ "delivery_id": "d", "state": state, "error": "the agent ended" });
        event("delivery.state", data)
    }

    fn end(events: &[Event]) -> (usize, Option<TurnEnd>) {
        let mut turn = Turn {
            delivery: "d".to_owned(),
            text: "do it\n".to_owned(),
            created_at: "2026-01-02T03:04:05.5Z".to_owned(),
            submitted_at: None,
            is_submitted: false,
            is_reset: false,
            prompt: None,
            latest_prompt: None,
            idle: None,
        };
        for (at, event) in events.iter().enumerate() {
            if let Some(end) = turn.take(event) {
                return (at, Some(end));
            }
        }
        (events.len(), None)
    }

    #[test]
    fn an_idle_agent_ends_its_turn() {
        let events = [
            state(2, "idle"),
            prompt(3, "do it"),
            state(3, "working"),
            delivery("submitted"),
            state(7, "idle"),
        ];
        assert_eq!(end(&events), (4, Some(TurnEnd::Idle)));
    }

    #[test]
    fn a_short_turn_ends_before_its_delivery() {
        let events = [
            prompt(3, "do it"),
            state(4, "idle"),
            delivery("written"),
            delivery("submitted"),
        ];
        assert_eq!(end(&events), (3, Some(TurnEnd::Idle)));
    }

    #[test]
    fn an_older_idle_state_ends_nothing() {
        let events = [
            prompt(2, "of a person"),
            prompt(5, "do it"),
            delivery("submitted"),
            state(4, "idle"),
            state(5, "working"),
        ];
        assert_eq!(end(&events), (5, None));
    }

    #[test]
    fn a_reworded_command_counts_by_its_delivery() {
        let events = [
            prompt(3, "/expanded"),
            delivery("submitted"),
            state(6, "idle"),
        ];
        assert_eq!(end(&events), (2, Some(TurnEnd::Idle)));
    }

    #[test]
    fn failures_and_exits_end_the_turn() {
        let (_, failed) = end(&[delivery("failed")]);
        assert!(matches!(failed, Some(TurnEnd::NotDelivered { .. })));
        let exited = event(
            "session.exited",
            json!({ "session_id": "s", "reason": "stopped" }),
        );
        let events = [prompt(3, "do it"), delivery("submitted"), exited];
        let (_, exited) = end(&events);
        assert_eq!(
            exited,
            Some(TurnEnd::Exited {
                reason: "stopped".to_owned()
            })
        );
    }

    #[test]
    fn an_earlier_submission_ends_with_a_later_idle_state() {
        let turn = || Turn {
            delivery: "d".to_owned(),
            text: "do it".to_owned(),
            created_at: "2026-01-02T03:04:05Z".to_owned(),
            submitted_at: Some("2026-01-02T03:04:06Z".to_owned()),
            is_submitted: true,
            is_reset: false,
            prompt: None,
            latest_prompt: None,
            idle: None,
        };
        let state = |kind: &str, second: u32, agent: &str| {
            let at = format!("2026-01-02T03:04:0{second}.5Z");
            let session = json!({ "status": "running", "agent_state": agent });
            event(
                kind,
                json!({ "at": at, "state": agent, "session": session }),
            )
        };
        let first = |kind: &str, second, agent| turn().take(&state(kind, second, agent));
        assert_eq!(first("state", 5, "idle"), None);
        assert_eq!(first("state", 6, "working"), None);
        assert_eq!(first("state", 6, "idle"), Some(TurnEnd::Idle));
        assert_eq!(first("agent.state", 5, "idle"), None);
        assert_eq!(first("agent.state", 6, "idle"), Some(TurnEnd::Idle));
    }

    #[test]
    fn a_situation_replaces_lost_events() {
        let at = |at: &str, agent: &str, open: &str| {
            let session = json!({ "status": "running", "agent_state": agent });
            let open = json!([{ "delivery_id": open }]);
            event(
                "state",
                json!({ "at": at, "session": session, "deliveries": open }),
            )
        };
        let (before, after) = ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.75Z");
        let situation = |agent: &str| at(after, agent, "d");
        assert_eq!(end(&[at(before, "idle", "other")]), (1, None));
        assert_eq!(end(&[situation("idle")]), (1, None));
        let stale = [at(after, "idle", "other"), at(after, "idle", "other")];
        assert_eq!(end(&stale), (2, None), "before the delivery was stored");
        let reset = event("reset", json!({}));
        let settled = [
            reset,
            at(after, "working", "other"),
            at(after, "idle", "other"),
        ];
        assert_eq!(end(&settled), (2, Some(TurnEnd::Idle)));
        let events = [
            prompt(3, "do it"),
            delivery("submitted"),
            situation("working"),
            situation("idle"),
        ];
        assert_eq!(end(&events), (3, Some(TurnEnd::Idle)));
    }
}
