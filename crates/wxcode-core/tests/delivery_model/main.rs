//! Explores all interleavings of a small case: each reachable state keeps the promises, and from
//! each the deliveries come to an end.

mod agent;
mod server;
mod world;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher},
};

use world::{ACTIONS, Action, Broken, Budget, START, View, World};

/// Most undisturbed steps from a state to its end.
const CALM_STEPS: usize = 600;

const NOTHING: Budget = Budget {
    crashes: 0,
    user_keys: 0,
    dialogs: 0,
    ambushes: 0,
    swallows: 0,
    claims_over: 0,
    deaths: 0,
    lags: 0,
};

/// Hashes times, the only large numbers, by their age.
struct Relative {
    now: u64,
    hasher: DefaultHasher,
}

impl Hasher for Relative {
    fn write(&mut self, bytes: &[u8]) {
        self.hasher.write(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        let relative = match number >= START / 2 {
            true => number.wrapping_sub(self.now),
            false => number,
        };
        self.hasher.write_u64(relative);
    }

    fn finish(&self) -> u64 {
        self.hasher.finish()
    }
}

/// A state without irrelevant parts.
fn key(world: &World) -> u64 {
    let mut relative = Relative {
        now: world.now.since_start().as_secs(),
        hasher: DefaultHasher::new(),
    };
    world.hash(&mut relative);
    relative.finish()
}

/// The result: the number of states, or the path to a broken promise.
type Found = Result<usize, (Broken, Vec<Action>)>;

fn explore(start: World) -> Found {
    let first = key(&start);
    let mut from: HashMap<u64, Option<(u64, Action)>> = HashMap::from([(first, None)]);
    let mut ends = HashSet::new();
    let mut queue = VecDeque::from([(first, start)]);
    let way = |from: &HashMap<u64, Option<(u64, Action)>>, mut at: u64, last: Option<Action>| {
        let mut way: Vec<Action> = last.into_iter().collect();
        while let Some(Some((before, action))) = from.get(&at) {
            way.push(*action);
            at = *before;
        }
        way.reverse();
        way
    };
    while let Some((at, world)) = queue.pop_front() {
        if let Err(broken) = calm_end(&world, &mut ends) {
            return Err((broken, way(&from, at, None)));
        }
        for action in ACTIONS {
            match world.act(action) {
                None => {}
                Some(Err(broken)) => return Err((broken, way(&from, at, Some(action)))),
                Some(Ok(next)) => {
                    let to = key(&next);
                    from.entry(to).or_insert_with(|| {
                        queue.push_back((to, next));
                        Some((at, action))
                    });
                }
            }
        }
    }
    Ok(from.len())
}

/// Continues from a state without interference, with a well-behaved agent.
fn calm_end(world: &World, ends: &mut HashSet<u64>) -> Result<(), Broken> {
    let mut world = world.clone();
    let mut passed = Vec::new();
    let calm = [
        Action::Server,
        Action::Agent,
        Action::Hook,
        Action::Settle,
        Action::DialogCloses,
        Action::Observe,
    ];
    let mut has_rested = false;
    for _ in 0..CALM_STEPS {
        let at = key(&world);
        if world.is_over() || ends.contains(&at) {
            ends.extend(passed);
            return Ok(());
        }
        // Further output is no part of the state.
        if !has_rested {
            passed.push(at);
        }
        let goes_on = calm.iter().find_map(|action| world.act(*action));
        let next = match goes_on {
            Some(next) => Some(next),
            None if !has_rested => {
                has_rested = true;
                world.act(Action::Quiet)
            }
            None => {
                has_rested = false;
                world.act(Action::Time)
            }
        };
        match next {
            Some(next) => world = next?,
            None => return Err("stuck: nothing more happens"),
        }
    }
    Err("stuck: it takes forever")
}

fn promise(name: &str, start: World) -> usize {
    let began = std::time::Instant::now();
    match explore(start) {
        Ok(states) => {
            println!(
                "{name}: {states} states in {:.1} s",
                began.elapsed().as_secs_f64()
            );
            states
        }
        Err((broken, way)) => panic!("{name}: {broken}: {way:?}"),
    }
}

#[test]
fn a_server_that_dies_anywhere() {
    let budget = Budget {
        crashes: 2,
        swallows: 1,
        lags: 1,
        ..NOTHING
    };
    assert!(promise("crashes", World::new(2, false, budget)) > 1_000);
}

#[test]
fn the_user_types_at_any_moment() {
    let budget = Budget {
        user_keys: 2,
        lags: 2,
        ..NOTHING
    };
    assert!(promise("user", World::new(1, false, budget)) > 1_000);
}

#[test]
fn the_server_dies_while_a_user_types() {
    let budget = Budget {
        user_keys: 2,
        crashes: 1,
        ..NOTHING
    };
    assert!(promise("user and crash", World::new(1, false, budget)) > 1_000);
}

#[test]
fn an_unknown_command() {
    let budget = Budget {
        user_keys: 1,
        crashes: 1,
        swallows: 1,
        ..NOTHING
    };
    assert!(promise("unknown", World::new(2, true, budget)) > 1_000);
}

#[test]
fn dialogs_and_lost_locks_anywhere() {
    let budget = Budget {
        dialogs: 1,
        claims_over: 1,
        user_keys: 1,
        ..NOTHING
    };
    let world = World::new(1, false, budget);
    assert_eq!(world.view, View::Starting);
    assert!(promise("dialogs", world) > 1_000);
}

#[test]
fn the_user_types_into_a_steered_turn() {
    let budget = Budget {
        user_keys: 2,
        swallows: 1,
        lags: 1,
        ..NOTHING
    };
    let world = World::new(1, false, budget).steering();
    assert!(promise("steer", world) > 1_000);
}

#[test]
fn a_server_that_dies_in_a_steered_turn() {
    let budget = Budget {
        crashes: 1,
        dialogs: 1,
        user_keys: 1,
        ..NOTHING
    };
    let world = World::new(2, false, budget).steering();
    assert!(promise("steer and crash", world) > 1_000);
}

#[test]
fn dialogs_that_swallow_the_text() {
    let budget = Budget {
        ambushes: 2,
        user_keys: 1,
        claims_over: 1,
        ..NOTHING
    };
    assert!(promise("ambushes", World::new(1, false, budget)) > 1_000);
    let budget = Budget {
        ambushes: 1,
        dialogs: 1,
        user_keys: 1,
        ..NOTHING
    };
    assert!(promise("ambush and dialog", World::new(1, false, budget)) > 1_000);
}

#[test]
fn a_server_that_dies_around_a_swallowed_text() {
    let budget = Budget {
        ambushes: 1,
        crashes: 1,
        user_keys: 1,
        ..NOTHING
    };
    assert!(promise("ambush and crash", World::new(2, false, budget)) > 1_000);
}

#[test]
fn an_agent_that_dies_anywhere() {
    let budget = Budget {
        deaths: 1,
        crashes: 1,
        user_keys: 1,
        ..NOTHING
    };
    assert!(promise("deaths", World::new(1, false, budget)) > 1_000);
}

#[test]
fn the_agent_ignores_enter() {
    let budget = Budget {
        swallows: 9,
        user_keys: 1,
        ..NOTHING
    };
    assert!(promise("swallows", World::new(1, false, budget)) > 1_000);
}
