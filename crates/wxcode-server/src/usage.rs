//! Counts the usage of projects from their transcripts, and from the copies of lost ones.
//!
//! - Files are read on, from the last read line; nothing is kept on the disk.
//! - A reader waits for at most [`TIME_MAX`]. A long transcript is counted over several requests,
//!   and `is_complete` is false meanwhile.

use std::{
    collections::HashMap,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{sync::OwnedMutexGuard, time::timeout};
use uuid::Uuid;
use wxcode_claude::usage::{ConversationUsage, FileState, Month, Tally};
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_files::{FileError, off_thread};

use crate::{
    Settings,
    agent::config_dir_of,
    lines::{Lines, Passage},
    mirror::{Files, Mirror, Place},
    sync::lock,
};

/// Pause between two looks at the files of the current conversation.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest time that a request reads transcripts.
const TIME_MAX: Duration = Duration::from_secs(2);
/// Bytes of transcripts read at a time, off the serving threads.
const STEP: u64 = 32 << 20; // 32 MiB
/// Most projects with counts in memory.
const PROJECTS_MAX: usize = 1_000;

/// The usage of all projects.
#[derive(Clone)]
pub(crate) struct UsageReader(Arc<Inner>);

struct Inner {
    settings: Arc<Settings>,
    mirror: Mirror,
    projects: Mutex<HashMap<Id, Arc<tokio::sync::Mutex<Counted>>>>,
}

/// The counts of a project so far.
#[derive(Default)]
struct Counted {
    tally: Tally,
    conversations: HashMap<Uuid, ConversationUsage>,
    files: HashMap<(Uuid, PathBuf), FilePlace>,
    looked_at: Option<(Uuid, Instant)>,
}

/// The place in a file.
#[derive(Default)]
struct FilePlace {
    /// The device and the inode.
    identity: (u64, u64),
    offset: u64,
    state: FileState,
}

/// The usage of a project by month, the oldest first.
pub(crate) struct Months {
    pub(crate) months: Vec<(String, Month)>,
    /// Whether all files were read to their ends.
    pub(crate) is_complete: bool,
}

impl UsageReader {
    pub(crate) fn new(settings: Arc<Settings>, mirror: Mirror) -> Self {
        Self(Arc::new(Inner {
            settings,
            mirror,
            projects: Mutex::default(),
        }))
    }

    /// The usage of the current conversation; `None` before its first message, or while its files
    /// cannot be read or are not read to their ends.
    pub(crate) async fn current(&self, project: &OutputProject) -> Option<ConversationUsage> {
        let id = project.claude_session_id?;
        let counted = self.counted(project.id).await?;
        let is_fresh = counted
            .looked_at
            .is_some_and(|(of, at)| of == id && at.elapsed() < LOOK_EVERY);
        let counted = match is_fresh {
            true => counted,
            false => {
                let (mut counted, is_complete) = self.read(project, vec![id], counted).await?;
                if !is_complete {
                    return None;
                }
                counted.looked_at = Some((id, Instant::now()));
                counted
            }
        };
        counted.conversations.get(&id).cloned()
    }

    /// The usage of all conversations of a project.
    pub(crate) async fn months(&self, project: &OutputProject) -> Option<Months> {
        let ids = project.conversations();
        let counted = self.counted(project.id).await?;
        let (counted, is_complete) = self.read(project, ids, counted).await?;
        let months = counted.tally.months.iter();
        Some(Months {
            months: months
                .map(|(name, month)| (name.clone(), month.clone()))
                .collect(),
            is_complete,
        })
    }

    /// The counts of a project for one reader; `None` while another one waits for a file.
    async fn counted(&self, project: Id) -> Option<OwnedMutexGuard<Counted>> {
        let counted = {
            let mut projects = lock(&self.0.projects);
            if projects.len() >= PROJECTS_MAX
                && !projects.contains_key(&project)
                && let Some(other) = projects.keys().next().copied()
            {
                projects.remove(&other);
            }
            Arc::clone(projects.entry(project).or_default())
        };
        timeout(TIME_MAX, counted.lock_owned()).await.ok()
    }

    /// Reads the news of conversations; returns whether all of it was read.
    async fn read(
        &self,
        project: &OutputProject,
        ids: Vec<Uuid>,
        mut counted: OwnedMutexGuard<Counted>,
    ) -> Option<(OwnedMutexGuard<Counted>, bool)> {
        let begun = Instant::now();
        let config_dir = config_dir_of(&self.0.settings, &project.settings);
        let mut is_complete = true;
        for id in ids {
            let place = Place::of(project, id, &config_dir);
            let copy = self.0.mirror.conversation(project.id, id);
            loop {
                let (place, copy) = (place.clone(), copy.clone());
                let stepped = off_thread(&config_dir, move || {
                    let more = counted.step(id, &place, &copy)?;
                    Ok::<_, FileError>((counted, more))
                });
                let more;
                match stepped.await {
                    Ok((back, left)) => (counted, more) = (back, left),
                    Err(error) => {
                        tracing::debug!(project = %project.id, %error, "cannot read a transcript for its usage");
                        counted = self.counted(project.id).await?;
                        (is_complete, more) = (false, false);
                    }
                }
                if !more {
                    break;
                }
                if begun.elapsed() >= TIME_MAX {
                    return Some((counted, false));
                }
            }
        }
        Some((counted, is_complete))
    }
}

impl Counted {
    /// Reads at most [`STEP`] bytes of a conversation; returns whether there is more. Blocks.
    fn step(&mut self, id: Uuid, place: &Place, copy: &Path) -> Result<bool, FileError> {
        let Some(files) = Files::find(place, copy)? else {
            return Ok(false);
        };
        let mut left = STEP;
        let names: Vec<PathBuf> = files.names().map(Path::to_path_buf).collect();
        for (number, name) in names.into_iter().enumerate() {
            let file = match files.open(&name) {
                Err(error) if error.is_missing() => continue,
                file => file?,
            };
            let path = file.path().to_owned();
            let failed = |source| FileError::Io {
                action: "read",
                path: path.clone(),
                source,
            };
            let file = file.reader(u64::MAX).into_inner();
            // The transcript comes first; the others are of subagents.
            self.file((id, name), number > 0, file, &mut left)
                .map_err(failed)?;
            if left == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn file(
        &mut self,
        key: (Uuid, PathBuf),
        is_side: bool,
        file: std::fs::File,
        left: &mut u64,
    ) -> io::Result<()> {
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        let usage = self.conversations.entry(key.0).or_default();
        let place = self.files.entry(key).or_default();
        if place.identity != identity || metadata.len() < place.offset {
            // No message counts twice.
            *place = FilePlace {
                identity,
                state: place.state.clone(),
                offset: 0,
            };
        }
        if metadata.len() == place.offset {
            return Ok(());
        }
        let mut lines = Lines::at(file, place.offset)?;
        while *left > 0 {
            let Some(Passage { count, line }) = lines.next()? else {
                return Ok(());
            };
            if let Some(line) = line {
                self.tally.push(line, is_side, &mut place.state, usage);
            }
            place.offset += count;
            *left = left.saturating_sub(count);
        }
        Ok(())
    }
}
