//! The server of the model: a delivery worker, one effect at a time.

use wxcode_core::delivery::{
    DeliveryState,
    machine::{Effect, Event, Machine, Readiness},
};

use crate::world::{Broken, DEADLINES, Keystroke, Piece, Todo, View, World};

impl World {
    /// The next delivery from the store.
    pub(crate) fn load(&mut self) {
        let next = self.rows.iter().position(|row| !row.state.is_over());
        self.server.under = next.map(|at| {
            (
                at,
                Machine::typed(
                    self.rows[at].state,
                    self.steer,
                    self.rows[at].typings.into(),
                    DEADLINES,
                    self.now,
                ),
            )
        });
        if let Some(at) = next {
            let event = match self.was_reported(at) {
                true => Event::Reported,
                false => Event::Agent(self.server.readiness.clone()),
            };
            self.server.todo.push_back(Todo::Event(event));
        }
    }

    /// Whether a hook read by the server confirms a delivery.
    pub(crate) fn was_reported(&self, at: usize) -> bool {
        self.rows[at].state == DeliveryState::Written
            && self.hooks[..self.server.read]
                .iter()
                .skip(self.rows[at].after)
                .any(|hook| *hook == [Piece::Text(at)])
    }

    pub(crate) fn under_was_taken(&self) -> bool {
        let under = self.server.under.as_ref();
        under.is_some_and(|(at, _)| self.was_taken(*at))
    }

    /// Whether the agent reported a delivery.
    pub(crate) fn was_taken(&self, at: usize) -> bool {
        self.hooks.iter().any(|hook| *hook == [Piece::Text(at)])
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.server.todo.push_back(Todo::Event(event));
    }

    pub(crate) fn read_hook(&mut self) {
        let hook = &self.hooks[self.server.read];
        let pieces = hook.clone();
        self.server.read += 1;
        self.server.readiness = Readiness::Busy;
        // The release precedes unread answers.
        if let Some((at, _)) = &self.server.under
            && pieces == [Piece::Text(*at)]
            && self.was_reported(*at)
        {
            self.server.todo.push_front(Todo::Event(Event::Reported));
        }
        let busy = Event::Agent(Readiness::Busy);
        self.server.todo.push_front(Todo::Event(busy));
    }

    /// Readiness from hooks and a resting screen.
    pub(crate) fn observe(&mut self) -> Option<Result<(), Broken>> {
        if self.server.read < self.hooks.len() || !self.is_at_rest() {
            return None;
        }
        if self.view == View::Dead {
            for at in 0..self.rows.len() {
                if !self.rows[at].state.is_over() {
                    self.rows[at].state = match self.was_reported(at) {
                        true => DeliveryState::Submitted,
                        false => DeliveryState::Failed,
                    };
                }
            }
            self.server.under = None;
            return Some(Ok(()));
        }
        let readiness = match self.view {
            View::Starting | View::Dead => Readiness::NotReady,
            View::Idle => Readiness::Ready,
            View::Working => Readiness::Busy,
            View::Dialog => Readiness::Dialog("d".to_owned()),
        };
        if readiness == self.server.readiness {
            return None;
        }
        self.server.readiness = readiness.clone();
        self.tell(Event::Agent(readiness));
        Some(Ok(()))
    }

    pub(crate) fn serve(&mut self) -> Option<Result<(), Broken>> {
        match self.server.todo.pop_front()? {
            Todo::Event(event) => {
                if let Some((_, machine)) = &mut self.server.under {
                    let effects = machine.step(&event, self.now);
                    // At a deadline the agent may take the text in the same moment; otherwise the
                    // server waits for the hook.
                    let fails = |effect: &Effect| matches!(effect, Effect::Failed(_));
                    let taken = self.under_was_taken();
                    if event != Event::Tick && taken && effects.iter().any(fails) {
                        return Some(Err(
                            "a delivery whose report can still be read does not fail",
                        ));
                    }
                    // Effects of an event precede the next event.
                    for effect in effects.into_iter().rev() {
                        self.server.todo.push_front(Todo::Effect(effect));
                    }
                }
                Some(Ok(()))
            }
            Todo::Effect(effect) => Some(self.perform(effect)),
        }
    }

    pub(crate) fn perform(&mut self, effect: Effect) -> Result<(), Broken> {
        let Some((at, _)) = self.server.under else {
            return Ok(());
        };
        match effect {
            Effect::Claim => {
                // Not while another's keys are on their way.
                self.claimed = self.pty.is_empty() && self.view != View::Dead;
                self.tell(match self.claimed {
                    true => Event::Claimed,
                    false => Event::Unclaimed,
                });
            }
            Effect::Release => self.end_claim(),
            Effect::Look => {
                let seen = self.look(at);
                self.tell(Event::Looked(seen));
            }
            Effect::Press(_) | Effect::Enter { .. } | Effect::Type if self.view == View::Dead => {}
            Effect::Press(key) if self.claimed => self.pty.push_back(Keystroke::Server(key)),
            Effect::Enter { .. } if self.claimed => self.pty.push_back(Keystroke::Enter(at)),
            Effect::Press(_) | Effect::Enter { .. } => self.tell(Event::Unclaimed),
            Effect::Record => {
                if self.rows[..at].iter().any(|row| !row.state.is_over()) {
                    return Err("order is kept");
                }
                if self.rows[at].state == DeliveryState::Queued {
                    self.rows[at].after = self.server.read;
                }
                self.rows[at].state = DeliveryState::Written;
                self.rows[at].typings += 1;
                self.tell(Event::Recorded);
            }
            Effect::Type => {
                if self.rows[at].state != DeliveryState::Written {
                    return Err("what is typed is recorded before");
                }
                if self.typed[at] >= self.rows[at].typings {
                    self.tell(Event::Typed);
                } else if self.claimed {
                    let text = Piece::Text(at);
                    let stands = self.prompt.contains(&text) || self.kept.contains(&text);
                    if stands || self.hooks.iter().any(|hook| hook.contains(&text)) {
                        return Err("a text is typed again only if it stands and went nowhere");
                    }
                    self.typed[at] = self.rows[at].typings;
                    self.pty.push_back(Keystroke::Paste(at));
                    self.tell(Event::Typed);
                } else {
                    self.tell(Event::NotTyped);
                }
            }
            Effect::Note(_) => {}
            Effect::Submitted => {
                if !self.was_taken(at) {
                    return Err("submitted only if the agent took exactly that text");
                }
                self.settle(at, DeliveryState::Submitted);
            }
            Effect::Failed(_) => {
                if self.was_reported(at) {
                    return Err("a delivery that the agent reported does not fail");
                }
                self.settle(at, DeliveryState::Failed);
            }
        }
        Ok(())
    }

    pub(crate) fn settle(&mut self, at: usize, state: DeliveryState) {
        self.rows[at].state = state;
        // The worker releases a lock granted meanwhile.
        self.end_claim();
        self.server.todo.clear();
        self.load();
    }
}
