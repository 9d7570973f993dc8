//! The collections, and bounded requests to the collections.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::TryStreamExt;
use mongodb::{
    Client, Collection, Cursor, Database,
    bson::{Document, doc, oid::ObjectId},
};
use tokio::sync::{Mutex, MutexGuard};
use wxcode_store::{Listing, PAGE_MAX, Page};

use crate::{address::Address, failure::Failure};

/// Longest request outside of a retried operation, with the search for a server.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Locks shared by the projects of a process.
const LOCKS: usize = 64;

/// The first implementation's collection of projects.
pub(crate) const PROJECTS: &str = "output_projects";
/// The first implementation's collection of milestones.
pub(crate) const MILESTONES: &str = "milestones";
/// The first implementation's collection of elements; wxcode only reads it.
pub(crate) const ELEMENTS: &str = "elements";
/// Our own collection of deliveries.
pub(crate) const DELIVERIES: &str = "wxcode_deliveries";
/// Our own collection of projects with a begun removal.
pub(crate) const REMOVALS: &str = "wxcode_removals";

/// Our own collection of tokens, logins and share links.
pub(crate) const CREDENTIALS: &str = "wxcode_credentials";
/// Our own collection of copies of conversations.
pub(crate) const COPIES: &str = "wxcode_conversations";
/// Our own collection of the audit.
pub(crate) const AUDIT: &str = "wxcode_audit";
/// Our own collection of webhooks and browsers.
pub(crate) const NOTICE_TARGETS: &str = "wxcode_notice_targets";
/// Our own collection of queued notices.
pub(crate) const NOTICES: &str = "wxcode_notices";
/// Our own collection of nodes, with their key.
pub(crate) const NODES: &str = "wxcode_nodes";

/// The records of a database.
#[derive(Clone)]
pub(crate) struct Records {
    pub(crate) address: Address,
    pub(crate) projects: Collection<Document>,
    pub(crate) milestones: Collection<Document>,
    pub(crate) elements: Collection<Document>,
    pub(crate) deliveries: Collection<Document>,
    pub(crate) removals: Collection<Document>,
    pub(crate) credentials: Collection<Document>,
    pub(crate) audit: Collection<Document>,
    pub(crate) copies: Collection<Document>,
    pub(crate) notice_targets: Collection<Document>,
    pub(crate) notices: Collection<Document>,
    pub(crate) nodes: Collection<Document>,
    /// The process's additions to the audit.
    audited: Arc<AtomicU64>,
    pub(crate) database: Database,
    /// Changes of a project queue here cheaply, instead of failing in the database.
    turns: Arc<[Mutex<()>]>,
    /// Longest request.
    answer_max: Duration,
}

impl Records {
    /// Resolves the address without contacting a server.
    pub(crate) async fn connect(address: &Address) -> Result<Self, Failure> {
        let options = address.options().await?;
        let database = Client::with_options(options)?.database(address.database());
        Ok(Self {
            address: address.clone(),
            projects: database.collection(PROJECTS),
            milestones: database.collection(MILESTONES),
            elements: database.collection(ELEMENTS),
            deliveries: database.collection(DELIVERIES),
            removals: database.collection(REMOVALS),
            credentials: database.collection(CREDENTIALS),
            audit: database.collection(AUDIT),
            copies: database.collection(COPIES),
            notice_targets: database.collection(NOTICE_TARGETS),
            notices: database.collection(NOTICES),
            nodes: database.collection(NODES),
            audited: Arc::default(),
            database,
            turns: (0..LOCKS).map(|_| Mutex::default()).collect(),
            answer_max: ANSWER_MAX,
        })
    }

    /// The same records with this bound for a request.
    pub(crate) fn within(&self, answer_max: Duration) -> Self {
        Self {
            answer_max,
            ..self.clone()
        }
    }

    /// Counts an addition to the audit; returns the number of earlier additions.
    pub(crate) fn count_audit(&self) -> u64 {
        self.audited.fetch_add(1, Ordering::Relaxed)
    }

    /// Locks a project for a change.
    pub(crate) async fn turn(&self, project: ObjectId) -> MutexGuard<'_, ()> {
        let [.., last] = project.bytes();
        self.turns[usize::from(last) % LOCKS].lock().await
    }

    /// Checks that a writable server answers.
    pub(crate) async fn reach(&self) -> Result<(), Failure> {
        self.ask(self.database.run_command(doc! { "ping": 1 }))
            .await
            .map(drop)
    }

    /// Awaits the database's answer within the bound.
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

    /// Reads all documents of a query, each within the bound.
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

    /// Reads the documents of a page, without the fields left out by `projection`, and the number
    /// without paging. A last page tells that number by itself; before, `counted` says which
    /// documents to count.
    pub(crate) async fn page(
        &self,
        collection: &Collection<Document>,
        (filter, order, projection): (Document, Document, Document),
        page: Page,
        counted: Document,
    ) -> Result<(Vec<Document>, u64), Failure> {
        let limit = page.limit.min(PAGE_MAX);
        let mut documents = Vec::new();
        // The database takes a limit of 0 as none.
        if limit > 0 {
            let found = collection
                .find(filter)
                .sort(order)
                .projection(projection)
                .skip(page.skip.min(i64::MAX.unsigned_abs()))
                .limit(i64::try_from(limit).unwrap_or_default());
            documents = self.all(found).await?;
        }
        let read = documents.len() as u64;
        if read < limit && (read > 0 || page.skip == 0) {
            return Ok((documents, page.skip + read));
        }
        let total = self.ask(collection.count_documents(counted)).await?;
        let total = match read {
            0 if limit > 0 => total.min(page.skip),
            0 => total,
            read => total.max(page.skip + read),
        };
        Ok((documents, total))
    }
}

/// The listing of a missing project.
pub(crate) fn nothing<T>() -> Listing<T> {
    Listing {
        items: Vec::new(),
        total: 0,
    }
}
