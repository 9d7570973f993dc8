//! Adopts sessions after a restart: follows running ones, marks vanished ones as lost, remembers
//! ended ones.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::PathBuf,
    sync::Arc,
    time::Instant,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use tokio::{sync::OnceCell, time::timeout};
use wxcode_core::{agent::AgentState, id::Id};
use wxcode_holder::folder::{Exit, HolderFile, State};
use wxcode_store::StoreError;

use super::{
    STOP_TIMEOUT, courier, deletion,
    learned::Learned,
    live::{Note, Session, View},
    registry::{Sessions, stop},
    resumption::{self, CutOff},
    run,
    seat::Seat,
    start::Started,
    survey::{self, Found, folders, read_note, survey},
    watcher::SETTLED,
};

/// Projects whose sessions are adopted at a time.
const ADOPTED_AT_ONCE: usize = 64;

impl Sessions {
    /// Adopts the sessions of the data folder: follows running ones and marks vanished ones as
    /// lost. Returns the sessions that the machine's restart cut off.
    ///
    /// # Errors
    /// When the folder of the sessions cannot be read or made.
    pub(crate) async fn adopt(&self) -> io::Result<Vec<CutOff>> {
        let began = Instant::now();
        let root = self.0.settings.data_dir.join("sessions");
        let mut cut_off = Vec::new();
        let mut projects: BTreeMap<Id, Vec<Found>> = BTreeMap::new();
        for found in survey::sessions(root).await? {
            let project = found.note.project_id;
            if resumption::was_cut_off(&found.state, found.dir.join(SETTLED).exists()) {
                cut_off.push(CutOff {
                    project,
                    session: found.id,
                });
            }
            projects.entry(project).or_default().push(found);
        }
        // Sessions of one project go one after the other. A slow or absent store delays all
        // projects together, not in turn.
        let newest = OnceCell::new();
        let adopted: Vec<usize> = stream::iter(projects.into_values())
            .map(|sessions| self.adopt_project(sessions, &newest))
            .buffer_unordered(ADOPTED_AT_ONCE)
            .try_collect()
            .await?;
        let running: usize = adopted.iter().sum();
        self.settle_orphans().await;
        tracing::info!(
            running,
            ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "sessions adopted"
        );
        Ok(cut_off)
    }

    /// Adopts the sessions of one project, the older ones first; returns how many run. `newest`
    /// caches the result of [`Self::newest`].
    async fn adopt_project(
        &self,
        sessions: Vec<Found>,
        newest: &OnceCell<Newest>,
    ) -> io::Result<usize> {
        let mut running = 0;
        for found in sessions {
            let Found {
                id,
                dir,
                note,
                at,
                state,
            } = found;
            let seat = self.seat(note.project_id);
            match state {
                State::Live(holder) => {
                    running += 1;
                    if let Some(older) = seat.running() {
                        tracing::error!(project = %note.project_id, older = %older.id, newer = %id, "two agents of one project: the older one is ended");
                        stop(&older.dir, older.ended()).await;
                    }
                    let current = self.current_conversation(&note).await;
                    let found = started(id, dir, note, holder, at);
                    let session = self.follow(&seat, found, current).await;
                    self.keep_lease_of(&session, None);
                }
                // It ended without a server: its last hooks are processed as if a server had run.
                State::Lost(holder) => {
                    let found = started(id, dir, note, holder, at);
                    self.finish(&seat, found, newest).await?;
                }
                State::Exited(Some(holder), _) if !dir.join(SETTLED).exists() => {
                    let found = started(id, dir, note, holder, at);
                    self.finish(&seat, found, newest).await?;
                }
                State::Exited(holder, exit) => self.remember(
                    &seat,
                    Past {
                        id,
                        dir,
                        note,
                        at,
                        holder,
                        exit,
                    },
                ),
                State::Unfinished => {} // none is left by now
            }
        }
        Ok(running)
    }

    /// Follows an ended session to its end.
    async fn finish(
        &self,
        seat: &Seat,
        mut ended: Started,
        newest: &OnceCell<Newest>,
    ) -> io::Result<()> {
        let newest = newest.get_or_try_init(|| self.newest()).await?;
        let (id, project) = (ended.id, ended.note.project_id);
        ended.is_latest = newest.get(&project) == Some(&(ended.at, id));
        let current = self.current_conversation(&ended.note).await;
        let session = self.follow(seat, ended, current).await;
        if timeout(STOP_TIMEOUT, session.ended()).await.is_err() {
            tracing::warn!(session = %id, "the end of a session waits for the store");
        }
        Ok(())
    }

    /// The start and id of each project's latest agent, a session's or a run's, from the folders.
    async fn newest(&self) -> io::Result<Newest> {
        let data_dir = self.0.settings.data_dir.clone();
        let read = move || {
            let mut newest = Newest::new();
            for kind in ["sessions", run::FOLDER] {
                for (id, dir) in folders(&data_dir.join(kind))? {
                    // The metadata of a run names its project too.
                    if let Some((note, at)) = read_note(&dir) {
                        let newest = newest.entry(note.project_id).or_insert((at, id));
                        *newest = (*newest).max((at, id));
                    }
                }
            }
            Ok(newest)
        };
        let read = tokio::task::spawn_blocking(read);
        read.await.map_err(io::Error::other)?
    }

    pub(super) async fn current_conversation(&self, note: &Note) -> Option<uuid::Uuid> {
        match self.0.store.project(note.project_id).await {
            Ok(Some(project)) => project.claude_session_id,
            Ok(None) => None,
            Err(_) => Some(note.claude_session_id),
        }
    }

    /// Settles deliveries whose agent ended without a server.
    async fn settle_orphans(&self) {
        let settled = async {
            for project in self.0.store.projects_with_open_deliveries().await? {
                // Their earlier states are published first.
                self.0.events.current(project).await;
                if self.running(project).is_none() && !self.0.leases.is_elsewhere(project).await? {
                    for delivery in self.0.store.open_deliveries(project).await? {
                        courier::end(&self.0.store, &delivery, false).await?;
                    }
                }
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = settled.await {
            tracing::warn!(%error, "deliveries of agents that ended could not be settled");
        }
    }

    fn remember(&self, seat: &Seat, ended: Past) {
        let Past {
            id,
            dir,
            note,
            at,
            holder,
            exit,
        } = ended;
        // Ids of two servers do not sort by time within a second.
        if seat
            .latest()
            .is_some_and(|latest| (latest.started_at, latest.id) > (at, id))
        {
            return;
        }
        let view = View {
            agent_state: AgentState::Unknown,
            dialog: None,
            asks: None,
            claude_version: Learned::read(&dir).claude_version,
            warning: None,
            exit: Some(exit),
        };
        let agent = holder.map_or((0, 0), |holder| holder.agent());
        let feed = self.0.events.feed(note.project_id);
        let (session, _) = Session::new(id, &note, dir, agent, at, view, feed);
        seat.take(Arc::new(session));
    }

    /// Removes the folders of a project's ended sessions except the latest `kept`, in the
    /// background.
    pub(super) fn prune(&self, project: Id, kept: usize) {
        let data_dir = self.0.settings.data_dir.clone();
        tokio::task::spawn_blocking(move || {
            let Ok(found) = survey(&data_dir.join("sessions")) else {
                return;
            };
            let ended = found.into_iter().filter(|(_, dir, state)| {
                matches!(state, State::Exited(..))
                    && read_note(dir).is_some_and(|(note, _)| note.project_id == project)
            });
            // Ids sort by time, and so do the scanned folders.
            let ended: Vec<PathBuf> = ended.map(|(_, dir, _)| dir).collect();
            for dir in ended.iter().rev().skip(kept) {
                deletion::discard(&data_dir, dir);
            }
        });
    }
}

/// The start and the id of each project's latest session or run.
type Newest = HashMap<Id, (Timestamp, Id)>;

/// A session found in the data folder.
const fn started(id: Id, dir: PathBuf, note: Note, holder: HolderFile, at: Timestamp) -> Started {
    Started {
        id,
        dir,
        note,
        holder,
        at,
        is_latest: true,
    }
}

/// A session that ended without a server.
struct Past {
    id: Id,
    dir: PathBuf,
    note: Note,
    at: Timestamp,
    holder: Option<HolderFile>,
    exit: Exit,
}

#[cfg(test)]
mod tests;
