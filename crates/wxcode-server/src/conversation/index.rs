//! Keeps the search index in step with the conversations, and searches it.
//!
//! - `<data-dir>/search.db` has words and places; a hit's text is read from its transcript.
//! - A search brings the conversations of its projects up to date first, for at most [`TIME_MAX`].
//! - A pass over all projects runs in the background.
//! - On a shared store, the copy of a conversation that another node has is fetched and indexed too.

mod step;

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_claude::conversation::{Query, turn_at};
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_store::{
    Page,
    search::{Found as Place, SearchIndex},
};

pub(crate) use self::step::Progress;
use self::step::{Step, index_file};
use super::{ConversationError, Hit, Source};
use crate::{Settings, mirror::Mirror, repository::Repository, sync::lock};

/// The file in the data folder.
const FILE: &str = "search.db";
/// Longest time that a search waits for news of conversations.
const TIME_MAX: Duration = Duration::from_secs(2);
/// Conversations that a search looks at each time; of more, those not seen for a while.
const LOOK_ALWAYS: usize = 200;
/// Time for which a conversation counts as seen.
const SEEN: Duration = Duration::from_secs(30);
/// Pause between two passes over all projects, and before the first one.
const PASS_EVERY: Duration = Duration::from_secs(600);
const PASS_FIRST: Duration = Duration::from_secs(5);
/// Pause between two steps of a pass, in parts of the step's time.
const PASS_REST: u32 = 2;
/// Most projects of a pass.
const PROJECTS_MAX: u64 = 10_000;
/// Bytes of a transcript read for a hit: first, and if a word is not found there.
const HIT_FIRST: u64 = 64 << 10; // 64 KiB
const HIT_MAX: u64 = 4 << 20; // 4 MiB

/// The index of this server.
#[derive(Clone)]
pub(crate) struct Indexer(Arc<Inner>);

struct Inner {
    settings: Arc<Settings>,
    mirror: Mirror,
    store: Repository,
    index: OnceLock<Option<Arc<SearchIndex>>>,
    seen: Mutex<HashMap<(Id, Uuid), Seen>>,
}

/// The last look at a conversation.
#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    is_unread: bool,
}

/// The result of a search in the index.
#[derive(Default)]
pub(crate) struct Indexed {
    pub(crate) hits: Vec<Hit>,
    /// The row to go on before; `None` when everything was searched.
    pub(crate) next: Option<i64>,
    /// Conversations whose transcript could not be read.
    pub(crate) unread: u64,
    /// While conversations are not indexed to their ends.
    pub(crate) indexing: Option<Progress>,
}

impl Indexer {
    pub(crate) fn new(settings: Arc<Settings>, mirror: Mirror, store: Repository) -> Self {
        Self(Arc::new(Inner {
            settings,
            mirror,
            store,
            index: OnceLock::new(),
            seen: Mutex::default(),
        }))
    }

    /// The index; `None` if its file cannot be used.
    async fn index(&self) -> Option<Arc<SearchIndex>> {
        let own = self.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let open = || {
                let path = own.0.settings.data_dir.join(FILE);
                SearchIndex::open(&path)
                    .map(Arc::new)
                    .inspect_err(|error| {
                        tracing::warn!(%error, "cannot use the search index; searches read the transcripts until the next start");
                    })
                    .ok()
            };
            own.0.index.get_or_init(open).clone()
        });
        opened.await.ok().flatten()
    }

    /// Searches the conversations of projects; `only` is the one project of the caller or of the
    /// search. `None` without an index.
    pub(crate) async fn search(
        &self,
        projects: &[OutputProject],
        only: Option<Id>,
        query: &Query,
        before: Option<i64>,
        limit: usize,
    ) -> Option<Indexed> {
        let index = self.index().await?;
        let mut found = self.bring_up(&index, projects).await;
        let by_id: HashMap<Id, &OutputProject> = projects
            .iter()
            .map(|project| (project.id, project))
            .collect();
        let mut before = before;
        loop {
            let (words, asked) = (query.words().to_vec(), Arc::clone(&index));
            let rows =
                tokio::task::spawn_blocking(move || asked.find(&words, only, before, limit + 1));
            let rows = match rows.await.ok()? {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::warn!(%error, "cannot search the index; reading the transcripts");
                    return None;
                }
            };
            let is_last = rows.len() <= limit;
            for row in rows {
                if found.hits.len() >= limit {
                    found.next = before;
                    return Some(found);
                }
                before = Some(row.row);
                let Some(project) = by_id.get(&row.project) else {
                    continue;
                };
                if let Some(hit) = self.hit(project, row, query).await {
                    found.hits.push(hit);
                }
            }
            if is_last {
                return Some(found);
            }
        }
    }

    /// Reads the turn of a row; `None` if it is not there any more.
    async fn hit(&self, project: &OutputProject, row: Place, query: &Query) -> Option<Hit> {
        let source = self.source(project, row.conversation).ok()??;
        // The step before has fetched it.
        let source = source.of_this_node();
        let query = query.clone();
        let read = source.run(move |file| {
            let Some(mut file) = file else {
                return Ok(None);
            };
            for ahead in [HIT_FIRST, HIT_MAX] {
                if let Some(turn) = turn_at(&mut file, row.start, ahead)?
                    && let Some(snippet) = query.find(&turn)
                {
                    return Ok(Some((turn, snippet)));
                }
            }
            Ok(None)
        });
        let (turn, snippet) = read.await.ok()??;
        Some(Hit {
            project: row.project,
            conversation: row.conversation,
            turn: turn.id,
            at: turn.at,
            snippet,
            before: turn.end,
        })
    }

    fn source(
        &self,
        project: &OutputProject,
        conversation: Uuid,
    ) -> Result<Option<Source>, ConversationError> {
        let (settings, mirror) = (&self.0.settings, &self.0.mirror);
        Source::of(settings, mirror, project, Some(conversation), false)
    }

    /// Indexes the news of projects, within the time.
    async fn bring_up(&self, index: &Arc<SearchIndex>, projects: &[OutputProject]) -> Indexed {
        let begun = Instant::now();
        let all: Vec<_> = projects
            .iter()
            .flat_map(|project| {
                let newest_first = project.conversations();
                newest_first.into_iter().rev().map(move |id| (project, id))
            })
            .collect();
        let is_few = all.len() <= LOOK_ALWAYS;
        let mut found = Indexed::default();
        let mut progress = Progress::default();
        for (project, id) in all {
            let seen = lock(&self.0.seen).get(&(project.id, id)).copied();
            if let Some(seen) = seen
                && (begun.elapsed() >= TIME_MAX || !is_few && seen.at.elapsed() < SEEN)
            {
                found.unread += u64::from(seen.is_unread);
                continue;
            }
            loop {
                match self.step(index, project, id).await {
                    Step::Done(len) => {
                        progress.done += len;
                        progress.total += len;
                        break;
                    }
                    Step::Unread => {
                        found.unread += 1;
                        break;
                    }
                    Step::More(_) if begun.elapsed() < TIME_MAX => {}
                    Step::More(part) => {
                        progress.done += part.done;
                        progress.total += part.total;
                        break;
                    }
                }
            }
        }
        found.indexing = (progress.done < progress.total).then_some(progress);
        found
    }

    /// Indexes at most [`step::STEP`] bytes of a conversation.
    async fn step(&self, index: &Arc<SearchIndex>, project: &OutputProject, id: Uuid) -> Step {
        let step = match self.source(project, id) {
            Ok(Some(source)) => {
                let (index, project) = (Arc::clone(index), project.id);
                let work = move |file: Option<File>| match file {
                    Some(file) => index_file(&index, project, id, file),
                    None => Ok(Step::Done(0)),
                };
                match source.run(work).await {
                    Ok(step) => step,
                    Err(error) => {
                        tracing::debug!(%project, conversation = %id, %error, "cannot index a conversation");
                        Step::Unread
                    }
                }
            }
            Ok(None) | Err(_) => Step::Unread,
        };
        if !matches!(step, Step::More(_)) {
            let seen = Seen {
                at: Instant::now(),
                is_unread: matches!(step, Step::Unread),
            };
            lock(&self.0.seen).insert((project.id, id), seen);
        }
        step
    }

    /// Indexes all projects now and then, and forgets deleted ones, until the server closes.
    pub(crate) async fn run(self, closing: CancellationToken) {
        let passes = async {
            sleep(PASS_FIRST).await;
            let mut ticks = interval(PASS_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.pass().await;
            }
        };
        tokio::select! {
            () = passes => {}
            () = closing.cancelled() => {}
        }
    }

    async fn pass(&self) {
        let page = Page {
            skip: 0,
            limit: PROJECTS_MAX,
        };
        let (Some(index), Ok(projects)) = (self.index().await, self.0.store.projects(page).await)
        else {
            return;
        };
        if projects.total <= PROJECTS_MAX {
            let known: Vec<Id> = projects.items.iter().map(|project| project.id).collect();
            let forgetting = Arc::clone(&index);
            let forget = tokio::task::spawn_blocking(move || {
                for (project, conversations) in forgetting.projects()? {
                    if !known.contains(&project) {
                        for conversation in conversations {
                            forgetting.forget(project, conversation)?;
                        }
                    }
                }
                Ok::<_, wxcode_store::search::SearchError>(())
            });
            if let Ok(Err(error)) = forget.await {
                tracing::warn!(%error, "cannot remove deleted projects from the search index");
            }
        }
        if projects.total <= PROJECTS_MAX && self.0.mirror.is_shared() {
            let known = projects.items.iter().map(|project| project.id).collect();
            self.retire_others(known).await;
        }
        let mut is_changed = false;
        for project in &projects.items {
            for id in project.conversations().into_iter().rev() {
                loop {
                    let begun = Instant::now();
                    let step = self.step(&index, project, id).await;
                    sleep(begun.elapsed() * PASS_REST).await;
                    match step {
                        Step::More(_) => is_changed = true,
                        Step::Done(_) | Step::Unread => break,
                    }
                }
            }
        }
        if is_changed {
            // Best effort: a search of several parts is slower.
            let _ = tokio::task::spawn_blocking(move || index.merge()).await;
        }
    }

    /// Moves the copies of projects aside that another node has deleted.
    async fn retire_others(&self, known: HashSet<Id>) {
        let mirror = self.0.mirror.clone();
        let others = tokio::task::spawn_blocking(move || mirror.others(&known));
        for project in others.await.unwrap_or_default() {
            // A record that cannot be read is no deletion.
            if !matches!(self.0.store.project(project).await, Ok(None)) {
                continue;
            }
            let mirror = self.0.mirror.clone();
            let retired = tokio::task::spawn_blocking(move || mirror.retire(project));
            if let Ok(Err(error)) = retired.await {
                tracing::warn!(%project, %error, "could not move the copies of a deleted project aside");
            }
        }
    }
}
