//! One conversation with its copy: the files, and the watches of their folders.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use wxcode_core::id::Id;
use wxcode_files::{FileError, Folder, Links};

use super::{
    Mirror, bound, count,
    file::{Budget, FileCopy, Reached},
    locate::{self, Place},
    looks::Look,
    shared,
};
use crate::watch::{Part, Tree};

/// Most bytes read in one step, off the serving threads.
pub(crate) const STEP_MAX: u64 = 32 << 20; // 32 MiB
/// Longest time of one step, but for its last line: well below the deadline for foreign files.
pub(crate) const STEP_TIME: Duration = Duration::from_secs(2);
/// All project folders are searched at each of these looks, while the transcript is not found.
const SEARCH_EVERY: u32 = 2;

/// The outcome of a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All news are copied.
    Done,
    More,
    /// The bound is reached and nothing can be dropped; the text says so.
    Full(String),
}

/// A conversation with its copy.
pub(super) struct Conversation {
    pub(super) place: Place,
    mirror: Mirror,
    project: Id,
    /// The folder of its copy.
    copy: PathBuf,
    /// The folder of the transcript, open between two looks at the interval.
    folder: Option<Folder>,
    /// The watches of its folders.
    tree: Tree,
    /// The watched folders of its other files.
    watched: Vec<PathBuf>,
    /// The states of its files, by their paths in the copy.
    files: HashMap<PathBuf, FileCopy>,
    /// Looks without a transcript.
    missed: u32,
    /// Whether the bound was reached and nothing can be dropped.
    is_full: bool,
}

impl Conversation {
    pub(super) fn new(place: Place, mirror: Mirror, project: Id, bell: &Arc<Notify>) -> Self {
        Self {
            copy: mirror.conversation(project, place.id),
            folder: None,
            tree: Tree::new(Arc::clone(&mirror.0.watches), Arc::clone(bell)),
            watched: Vec::new(),
            place,
            mirror,
            project,
            files: HashMap::new(),
            missed: 0,
            is_full: false,
        }
    }

    /// Copies the news of all files, at most [`STEP_MAX`] bytes. Blocks.
    pub(super) fn step(&mut self, look: Look) -> Result<Step, FileError> {
        // A report leads to the folder that was watched; the next look at the interval finds
        // another one at its path.
        let known = self.folder.take().filter(|_| look == Look::Woken);
        let folder = match known {
            Some(folder) => folder,
            None => {
                let thorough = self.missed % SEARCH_EVERY == SEARCH_EVERY - 1;
                let Some(folder) = self.place.open(thorough)? else {
                    self.missed = self.missed.wrapping_add(1);
                    return Ok(Step::Done);
                };
                self.missed = 0;
                folder
            }
        };
        let files = locate::files(&folder, self.place.id);
        self.watch(&folder, &files, look);
        let stepped = self.copy_files(&folder, files);
        self.folder = Some(folder).filter(|_| stepped.is_ok());
        stepped
    }

    fn copy_files(
        &mut self,
        folder: &Folder,
        files: Vec<(PathBuf, PathBuf)>,
    ) -> Result<Step, FileError> {
        let mut budget = None;
        for (below, name) in files {
            let mut file = match folder.file(&below, Links::Beneath) {
                Err(error) if error.is_missing() => continue,
                file => file?.reader(u64::MAX).into_inner(),
            };
            let copy = self.copy.join(&name);
            let failed = |source| FileError::Io {
                action: "copy",
                path: folder.path().join(&below),
                source,
            };
            let state = self.files.entry(name).or_default();
            let metadata = file.metadata().map_err(failed)?;
            if self.is_full || state.is_fresh(&metadata) {
                continue;
            }
            let budget = budget.get_or_insert_with(|| Budget {
                bytes: STEP_MAX,
                until: Instant::now() + STEP_TIME,
                room: self.mirror.room(self.project),
            });
            let stepped = state.step(&mut file, &copy, budget);
            self.mirror.grew(self.project, state.grown);
            let damage = std::mem::take(&mut state.damage);
            count::note_damage(&self.copy, self.place.id, damage).map_err(failed)?;
            match stepped.map_err(failed)? {
                Reached::End => {}
                Reached::Budget => return Ok(Step::More),
                Reached::Full => return self.make_room(),
            }
        }
        Ok(match self.is_full {
            true => Step::Full(self.is_full_text()),
            false => Step::Done,
        })
    }

    fn is_full_text(&self) -> String {
        let mib = self.mirror.bound() >> 20;
        format!(
            "the copies of the project's conversations have {mib} MiB and no results of tools are \
             left to drop, so they grow no further: raise `[mirror] max_mib` in wxcode.toml"
        )
    }

    /// Watches the folders of the conversation's files.
    fn watch(&mut self, folder: &Folder, files: &[(PathBuf, PathBuf)], look: Look) {
        let own = PathBuf::from(self.place.id.to_string());
        let parents = files.iter().filter_map(|(below, _)| below.parent());
        // The folder of the transcript itself has other conversations too.
        let parents = parents.filter(|parent| !parent.as_os_str().is_empty());
        let mut side: Vec<PathBuf> = parents.map(Path::to_path_buf).collect();
        side.push(own);
        side.sort_unstable();
        side.dedup();
        if look == Look::Woken && side == self.watched {
            return;
        }
        let part = Part::Conversation(self.place.id);
        if self.tree.enter(folder.path(), part) {
            for below in &side {
                self.tree.enter(&folder.path().join(below), Part::Side);
            }
        }
        self.tree.settle();
        self.watched = side;
    }

    /// Drops old tool results.
    fn make_room(&mut self) -> Result<Step, FileError> {
        let project = self.mirror.project(self.project);
        let failed = |action| {
            let path = project.clone();
            move |source| FileError::Io {
                action,
                path,
                source,
            }
        };
        let dropped =
            bound::drop_tool_results(&project, self.mirror.bound()).map_err(failed("shorten"))?;
        let paths = dropped.iter().map(|(path, ..)| path.clone());
        shared::note_rewritten(&project, paths).map_err(failed("note"))?;
        let bytes = dropped
            .iter()
            .map(|(_, before, after)| before - after)
            .sum();
        count::note_dropped(&project, bytes).map_err(failed("note"))?;
        self.mirror.changed(self.project);
        for (path, before, after) in &dropped {
            let state = path
                .strip_prefix(&self.copy)
                .ok()
                .and_then(|name| self.files.get_mut(name));
            if let Some(state) = state.filter(|state| state.copied() == *before) {
                state.shortened(*after);
            }
        }
        self.is_full = dropped.is_empty();
        Ok(match self.is_full {
            true => Step::Full(self.is_full_text()),
            false => Step::More,
        })
    }
}
