//! What the folders say after a restart: running sessions are followed again, lost ones buried, ended ones remembered.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::time::timeout;
use wxcode_core::{agent::AgentState, id::Id};
use wxcode_holder::folder::{self, Exit, FolderError, HolderFile, State, read_spec};
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
    watcher::SETTLED,
};

/// How long all starts that were cut in two may take to be undone, before their folders are looked at as they are.
const UNDONE_TIMEOUT: Duration = Duration::from_secs(5);

impl Sessions {
    /// Finds the sessions that the folders name: running ones are followed again, lost ones buried. Those that were cut
    /// off when the machine went down are given back.
    ///
    /// # Errors
    /// When the folder of the sessions cannot be read or made.
    pub(crate) async fn adopt(&self) -> io::Result<Vec<CutOff>> {
        let began = Instant::now();
        let root = self.0.settings.data_dir.join("sessions");
        let look = move || {
            let_starts_end(&root)?;
            look(&root)
        };
        let found = tokio::task::spawn_blocking(look)
            .await
            .map_err(io::Error::other)??;
        let mut running = 0_usize;
        let mut cut_off = Vec::new();
        let mut newest = None;
        for (id, dir, state) in found {
            let state = match state {
                Err(error) => mended(id, &dir, error).await,
                Ok(state) => Some(state),
            };
            let Some(state) = state else { continue };
            if state == State::Unfinished {
                break_off(id, &dir);
                continue;
            }
            let Some((note, at)) = read_note(&dir) else {
                report_unreadable(id, &dir, &state);
                continue;
            };
            if resumption::was_cut_off(&state, dir.join(SETTLED).exists()) {
                cut_off.push(CutOff {
                    project: note.project_id,
                    session: id,
                });
            }
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
                // It ended while no server was there: what it reported last is taken in as if one had been.
                State::Lost(holder) => {
                    let found = started(id, dir, note, holder, at);
                    self.finish(&seat, found, &mut newest).await?;
                }
                State::Exited(Some(holder), _) if !dir.join(SETTLED).exists() => {
                    let found = started(id, dir, note, holder, at);
                    self.finish(&seat, found, &mut newest).await?;
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
                State::Unfinished => {} // see above
            }
        }
        self.settle_orphans().await;
        tracing::info!(
            running,
            ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "sessions adopted"
        );
        Ok(cut_off)
    }

    /// Follows a session that has ended, to its end. `newest` is what [`Self::newest`] gives, once it was asked.
    async fn finish(
        &self,
        seat: &Seat,
        mut ended: Started,
        newest: &mut Option<Newest>,
    ) -> io::Result<()> {
        let newest = match newest {
            Some(newest) => newest,
            none => none.insert(self.newest().await?),
        };
        let (id, project) = (ended.id, ended.note.project_id);
        ended.is_latest = newest.get(&project) == Some(&(ended.at, id));
        let current = self.current_conversation(&ended.note).await;
        let session = self.follow(seat, ended, current).await;
        if timeout(STOP_TIMEOUT, session.ended()).await.is_err() {
            tracing::warn!(session = %id, "the end of a session waits for the store");
        }
        Ok(())
    }

    /// When each project's latest agent was started, a session's or a run's, and its id, by the folders.
    async fn newest(&self) -> io::Result<Newest> {
        let data_dir = self.0.settings.data_dir.clone();
        let read = move || {
            let mut newest = Newest::new();
            for kind in ["sessions", run::FOLDER] {
                for (id, dir) in folders(&data_dir.join(kind))? {
                    // The note of a run says as much of whose it is.
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

    /// Deliveries whose agent ended while no server was there.
    async fn settle_orphans(&self) {
        let settled = async {
            for project in self.0.store.projects_with_open_deliveries().await? {
                // What its deliveries were before is told first.
                self.0.events.current(project).await;
                if self.running(project).is_none() && !self.0.leases.is_elsewhere(project).await? {
                    for delivery in self.0.store.open_deliveries(project).await? {
                        courier::end(&*self.0.store, &delivery, false).await?;
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

    /// Removes the folders of a project's ended sessions but for the latest `kept`, in the background.
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
            // Ids sort by time, and so do the folders of a survey.
            let ended: Vec<PathBuf> = ended.map(|(_, dir, _)| dir).collect();
            for dir in ended.iter().rev().skip(kept) {
                deletion::discard(&data_dir, dir);
            }
        });
    }
}

/// When each project's latest agent was started, and the id of its session or run.
type Newest = HashMap<Id, (Timestamp, Id)>;

/// A session that the folders name.
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

/// A session that ended while no server was there.
struct Past {
    id: Id,
    dir: PathBuf,
    note: Note,
    at: Timestamp,
    holder: Option<HolderFile>,
    exit: Exit,
}

/// What a folder says whose `holder.json` is damaged or missing, once that is put right; `None` for one that cannot be.
async fn mended(id: Id, dir: &Path, error: FolderError) -> Option<State> {
    let mended = match error.is_mendable() {
        true => wxcode_holder::mend(dir).await,
        false => Err(error),
    };
    match mended {
        Ok(state) => {
            tracing::warn!(session = %id, ?state, "a session's folder was damaged and is mended");
            Some(state)
        }
        Err(error) => {
            tracing::warn!(session = %id, %error, "a session's folder is passed over");
            None
        }
    }
}

/// Without its spec nobody knows whose session it is.
fn report_unreadable(id: Id, dir: &Path, state: &State) {
    let folder = dir.display();
    match state {
        State::Live(holder) => tracing::error!(
            session = %id,
            "the spec.json of a session that runs is damaged: restore it from a backup, or end the session with `kill {}` and remove {folder}",
            holder.pid
        ),
        _ => {
            tracing::warn!(session = %id, "the spec.json of a session is damaged, it is passed over: remove {folder}")
        }
    }
}

/// Waits for starts that the end of the server before cut in two: their holders undo them, and until then look like ones that hold
/// a session.
pub(super) fn let_starts_end(root: &Path) -> io::Result<()> {
    let until = Instant::now() + UNDONE_TIMEOUT;
    for (id, dir) in folders(root)? {
        if !folder::is_started(&dir, until) {
            tracing::warn!(session = %id, "the start of an agent was cut in two, and its holder does not undo it yet: it is stopped, or the machine is overloaded");
        }
    }
    Ok(())
}

/// Removes the folder of a start that the end of a server broke off: no holder has ever held anything there.
pub(super) fn break_off(id: Id, dir: &Path) {
    match fs::remove_dir_all(dir) {
        Ok(()) => tracing::info!(%id, "a start that was broken off is cleared away"),
        Err(error) => {
            tracing::warn!(%id, %error, "what a start left that was broken off stays: it can be removed by hand");
        }
    }
}

/// The folders of sessions or runs below `root` that can be read, in the order of their making, those that run last, and what each says.
pub(super) fn survey(root: &Path) -> io::Result<Vec<(Id, PathBuf, State)>> {
    let all = look(root)?.into_iter();
    Ok(all
        .filter_map(|(id, dir, state)| Some((id, dir, state.ok()?)))
        .collect())
}

/// A session's folder, and what it says.
type Looked = (Id, PathBuf, Result<State, FolderError>);

/// The session folders below `root` in the order of their making, those that run last, and what each says.
fn look(root: &Path) -> io::Result<Vec<Looked>> {
    let looked = folders(root)?.into_iter().map(|(id, path)| {
        let state = folder::inspect(&path);
        (id, path, state)
    });
    let mut found: Vec<Looked> = looked.collect();
    // One that runs is its project's session, whatever a clock that was set back says of when it was made.
    found.sort_by_key(|(id, _, state)| (matches!(state, Ok(State::Live(_))), *id));
    Ok(found)
}

/// The folders below `root` that are named by an id.
fn folders(root: &Path) -> io::Result<Vec<(Id, PathBuf)>> {
    fs::create_dir_all(root)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(id) = name.and_then(|name| name.parse().ok()) {
            found.push((id, path));
        }
    }
    Ok(found)
}

pub(super) fn read_note(dir: &Path) -> Option<(Note, Timestamp)> {
    let spec = read_spec(dir).ok()?;
    Some((
        serde_json::from_value(spec.note).ok()?,
        spec.created_at.parse().ok()?,
    ))
}
