//! Events of the projects: an ordered, durable, bounded log for each, published once over every
//! restart.
//!
//! - An event is in the log before the event reaches any reader.
//! - An event is published once. A new server compares hooks and output that it reads again with
//!   the last published state ([`wxcode_core::event::EventDedup`]).
//! - A reader is a number, never a queue. After an event, a reader gets exactly the following
//!   events, or learns that the log no longer has the events.

mod all;
mod catch_up;
mod feed;
mod line;
mod log;
mod segment;

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

pub(crate) use all::{AllBatch, AllFeed, AllLine};
pub(crate) use feed::{Batch, Feed};
use jiff::Timestamp;
pub(crate) use line::Line;
use wxcode_core::id::Id;
use wxcode_store::Store;

use crate::{disk::on_disk, metric::Metrics, sync::lock};

/// The events of all projects.
#[derive(Clone)]
pub(crate) struct Events(Arc<Inner>);

struct Inner {
    /// `<data-dir>/events`.
    root: PathBuf,
    store: Arc<dyn Store>,
    metrics: Metrics,
    places: Mutex<HashMap<Id, Arc<Place>>>,
    all: Arc<AllFeed>,
}

/// A project's events, and whether the events are caught up.
struct Place {
    feed: Arc<Feed>,
    /// Whether changes made without a server are published.
    is_caught_up: tokio::sync::Mutex<bool>,
}

impl Events {
    /// Creates the events below `<data-dir>/events`, of the projects in `store`.
    #[must_use]
    pub(crate) fn new(root: PathBuf, store: Arc<dyn Store>, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            root,
            store,
            metrics,
            places: Mutex::default(),
            all: Arc::new(AllFeed::new(Timestamp::now())),
        }))
    }

    /// The events of a project as published so far.
    pub(crate) fn feed(&self, project: Id) -> Arc<Feed> {
        Arc::clone(&self.place(project).feed)
    }

    /// The events of a project, after publishing changes made without a server.
    pub(crate) async fn current(&self, project: Id) -> Arc<Feed> {
        let place = self.place(project);
        let mut is_caught_up = place.is_caught_up.lock().await;
        if !*is_caught_up {
            match catch_up::catch_up(&place.feed, &*self.0.store, project).await {
                Ok(()) => *is_caught_up = true,
                Err(error) => {
                    tracing::warn!(%project, %error, "events of changes before the start wait for the store");
                }
            }
        }
        drop(is_caught_up);
        Arc::clone(&place.feed)
    }

    /// The events of all projects as a single stream.
    pub(crate) fn all(&self) -> Arc<AllFeed> {
        Arc::clone(&self.0.all)
    }

    /// The time of each project's last event, for projects with an event.
    pub(crate) async fn last_times(&self, projects: Vec<Id>) -> HashMap<Id, Timestamp> {
        let feeds: Vec<_> = {
            let mut places = self.places();
            let feed = |project| {
                let place = places
                    .entry(project)
                    .or_insert_with(|| self.new_place(project));
                (project, Arc::clone(&place.feed))
            };
            projects.into_iter().map(feed).collect()
        };
        // A log not opened so far is looked at on the disk.
        let look = move || {
            let times = feeds
                .iter()
                .filter_map(|(id, feed)| Some((*id, feed.last_time()?)));
            times.collect()
        };
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    /// The projects with a log of events here.
    pub(crate) async fn known(&self) -> Vec<Id> {
        let root = self.0.root.clone();
        let read = move || {
            let entries = on_disk(|| fs::read_dir(&root)).ok()?;
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            Some(names.filter_map(|name| name.parse().ok()).collect())
        };
        let found = tokio::task::spawn_blocking(read).await;
        found.ok().flatten().unwrap_or_default()
    }

    /// Syncs published events to the disk.
    pub(crate) fn settle(&self) {
        let places: Vec<_> = self.places().values().map(Arc::clone).collect();
        places.iter().for_each(|place| place.feed.settle());
    }

    /// Ends a project's events and deletes the project's log; returns whether the log is gone.
    pub(crate) fn forget(&self, project: Id) -> bool {
        if let Some(place) = self.places().remove(&project) {
            place.feed.close();
        }
        match on_disk(|| fs::remove_dir_all(self.dir(project))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%project, %error, "could not delete the event log of a deleted project");
                false
            }
            Ok(()) | Err(_) => true,
        }
    }

    fn place(&self, project: Id) -> Arc<Place> {
        let mut places = self.places();
        let place = places
            .entry(project)
            .or_insert_with(|| self.new_place(project));
        Arc::clone(place)
    }

    fn new_place(&self, project: Id) -> Arc<Place> {
        let feed = Feed::new(self.dir(project), self.0.metrics.clone());
        Arc::new(Place {
            feed: Arc::new(feed.within(project, self.all())),
            is_caught_up: tokio::sync::Mutex::new(false),
        })
    }

    fn dir(&self, project: Id) -> PathBuf {
        self.0.root.join(project.to_string())
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Id, Arc<Place>>> {
        lock(&self.0.places)
    }
}
