//! What a delivery does next: a pure machine of (phase, event) → (phase, effects).

use super::DeliveryState;

/// How often Enter is pressed for one delivery, at most.
pub const ENTERS_MAX: u32 = 3;
/// How long after the first Enter the agent may take to report the command, in milliseconds.
pub const TAKE_TIMEOUT_MS: u64 = 15_000;
/// How long after one Enter the next may follow, in milliseconds.
pub const ENTER_INTERVAL_MS: u64 = 5_000;
/// How long a paste may keep the screen busy before Enter is pressed all the same, in milliseconds.
pub const PASTE_SETTLE_MS: u64 = 2_000;

/// How long each step may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// How long the agent may take to be ready, in milliseconds.
    pub ready_ms: u64,
}

/// What the agent is like, as far as a delivery cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// A command may be typed.
    Ready,
    /// In a turn: wait for as long as it takes.
    Busy,
    /// A dialog of this name is in the way: wait for as long as it stands.
    Dialog(String),
    /// Not seen ready yet.
    NotReady,
}

/// What happened. Times are of one monotonic clock, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The agent's readiness, told whenever it may have changed.
    Agent(Readiness),
    /// The store has the delivery as `written`.
    Recorded,
    /// The holder has put the text into the PTY.
    Typed,
    /// The screen came to rest.
    Quiet,
    /// The agent reported exactly this command as submitted.
    Reported,
    /// The agent is gone.
    Gone,
    /// Time passed.
    Tick,
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make it durable that the text is about to be typed; answer with [`Event::Recorded`].
    Record,
    /// Type the text, once per delivery; answer with [`Event::Typed`].
    Type,
    /// Press Enter; the number of attempts is durable afterwards.
    Enter {
        /// Attempts so far, this one included.
        attempts: u32,
    },
    /// Say in `error` what it waits for; `None` when nothing is in the way any more.
    Note(Option<String>),
    /// It is submitted.
    Submitted,
    /// It failed.
    Failed(String),
}

/// One delivery under way in one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    phase: Phase,
    deadlines: Deadlines,
    readiness: Readiness,
    noted: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// Waits for the agent; `None` while a turn or a dialog is what it waits for.
    Waiting { not_ready_since: Option<u64> },
    /// Went along as the prompt of the process; the clocks are as in `Waiting` and `Submitting`.
    Riding {
        not_ready_since: Option<u64>,
        ready_since: Option<u64>,
    },
    /// Waits for the store.
    Recording,
    /// Recorded; waits for the agent to be ready again, as when the server was away.
    Armed { not_ready_since: Option<u64> },
    /// Waits for the holder.
    Typing,
    /// The text is in the PTY; waits for the screen to show that the agent took it in.
    Settling { since: u64 },
    /// Enter was pressed.
    Submitting { first: u64, last: u64, enters: u32 },
    /// Nothing more to do.
    Over,
}

impl Machine {
    /// A delivery to be typed, from the state that the store has.
    ///
    /// A written one goes to the holder again, which types it only if it has not: it was this
    /// server's predecessor that recorded it and may not have come further.
    #[must_use]
    pub const fn typed(state: DeliveryState, deadlines: Deadlines, now: u64) -> Self {
        let phase = match state {
            DeliveryState::Queued => Phase::Waiting {
                not_ready_since: Some(now),
            },
            DeliveryState::Written => Phase::Armed {
                not_ready_since: Some(now),
            },
            DeliveryState::Submitted | DeliveryState::Failed => Phase::Over,
        };
        Self {
            phase,
            deadlines,
            readiness: Readiness::NotReady,
            noted: None,
        }
    }

    /// A delivery that went along as the prompt of the session's process.
    #[must_use]
    pub const fn riding(deadlines: Deadlines, now: u64) -> Self {
        let phase = Phase::Riding {
            not_ready_since: Some(now),
            ready_since: None,
        };
        Self {
            phase,
            deadlines,
            readiness: Readiness::NotReady,
            noted: None,
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Takes an event; the effects are to be carried out in order, each answered as it says.
    pub fn step(&mut self, event: &Event, now: u64) -> Vec<Effect> {
        match event {
            _ if self.is_over() => return vec![],
            Event::Reported => return self.finish(Effect::Submitted),
            Event::Gone => {
                return self.fail(
                    "the agent ended before it took the command: start it again, then retry"
                        .to_owned(),
                );
            }
            Event::Agent(readiness) => self.readiness = readiness.clone(),
            Event::Recorded | Event::Typed | Event::Quiet | Event::Tick => {}
        }
        match self.phase {
            Phase::Waiting { not_ready_since } => self.wait(
                not_ready_since,
                now,
                |not_ready_since| Phase::Waiting { not_ready_since },
                Effect::Record,
            ),
            Phase::Riding {
                not_ready_since,
                ready_since,
            } => self.ride(not_ready_since, ready_since, now),
            Phase::Recording if *event == Event::Recorded => {
                self.phase = Phase::Armed {
                    not_ready_since: None,
                };
                self.step(&Event::Tick, now)
            }
            Phase::Armed { not_ready_since } => self.wait(
                not_ready_since,
                now,
                |not_ready_since| Phase::Armed { not_ready_since },
                Effect::Type,
            ),
            Phase::Typing if *event == Event::Typed => {
                self.phase = Phase::Settling { since: now };
                vec![]
            }
            Phase::Settling { since } => {
                let mut effects = self.note(self.dialog());
                if self.may_press_enter()
                    && (*event == Event::Quiet || now >= since + PASTE_SETTLE_MS)
                {
                    effects.extend(self.enter(now, now, 0));
                }
                effects
            }
            Phase::Submitting {
                first,
                last,
                enters,
            } => self.submit(first, last, enters, now),
            Phase::Recording | Phase::Typing | Phase::Over => vec![],
        }
    }

    /// When the next [`Event::Tick`] is needed; `None` while only another event can change anything.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        match self.phase {
            Phase::Waiting { not_ready_since } | Phase::Armed { not_ready_since } => {
                not_ready_since.map(|since| since + self.deadlines.ready_ms)
            }
            Phase::Riding {
                not_ready_since,
                ready_since,
            } => not_ready_since
                .map(|since| since + self.deadlines.ready_ms)
                .or(ready_since.map(|since| since + TAKE_TIMEOUT_MS)),
            Phase::Settling { since } => self.may_press_enter().then_some(since + PASTE_SETTLE_MS),
            Phase::Submitting {
                first,
                last,
                enters,
            } => {
                let give_up = self.dialog().is_none().then_some(first + TAKE_TIMEOUT_MS);
                let next = (self.may_press_enter() && enters < ENTERS_MAX)
                    .then_some(last + ENTER_INTERVAL_MS);
                give_up.into_iter().chain(next).min()
            }
            Phase::Recording | Phase::Typing | Phase::Over => None,
        }
    }

    /// Waits for the agent in the phase that `stay` makes; `go` is what its readiness sets off.
    fn wait(
        &mut self,
        not_ready_since: Option<u64>,
        now: u64,
        stay: fn(Option<u64>) -> Phase,
        go: Effect,
    ) -> Vec<Effect> {
        let not_ready_since = self.unready_since(not_ready_since, now);
        let mut effects = self.note(self.dialog());
        self.phase = stay(not_ready_since);
        if self.readiness == Readiness::Ready {
            self.phase = if go == Effect::Record {
                Phase::Recording
            } else {
                Phase::Typing
            };
            effects.push(go);
        } else if self.is_late(not_ready_since, now) {
            effects.extend(self.fail(self.not_ready()));
        }
        effects
    }

    fn ride(
        &mut self,
        not_ready_since: Option<u64>,
        ready_since: Option<u64>,
        now: u64,
    ) -> Vec<Effect> {
        let not_ready_since = self.unready_since(not_ready_since, now);
        let mut effects = self.note(self.dialog());
        let ready_since = (self.readiness == Readiness::Ready).then(|| ready_since.unwrap_or(now));
        self.phase = Phase::Riding {
            not_ready_since,
            ready_since,
        };
        if self.is_late(not_ready_since, now) {
            effects.extend(self.fail(self.not_ready()));
        } else if ready_since.is_some_and(|since| now >= since + TAKE_TIMEOUT_MS) {
            effects.extend(self.fail(not_taken()));
        }
        effects
    }

    /// The dialog in the way.
    fn dialog(&self) -> Option<String> {
        if let Readiness::Dialog(name) = &self.readiness {
            Some(name.clone())
        } else {
            None
        }
    }

    /// Since when the agent has been unready without a reason to wait on.
    fn unready_since(&self, since: Option<u64>, now: u64) -> Option<u64> {
        (self.readiness == Readiness::NotReady).then(|| since.unwrap_or(now))
    }

    /// Never a blind Enter: in a dialog or a turn it would do something else.
    fn may_press_enter(&self) -> bool {
        matches!(self.readiness, Readiness::Ready | Readiness::NotReady)
    }

    fn is_late(&self, not_ready_since: Option<u64>, now: u64) -> bool {
        not_ready_since.is_some_and(|since| now >= since + self.deadlines.ready_ms)
    }

    fn not_ready(&self) -> String {
        format!(
            "the agent was not ready within {} s: look at its screen, then retry, or raise `[delivery] ready_timeout_s`",
            self.deadlines.ready_ms / 1000
        )
    }

    fn submit(&mut self, first: u64, last: u64, enters: u32, now: u64) -> Vec<Effect> {
        let mut effects = self.note(self.dialog());
        if self.dialog().is_none() && now >= first + TAKE_TIMEOUT_MS {
            effects.extend(self.fail(not_taken()));
        } else if self.may_press_enter() && enters < ENTERS_MAX && now >= last + ENTER_INTERVAL_MS {
            effects.extend(self.enter(first, now, enters));
        }
        effects
    }

    fn enter(&mut self, first: u64, now: u64, enters: u32) -> Vec<Effect> {
        let enters = enters + 1;
        self.phase = Phase::Submitting {
            first,
            last: now,
            enters,
        };
        vec![Effect::Enter { attempts: enters }]
    }

    fn note(&mut self, note: Option<String>) -> Vec<Effect> {
        if note == self.noted {
            return vec![];
        }
        self.noted.clone_from(&note);
        vec![Effect::Note(note)]
    }

    fn fail(&mut self, reason: String) -> Vec<Effect> {
        self.finish(Effect::Failed(reason))
    }

    fn finish(&mut self, effect: Effect) -> Vec<Effect> {
        self.phase = Phase::Over;
        vec![effect]
    }
}

fn not_taken() -> String {
    format!(
        "the agent did not take the command within {} s: check that the command exists in the workspace (an unknown slash command is never reported), then retry",
        TAKE_TIMEOUT_MS / 1000
    )
}
