//! A held session, as the parts that own its state.

use wxcode_protocol::holder::Info;
use wxcode_terminal::Screen;

use super::{
    input::Input,
    io::{listener::Listener, output::Output, pty::Pty},
    lifecycle::life::Life,
    session::Session,
    upgrade::pending::Pending,
};
use crate::journal::Journal;

/// A session. Each part keeps its fields private.
pub(super) struct Holder {
    pub(super) session: Session,
    pub(super) pty: Pty,
    pub(super) output: Output,
    pub(super) input: Input,
    pub(super) journal: Journal,
    pub(super) life: Life,
    pub(super) listener: Listener,
    /// A requested upgrade.
    pub(super) upgrade: Option<Pending>,
}

impl Holder {
    /// The description of the session for a client.
    pub(super) fn info(&self) -> Info {
        let file = self.session.file();
        Info {
            holder_pid: file.pid,
            agent_pid: file.agent_pid,
            size: self.output.screen().size(),
            start: self.output.ring().start(),
            end: self.output.end(),
            next_hook_seq: self.journal.next_seq(),
            input_waiting: self.input.waiting_bytes() as u64,
            clients: self.listener.connections(),
            exit: self.life.exit().cloned(),
            log_off: self.output.log_off().map(str::to_owned),
            upgrades: self.session.upgrades(),
        }
    }
}
