//! Reports which files of a workspace changed while another node already had the project: an agent
//! that came back late may have written them.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use jiff::Timestamp;
use wxcode_core::{event::Kind, id::Id, lease::Node, time::to_millis};
use wxcode_files::{FileError, Folder, Links, off_thread};

use crate::agent::{context::Context, process::AgentProcess};

/// Most files named in a report; further ones are counted.
const FILES_MAX: usize = 50;
/// Most entries looked at.
const ENTRIES_MAX: usize = 50_000;
/// Time for the look.
const LOOK_MAX: Duration = Duration::from_secs(5);
/// A repository's own files say nothing about the agent's work.
const LEFT_OUT: &str = ".git";

/// The changed files of a workspace.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changed {
    files: Vec<String>,
    count: u64,
    /// Whether the whole workspace was looked at.
    is_whole: bool,
}

/// Publishes the end of a late agent, with the files that changed since this node was last sure of
/// its lease.
pub(in crate::agent) async fn report(
    context: &Context,
    agent: &AgentProcess,
    node: Node,
    since: SystemTime,
) {
    let project = agent.project_id();
    let changed = match context.store.project(project).await {
        Ok(Some(record)) => {
            let workspace = record.workspace_path.clone();
            let look = move || look(&workspace, since);
            off_thread(&record.workspace_path, look)
                .await
                .unwrap_or_default()
        }
        Ok(None) => return,
        Err(_) => Changed::default(),
    };
    tracing::warn!(%project, server = node.name, files = changed.count, "ended the agent of a project that another server had taken over; files of the workspace that changed meanwhile may be its work");
    let since = Timestamp::try_from(since).unwrap_or_else(|_| Timestamp::now());
    let id = match agent {
        AgentProcess::Session(session) => session.id,
        AgentProcess::Run(run) => run.id,
    };
    let kind = superseded(id, node, to_millis(since), changed);
    context.events.current(project).await.publish(kind);
}

fn superseded(session_id: Id, node: Node, since: Timestamp, changed: Changed) -> Kind {
    Kind::SessionSuperseded {
        session_id,
        node: node.name,
        since,
        files: changed.files,
        file_count: changed.count,
        complete: changed.is_whole,
    }
}

/// The regular files beneath a workspace that changed since this time; follows no link.
fn look(workspace: &Path, since: SystemTime) -> Result<Changed, FileError> {
    let until = Instant::now() + LOOK_MAX;
    let mut changed = Changed {
        is_whole: true,
        ..Changed::default()
    };
    let mut left = ENTRIES_MAX;
    let mut folders = vec![(Folder::open(workspace)?, PathBuf::new())];
    while let Some((folder, below)) = folders.pop() {
        let Ok(names) = folder.names(left + 1) else {
            changed.is_whole = false;
            continue;
        };
        for name in names {
            if left == 0 || Instant::now() > until {
                changed.is_whole = false;
                return Ok(changed);
            }
            left -= 1;
            let Ok(metadata) = folder.metadata(&name) else {
                continue;
            };
            let path = below.join(&name);
            if metadata.is_dir() && name != LEFT_OUT {
                match folder.folder(Path::new(&name), Links::Refuse) {
                    Ok(inner) => folders.push((inner, path)),
                    Err(_) => changed.is_whole = false,
                }
            } else if metadata.is_file() && metadata.modified().is_ok_and(|at| at >= since) {
                changed.count += 1;
                if changed.files.len() < FILES_MAX {
                    changed.files.push(path.to_string_lossy().into_owned());
                }
            }
        }
    }
    changed.files.sort_unstable();
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_later_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("src/.git")).unwrap();
        let since = SystemTime::now() - Duration::from_secs(60);
        for (name, age_s) in [("old", 120), ("src/new", 1), ("new", 30), ("src/.git/x", 1)] {
            fs::write(at(name), name).unwrap();
            let file = fs::File::options().write(true).open(at(name)).unwrap();
            let time = SystemTime::now() - Duration::from_secs(age_s);
            file.set_modified(time).unwrap();
        }
        std::os::unix::fs::symlink("/etc", at("link")).unwrap();
        let changed = look(folder.path(), since).unwrap();
        let files = vec!["new".to_owned(), "src/new".to_owned()];
        let expected = Changed {
            files,
            count: 2,
            is_whole: true,
        };
        assert_eq!(changed, expected);
    }
}
