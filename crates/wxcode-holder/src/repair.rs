//! Repairs a session's folder with a damaged or missing `holder.json`, by asking the holder.

use std::path::Path;

use crate::{
    client::{self, ClientError, Welcome},
    folder::{self, DAMAGED, FolderError, HOLDER, HolderFile, NOT_STARTED, State, VERSION},
    launch::lacks_room,
    proc::{self, Stat},
};

/// Writes `holder.json` again if a holder answers in `dir`, otherwise the session's end; returns
/// the new state of the folder.
///
/// A killed holder has taken its agent along, so nothing runs without an answer. Call the function
/// for a session that was seen to run, or for a folder rejected by [`folder::inspect`]: a session
/// that has not started counts as ended afterwards.
///
/// # Errors
/// The folder cannot be written, or an unknown program answers; the folder then stays as it is.
pub async fn repair(dir: &Path) -> Result<State, FolderError> {
    let failed = |error| FolderError::Io {
        path: dir.to_owned(),
        error,
    };
    match client::connect(dir).await {
        Ok(connection) => {
            let file = described(&connection.welcome).map_err(failed)?;
            folder::write_json(dir, HOLDER, &file)?;
        }
        Err(ClientError::Gone(error)) if !lacks_room(&error) => {
            let undone = matches!(folder::inspect(dir), Ok(State::Unfinished));
            folder::record(dir, if undone { NOT_STARTED } else { DAMAGED })?;
        }
        Err(error) => return Err(failed(std::io::Error::other(error))),
    }
    folder::inspect(dir)
}

/// The record of an answering holder.
fn described(welcome: &Welcome) -> std::io::Result<HolderFile> {
    let gone = std::io::ErrorKind::NotFound;
    let holder = Stat::of(welcome.info.holder_pid).ok_or(gone)?;
    // A process that just ended has no more than its pid; the holder will record the process's end.
    let agent = Stat::of(welcome.info.agent_pid);
    Ok(HolderFile {
        version: VERSION,
        pid: holder.pid,
        start_time: holder.start_time,
        boot_id: proc::boot_id()?,
        init_start_time: proc::init_start_time(),
        agent_pid: welcome.info.agent_pid,
        agent_start_time: agent.map_or(0, |agent| agent.start_time),
        guardian: folder::guardian_of(&holder),
        scope: None,
        protocol_min: welcome.protocol,
        protocol_max: welcome.protocol,
        build: welcome.build.clone(),
        started_at: folder::now(),
    })
}
