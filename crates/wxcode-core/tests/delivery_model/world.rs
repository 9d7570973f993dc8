//! A small world around the machine: store, holder, agent, user, and a server that may die between
//! any two effects.

use std::{collections::VecDeque, time::Duration};

use wxcode_core::{
    delivery::{
        DeliveryState,
        machine::{Deadlines, Effect, Event, Key, Machine, Readiness},
    },
    time::Moment,
};

/// Short, for fewer orders of the timeouts.
pub(crate) const DEADLINES: Deadlines = Deadlines {
    ready: Duration::from_secs(4),
};

/// The start of the clock, in seconds: high, so that times differ from other numbers. All times are
/// whole seconds.
pub(crate) const START: u64 = 1 << 40;

/// A piece of the prompt's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    /// The text of a delivery.
    Text(usize),
    /// A character of the user.
    Typed,
}

/// Input of the agent.
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

/// An action, besides time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// The server takes the next step.
    Server,
    /// The server dies; a new server starts.
    Crash,
    /// The agent takes the next key.
    Agent,
    /// The agent ignores the next key, if the key is Enter.
    Swallow,
    /// The agent becomes ready, or the turn ends.
    Settle,
    DialogOpens,
    /// A dialog opens before the agent takes a paste, and swallows the paste.
    Ambush,
    DialogCloses,
    Dies,
    /// The server reads the next hook.
    Hook,
    /// The server observes the agent.
    Observe,
    /// The holder reports a resting screen.
    Quiet,
    /// The lock expires at the holder.
    ClaimOver,
    User(UserKey),
    /// Time passes until the server's next step.
    Time,
}

pub(crate) const ACTIONS: [Action; 18] = [
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
    Action::Ambush,
    Action::Dies,
    Action::ClaimOver,
    Action::User(UserKey::Character),
    Action::User(UserKey::Enter),
    Action::User(UserKey::Interrupt),
    Action::User(UserKey::Stash),
];

/// Bounds on how often each fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) crashes: u8,
    pub(crate) user_keys: u8,
    pub(crate) dialogs: u8,
    pub(crate) ambushes: u8,
    pub(crate) swallows: u8,
    pub(crate) claims_over: u8,
    pub(crate) deaths: u8,
    /// Times that pass before the agent has read its input.
    pub(crate) lags: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) state: DeliveryState,
    pub(crate) after: usize,
    pub(crate) typings: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Todo {
    Effect(Effect),
    Event(Event),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    /// The delivery in progress.
    pub(crate) under: Option<(usize, Machine)>,
    /// The pending effects, in order.
    pub(crate) todo: VecDeque<Todo>,
    /// The number of read hooks.
    pub(crate) read: usize,
    pub(crate) readiness: Readiness,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: Moment,
    pub(crate) rows: Vec<Row>,
    pub(crate) server: Server,
    /// The holder: whether the server has the lock, the waiting input, the used keys.
    pub(crate) claimed: bool,
    pub(crate) waiting: VecDeque<UserKey>,
    pub(crate) typed: Vec<u8>,
    /// The content of the PTY.
    pub(crate) pty: VecDeque<Keystroke>,
    pub(crate) view: View,
    pub(crate) prompt: Vec<Piece>,
    pub(crate) kept: Vec<Piece>,
    /// Esc was pressed once.
    pub(crate) clearing: bool,
    /// The agent does not know such a command.
    pub(crate) unknown: bool,
    /// The deliveries steer.
    pub(crate) steer: bool,
    /// Prompts reported by the agent.
    pub(crate) hooks: Vec<Vec<Piece>>,
    pub(crate) budget: Budget,
}

/// A broken promise.
pub(crate) type Broken = &'static str;

impl World {
    pub(crate) fn new(deliveries: usize, unknown: bool, budget: Budget) -> Self {
        let row = Row {
            state: DeliveryState::Queued,
            after: 0,
            typings: 0,
        };
        let mut world = Self {
            now: Moment::new(Duration::from_secs(START)),
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
            steer: false,
            hooks: Vec::new(),
            budget,
        };
        world.load();
        world
    }

    /// The same with steering deliveries.
    pub(crate) fn steering(mut self) -> Self {
        self.steer = true;
        self.server.todo.clear();
        self.load();
        self
    }

    pub(crate) fn is_over(&self) -> bool {
        self.rows.iter().all(|row| row.state.is_over())
    }

    /// Carries out an action; `None` for an action that is impossible now.
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
            // Between a look and the following key, the machine can know nothing about a new
            // dialog.
            Action::DialogOpens
                if self.view == View::Idle && self.pty.is_empty() && self.is_at_rest() =>
            {
                next.spend(|b| &mut b.dialogs)?.view = View::Dialog;
                Some(Ok(()))
            }
            Action::DialogOpens => None,
            Action::Ambush => match next.pty.front() {
                Some(Keystroke::Paste(_)) if self.view == View::Idle => {
                    let next = next.spend(|b| &mut b.ambushes)?;
                    next.pty.pop_front();
                    next.view = View::Dialog;
                    Some(Ok(()))
                }
                _ => None,
            },
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
            // The server handles an event completely before the next.
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

    pub(crate) fn is_between(&self) -> bool {
        let is_answer = |todo: &Todo| {
            use Event::{Claimed, Looked, NotTyped, Typed, Unclaimed};
            let Todo::Event(event) = todo else {
                return false;
            };
            matches!(event, Claimed | Unclaimed | Looked(_) | Typed | NotTyped)
        };
        self.server.todo.iter().all(is_answer)
    }

    pub(crate) fn is_at_rest(&self) -> bool {
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

    /// The holder types waiting input, in order.
    pub(crate) fn end_claim(&mut self) {
        self.claimed = false;
        self.pty.extend(self.waiting.drain(..).map(Keystroke::User));
    }

    fn user(&mut self, key: UserKey) -> Option<Result<(), Broken>> {
        if self.view == View::Dead {
            return None;
        }
        if self.claimed && key == UserKey::Interrupt {
            // The release precedes waiting input.
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
}
