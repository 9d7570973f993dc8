//! A small world around the machine: a store, a holder, an agent, a user, and a server that may die between any two effects.

use std::collections::VecDeque;

use wxcode_core::delivery::{
    DeliveryState,
    machine::{Deadlines, Effect, Event, Kept, Key, Machine, Prompt, Readiness, Seen},
};

/// Short, so that there are fewer orders of the timeouts.
pub(crate) const DEADLINES: Deadlines = Deadlines { ready_ms: 4_000 };

/// When the clock begins, in milliseconds: high, so that times are told from other numbers.
pub(crate) const START: u64 = 1 << 40;

/// A piece of what stands in the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    /// The text of a delivery.
    Text(usize),
    /// A character of the user.
    Typed,
}

/// What comes to the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Keystroke {
    Paste(usize),
    /// Enter for a delivery.
    Enter(usize),
    Server(Key),
    User(UserKey),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UserKey {
    Character,
    Enter,
    Interrupt,
    Stash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum View {
    Starting,
    Idle,
    Working,
    Dialog,
    Dead,
}

/// What happens, besides the things that only go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// The server does its next thing.
    Server,
    /// The server dies; another one starts.
    Crash,
    /// The agent takes its next key.
    Agent,
    /// The agent takes its next key for nothing, where that is Enter.
    Swallow,
    /// It is up, or its turn is over.
    Settle,
    DialogOpens,
    DialogCloses,
    Dies,
    /// The server reads the next hook.
    Hook,
    /// The server sees the agent as it is.
    Observe,
    /// The holder says that the screen is at rest.
    Quiet,
    /// The claim's time is over at the holder.
    ClaimOver,
    User(UserKey),
    /// Time passes until the server has something to do.
    Time,
}

pub(crate) const ACTIONS: [Action; 17] = [
    Action::Server,
    Action::Agent,
    Action::Hook,
    Action::Observe,
    Action::Settle,
    Action::DialogCloses,
    Action::Quiet,
    Action::Time,
    Action::Crash,
    Action::Swallow,
    Action::DialogOpens,
    Action::Dies,
    Action::ClaimOver,
    Action::User(UserKey::Character),
    Action::User(UserKey::Enter),
    Action::User(UserKey::Interrupt),
    Action::User(UserKey::Stash),
];

/// How often what may go wrong does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) crashes: u8,
    pub(crate) user_keys: u8,
    pub(crate) dialogs: u8,
    pub(crate) swallows: u8,
    pub(crate) claims_over: u8,
    pub(crate) deaths: u8,
    /// Times that pass although the agent has not read what was typed.
    pub(crate) lags: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) state: DeliveryState,
    pub(crate) after: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Todo {
    Effect(Effect),
    Event(Event),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    /// The delivery under way.
    pub(crate) under: Option<(usize, Machine)>,
    /// What it is about to do, in order.
    pub(crate) todo: VecDeque<Todo>,
    /// Hooks that were read.
    pub(crate) read: usize,
    pub(crate) readiness: Readiness,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) rows: Vec<Row>,
    pub(crate) server: Server,
    /// The holder: whether the server has the keyboard, what waits behind it, which keys were used.
    pub(crate) claimed: bool,
    pub(crate) waiting: VecDeque<UserKey>,
    pub(crate) typed: Vec<u8>,
    /// What is in the PTY.
    pub(crate) pty: VecDeque<Keystroke>,
    pub(crate) view: View,
    pub(crate) prompt: Vec<Piece>,
    pub(crate) kept: Vec<Piece>,
    /// Esc was pressed once.
    pub(crate) clearing: bool,
    /// The agent knows no such command.
    pub(crate) unknown: bool,
    /// Prompts that it reported.
    pub(crate) hooks: Vec<Vec<Piece>>,
    pub(crate) budget: Budget,
}

/// A promise that is broken.
pub(crate) type Broken = &'static str;

impl World {
    pub(crate) fn new(deliveries: usize, unknown: bool, budget: Budget) -> Self {
        let row = Row {
            state: DeliveryState::Queued,
            after: 0,
        };
        let mut world = Self {
            now: START,
            rows: vec![row; deliveries],
            server: Server {
                under: None,
                todo: VecDeque::new(),
                read: 0,
                readiness: Readiness::NotReady,
            },
            claimed: false,
            waiting: VecDeque::new(),
            typed: vec![0; deliveries],
            pty: VecDeque::new(),
            view: View::Starting,
            prompt: Vec::new(),
            kept: Vec::new(),
            clearing: false,
            unknown,
            hooks: Vec::new(),
            budget,
        };
        world.load();
        world
    }

    pub(crate) fn is_over(&self) -> bool {
        self.rows.iter().all(|row| row.state.is_over())
    }

    /// The next delivery from the store.
    fn load(&mut self) {
        let next = self.rows.iter().position(|row| !row.state.is_over());
        self.server.under =
            next.map(|at| (at, Machine::typed(self.rows[at].state, DEADLINES, self.now)));
        if let Some(at) = next {
            let event = match self.was_reported(at) {
                true => Event::Reported,
                false => Event::Agent(self.server.readiness.clone()),
            };
            self.server.todo.push_back(Todo::Event(event));
        }
    }

    /// Whether a hook that the server has read confirms a delivery.
    fn was_reported(&self, at: usize) -> bool {
        self.rows[at].state == DeliveryState::Written
            && self.hooks[..self.server.read]
                .iter()
                .skip(self.rows[at].after)
                .any(|hook| *hook == [Piece::Text(at)])
    }

    fn under_was_taken(&self) -> bool {
        let under = self.server.under.as_ref();
        under.is_some_and(|(at, _)| self.was_taken(*at))
    }

    /// Whether the agent said that it took a delivery.
    fn was_taken(&self, at: usize) -> bool {
        self.hooks.iter().any(|hook| *hook == [Piece::Text(at)])
    }

    fn tell(&mut self, event: Event) {
        self.server.todo.push_back(Todo::Event(event));
    }

    /// Does an action; `None` where it cannot happen now.
    pub(crate) fn act(&self, action: Action) -> Option<Result<Self, Broken>> {
        let mut next = self.clone();
        let done = match action {
            Action::Server => next.serve(),
            Action::Crash => next.spend(|b| &mut b.crashes)?.crash(),
            Action::Agent if self.view == View::Dead => None,
            Action::Agent => next.pty.pop_front().map(|key| next.take(key)),
            Action::Swallow => match next.pty.front() {
                Some(Keystroke::Enter(_)) => {
                    next.spend(|b| &mut b.swallows)?.pty.pop_front();
                    Some(Ok(()))
                }
                _ => None,
            },
            Action::Settle => match next.view {
                View::Starting | View::Working => {
                    next.view = View::Idle;
                    Some(Ok(()))
                }
                _ => None,
            },
            // Between a look and the key that follows it nothing can be known of one.
            Action::DialogOpens
                if self.view == View::Idle && self.pty.is_empty() && self.is_at_rest() =>
            {
                next.spend(|b| &mut b.dialogs)?.view = View::Dialog;
                Some(Ok(()))
            }
            Action::DialogOpens => None,
            Action::DialogCloses => (next.view == View::Dialog).then(|| {
                next.view = View::Idle;
                Ok(())
            }),
            Action::Dies if self.view == View::Dead => None,
            Action::Dies => {
                let next = next.spend(|b| &mut b.deaths)?;
                next.view = View::Dead;
                next.pty.clear();
                next.waiting.clear();
                Some(Ok(()))
            }
            // An event is dealt with to its end before the next is heard.
            Action::Hook => (next.server.read < next.hooks.len() && next.is_between()).then(|| {
                next.read_hook();
                Ok(())
            }),
            Action::Observe => next.observe(),
            Action::Quiet => (next.is_at_rest() && next.view != View::Dead).then(|| {
                next.tell(Event::Quiet);
                Ok(())
            }),
            Action::ClaimOver => match next.claimed {
                true => {
                    next.spend(|b| &mut b.claims_over)?.end_claim();
                    next.tell(Event::Unclaimed);
                    Some(Ok(()))
                }
                false => None,
            },
            Action::User(key) => next.spend(|b| &mut b.user_keys)?.user(key),
            Action::Time => next.pass(),
        };
        let done = done?;
        if next == *self {
            return None;
        }
        Some(done.map(|()| next))
    }

    fn spend(&mut self, of: impl Fn(&mut Budget) -> &mut u8) -> Option<&mut Self> {
        let left = of(&mut self.budget);
        *left = left.checked_sub(1)?;
        Some(self)
    }

    fn is_between(&self) -> bool {
        let is_answer = |todo: &Todo| {
            use Event::{Claimed, Looked, NotTyped, Typed, Unclaimed};
            let Todo::Event(event) = todo else {
                return false;
            };
            matches!(event, Claimed | Unclaimed | Looked(_) | Typed | NotTyped)
        };
        self.server.todo.iter().all(is_answer)
    }

    fn is_at_rest(&self) -> bool {
        self.server.todo.is_empty()
    }

    fn crash(&mut self) -> Option<Result<(), Broken>> {
        self.end_claim();
        self.server = Server {
            under: None,
            todo: VecDeque::new(),
            read: 0,
            readiness: Readiness::NotReady,
        };
        self.load();
        Some(Ok(()))
    }

    /// The holder: what waited is typed, in order.
    fn end_claim(&mut self) {
        self.claimed = false;
        self.pty.extend(self.waiting.drain(..).map(Keystroke::User));
    }

    fn user(&mut self, key: UserKey) -> Option<Result<(), Broken>> {
        if self.view == View::Dead {
            return None;
        }
        if self.claimed && key == UserKey::Interrupt {
            // It goes before what waits.
            self.claimed = false;
            self.pty.push_back(Keystroke::User(key));
            self.end_claim();
            self.tell(Event::Unclaimed);
        } else if self.claimed {
            self.waiting.push_back(key);
        } else {
            self.pty.push_back(Keystroke::User(key));
        }
        Some(Ok(()))
    }

    fn pass(&mut self) -> Option<Result<(), Broken>> {
        let fresh = self.is_at_rest() && self.server.read == self.hooks.len();
        let (_, machine) = self.server.under.as_ref().filter(|_| fresh)?;
        let at = machine.deadline()?;
        if !self.pty.is_empty() {
            self.spend(|b| &mut b.lags)?;
        }
        self.now = self.now.max(at);
        self.clearing = false;
        self.tell(Event::Tick);
        Some(Ok(()))
    }

    fn read_hook(&mut self) {
        let hook = &self.hooks[self.server.read];
        let pieces = hook.clone();
        self.server.read += 1;
        self.server.readiness = Readiness::Busy;
        // It comes before answers that were not heard yet.
        if let Some((at, _)) = &self.server.under
            && pieces == [Piece::Text(*at)]
            && self.was_reported(*at)
        {
            self.server.todo.push_front(Todo::Event(Event::Reported));
        }
        let busy = Event::Agent(Readiness::Busy);
        self.server.todo.push_front(Todo::Event(busy));
    }

    /// What hooks and a screen at rest say.
    fn observe(&mut self) -> Option<Result<(), Broken>> {
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

    fn serve(&mut self) -> Option<Result<(), Broken>> {
        match self.server.todo.pop_front()? {
            Todo::Event(event) => {
                if let Some((_, machine)) = &mut self.server.under {
                    let effects = machine.step(&event, self.now);
                    // At a deadline it may be taken in the same moment; else the report is waited for.
                    let fails = |effect: &Effect| matches!(effect, Effect::Failed(_));
                    let taken = self.under_was_taken();
                    if event != Event::Tick && taken && effects.iter().any(fails) {
                        return Some(Err(
                            "a delivery whose report can still be read does not fail",
                        ));
                    }
                    // Effects of one event come before the next event.
                    for effect in effects.into_iter().rev() {
                        self.server.todo.push_front(Todo::Effect(effect));
                    }
                }
                Some(Ok(()))
            }
            Todo::Effect(effect) => Some(self.perform(effect)),
        }
    }

    fn perform(&mut self, effect: Effect) -> Result<(), Broken> {
        let Some((at, _)) = self.server.under else {
            return Ok(());
        };
        match effect {
            Effect::Claim => {
                // Not while somebody's keys are on their way.
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
                self.rows[at].state = DeliveryState::Written;
                self.rows[at].after = self.server.read;
                self.tell(Event::Recorded);
            }
            Effect::Type => {
                if self.rows[at].state != DeliveryState::Written {
                    return Err("what is typed is recorded before");
                }
                if self.typed[at] > 0 {
                    self.tell(Event::Typed);
                } else if self.claimed {
                    self.typed[at] += 1;
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

    fn settle(&mut self, at: usize, state: DeliveryState) {
        self.rows[at].state = state;
        // The courier gives back a keyboard that it was granted meanwhile.
        self.end_claim();
        self.server.todo.clear();
        self.load();
    }

    /// The screen, which shows what the agent has taken in.
    fn look(&self, at: usize) -> Seen {
        let prompt = match (self.view, &self.prompt[..]) {
            (View::Starting | View::Dialog | View::Dead, _) | (View::Working, []) => {
                Prompt::Nothing
            }
            (_, []) => Prompt::Empty,
            (_, [Piece::Text(text)]) if *text == at => Prompt::Text {
                offers_other: false,
                asks_to_clear: self.clearing,
            },
            (_, pieces) => Prompt::Draft {
                mark: pieces.len() as u64,
            },
        };
        let kept = match self.kept.is_empty() {
            true => Kept::No,
            false => Kept::Yes,
        };
        Seen { prompt, kept }
    }

    /// The agent takes a key.
    fn take(&mut self, key: Keystroke) -> Result<(), Broken> {
        let clearing = std::mem::take(&mut self.clearing);
        let by_user = matches!(key, Keystroke::User(_));
        let takes = matches!(self.view, View::Idle | View::Working);
        match key {
            _ if self.view == View::Dialog && by_user => {}
            Keystroke::Enter(_) if self.view != View::Idle => {
                return Err("never Enter into a dialog or a turn");
            }
            Keystroke::Enter(at) if self.prompt != [Piece::Text(at)] => {
                return Err("never Enter into a prompt that holds anything but the text");
            }
            Keystroke::Server(Key::Escape) if self.view != View::Idle => {
                return Err("never Esc into a dialog or a turn");
            }
            Keystroke::Server(Key::Escape) if !matches!(self.prompt[..], [Piece::Text(_)]) => {
                return Err("nothing of the user is cleared");
            }
            Keystroke::Server(Key::Escape) => match clearing {
                true => self.prompt.clear(),
                false => self.clearing = true,
            },
            Keystroke::Paste(_) if self.view != View::Idle => {
                return Err("never a paste into a dialog or a turn");
            }
            Keystroke::Paste(at) => {
                if !self.prompt.is_empty() {
                    return Err("nothing is merged with the text");
                }
                self.prompt.push(Piece::Text(at));
            }
            _ if !takes => {}
            Keystroke::User(UserKey::Character) => self.prompt.push(Piece::Typed),
            Keystroke::User(UserKey::Interrupt) => self.prompt.clear(),
            Keystroke::Server(Key::Stash) | Keystroke::User(UserKey::Stash) => {
                if self.prompt.is_empty() {
                    self.prompt = std::mem::take(&mut self.kept);
                } else {
                    if !by_user && !self.kept.is_empty() {
                        return Err("a draft that was put aside is not thrown away");
                    }
                    self.kept = std::mem::take(&mut self.prompt);
                }
            }
            Keystroke::Enter(_) | Keystroke::User(UserKey::Enter) => self.submit(),
        }
        Ok(())
    }

    fn submit(&mut self) {
        let submitted = std::mem::take(&mut self.prompt);
        if submitted.is_empty() {
            return;
        }
        self.prompt = std::mem::take(&mut self.kept);
        let is_command = matches!(submitted[..], [Piece::Text(_)]);
        if !(self.unknown && is_command) {
            self.hooks.push(submitted);
            self.view = View::Working;
        }
    }
}
