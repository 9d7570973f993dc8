//! Carries out the requests of connections.

use std::time::{Duration, Instant};
use wxcode_protocol::Output;

use bytes::{Buf, BufMut, Bytes};
use rustix::process::Signal as Kernel;
use wxcode_protocol::{
    Signal,
    holder::{
        Event, Hello, Request, Welcome,
        frame::{self, MAX_GRACE_MS, MAX_SNAPSHOT, Type},
    },
};
use wxcode_terminal::Screen;

use super::{
    holder::Holder,
    io::{
        feed,
        peer::{Peer, Phase},
    },
    own_log::log,
    upgrade::attempt,
};
use crate::{ancestry, folder::BUILD, journal};

/// Takes the messages of a connection.
pub(super) fn take(holder: &mut Holder, peer: &mut Peer) {
    loop {
        let (kind, payload) = match peer.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => return,
            Err(error) => return peer.reject(&error.to_string()),
        };
        match (peer.phase, kind) {
            (Phase::New(_), Type::Hello) => greet(holder, peer, &payload),
            (Phase::New(_), Type::Report) => take_report(holder, peer, payload),
            (Phase::New(_), _) => peer.reject("the first message must be Hello or Report"),
            _ => match Request::decode(kind, payload) {
                Ok(Some(request)) => carry_out(holder, peer, request),
                Ok(None) => {}
                Err(error) => peer.reject(&error.to_string()),
            },
        }
    }
}

fn greet(holder: &Holder, peer: &mut Peer, payload: &[u8]) {
    // The check is of the caller as it is now, so a client keeps its connection for life.
    match ancestry::is_of_agent(peer.pid) {
        Some(false) => {}
        Some(true) => {
            return peer.reject(&format!(
                "process {} runs in the session of an agent, and an agent reports to its own holder only",
                peer.pid
            ));
        }
        None => {
            return peer.reject(&format!(
                "the holder cannot tell whether process {} is of an agent; connect again",
                peer.pid
            ));
        }
    }
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
        session_id: holder.session.spec().session_id.clone(),
        info: holder.info(),
    };
    peer.send_json(Type::Welcome, &welcome);
    peer.change = holder.output.sizes().next();
    peer.phase = Phase::Open;
}

fn take_report(holder: &mut Holder, peer: &mut Peer, mut payload: Bytes) {
    let secret = payload
        .try_get_u32()
        .ok()
        .filter(|len| *len as usize <= payload.len())
        .map(|len| payload.split_to(len as usize));
    if !secret.is_some_and(|secret| same(&secret, holder.session.spec().secret.as_bytes())) {
        return peer.reject("not the secret of this session; the hook belongs to another one");
    }
    // The hook waits for the answer, so the hook and its ancestors up to the agent are alive.
    let ancestry = ancestry::of(peer.pid, holder.session.file().agent());
    match holder.journal.append(peer.pid, ancestry, &payload) {
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

fn carry_out(holder: &mut Holder, peer: &mut Peer, request: Request) {
    let Holder {
        pty, output, input, ..
    } = holder;
    match request {
        Request::Attach { since, history } => feed::attach(holder, peer, since, history),
        Request::Redraw { history } => feed::redraw(peer, history),
        Request::Identify { name } => {
            let newest = input.identify(peer, name);
            peer.send(&Event::Identified { newest });
        }
        Request::Events { since } => {
            peer.hooks = Some(journal::Cursor::from(since));
            peer.quiet = output.is_quiet();
        }
        Request::Input { seq, bytes } => input.take(peer, seq, bytes),
        Request::Deliver { key, bytes } => input.deliver(peer, None, key, bytes),
        Request::Lock { lock, for_ms } => input.acquire_lock(pty, peer, lock, for_ms),
        Request::Unlock { lock } => input.release_lock(peer, lock),
        Request::LockedInput { lock, seq, bytes } => {
            input.take_locked(peer, lock, seq, bytes);
        }
        Request::LockedDeliver { lock, key, bytes } => {
            input.deliver(peer, Some(lock), key, bytes);
        }
        Request::Upgrade { build, program } => {
            attempt::begin(holder, peer, build, &program);
        }
        Request::Resize { size } => {
            output.request_size(size);
            output.resize_when_due(pty, Instant::now());
        }
        Request::Signal { signal } => send_signal(holder, peer, signal),
        Request::Screen { id } => show(holder, peer, id),
        Request::Stop { grace_ms } => {
            let grace = Duration::from_millis(grace_ms.min(MAX_GRACE_MS));
            holder.life.stop(grace);
        }
        Request::Info => peer.send(&Event::Info(holder.info())),
    }
}

fn send_signal(holder: &Holder, peer: &mut Peer, signal: Signal) {
    let kernel = match signal {
        Signal::Interrupt => Kernel::INT,
        Signal::Terminate => Kernel::TERM,
    };
    if let Err(error) = holder.pty.signal(kernel) {
        let message = format!("no foreground process takes the signal: {error}");
        peer.send(&Event::Output(Output::not_done(message)));
    }
}

fn show(holder: &Holder, peer: &mut Peer, id: u64) {
    let screen = holder.output.screen();
    let snapshot = screen.snapshot();
    let text = screen.text();
    let title = screen.title().to_owned();
    if snapshot.len() + text.len() + title.len() + 64 > MAX_SNAPSHOT {
        let message = "the screen is too large to be shown; make it smaller".to_owned();
        return peer.send(&Event::Output(Output::not_done(message)));
    }
    peer.send(&Event::Screen {
        id,
        offset: holder.output.end(),
        size: screen.size(),
        modes: screen.modes(),
        title,
        text,
        snapshot: snapshot.into(),
    });
}

/// Compares in constant time.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (x, y)| diff | (x ^ y)) == 0
}
