//! The poll loop: one turn serves the agent and every connection.
//!
//! Invariant: the last requests of a client that left are carried out, even when the holder notices
//! the end at a write.
//!
//! Invariant: the holder never waits for a client. It carries out or refuses a request at once, and
//! takes a client's output from the ring buffer, the journal and the screen when the client's
//! socket has room.

use std::{io, time::Instant};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{
    holder::Holder,
    io::{
        feed,
        peer::{self, Peer},
    },
    lifecycle::ending,
    requests,
    upgrade::{attempt, pending::Pending},
};

/// Bytes per read, and per turn.
const SCRATCH: usize = 64 << 10; // 64 KiB

/// Holds the session to its end.
pub(super) fn hold(mut holder: Holder) -> io::Result<()> {
    let holder = &mut holder;
    let mut scratch = vec![0; SCRATCH];
    let mut peers: Vec<Peer> = Vec::new();
    let mut hurry = false;
    loop {
        let ready = wait(holder, &peers, hurry)?;
        if ready.signals {
            ending::take_signals(holder);
        }
        if ready.output || holder.output.must_be_read() {
            let next = holder.journal.next_seq();
            let replies = holder.output.read(&holder.pty, &mut scratch, next);
            holder.input.reply(replies);
        }
        for (peer, ready) in peers.iter_mut().zip(&ready.peers) {
            if ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                peer.read(&mut scratch);
            }
            if ready.contains(PollFlags::OUT) {
                peer.flush();
            }
            requests::take(holder, peer);
            if peer.eof {
                peer.phase = peer::Phase::Dead;
            }
        }
        if ready.listener {
            holder.listener.accept(&mut peers);
        }
        let input = &mut holder.input;
        input.end_lock_when_due(&holder.pty, &mut peers);
        input.type_waiting(&holder.pty, ready.room, &mut peers);
        input.interrupt_if_full(&holder.pty, &mut peers);
        keep_time(holder, &mut peers);
        ending::end_when_due(holder, &mut peers);
        attempt::upgrade_when_due(holder, &mut peers);
        hurry = false;
        for peer in &mut peers {
            hurry |= feed::serve(holder, peer);
            if peer.is_cut {
                // What the other end sent last is carried out.
                peer.read(&mut scratch);
                requests::take(holder, peer);
                peer.phase = peer::Phase::Dead;
            }
        }
        if ending::is_over(holder, &peers) {
            return ending::result(holder);
        }
        peers.retain(|peer| peer.phase != peer::Phase::Dead);
        holder.listener.count(&peers);
    }
}

/// The result of a wait.
struct Ready {
    signals: bool,
    output: bool,
    /// The PTY has room for input.
    room: bool,
    listener: bool,
    peers: Vec<PollFlags>,
}

fn wait(holder: &Holder, peers: &[Peer], hurry: bool) -> io::Result<Ready> {
    let mut fds = vec![PollFd::new(holder.life.signals(), PollFlags::IN)];
    let mut output_at = None;
    if !holder.output.is_drained() {
        let mut flags = PollFlags::IN;
        flags.set(PollFlags::OUT, holder.input.waits_for_room());
        output_at = Some(fds.len());
        fds.push(PollFd::new(holder.pty.master(), flags));
    }
    let mut listener_at = None;
    if let Some(listener) = holder.listener.awaits(peers) {
        listener_at = Some(fds.len());
        fds.push(PollFd::new(listener, PollFlags::IN));
    }
    // Polled only for waking the loop.
    let upgrade = holder.upgrade.as_ref().and_then(Pending::awaits);
    fds.extend(upgrade.map(|answer| PollFd::from_borrowed_fd(answer, PollFlags::IN)));
    let peers_at = fds.len();
    for peer in peers {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, peer.listens());
        flags.set(PollFlags::OUT, peer.blocked);
        fds.push(PollFd::new(&peer.socket, flags));
    }
    let now = Instant::now();
    let due = match hurry || holder.input.can_type() {
        true => Some(now),
        false => due(holder, peers),
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
        room: pty.contains(PollFlags::OUT),
        listener: !at(listener_at).is_empty(),
        peers: fds[peers_at..].iter().map(PollFd::revents).collect(),
    })
}

/// The time of the next timeout.
fn due(holder: &Holder, peers: &[Peer]) -> Option<Instant> {
    let of_peers = peers.iter().filter_map(|peer| match peer.phase {
        peer::Phase::New(until) => Some(until),
        _ => peer.due(),
    });
    of_peers
        .chain(holder.output.due())
        .chain(holder.input.due())
        .chain(ending::due(holder))
        .chain(holder.listener.due())
        .chain(holder.upgrade.as_ref().map(Pending::due))
        .min()
}

fn keep_time(holder: &mut Holder, peers: &mut [Peer]) {
    let now = Instant::now();
    holder.life.count_kills(now);
    holder.listener.continue_when_due(now);
    holder.output.resize_when_due(&holder.pty, now);
    holder.output.log_when_due(now);
    if holder.output.becomes_quiet(now) {
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
