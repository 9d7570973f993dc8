//! The stores: latency of a compare-and-set of a conversation's id, and its rate over many
//! projects.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    identity::Source,
    project::{AgentSettings, OutputProject, ProjectStatus},
};
use wxcode_store::{Rotated, Rotation, Store, sqlite::SqliteStore};
use wxcode_store_mongodb::MongoStore;
use wxcode_testbed::mongodb::{self, Kind};

use super::Row;
use crate::{
    Bench,
    samples::{Samples, millis},
};

/// Projects with concurrent changes.
const TOGETHER: usize = 16;

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let folder = tempfile::tempdir()?;
    let sqlite: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.path().join("wxcode.db"))?);
    let mut rows = vec![runtime.block_on(row(bench, "SQLite", sqlite))?];
    rows.push(match mongodb::lasting() {
        Ok(server) => {
            let name = match server.kind {
                Kind::Given => "the MongoDB that is given",
                Kind::Mongod => "mongod",
                Kind::SecantusDb => "SecantusDB in place of MongoDB",
            };
            let address = server
                .address(&format!("wxcode_bench_{}", Uuid::new_v4().simple()))
                .parse()
                .context("the server has an address")?;
            let opened = runtime.block_on(MongoStore::open(&address))?;
            runtime.block_on(row(bench, name, Arc::new(opened)))?
        }
        Err(reason) => Row {
            what: "compare-and-set in MongoDB".to_owned(),
            measured: "not measured".to_owned(),
            numbers: reason,
            ..Row::default()
        },
    });
    Ok(rows)
}

async fn row(bench: &Bench, name: &str, store: Arc<dyn Store>) -> anyhow::Result<Row> {
    let times = bench.times(500, 100);
    let mut taken = Samples::default();
    for time in rotations(&*store, times).await? {
        taken.push(millis(time));
    }
    let began = Instant::now();
    let tasks: Vec<_> = (0..TOGETHER)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { rotations(&*store, times / TOGETHER).await })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await??.len();
    }
    let rate = done as f64 / began.elapsed().as_secs_f64();
    Ok(Row {
        what: format!("compare-and-set of a conversation's id, {name}"),
        measured: format!(
            "p50 {:.1} ms, p99 {:.1} ms",
            taken.median(),
            taken.quantile(0.99)
        ),
        numbers: format!(
            "{} in a row, in a history that grows by each; {rate:.0} a second for {TOGETHER} projects at once; durable each",
            taken.len()
        ),
        ..Row::default()
    })
}

/// Changes the id of a new project this many times; returns the time of each change.
async fn rotations(store: &dyn Store, times: usize) -> anyhow::Result<Vec<Duration>> {
    let now = Timestamp::now();
    let id = Id::generate(now);
    let project = OutputProject {
        id,
        kb_id: None,
        name: "measured".to_owned(),
        stack_id: None,
        configuration_id: None,
        workspace_path: format!("/nowhere/{id}").into(),
        settings: AgentSettings::default(),
        status: ProjectStatus::Created,
        claude_session_id: None,
        claude_session_history: Vec::new(),
        identity_cursor: None,
        new_project_delivery: None,
        created_at: now,
        updated_at: now,
    };
    store.add_project(&project).await?;
    let (mut old, mut taken) = (None, Vec::new());
    for _ in 0..times {
        let new = Uuid::new_v4();
        let rotation = Rotation {
            old,
            new,
            source: Source::Clear,
            reason: "clear".to_owned(),
            transcript_path: None,
            cursor: None,
            at: now,
            fence: None,
        };
        let began = Instant::now();
        let rotated = store.rotate(id, &rotation).await?;
        taken.push(began.elapsed());
        if rotated != Rotated::Won {
            bail!("lost without a concurrent change: {rotated:?}");
        }
        old = Some(new);
    }
    Ok(taken)
}
