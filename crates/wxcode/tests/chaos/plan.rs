//! The next step: a pure function of the seed and of the earlier plan.
//!
//! The state of processes changes no decision, so the same seed gives the same steps.

mod kind;

use self::kind::{KINDS, Kind};
use super::{
    dice::Dice,
    step::{End, Step, What, Who, Word},
};

/// Most terminal clients per project.
pub(crate) const CLIENTS: usize = 3;
/// Steps from a rest to the next.
const STRETCH: usize = 60;
/// After this many rests, the plan leaves servers alone for as many rests, so that a server lives
/// long enough for leaks to show.
const EPOCH: usize = 3;
/// Longest stop of a holder: a hook gives up after 5 s, and the hook's report is then lost.
const HOLDER_PAUSE: u64 = 1_500;
/// Longest stop of other processes.
const PAUSE: u64 = 3_000;

/// The planned state of a terminal client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Away,
    Reading,
    Stalled,
}

/// The planned state of a project.
#[derive(Debug, Clone)]
struct Slot {
    clients: [Client; CLIENTS],
    /// The keys of the project's commands.
    keys: Vec<u64>,
    milestones: u64,
    /// A command asked for a dialog.
    asks: bool,
    /// A step ended the project's session.
    is_ended: bool,
}

impl Slot {
    const NEW: Self = Self {
        clients: [Client::Away; CLIENTS],
        keys: Vec::new(),
        milestones: 0,
        asks: false,
        is_ended: false,
    };

    /// Ends the session, and so the connections of the session's viewers.
    const fn ends(&mut self) {
        self.clients = [Client::Away; CLIENTS];
        self.asks = false;
        self.is_ended = true;
    }
}

/// The plan of a run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    dice: Dice,
    slots: Vec<Slot>,
    /// Pending steps, the next step last: at first the steps for connecting all clients.
    ahead: Vec<Step>,
    steps: usize,
    rests: usize,
    words: Word,
}

impl Plan {
    /// The plan of a seed for this number of projects.
    pub(crate) fn new(seed: u64, slots: usize) -> Self {
        let attach = |slot| Step::Attach { slot, client: 0 };
        let mut plan = Self {
            dice: Dice::new(seed),
            slots: vec![Slot::NEW; slots],
            ahead: (0..slots).rev().map(attach).collect(),
            steps: 0,
            rests: 0,
            words: 0,
        };
        for slot in &mut plan.slots {
            slot.clients[0] = Client::Reading;
        }
        plan
    }

    /// The next step.
    pub(crate) fn next(&mut self) -> Step {
        if let Some(step) = self.ahead.pop() {
            return step;
        }
        self.steps += 1;
        if self.steps.is_multiple_of(STRETCH) {
            self.rests += 1;
            // Stalled clients must read again before a rest.
            for client in self.slots.iter_mut().flat_map(|slot| &mut slot.clients) {
                if *client == Client::Stalled {
                    *client = Client::Reading;
                }
            }
            return Step::Settle;
        }
        let kind = self.dice.weighed(KINDS);
        self.draw(kind)
    }

    const fn leaves_servers(&self) -> bool {
        (self.rests / EPOCH) % 2 == 1
    }

    fn draw(&mut self, kind: Kind) -> Step {
        let slot = self.dice.place(self.slots.len());
        match kind {
            Kind::Server | Kind::ServerAmid if self.leaves_servers() => self.deliver(slot),
            Kind::Server => self.server(),
            Kind::ServerAmid => {
                let key = self.key(slot);
                Step::ServerAmid {
                    slot,
                    word: self.word(),
                    key,
                    after: self.dice.roll(400),
                }
            }
            Kind::Pause => self.pause(slot),
            Kind::Kill => self.kill(slot),
            Kind::Client => self.client(slot),
            Kind::Type => self.keyboard(slot),
            Kind::Deliver => self.deliver(slot),
            Kind::Again => self.again(slot),
            Kind::Milestone => self.milestone(slot),
            Kind::Answer => {
                let slot = self.one_that(slot, |slot| slot.asks);
                self.slots[slot].asks = false;
                let option = self.dice.place(2);
                Step::Answer { slot, option }
            }
            Kind::Session => match self.dice.roll(4) {
                roll @ (0 | 1) => {
                    let slot = self.one_that(slot, |slot| slot.is_ended);
                    self.slots[slot].is_ended = false;
                    match roll {
                        0 => Step::Start { slot },
                        _ => Step::StartTwice { slot },
                    }
                }
                _ => {
                    self.slots[slot].ends();
                    Step::Stop { slot }
                }
            },
            Kind::Remake => {
                self.slots[slot] = Slot::NEW;
                match self.dice.roll(6) {
                    roll @ 0..4 if !self.leaves_servers() => {
                        let after = (roll < 2).then(|| self.dice.roll(400));
                        Step::RemakeAmid { slot, after }
                    }
                    _ => Step::Remake { slot },
                }
            }
            Kind::Run => {
                self.slots[slot].ends();
                Step::Run {
                    slot,
                    word: self.word(),
                }
            }
            Kind::Unfollow => Step::Unfollow { slot },
            Kind::Store => Step::StoreAway {
                slot,
                word: self.word(),
                ms: self.dice.roll(1_000),
            },
        }
    }

    /// The next project with a property, from `from` on; `from` if no project has the property.
    fn one_that(&self, from: usize, holds: impl Fn(&Slot) -> bool) -> usize {
        let count = self.slots.len();
        let mut all = (0..count).map(|step| (from + step) % count);
        all.find(|slot| holds(&self.slots[*slot])).unwrap_or(from)
    }

    fn word(&mut self) -> Word {
        self.words += 1;
        self.words
    }

    fn key(&mut self, slot: usize) -> u64 {
        let key = self.words + 1;
        self.slots[slot].keys.push(key);
        key
    }

    fn server(&mut self) -> Step {
        let end = self.dice.weighed(&[(2, End::Kill), (1, End::Term)]);
        let mut meanwhile = Vec::new();
        for _ in 0..self.dice.roll(3) {
            let slot = self.dice.place(self.slots.len());
            meanwhile.push(match self.dice.roll(3) {
                0 => self.kill(slot),
                1 => Step::Enter { slot, client: 0 },
                _ => {
                    let who = Who::Agent(slot);
                    let ms = self.dice.roll(PAUSE);
                    Step::Pause { who, ms }
                }
            });
        }
        let after = self.dice.roll(600);
        Step::Server {
            end,
            meanwhile,
            after,
        }
    }

    fn pause(&mut self, slot: usize) -> Step {
        let who = self.dice.weighed(&[
            (1, Who::Server),
            (2, Who::Holder(slot)),
            (1, Who::Guardian(slot)),
            (3, Who::Agent(slot)),
            (1, Who::Attach),
        ]);
        let longest = match who {
            Who::Holder(_) => HOLDER_PAUSE,
            _ => PAUSE,
        };
        let ms = self.dice.roll(longest) + 1;
        Step::Pause { who, ms }
    }

    fn kill(&mut self, slot: usize) -> Step {
        let roll = self.dice.roll(7);
        if roll == 2 {
            return Step::KillGuardian { slot };
        }
        self.slots[slot].ends();
        match roll {
            0 | 1 => Step::KillHolder { slot },
            3 => Step::KillBoth { slot },
            _ => Step::KillAgent { slot },
        }
    }

    fn client(&mut self, slot: usize) -> Step {
        let client = self.dice.place(CLIENTS);
        let now = self.slots[slot].clients[client];
        let (step, then) = match (now, self.dice.roll(10)) {
            (Client::Away, 0..6) => (Step::Return { slot, client }, Client::Reading),
            (_, 0) | (Client::Away, _) => (Step::Attach { slot, client }, Client::Reading),
            (_, 1) => (Step::Leave { slot, client }, Client::Away),
            (_, 2 | 3) => (Step::Blink { slot, client }, now),
            (Client::Reading, 4 | 5) => (Step::Stall { slot, client }, Client::Stalled),
            (Client::Stalled, 4..) => (Step::Read { slot, client }, Client::Reading),
            (_, 6) => {
                let history = [0, 4_096, 1 << 20][self.dice.place(3)];
                let step = Step::Redraw {
                    slot,
                    client,
                    history,
                };
                (step, now)
            }
            _ => {
                let (cols, rows) = (40 + self.dice.roll(120), 16 + self.dice.roll(50));
                let step = Step::Resize {
                    slot,
                    client,
                    cols: cols as u16,
                    rows: rows as u16,
                };
                (step, now)
            }
        };
        self.slots[slot].clients[client] = then;
        step
    }

    /// The next connected client, from `client` on; `client` if no client is connected.
    fn typist(&self, slot: usize, client: usize) -> (usize, usize) {
        let count = self.slots.len() * CLIENTS;
        let all = (0..count).map(|step| (slot * CLIENTS + client + step) % count);
        let mut all = all.map(|at| (at / CLIENTS, at % CLIENTS));
        let found = all.find(|(slot, client)| self.slots[*slot].clients[*client] != Client::Away);
        found.unwrap_or((slot, client))
    }

    fn keyboard(&mut self, slot: usize) -> Step {
        let client = self.dice.place(CLIENTS);
        let (slot, client) = self.typist(slot, client);
        match self.dice.roll(12) {
            0..5 => Step::Draft {
                slot,
                client,
                word: self.word(),
                // A client repeats its input after a lost connection.
                breaks: self.dice.chance(50),
            },
            5..8 => Step::Enter { slot, client },
            8 => Step::Erase { slot, client },
            _ => Step::TypeClear {
                slot,
                client,
                word: self.word(),
            },
        }
    }

    fn deliver(&mut self, slot: usize) -> Step {
        let what = match self.dice.roll(40) {
            0..17 => What::Plain,
            17..20 => What::Lines,
            20..25 => What::Flood(1 << (10 + self.dice.roll(12))),
            25..28 => What::Tool,
            28..32 => What::Daemon,
            32..35 => What::Permission,
            35..37 => What::Question,
            37 => What::Clear,
            _ => What::Exit,
        };
        let key = match self.dice.chance(50) {
            true => Some(self.key(slot)),
            false => None,
        };
        let place = &mut self.slots[slot];
        match what {
            What::Permission | What::Question => place.asks = true,
            What::Exit => place.ends(),
            _ => {}
        }
        let word = self.word();
        Step::Deliver {
            slot,
            what,
            word,
            key,
        }
    }

    fn again(&mut self, slot: usize) -> Step {
        let keys = self.slots[slot].keys.len();
        if keys == 0 {
            return self.deliver(slot);
        }
        let key = self.dice.place(keys);
        let key = self.slots[slot].keys[key];
        Step::Again { slot, key }
    }

    fn milestone(&mut self, slot: usize) -> Step {
        if self.slots[slot].milestones > 0 && self.dice.chance(40) {
            return Step::StartAgain { slot };
        }
        self.slots[slot].milestones += 1;
        let word = self.word();
        Step::Milestone { slot, word }
    }
}

#[cfg(test)]
mod tests;
