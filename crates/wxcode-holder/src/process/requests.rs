//! Carries out the requests of connections.

use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, Bytes};
use rustix::{io::Errno, process::Signal as Kernel};
use wxcode_terminal::Screen;

use super::{
    claim::UNCLAIMED,
    holder::Holder,
    inputs::Origin,
    log,
    peer::{Cursor, Peer, Phase},
    replay::Replay,
};
use crate::{folder::BUILD, journal, lineage, state::MAX_KEYS};
use wxcode_protocol::holder::frame::{self, MAX_GRACE_MS, MAX_KEY, MAX_SNAPSHOT, Type};
use wxcode_protocol::{
    Signal,
    holder::{Event, Hello, Info, Request, Welcome},
};

const ENDED: &str = "the agent has ended; start the session again";
const FULL: &str =
    "too much input waits for the agent to read; send it again when it has read some";

impl Holder {
    /// Takes the messages of a connection.
    pub(super) fn hear(&mut self, peer: &mut Peer) {
        loop {
            let (kind, payload) = match peer.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => return peer.reject(&error.to_string()),
            };
            match (peer.phase, kind) {
                (Phase::New(_), Type::Hello) => self.greet(peer, &payload),
                (Phase::New(_), Type::Report) => self.take_report(peer, payload),
                (Phase::New(_), _) => peer.reject("the first message is to be Hello or Report"),
                _ => match Request::decode(kind, payload) {
                    Ok(Some(request)) => self.answer(peer, request),
                    Ok(None) => {}
                    Err(error) => peer.reject(&error.to_string()),
                },
            }
        }
    }

    fn greet(&mut self, peer: &mut Peer, payload: &[u8]) {
        let Ok(hello) = serde_json::from_slice::<Hello>(payload) else {
            return peer.reject("malformed Hello");
        };
        let Some(protocol) = hello.agree() else {
            return peer.reject(&format!(
                "{BUILD} speaks another protocol than {}; use a build nearer to it",
                hello.build
            ));
        };
        let welcome = Welcome {
            protocol,
            build: BUILD.to_owned(),
            session_id: self.spec.session_id.clone(),
            info: self.info(),
        };
        peer.tell_json(Type::Welcome, &welcome);
        peer.change = self.sizes.next();
        peer.phase = Phase::Open;
    }

    fn take_report(&mut self, peer: &mut Peer, mut payload: Bytes) {
        let secret = payload
            .try_get_u32()
            .ok()
            .filter(|len| *len as usize <= payload.len())
            .map(|len| payload.split_to(len as usize));
        if !secret.is_some_and(|secret| same(&secret, self.spec.secret.as_bytes())) {
            return peer.reject("not the secret of this session; the hook belongs to another one");
        }
        // The hook waits for the answer, so it and its ancestors up to the agent are alive.
        let lineage = lineage::of(peer.pid, self.file().agent());
        match self.journal.append(peer.pid, lineage, &payload) {
            Ok(seq) => {
                frame::write(peer.out(), Type::Reported, |p| p.put_u64(seq));
                peer.phase = Phase::Closing;
            }
            Err(error) => {
                log(&format!("a hook payload cannot be kept: {error}"));
                peer.reject(&format!("the payload cannot be kept: {error}"));
            }
        }
    }

    fn answer(&mut self, peer: &mut Peer, request: Request) {
        match request {
            Request::Attach { since, history } => self.attach(peer, since, history),
            Request::Redraw { history } => {
                peer.history.0 = history as usize;
                peer.replay = None;
                peer.output = Cursor::Behind;
            }
            Request::Identify { name } => {
                peer.name = Some(name);
                let newest = self.numbers.newest(name);
                peer.tell(&Event::Identified { newest });
            }
            Request::Events { since } => {
                peer.hooks = Some(journal::Cursor::from(since));
                peer.quiet = self.quiet_at.is_none();
            }
            Request::Input { seq, bytes } => self.input(peer, seq, bytes),
            Request::Deliver { key, bytes } => self.deliver(peer, None, key, bytes),
            Request::Claim { claim, for_ms } => self.claim(peer, claim, for_ms),
            Request::Release { claim } => self.release(peer, claim),
            Request::ClaimedInput { claim, seq, bytes } => {
                self.claimed_input(peer, claim, seq, bytes);
            }
            Request::ClaimedDeliver { claim, key, bytes } => {
                self.deliver(peer, Some(claim), key, bytes);
            }
            Request::Upgrade { build, program } => self.upgrade(peer, build, &program),
            Request::Resize { size } => {
                self.sizes.wish(size);
                self.resize_when_due(Instant::now());
            }
            Request::Signal { signal } => self.signal(peer, signal),
            Request::Screen { id } => self.show(peer, id),
            Request::Stop { grace_ms } => {
                self.stop(Duration::from_millis(grace_ms.min(MAX_GRACE_MS)));
            }
            Request::Info => {
                let info = self.info();
                peer.tell(&Event::Info(info));
            }
        }
    }

    fn attach(&mut self, peer: &mut Peer, since: Option<u64>, history: u32) {
        peer.history = (history as usize, history as usize);
        let since = since.filter(|at| *at <= self.ring.end());
        peer.replay = None;
        peer.output = match since {
            Some(at) => match self.held_since(at) {
                Some(change) => {
                    peer.change = change;
                    Cursor::At(at)
                }
                None => {
                    peer.replay = Replay::open(&self.dir, at);
                    peer.replay
                        .as_ref()
                        .map_or(Cursor::Behind, |_| Cursor::At(at))
                }
            },
            None => Cursor::Behind,
        };
    }

    fn input(&mut self, peer: &mut Peer, seq: u64, bytes: Bytes) {
        let origin = Origin::Input {
            client: peer.id,
            seq,
        };
        let new = peer.name.is_none_or(|name| seq > self.numbers.newest(name));
        let offered = if !new {
            return peer.tell(&Event::InputTaken { seq });
        } else if self.takes_input() {
            self.inputs.offer(origin, bytes).map_err(|_| FULL)
        } else {
            Err(ENDED)
        };
        match (offered, peer.name) {
            (Ok(()), Some(name)) => self.numbers.take(name, seq),
            (Ok(()), None) => {}
            (Err(reason), _) => {
                let reason = reason.to_owned();
                peer.tell(&Event::InputRefused { seq, reason });
            }
        }
    }

    /// While the agent does not read, Ctrl+C becomes the terminal's own result: a signal, or the
    /// next key.
    pub(super) fn interrupt(&mut self, peers: &mut [Peer]) {
        if !self.pty.makes_signals() {
            return self.inputs.let_interrupts_overtake();
        }
        for origin in self.inputs.take_interrupts() {
            let signalled = self.pty.signal(Kernel::INT);
            if let Origin::Input { client, seq } = origin {
                let event = match signalled {
                    Ok(()) => Event::InputTaken { seq },
                    Err(error) => Event::InputRefused {
                        seq,
                        reason: format!("no foreground process takes a Ctrl+C: {error}; try again"),
                    },
                };
                tell(peers, client, &event);
            }
        }
    }

    fn deliver(&mut self, peer: &mut Peer, claim: Option<u64>, key: String, bytes: Bytes) {
        if self.keys.contains(&key) {
            return peer.tell(&Event::Delivered { key, fresh: false });
        }
        let reason = if !self.takes_input() {
            ENDED
        } else if claim.is_some_and(|claim| !self.has_claim(peer, claim)) {
            UNCLAIMED
        } else if key.len() > MAX_KEY || self.keys.len() >= MAX_KEYS {
            "the key is too long, or there were too many; start the session again"
        } else {
            let client = peer.id;
            let origin = Origin::Delivery {
                client,
                key: key.clone(),
            };
            let offered = match claim {
                Some(_) => self.inputs.offer_claimed(origin, bytes),
                None => self.inputs.offer(origin, bytes),
            };
            match offered {
                Ok(()) => {
                    self.keys.insert(key);
                    return;
                }
                Err(_) => FULL,
            }
        };
        let reason = reason.to_owned();
        peer.tell(&Event::DeliverRefused { key, reason });
    }

    /// Types waiting input, as far as the agent reads.
    pub(super) fn type_inputs(&mut self, peers: &mut [Peer]) {
        // One turn's share, so that output is read in between.
        const SHARE: usize = 64 << 10;
        let mut typed = 0;
        self.pty_full = false;
        while typed < SHARE {
            let Some(bytes) = self.inputs.next() else {
                return;
            };
            let bytes = &bytes[..bytes.len().min(SHARE)];
            let n = match bytes {
                [] => 0,
                bytes => match rustix::io::write(self.pty.master(), bytes) {
                    Ok(n) => n,
                    Err(Errno::AGAIN) => {
                        self.pty_full = true;
                        return;
                    }
                    Err(Errno::INTR) => continue,
                    Err(_) => return self.refuse_inputs(peers),
                },
            };
            typed += n;
            match self.inputs.typed(n) {
                Some(Origin::Input { client, seq }) => {
                    if let Some(peer) = peers.iter_mut().find(|peer| peer.id == client) {
                        peer.tell_idly(&Event::InputTaken { seq });
                    }
                }
                Some(Origin::Delivery { client, key }) => {
                    tell(peers, client, &Event::Delivered { key, fresh: true });
                }
                None => {}
            }
        }
    }

    /// Tells all waiting origins that nothing more is typed.
    pub(super) fn refuse_inputs(&mut self, peers: &mut [Peer]) {
        for origin in self.inputs.give_up() {
            let reason = ENDED.to_owned();
            match origin {
                Origin::Input { client, seq } => {
                    tell(peers, client, &Event::InputRefused { seq, reason });
                }
                Origin::Delivery { client, key } => {
                    tell(peers, client, &Event::DeliverRefused { key, reason });
                }
            }
        }
    }

    fn signal(&mut self, peer: &mut Peer, signal: Signal) {
        let kernel = match signal {
            Signal::Interrupt => Kernel::INT,
            Signal::Terminate => Kernel::TERM,
        };
        if let Err(error) = self.pty.signal(kernel) {
            let message = format!("no foreground process takes the signal: {error}");
            peer.tell(&Event::Error { message });
        }
    }

    fn show(&mut self, peer: &mut Peer, id: u64) {
        let snapshot = self.screen.snapshot();
        let text = self.screen.text();
        let title = self.screen.title().to_owned();
        if snapshot.len() + text.len() + title.len() + 64 > MAX_SNAPSHOT {
            let message = "the screen is too large to be shown; make it smaller".to_owned();
            return peer.tell(&Event::Error { message });
        }
        peer.tell(&Event::Screen {
            id,
            offset: self.ring.end(),
            size: self.screen.size(),
            modes: self.screen.modes(),
            title,
            text,
            snapshot: snapshot.into(),
        });
    }

    fn info(&self) -> Info {
        Info {
            holder_pid: self.file().pid,
            agent_pid: self.file().agent_pid,
            size: self.screen.size(),
            start: self.ring.start(),
            end: self.ring.end(),
            next_hook_seq: self.journal.next_seq(),
            input_waiting: self.inputs.waiting() as u64,
            clients: self.connections,
            exit: self.exit.clone(),
            log_off: self.log.off().map(str::to_owned),
            upgrades: self.upgrades,
        }
    }
}

pub(super) fn tell(peers: &mut [Peer], id: u64, event: &Event) {
    if let Some(peer) = peers.iter_mut().find(|peer| peer.id == id) {
        peer.tell(event);
    }
}

/// Compares in constant time.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (x, y)| diff | (x ^ y)) == 0
}
