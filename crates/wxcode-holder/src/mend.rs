//! Putting a session's folder right whose `holder.json` is damaged or missing, by asking the holder, if one answers.

use std::path::Path;

use crate::{
    client::{self, ClientError, Welcome},
    folder::{self, DAMAGED, FolderError, HOLDER, HolderFile, NOT_STARTED, State, VERSION},
    launch::lacks_room,
    proc::{self, Stat},
};

/// Writes `holder.json` again where a holder answers in `dir`, else that the session has ended; what the folder says then.
///
/// A holder that was killed has taken its agent with it, so where no one answers nothing runs. To be called for a session that
/// was seen to run, or whose folder [`folder::inspect`] does not understand: one that is not started yet counts as ended after this.
///
/// # Errors
/// The folder cannot be written, or something answers that is not understood: it is left alone.
pub async fn mend(dir: &Path) -> Result<State, FolderError> {
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

/// The file of a holder that answers.
fn described(welcome: &Welcome) -> std::io::Result<HolderFile> {
    let gone = std::io::ErrorKind::NotFound;
    let holder = Stat::of(welcome.info.holder_pid).ok_or(gone)?;
    // Of one that has just ended there is no more than its number; the holder says so itself.
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
