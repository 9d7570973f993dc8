//! The collections, and how they are asked.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use mongodb::{
    Client, Collection, Cursor, Database,
    bson::{Document, doc, oid::ObjectId},
};
use tokio::sync::{Mutex, MutexGuard};
use wxcode_store::{Listing, PAGE_MAX, Page};

use crate::{address::Address, failure::Failure};

/// How long one question to the database may take outside of an operation that is tried again, the search for a server
/// included.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Locks that the projects of one process are spread over.
const LOCKS: usize = 64;

/// The first implementation's collection of projects.
pub(crate) const PROJECTS: &str = "output_projects";
/// The first implementation's collection of milestones.
pub(crate) const MILESTONES: &str = "milestones";
/// Our own collection of deliveries.
pub(crate) const DELIVERIES: &str = "wxcode_deliveries";
/// Our own collection of projects whose removal was begun.
pub(crate) const REMOVALS: &str = "wxcode_removals";

/// The records of one database.
#[derive(Clone)]
pub(crate) struct Records {
    pub(crate) address: Address,
    pub(crate) projects: Collection<Document>,
    pub(crate) milestones: Collection<Document>,
    pub(crate) deliveries: Collection<Document>,
    pub(crate) removals: Collection<Document>,
    database: Database,
    /// Changes of one project wait for each other here, where that is cheap, instead of failing in the database.
    turns: Arc<[Mutex<()>]>,
    /// How long one question may take.
    answer_max: Duration,
}

impl Records {
    /// Resolves the address; no server is asked yet.
    pub(crate) async fn connect(address: &Address) -> Result<Self, Failure> {
        let options = address.options().await?;
        let database = Client::with_options(options)?.database(address.database());
        Ok(Self {
            address: address.clone(),
            projects: database.collection(PROJECTS),
            milestones: database.collection(MILESTONES),
            deliveries: database.collection(DELIVERIES),
            removals: database.collection(REMOVALS),
            database,
            turns: (0..LOCKS).map(|_| Mutex::default()).collect(),
            answer_max: ANSWER_MAX,
        })
    }

    /// The same, by questions that may take this long.
    pub(crate) fn within(&self, answer_max: Duration) -> Self {
        Self {
            answer_max,
            ..self.clone()
        }
    }

    /// The turn to change a project.
    pub(crate) async fn turn(&self, project: ObjectId) -> MutexGuard<'_, ()> {
        let [.., last] = project.bytes();
        self.turns[usize::from(last) % LOCKS].lock().await
    }

    /// Whether a server that takes writes answers.
    pub(crate) async fn reach(&self) -> Result<(), Failure> {
        self.ask(self.database.run_command(doc! { "ping": 1 }))
            .await
            .map(drop)
    }

    /// The answer of the database, in time.
    pub(crate) async fn ask<T, A>(&self, question: A) -> Result<T, Failure>
    where
        A: IntoFuture<Output = mongodb::error::Result<T>>,
        A::IntoFuture: Send,
    {
        match tokio::time::timeout(self.answer_max, question.into_future()).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure::Late),
        }
    }

    /// All documents of a query, in time each.
    pub(crate) async fn all<A>(&self, query: A) -> Result<Vec<Document>, Failure>
    where
        A: IntoFuture<Output = mongodb::error::Result<Cursor<Document>>>,
        A::IntoFuture: Send,
    {
        let mut cursor = self.ask(query).await?;
        let mut documents = Vec::new();
        while let Some(document) = self.ask(cursor.try_next()).await? {
            documents.push(document);
        }
        Ok(documents)
    }

    /// The documents of a page, without the fields that `projection` leaves out, and how many there are
    /// without paging.
    pub(crate) async fn page(
        &self,
        collection: &Collection<Document>,
        (filter, order, projection): (Document, Document, Document),
        page: Page,
    ) -> Result<(Vec<Document>, u64), Failure> {
        let total = self.ask(collection.count_documents(filter.clone())).await?;
        let limit = i64::try_from(page.limit.min(PAGE_MAX)).unwrap_or_default();
        // To the database a limit of 0 is none.
        if limit == 0 || page.skip >= total {
            return Ok((Vec::new(), total));
        }
        let documents = self
            .all(
                collection
                    .find(filter)
                    .sort(order)
                    .projection(projection)
                    .skip(page.skip)
                    .limit(limit),
            )
            .await?;
        Ok((documents, total))
    }
}

/// A listing of what is not there.
pub(crate) fn nothing<T>() -> Listing<T> {
    Listing {
        items: Vec::new(),
        total: 0,
    }
}
