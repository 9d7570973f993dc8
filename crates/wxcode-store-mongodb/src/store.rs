//! The store: operations that run until the database answers.
//!
//! The rooms below answer the traits, one noun each, with the functions of the crate's rooms.

mod access;
mod conversation;
mod delivery;
mod milestone;
mod node;
mod project;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use wxcode_store::{ProjectRecords, Result, Store, StoreError};

use crate::{
    address::Address, attempt::Attempt, failure::Failure, index, open::OpenError, records::Records,
    repair, restore, upkeep::Upkeep,
};

/// Longest time to retry an operation on an unreachable database: enough for an election.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Longest request of the first try, the price of a lost answer. The time doubles with each try,
/// for a slow database.
const ANSWER_FIRST: Duration = Duration::from_secs(2);
/// Longest request of the last try.
const ANSWER_LAST: Duration = Duration::from_secs(8);
/// First pause between two tries; the pause doubles with each try.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Longest operation, however many requests it makes.
const OPERATION_MAX: Duration = Duration::from_secs(60);
/// Longest wait for the answer to a ping.
const PING_MAX: Duration = Duration::from_secs(3);

/// The shared store. Any number of processes, on any number of machines, may open the same
/// database.
///
/// An unreachable database is [`StoreError::Unavailable`], after [`PATIENCE`]; the driver
/// reconnects by itself. If an answer is lost, the operation looks up its own effect and answers
/// accordingly, as long as the database returns within [`PATIENCE`].
pub struct MongoStore {
    records: Arc<Records>,
    upkeep: Arc<Upkeep>,
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MongoStore({})", self.records.address)
    }
}

impl MongoStore {
    /// Connects, makes the missing indexes, and completes the unfinished changes of other
    /// processes.
    ///
    /// # Errors
    /// The database is unreachable for a few seconds, refuses the user, or holds duplicates of a
    /// unique value.
    pub async fn open(address: &Address) -> Result<Self, OpenError> {
        let failed = |failure: Failure| OpenError::Store(failure.about(address));
        let records = Records::connect(address).await.map_err(failed)?;
        records.reach().await.map_err(failed)?;
        index::make(&records).await?;
        repair::all(&records).await.map_err(failed)?;
        Ok(Self {
            records: Arc::new(records),
            upkeep: Arc::default(),
        })
    }

    /// Runs `operation` until the operation's answer, or for [`PATIENCE`] without a database. The
    /// operation continues after the caller stops waiting.
    pub(super) async fn run<T, F>(
        &self,
        operation: impl Fn(Arc<Records>, Attempt) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let records = Arc::clone(&self.records);
        let running = tokio::spawn(async move {
            let begun = Instant::now();
            let mut attempt = Attempt::first();
            let (mut pause, mut answer_max) = (PAUSE_FIRST, ANSWER_FIRST);
            let mut is_mended = false;
            loop {
                let within = Arc::new(records.within(answer_max));
                let left = OPERATION_MAX.saturating_sub(begun.elapsed());
                let tried = tokio::time::timeout(left, operation(within, attempt)).await;
                match tried.unwrap_or(Err(Failure::Late)) {
                    Err(failure) if failure.passes() && begun.elapsed() < PATIENCE => {
                        attempt.is_again = true;
                        tokio::time::sleep(pause).await;
                        pause = PAUSE_MAX.min(pause * 2);
                        answer_max = ANSWER_LAST.min(answer_max * 2);
                    }
                    Err(failure) if failure.is_in_the_way() && !is_mended => {
                        is_mended = true;
                        if let Err(failure) = repair::nulls(&records).await {
                            return Err(failure.about(&records.address));
                        }
                    }
                    answer => return answer.map_err(|failure| failure.about(&records.address)),
                }
            }
        });
        running.await.map_err(|error| {
            StoreError::Unavailable(format!("the operation was interrupted ({error})"))
        })?
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn ping(&self) -> Result<()> {
        match tokio::time::timeout(PING_MAX, self.records.reach()).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Late),
        }
        .map_err(|failure| failure.about(&self.records.address))
    }

    async fn restore_projects(&self, all: Vec<ProjectRecords>) -> Result<()> {
        let all = Arc::new(all);
        self.run(move |records, attempt| {
            let all = Arc::clone(&all);
            async move { restore::projects(&records, &all, attempt).await }
        })
        .await
    }
}
