//! Files for the agent, uploaded into an ignored folder of the workspace.
//!
//! The agent may read its workspace without asking. A `.gitignore` of its own keeps the folder out
//! of the user's repository.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use wxcode_files::{FileError, Folder, Links, off_thread};

use super::{
    body,
    parameter::{Params, PathId},
    problem::{Answer, Problem},
    state::Projects,
};

/// Largest file, in bytes.
const UPLOAD_MAX: usize = 16 << 20; // 16 MiB
/// The files of a project together, in bytes.
const TOTAL_MAX: u64 = 256 << 20; // 256 MiB
/// Most files of a project.
const FILES_MAX: usize = 1_000;
/// Longest name of a file, in bytes.
const NAME_MAX: usize = 120;
/// Files that are received at a time; each is held in memory.
const AT_ONCE: usize = 4;
/// The folder of wxcode in a workspace.
const OURS: &str = ".wxcode";
/// The folder of the files in it.
const UPLOADS: &str = "uploads";

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// The name of a file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    /// The file's name. Letters, digits, `.`, `-` and `_` stay, up to 120 bytes.
    name: String,
}

/// A file that the agent may read.
#[derive(Serialize, ToSchema)]
#[schema(as = Upload)]
pub(super) struct Uploaded {
    /// Its absolute path on the server's machine.
    path: String,
}

/// Keeps a file for the agent, to be named in a prompt.
#[utoipa::path(operation_id = "uploadFile", post, path = "/output-projects/{id}/uploads", tag = "output projects",
    params(("id" = String, Path, description = "24 hexadecimal digits"), Named),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file, up to 16 MiB"),
    responses(
    (status = 201, description = "The file is kept in an ignored folder of the workspace, until the project is deleted", body = Uploaded),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`uploads_full`: the project has 1,000 files or 256 MiB of them; or the workspace folder is missing, or something else stands where the files belong", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "The file is larger than 16 MiB", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The file system of the workspace does not answer: `file_hangs`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn keep(
    State(projects): State<Projects>,
    PathId(id): PathId,
    Params(named): Params<Named>,
    request: Request,
) -> Answer<(StatusCode, Json<Uploaded>)> {
    let workspace = projects.find(id).await?.workspace_path;
    let name = cleaned(&named.name);
    let _turn = TURNS.acquire().await;
    let bytes = body::read(request.into_body(), UPLOAD_MAX).await?;
    let place = workspace.clone();
    let write = move || write(&workspace, &name, &bytes);
    let path = off_thread(&place, write).await?;
    let path = path.to_string_lossy().into_owned();
    Ok((StatusCode::CREATED, Json(Uploaded { path })))
}

/// Removes the files of a deleted project. Best effort: the workspace is the user's.
pub(super) async fn forget(workspace: PathBuf) {
    let place = workspace.clone();
    let remove = move || -> Result<(), FileError> {
        let ours = Folder::open(&workspace)?.folder(Path::new(OURS), Links::Refuse)?;
        let uploads = ours.magic().join(UPLOADS);
        let removed = fs::remove_dir_all(&uploads);
        removed.map_err(|source| FileError::Io {
            action: "remove",
            path: uploads,
            source,
        })
    };
    match off_thread(&place, remove).await {
        Err(error) if !error.is_missing() && !is_missing(&error) => {
            tracing::warn!(%error, "could not delete the uploads of a deleted project");
        }
        Ok(()) | Err(_) => {}
    }
}

fn is_missing(error: &FileError) -> bool {
    matches!(error, FileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

fn write(workspace: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Problem> {
    let root = Folder::open(workspace)?;
    let ours = root.make(Path::new(OURS))?;
    if !ours.holds(".gitignore", b"*\n").unwrap_or(false) {
        ours.replace(".gitignore", b"*\n")?;
    }
    let folder = ours.make(Path::new(UPLOADS))?;
    let names = folder.names(FILES_MAX + 1)?;
    let sizes = names.iter().filter_map(|name| folder.metadata(name).ok());
    let total: u64 = sizes.map(|found| found.len()).sum();
    if names.len() >= FILES_MAX || total.saturating_add(bytes.len() as u64) > TOTAL_MAX {
        let detail = format!(
            "the project has {} uploaded files of {total} bytes, and {} more would exceed {FILES_MAX} files or \
             {TOTAL_MAX} bytes: remove some in {}",
            names.len(),
            bytes.len(),
            workspace.join(OURS).join(UPLOADS).display()
        );
        return Err(Problem::conflict(detail).with_code("uploads_full"));
    }
    let unique = Uuid::new_v4().simple().to_string();
    let name = format!("{}_{name}", &unique[..8]);
    folder.replace(&name, bytes)?;
    Ok(workspace.join(OURS).join(UPLOADS).join(name))
}

/// A given name as the safe name of a file: its last part, without odd characters.
fn cleaned(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name = String::new();
    for c in last.trim_start_matches('.').chars() {
        let c = match c {
            c if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') => c,
            _ => '_',
        };
        if name.len() + c.len_utf8() > NAME_MAX {
            break;
        }
        name.push(c);
    }
    match name.is_empty() {
        true => "file".to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        for (given, name) in [
            ("plan.png", "plan.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\a b\\é (1).txt", "é__1_.txt"),
            (".bashrc", "bashrc"),
            ("a\0b\nc", "a_b_c"),
            ("..", "file"),
            ("", "file"),
        ] {
            assert_eq!(cleaned(given), name, "{given:?}");
        }
        assert!(cleaned(&"é".repeat(200)).len() <= NAME_MAX);
    }
}
