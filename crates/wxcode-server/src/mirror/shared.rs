//! Keeps the copies in a shared store, for other nodes: pushes the news of a copy, and fetches a
//! copy that another node wrote.
//!
//! `<project>/published.json` names the state in which this node published each file.
//!
//! Invariant: this node publishes only under the epoch of its own lease.

pub(super) mod source;
mod transfer;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use uuid::Uuid;
use wxcode_core::id::Id;
use wxcode_store::{CopyFile, PIECE_MAX};

use self::{
    source::{Result, Shared},
    transfer::{download, mend},
};
use super::{Mirror, checksum, size::SIDE_FILES_MAX};
use crate::{disk::on_disk, sync::lock};

/// The file with the published states.
const PUBLISHED: &str = "published.json";
/// Longest time to fetch a conversation.
const FETCH_MAX: Duration = Duration::from_secs(60);
/// Longest wait for the last news of an ended agent.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// The state of a file in the shared store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    version: u64,
    len: u64,
    epoch: u64,
    /// Whether the copy was written anew since.
    #[serde(default)]
    is_rewritten: bool,
}

/// The published states by conversation and name.
type States = BTreeMap<Uuid, BTreeMap<String, State>>;

impl State {
    fn of(file: &CopyFile) -> Self {
        Self {
            version: file.version,
            len: file.len,
            epoch: file.epoch,
            is_rewritten: false,
        }
    }

    fn file(self, conversation: Uuid, name: &str) -> CopyFile {
        CopyFile {
            conversation,
            name: name.to_owned(),
            version: self.version,
            len: self.len,
            epoch: self.epoch,
        }
    }
}

/// Counts a follower of a project while it lives.
pub(crate) struct Following {
    mirror: Mirror,
    project: Id,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.mirror.0.followers.send_modify(|all| {
            if let Some(count) = all.get_mut(&self.project) {
                *count -= 1;
                if *count == 0 {
                    all.remove(&self.project);
                }
            }
        });
    }
}

impl Mirror {
    /// Notes that a follower of the project copies, until the guard is dropped.
    pub(crate) fn following(&self, project: Id) -> Following {
        self.0
            .followers
            .send_modify(|all| *all.entry(project).or_insert(0) += 1);
        Following {
            mirror: self.clone(),
            project,
        }
    }

    /// Waits until the last news of an ended agent are published.
    pub(crate) async fn settled(&self, project: Id) {
        let mut followers = self.0.followers.subscribe();
        let settled = followers.wait_for(|all| !all.contains_key(&project));
        if timeout(SETTLE_MAX, settled).await.is_err() {
            tracing::warn!(%project, "the last words of a conversation may be missing in the shared store");
        }
    }

    /// The epoch under which this node may publish; `None` if another node has the project.
    async fn epoch(&self, shared: &Shared, project: Id) -> Result<Option<u64>> {
        let Some(lease) = shared.store.lease(project).await? else {
            return Ok(None);
        };
        let is_ours = lease
            .node
            .as_ref()
            .is_some_and(|node| node.id == shared.node.id);
        let mut epochs = lock(&self.0.epochs);
        if is_ours {
            epochs.insert(project, lease.epoch);
        }
        // A lease that was just given back is nobody else's.
        let last = epochs.get(&project) == Some(&lease.epoch);
        Ok((is_ours || lease.node.is_none() && last).then_some(lease.epoch))
    }

    /// Publishes the news of a project's copies. The caller holds no lock.
    pub(super) async fn push(&self, project: Id, conversation: Uuid) -> Result<()> {
        let Some(shared) = &self.0.shared else {
            return Ok(());
        };
        let _alone = self.lock(project).await;
        let folder = self.project(project);
        let mut states = read_states(&folder);
        let mut news = Vec::new();
        let mut conversations = vec![conversation];
        let rewritten =
            |files: &BTreeMap<String, State>| files.values().any(|state| state.is_rewritten);
        conversations.extend(
            states
                .iter()
                .filter(|(id, files)| **id != conversation && rewritten(files))
                .map(|(id, _)| *id),
        );
        for conversation in conversations {
            let known = states.entry(conversation).or_default();
            for (name, len) in local_files(&self.conversation(project, conversation)) {
                let state = known.get(&name).copied();
                if state.is_none_or(|state| state.is_rewritten || state.len != len) {
                    news.push((conversation, name, len, state));
                }
            }
        }
        if news.is_empty() {
            return Ok(());
        }
        let Some(epoch) = self.epoch(shared, project).await? else {
            return Ok(());
        };
        for (conversation, name, len, state) in news {
            let old = match state {
                Some(state) => Some(state.file(conversation, &name)),
                // It may be there from another node.
                None => {
                    let all = shared.store.copies(project).await?;
                    all.into_iter()
                        .find(|file| file.conversation == conversation && file.name == name)
                }
            };
            let mut new = match (&old, state) {
                (Some(old), Some(state)) if !state.is_rewritten && len >= state.len => old.clone(),
                (old, _) => CopyFile {
                    conversation,
                    name: name.clone(),
                    version: old.as_ref().map_or(0, |old| old.version + 1),
                    len: 0,
                    epoch,
                },
            };
            new.epoch = epoch;
            let path = self.conversation(project, conversation).join(&name);
            while new.len < len {
                let piece = on_disk(|| piece(&path, new.len, len))?;
                if piece.is_empty() {
                    break;
                }
                shared.store.stage_copy(project, &new, &piece).await?;
                new = new.longer(piece.len());
            }
            if shared
                .store
                .publish_copy(project, old.as_ref(), &new)
                .await?
            {
                let known = states.entry(conversation).or_default();
                known.insert(name, State::of(&new));
            } else {
                tracing::warn!(%project, %conversation, file = name, "another node has written the copy of the conversation; it is fetched at the next start");
                let known = states.entry(conversation).or_default();
                known.remove(&name);
                write_states(&folder, &states)?;
                return Ok(());
            }
        }
        write_states(&folder, &states)?;
        Ok(())
    }

    /// Fetches a conversation's copy as another node published it. With `take`, this node has the
    /// lease, and older writers publish nothing more.
    pub(crate) async fn fetch(&self, project: Id, conversation: Uuid, take: bool) {
        let Some(shared) = &self.0.shared else {
            return;
        };
        let fetched = timeout(
            FETCH_MAX,
            self.fetch_files(shared, project, conversation, take),
        );
        match fetched.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%project, %conversation, %error, "cannot fetch the copy of the conversation from the store; going on with the copy of this node");
            }
            Err(_) => {
                tracing::warn!(%project, %conversation, "the store is too slow for the copy of the conversation; going on with the copy of this node");
            }
        }
    }

    async fn fetch_files(
        &self,
        shared: &Shared,
        project: Id,
        conversation: Uuid,
        take: bool,
    ) -> Result<()> {
        let _alone = self.lock(project).await;
        let published = shared.store.copies(project).await?;
        let published = published
            .into_iter()
            .filter(|file| file.conversation == conversation);
        let folder = self.project(project);
        let copy = self.conversation(project, conversation);
        let mut states = read_states(&folder);
        let epoch = match take {
            true => self.epoch(shared, project).await?,
            false => None,
        };
        for mut file in published.take(SIDE_FILES_MAX) {
            file.check()?;
            let path = copy.join(&file.name);
            let known = states.entry(conversation).or_default();
            let state = known.get(&file.name).copied();
            let is_known = state.is_some_and(|state| state.file(conversation, &file.name) == file);
            if !is_known || !path.exists() {
                // Bytes of the same version only grow.
                let from = state
                    .filter(|state| state.version == file.version && !state.is_rewritten)
                    .filter(|state| fs::metadata(&path).is_ok_and(|own| own.len() == state.len))
                    .map(|state| state.len);
                download(shared, project, &file, &path, from).await?;
                self.changed(project);
            } else if !self.is_checked(&path) {
                match on_disk(|| checksum::is_damaged(&path))? {
                    true => mend(shared, project, &file, &path).await?,
                    false => self.note_checked(path.clone()),
                }
            }
            if let Some(epoch) = epoch.filter(|epoch| *epoch > file.epoch) {
                let taken = CopyFile {
                    epoch,
                    ..file.clone()
                };
                if shared
                    .store
                    .publish_copy(project, Some(&file), &taken)
                    .await?
                {
                    file = taken;
                }
            }
            let is_rewritten = is_known && state.is_some_and(|state| state.is_rewritten);
            let known = states.entry(conversation).or_default();
            let state = State {
                is_rewritten,
                ..State::of(&file)
            };
            known.insert(file.name, state);
        }
        write_states(&folder, &states)?;
        Ok(())
    }

    /// Removes the project's copies from the shared store.
    pub(super) async fn remove_shared(&self, project: Id) -> Result<()> {
        match &self.0.shared {
            Some(shared) => Ok(shared.store.remove_copies(project).await?),
            None => Ok(()),
        }
    }
}

/// Notes rewritten files of a project's copies: they are published whole again.
pub(super) fn note_rewritten(
    project: &Path,
    files: impl Iterator<Item = PathBuf>,
) -> io::Result<()> {
    let mut states = read_states(project);
    if states.is_empty() {
        return Ok(());
    }
    for path in files {
        let Ok(below) = path.strip_prefix(project) else {
            continue;
        };
        let mut parts = below.components();
        let id = parts.next().and_then(|id| id.as_os_str().to_str());
        let id = id.and_then(|id| Uuid::parse_str(id).ok());
        let name = parts.as_path().to_str();
        if let (Some(id), Some(name)) = (id, name)
            && let Some(state) = states.entry(id).or_default().get_mut(name)
        {
            state.is_rewritten = true;
        }
    }
    write_states(project, &states)
}

/// The files of a conversation's copy with their sizes.
fn local_files(copy: &Path) -> Vec<(String, u64)> {
    let Ok(folder) = wxcode_files::Folder::open(copy) else {
        return Vec::new();
    };
    let files = super::locate::below(&folder).into_iter();
    let sized = files.filter_map(|name| {
        let len = fs::metadata(copy.join(&name)).ok()?.len();
        Some((name.to_str()?.to_owned(), len))
    });
    sized.collect()
}

fn piece(path: &Path, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let count = (len - offset).min(PIECE_MAX as u64);
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_states(project: &Path) -> States {
    let bytes = fs::read(project.join(PUBLISHED)).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

fn write_states(project: &Path, states: &States) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(project)?;
    let json = serde_json::to_vec(states)?;
    wxcode_holder::folder::write_whole(project, PUBLISHED, &json).map_err(io::Error::other)
}
