//! The session in its holder, and one turn of the loop.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    io::Errno,
    net::{SocketFlags, accept_with},
    process::{Pid, Signal, WaitStatus},
};
use wxcode_protocol::holder::QUIET;
use wxcode_terminal::{Ring, Screen, Size, Terminal};

use super::{
    claim::Claim,
    detach,
    ending::Stop,
    inputs::Inputs,
    log,
    numbers::Numbers,
    oom::Kills,
    peer::{self, Peer, admitted},
    pty::Pty,
    sizes::Sizes,
    upgrade::Upgrade,
};
use crate::{
    folder::{Exit, HolderFile, Spec},
    journal::Journal,
    log::Writer,
};

/// Output kept for returning clients.
pub(super) const RING: usize = 1 << 20; // 1 MiB
/// Bytes per read, and per turn.
const SCRATCH: usize = 64 << 10; // 64 KiB
/// A shorter read is not repeated before the system reports more, in bytes.
const SHORT: usize = 1 << 10; // 1 KiB
/// Most connections at a time; further ones wait to be accepted.
const MAX_PEERS: usize = 512;

/// The phase of the session.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// The agent lives.
    Running,
    /// It has ended; its last bytes are read until this time at most.
    Draining(Instant),
    /// Its end is recorded; connections receive it until this time at most.
    Ended(Instant),
}

/// A session.
pub(super) struct Holder {
    pub(super) dir: PathBuf,
    pub(super) spec: Spec,
    pub(super) file: HolderFile,
    pub(super) pty: Pty,
    pub(super) agent: Pid,
    pub(super) listener: Option<OwnedFd>,
    pub(super) signals: OwnedFd,
    pub(super) screen: Terminal,
    pub(super) ring: Ring,
    pub(super) sizes: Sizes,
    pub(super) inputs: Inputs,
    /// The input lock.
    pub(super) claim: Option<Claim>,
    /// The newest input number of each client.
    pub(super) numbers: Numbers,
    /// The PTY took no more input; try when it reports room.
    pub(super) pty_full: bool,
    /// The keys of the deliveries so far.
    pub(super) keys: HashSet<String>,
    pub(super) journal: Journal,
    pub(super) log: Writer,
    /// When the agent counts as quiet; `None` when it already does.
    pub(super) quiet_at: Option<Instant>,
    pub(super) last_byte: Instant,
    pub(super) status: Option<WaitStatus>,
    /// Kills for lack of memory in the session's cgroup.
    pub(super) kills: Kills,
    /// One was counted at the agent's end.
    pub(super) out_of_memory: bool,
    pub(super) stop: Option<Stop>,
    /// No child is left, and so no descendant.
    pub(super) childless: bool,
    /// The terminal is drained.
    pub(super) drained: bool,
    /// The last read found no more.
    pub(super) dry: bool,
    /// The offset of the output at the agent's end.
    pub(super) end_at_exit: u64,
    pub(super) phase: Phase,
    pub(super) exit: Option<Exit>,
    pub(super) connections: u32,
    replies: Vec<u8>,
    pub(super) next_peer: u64,
    /// A requested upgrade.
    pub(super) upgrade: Option<Upgrade>,
    /// The number of programs that held the session before.
    pub(super) upgrades: u32,
}

impl Holder {
    #[allow(clippy::too_many_arguments)] // each once at the start
    pub(super) fn new(
        dir: &Path,
        spec: Spec,
        file: HolderFile,
        size: Size,
        pty: Pty,
        agent: Pid,
        listener: OwnedFd,
        signals: OwnedFd,
    ) -> Self {
        Self {
            dir: dir.to_owned(),
            spec,
            file,
            pty,
            agent,
            listener: Some(listener),
            signals,
            screen: Terminal::new(size),
            ring: Ring::with_capacity(RING),
            sizes: Sizes::new(size),
            inputs: Inputs::default(),
            claim: None,
            numbers: Numbers::default(),
            pty_full: false,
            keys: HashSet::new(),
            journal: Journal::new(dir),
            log: Writer::new(dir, size),
            quiet_at: Some(Instant::now() + QUIET),
            last_byte: Instant::now(),
            status: None,
            kills: Kills::watch(),
            out_of_memory: false,
            stop: None,
            childless: false,
            drained: false,
            dry: false,
            end_at_exit: 0,
            phase: Phase::Running,
            exit: None,
            connections: 0,
            replies: Vec::new(),
            next_peer: 0,
            upgrade: None,
            upgrades: 0,
        }
    }

    pub(super) fn file(&self) -> &HolderFile {
        &self.file
    }

    /// Whether the agent may still read input.
    pub(super) fn takes_input(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }

    /// Holds the session to its end.
    pub(super) fn hold(mut self) -> io::Result<()> {
        let mut scratch = vec![0; SCRATCH];
        let mut peers: Vec<Peer> = Vec::new();
        let mut hurry = false;
        loop {
            let ready = self.wait(&peers, hurry)?;
            if ready.signals {
                self.take_signals();
            }
            // After the agent's end a read tells whether there is more.
            if ready.output || (matches!(self.phase, Phase::Draining(_)) && !self.drained) {
                self.read_output(&mut scratch);
            }
            for (peer, ready) in peers.iter_mut().zip(&ready.peers) {
                if ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                    peer.read(&mut scratch);
                }
                if ready.contains(PollFlags::OUT) {
                    peer.flush();
                }
                self.hear(peer);
                if peer.eof {
                    peer.phase = peer::Phase::Dead;
                }
            }
            if ready.listener {
                self.accept(&mut peers);
            }
            self.end_claim_when_due(&mut peers);
            if !self.pty_full || ready.typing {
                self.type_inputs(&mut peers);
            }
            if self.pty_full {
                self.interrupt(&mut peers);
            }
            self.keep_time(&mut peers);
            self.end_when_due(&mut peers);
            self.upgrade_when_due(&mut peers);
            hurry = false;
            for peer in &mut peers {
                hurry |= self.serve(peer);
            }
            if self.is_over(&peers) {
                return self.leave_nothing();
            }
            peers.retain(|peer| peer.phase != peer::Phase::Dead);
            self.connections = peers.len() as u32;
        }
    }

    fn wait(&self, peers: &[Peer], hurry: bool) -> io::Result<Ready> {
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN)];
        let mut pty = PollFlags::empty();
        pty.set(PollFlags::IN, !self.drained);
        let waiting = self.inputs.next().is_some();
        pty.set(PollFlags::OUT, waiting && self.pty_full);
        let mut output_at = None;
        if !self.drained {
            output_at = Some(fds.len());
            fds.push(PollFd::new(self.pty.master(), pty));
        }
        let mut listener_at = None;
        if let Some(listener) = self.listener.as_ref().filter(|_| peers.len() < MAX_PEERS) {
            listener_at = Some(fds.len());
            fds.push(PollFd::new(listener, PollFlags::IN));
        }
        // Only to wake for it.
        let upgrade = self.upgrade.as_ref().and_then(Upgrade::awaits);
        fds.extend(upgrade.map(|answer| PollFd::from_borrowed_fd(answer, PollFlags::IN)));
        let peers_at = fds.len();
        for peer in peers {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, peer.listens());
            flags.set(PollFlags::OUT, peer.blocked);
            fds.push(PollFd::new(&peer.socket, flags));
        }
        let now = Instant::now();
        let more = hurry || (waiting && !self.pty_full && self.takes_input());
        let due = match more {
            true => Some(now),
            false => self.due(peers),
        };
        let timeout = due
            .map(|at| at.saturating_duration_since(now))
            .and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let at = |n: Option<usize>| n.map_or(PollFlags::empty(), |n| fds[n].revents());
        let pty = at(output_at);
        Ok(Ready {
            signals: !fds[0].revents().is_empty(),
            output: pty.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR),
            typing: pty.contains(PollFlags::OUT),
            listener: !at(listener_at).is_empty(),
            peers: fds[peers_at..].iter().map(PollFd::revents).collect(),
        })
    }

    /// The time of the next timeout.
    fn due(&self, peers: &[Peer]) -> Option<Instant> {
        let of_peers = peers.iter().filter_map(|peer| match peer.phase {
            peer::Phase::New(until) => Some(until),
            _ => peer.due(),
        });
        of_peers
            .chain(self.quiet_at)
            .chain(self.sizes.due())
            .chain(self.log.due())
            .chain(self.claim.map(Claim::until))
            .chain(self.ending_due())
            .chain(self.upgrade.as_ref().map(Upgrade::due))
            .min()
    }

    fn keep_time(&mut self, peers: &mut [Peer]) {
        let now = Instant::now();
        if self.takes_input() {
            self.kills.refresh(now);
        }
        self.resize_when_due(now);
        self.log.flush_when_due(now);
        if let Some(news) = self.log.news() {
            log(news);
        }
        if self.quiet_at.is_some_and(|at| now >= at) {
            self.quiet_at = None;
            for peer in peers.iter_mut() {
                peer.quiet = peer.hooks.is_some();
            }
        }
        for peer in peers {
            if matches!(peer.phase, peer::Phase::New(until) if now >= until) {
                peer.phase = peer::Phase::Dead;
            }
        }
    }

    pub(super) fn resize_when_due(&mut self, now: Instant) {
        if let Some(size) = self.sizes.take_due(now)
            && self.pty.resize(size).is_ok()
        {
            self.screen.resize(size);
            self.sizes.changed(self.ring.end(), size, now);
            self.log.resized(self.ring.end(), size, now);
        }
    }

    pub(super) fn take_signals(&mut self) {
        for signal in detach::take_signals(&self.signals) {
            if signal == Signal::TERM.as_raw() {
                self.terminate();
            }
        }
        self.reap();
    }

    /// Takes output of the agent: to the screen and the ring buffer, and the screen's replies back.
    fn read_output(&mut self, scratch: &mut [u8]) {
        let mut n = 0;
        self.dry = false;
        while n < scratch.len() {
            match rustix::io::read(self.pty.master(), &mut scratch[n..]) {
                Ok(0) => {
                    self.hung_up();
                    break;
                }
                Ok(read) => {
                    n += read;
                    // A short read rarely has more behind it, and the system reports more at once.
                    if read < SHORT && self.takes_input() {
                        break;
                    }
                }
                Err(Errno::AGAIN) => {
                    self.dry = true;
                    break;
                }
                Err(Errno::INTR) => {}
                // The last slave is closed.
                Err(_) => {
                    self.hung_up();
                    break;
                }
            }
        }
        if n == 0 {
            return;
        }
        let bytes = &scratch[..n];
        self.last_byte = Instant::now();
        self.log.output(self.ring.end(), bytes, self.last_byte);
        self.ring.push(bytes);
        self.screen.feed(bytes, &mut self.replies);
        if !self.replies.is_empty() {
            self.inputs.reply(&mut self.replies);
        }
        self.quiet_at = Some(self.last_byte + QUIET);
    }

    fn hung_up(&mut self) {
        // While the agent lives the holder has the slave open, so this is the agent's end.
        self.drained = !self.takes_input();
    }

    fn accept(&mut self, peers: &mut Vec<Peer>) {
        let Some(listener) = &self.listener else {
            return;
        };
        while peers.len() < MAX_PEERS {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let Ok(socket) = accept_with(listener, flags) else {
                return;
            };
            if let Ok(Some(pid)) = admitted(&socket) {
                peers.push(Peer::new(self.next_peer, socket, pid));
                self.next_peer += 1;
            }
        }
        self.connections = peers.len() as u32;
    }
}

/// The result of a wait.
struct Ready {
    signals: bool,
    output: bool,
    typing: bool,
    listener: bool,
    peers: Vec<PollFlags>,
}
