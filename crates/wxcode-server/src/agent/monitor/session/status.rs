//! Translates the agent's reports about its status (OSC 7501) into evidence.

use wxcode_core::{
    agent::{Report, Status},
    ask::AskKind,
};
use wxcode_holder::client::{BlockKind, ProgramState, ProgramStatus};

/// The evidence in a report at this offset of the output.
pub(super) fn report(status: &ProgramStatus, offset: u64) -> Report {
    let status = match (status.state, status.kind) {
        (ProgramState::Working, _) => Status::Working,
        // A turn that failed for lack of a login is over, and the prompt is free.
        (ProgramState::Blocked, Some(BlockKind::Auth)) => Status::Ended,
        (ProgramState::Blocked, Some(BlockKind::Permission)) => {
            Status::Blocked(Some(AskKind::Permission))
        }
        (ProgramState::Blocked, Some(BlockKind::Question)) => {
            Status::Blocked(Some(AskKind::Question))
        }
        (ProgramState::Blocked, None) => Status::Blocked(None),
        (ProgramState::Idle | ProgramState::Done | ProgramState::Error, _) => Status::Ended,
        (ProgramState::Clear, _) => Status::Cleared,
    };
    Report { status, offset }
}
