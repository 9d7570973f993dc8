//! Three nodes on one database under random faults: no delivery is lost, and none is typed twice.
//!
//! `CHAOS_NODES_SECONDS` and `CHAOS_SEED` select a run. Clocks cannot jump here: processes of one
//! machine share them. The model of leases (`wxcode-core/tests/lease.rs`) gives each node a clock of
//! its own.

mod fault;
mod member;
mod work;

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use wxcode_testbed::{
    mongodb::{Kind, MongoServer},
    skip,
};

use self::{
    fault::{Cluster, Fault},
    member::Member,
    work::Work,
};
use super::dice::Dice;

const NODES: usize = 3;
const PROJECTS: usize = 6;
/// Duration, unless `CHAOS_NODES_SECONDS` is set.
const SECONDS: u64 = 45;
/// `lease_s` of the nodes: faults last shorter and longer than that.
const LEASE_S: u64 = 4;
/// Time for all deliveries to end after the last fault.
const SETTLE: Duration = Duration::from_secs(300);

fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes a minute: make verify VERIFY=chaos"]
async fn chaos_over_three_nodes() {
    let mongo = tokio::task::spawn_blocking(MongoServer::start).await;
    let mongo = match mongo.unwrap() {
        Ok(mongo) if mongo.kind == Kind::Mongod => Arc::new(mongo),
        Ok(_) => return skip("chaos over nodes needs mongod: run scripts/install-mongod"),
        Err(reason) => return skip(&reason),
    };
    let seconds = setting("CHAOS_NODES_SECONDS").unwrap_or(SECONDS);
    let seed = setting("CHAOS_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 >> 32);
    println!("CHAOS_SEED={seed} CHAOS_NODES_SECONDS={seconds}");
    let mut members: Vec<Member> = Vec::new();
    for number in 0..NODES {
        let home = members.first().map(|first| &first.server);
        members.push(Member::start(number, home, &mongo, LEASE_S).await);
    }
    let mut projects = Vec::new();
    for number in 0..PROJECTS {
        let server = &members[number % NODES].server;
        let project = server.project(&format!("p{number}")).await;
        let workspace = server.workspace(&project).await;
        projects.push((project, workspace));
    }
    let doors = members.iter().map(Member::door).collect::<Vec<_>>();
    let (go_on, until) = watch::channel(true);
    let workers: Vec<_> = projects
        .into_iter()
        .zip(0..)
        .map(|((project, workspace), number)| {
            let work = Work::new(project, workspace, doors.clone(), Dice::new(seed ^ number));
            tokio::spawn(work.go(until.clone()))
        })
        .collect();
    let mut cluster = Cluster::new(members);
    let mut dice = Dice::new(seed);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        let fault = Fault::draw(&mut dice, NODES, LEASE_S);
        println!("{:>6.1} s: {fault:?}", began.elapsed().as_secs_f32());
        cluster.suffer(fault).await;
        assert!(
            workers.iter().all(|worker| !worker.is_finished()),
            "a worker failed"
        );
    }
    cluster.heal().await;
    go_on.send_replace(false);
    let mut sum = work::Sum::default();
    for worker in workers {
        let ended = tokio::time::timeout(SETTLE, worker).await;
        let ended = ended.expect("all deliveries end in time").unwrap();
        sum.add(ended.unwrap_or_else(|wrong| {
            panic!(
                "{wrong}\nCHAOS_SEED={seed} draws the same faults again\n{}",
                cluster.logs()
            )
        }));
    }
    println!("{}: {sum}", cluster.told());
    assert!(sum.submitted > 0, "nothing was delivered");
}
