//! A run: from a seed, or from a file of steps.

use std::{env, fs, panic::AssertUnwindSafe, path::PathBuf, time::Duration};

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use super::{
    count::Account,
    plan::Plan,
    step::Step,
    world::{Verdict, World},
};

/// Projects, unless `CHAOS_PROJECTS` is set.
const PROJECTS: usize = 10;
/// Duration, unless `CHAOS_SECONDS` is set.
const SECONDS: u64 = 60;

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(_) => panic!("{name}={text}: expected a number"),
    }
}

/// The first line of a file of steps.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Head {
    /// 0 where the steps came from another file.
    seed: u64,
    projects: usize,
}

impl Head {
    fn settings(self) -> String {
        format!("CHAOS_SEED={} CHAOS_PROJECTS={}", self.seed, self.projects)
    }
}

/// The source of the steps.
enum Source {
    Plan(Box<Plan>, Duration),
    File(std::vec::IntoIter<Step>),
}

impl Source {
    fn next(&mut self, account: &Account) -> Option<Step> {
        match self {
            Self::Plan(plan, time) => (account.elapsed() < *time).then(|| plan.next()),
            Self::File(steps) => steps.next(),
        }
    }
}

async fn go(mut source: Source, world: &mut World, account: &mut Account) -> Verdict {
    while let Some(step) = source.next(account) {
        account.step(&step);
        if world.perform(&step, account).await? {
            account.acted(&step);
        }
        world.check(account).await?;
        world.measure(&step, account)?;
    }
    account.step(&Step::Settle);
    world.settle(account).await?;
    world.measure(&Step::Settle, account)?;
    world.end(account).await
}

/// `CHAOS_SEED`, `CHAOS_SECONDS`, `CHAOS_PROJECTS` and `CHAOS_REPLAY` select the run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: make verify VERIFY=chaos"]
async fn chaos() {
    let seconds = setting("CHAOS_SECONDS").unwrap_or(SECONDS);
    let (head, source) = match env::var_os("CHAOS_REPLAY").filter(|file| !file.is_empty()) {
        None => {
            let drawn = || uuid::Uuid::new_v4().as_u64_pair().0 >> 32;
            let head = Head {
                seed: setting("CHAOS_SEED").unwrap_or_else(drawn),
                projects: setting("CHAOS_PROJECTS").unwrap_or(PROJECTS),
            };
            println!("{} CHAOS_SECONDS={seconds}", head.settings());
            let plan = Plan::new(head.seed, head.projects);
            let source = Source::Plan(Box::new(plan), Duration::from_secs(seconds));
            (head, source)
        }
        Some(file) => {
            let text = fs::read_to_string(&file).unwrap();
            let mut lines = text.lines();
            let head: Head = serde_json::from_str(lines.next().unwrap_or_default())
                .expect("a file of steps says first for how many projects they are");
            println!("CHAOS_REPLAY={} of {}", file.display(), head.settings());
            let steps = lines.map(|line| serde_json::from_str(line).expect(line));
            (head, Source::File(steps.collect::<Vec<_>>().into_iter()))
        }
    };
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = path.join(format!("chaos-{}-{}.steps", head.seed, std::process::id()));
    println!("the steps are in {}", path.display());
    let first = serde_json::to_string(&head).unwrap();
    let mut world = World::new(head.projects).await.unwrap();
    let mut account = Account::new(&path, &first).unwrap();
    // The other tests' support code reports errors by panics.
    let run = AssertUnwindSafe(Box::pin(go(source, &mut world, &mut account)));
    let verdict = run.catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.unwrap_or_else(|| "a panic, see above".to_owned()))
    });
    println!("{}", account.table());
    let Err(wrong) = verdict else {
        fs::remove_file(&account.path).unwrap();
        return;
    };
    let log = world.server.log();
    let tail: Vec<&str> = log.lines().rev().take(60).collect();
    println!("the end of the server's log:");
    for line in tail.iter().rev() {
        println!("  {line}");
    }
    println!("the last steps:\n{}", account.latest());
    if setting::<u8>("CHAOS_KEEP").is_some_and(|keep| keep > 0) {
        world.server.dir.disable_cleanup(true);
        println!("kept: {}", world.server.data_dir().display());
    }
    panic!(
        "{wrong}\n\n{} draws the same steps again; CHAOS_REPLAY={} goes through those that were done",
        head.settings(),
        account.path.display()
    );
}
