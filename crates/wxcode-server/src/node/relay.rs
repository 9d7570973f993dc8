//! The events of all nodes in a single stream, while a client of this node follows it.
//!
//! Each node numbers its own events; this node reads the streams of its peers and numbers all events
//! again. Wherever events of a peer may have passed unseen, the stream has a gap: its followers
//! get one `reset` and a `state`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::{Body, BodyDataStream};
use futures_util::{StreamExt as _, future::join_all};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_core::node::NodeRecord;

use super::{
    Nodes,
    ask::{ASK_MAX, AskError},
    frame::{Frame, Frames},
};
use crate::{
    event::{AllBatch, AllFeed},
    sync::lock,
};

/// Pause between two looks for new nodes, and between two tries to follow one.
const PAUSE: Duration = Duration::from_secs(1);
/// A peer's stream without a byte for this long is broken; a keep-alive comes each 15 s.
const SILENT_MAX: Duration = Duration::from_secs(35);
/// Without followers, the streams of peers are read for this long: a client that connects again
/// finds its position.
const KEPT: Duration = Duration::from_secs(60);
/// The stream of a peer's own events.
const PATH: &str = "/api/v1/events";

/// The events of all nodes.
#[derive(Clone)]
pub(crate) struct Relay(Arc<Inner>);

struct Inner {
    nodes: Nodes,
    /// The events of this node.
    own: Arc<AllFeed>,
    /// The events of all nodes.
    all: Arc<AllFeed>,
    state: Mutex<State>,
    closing: CancellationToken,
}

struct State {
    followers: usize,
    /// Since when there is no follower.
    idle: Instant,
    /// Whether the stream is read; `true` once each peer was tried.
    reading: Option<watch::Receiver<bool>>,
}

/// A follower of all events: the stream is read while one lives.
pub(crate) struct Following {
    relay: Relay,
    ready: Option<watch::Receiver<bool>>,
}

impl Following {
    /// The stream.
    pub(crate) fn feed(&self) -> Arc<AllFeed> {
        match self.relay.0.nodes.is_shared() {
            true => Arc::clone(&self.relay.0.all),
            false => Arc::clone(&self.relay.0.own),
        }
    }

    /// Waits until each peer's stream is read, or is known not to answer.
    pub(crate) async fn ready(&mut self) {
        if let Some(ready) = &mut self.ready {
            let _ = timeout(ASK_MAX, ready.wait_for(|is_ready| *is_ready)).await;
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut state = lock(&self.relay.0.state);
        state.followers = state.followers.saturating_sub(1);
        state.idle = Instant::now();
    }
}

impl Relay {
    pub(crate) fn new(nodes: Nodes, own: Arc<AllFeed>, closing: CancellationToken) -> Self {
        let state = State {
            followers: 0,
            idle: Instant::now(),
            reading: None,
        };
        Self(Arc::new(Inner {
            nodes,
            all: Arc::new(AllFeed::new(jiff::Timestamp::now())),
            own,
            state: Mutex::new(state),
            closing,
        }))
    }

    /// Follows the events of all nodes.
    pub(crate) fn follow(&self) -> Following {
        let mut state = lock(&self.0.state);
        state.followers += 1;
        let ready = self.0.nodes.is_shared().then(|| {
            let reading = state.reading.get_or_insert_with(|| {
                // Events of other nodes passed unseen so far.
                self.0.all.gap();
                let (sender, receiver) = watch::channel(false);
                tokio::spawn(self.clone().read(sender));
                receiver
            });
            reading.clone()
        });
        drop(state);
        Following {
            relay: self.clone(),
            ready,
        }
    }

    /// Reads all streams while there are followers.
    async fn read(self, ready: watch::Sender<bool>) {
        let end = self.0.closing.child_token();
        tokio::spawn(self.clone().read_own(self.0.own.newest(), end.clone()));
        let mut peers: HashMap<Uuid, CancellationToken> = HashMap::new();
        while !end.is_cancelled() {
            let records = self.0.nodes.peers().await;
            peers.retain(|id, of_peer| {
                let is_listed = records.iter().any(|record| record.id == *id);
                if !is_listed {
                    of_peer.cancel();
                }
                is_listed
            });
            let mut tried = Vec::new();
            for record in records {
                peers.entry(record.id).or_insert_with(|| {
                    let of_peer = end.child_token();
                    let (sender, mut receiver) = watch::channel(false);
                    let following = Peer {
                        relay: self.clone(),
                        id: record.id,
                        last: None,
                        is_known: !*ready.borrow(),
                        is_lost: false,
                    };
                    let cancelled = of_peer.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = following.follow(record, sender) => {}
                            () = cancelled.cancelled() => {}
                        }
                    });
                    tried.push(async move { receiver.wait_for(|tried| *tried).await.map(drop) });
                    of_peer
                });
            }
            if !*ready.borrow() {
                let _ = timeout(ASK_MAX, join_all(tried)).await;
                ready.send_replace(true);
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = end.cancelled() => {}
            }
            let mut state = lock(&self.0.state);
            if state.followers == 0 && state.idle.elapsed() >= KEPT {
                state.reading = None;
                end.cancel();
            }
        }
    }

    async fn read_own(self, mut cursor: u64, end: CancellationToken) {
        let mut newest = self.0.own.watch();
        loop {
            newest.borrow_and_update();
            match self.0.own.after(cursor) {
                AllBatch::Gone => {
                    cursor = self.0.own.newest();
                    self.0.all.gap();
                }
                AllBatch::Lines(lines) if lines.is_empty() => tokio::select! {
                    _ = newest.changed() => {}
                    () = end.cancelled() => return,
                },
                AllBatch::Lines(lines) => {
                    for line in lines {
                        cursor = line.seq;
                        self.0.all.add(line.project, line.line);
                    }
                }
            }
        }
    }
}

/// The stream of one peer.
struct Peer {
    relay: Relay,
    id: Uuid,
    /// The last event of the peer.
    last: Option<u64>,
    /// Whether the followers know the peer's present situation, apart from later events.
    is_known: bool,
    /// Whether the followers know that the peer does not answer.
    is_lost: bool,
}

impl Peer {
    async fn follow(mut self, mut record: NodeRecord, tried: watch::Sender<bool>) {
        let nodes = self.relay.0.nodes.clone();
        loop {
            if nodes.may_answer(self.id) {
                let connected = nodes.ask(&record, PATH, self.last).await;
                let is_lost = connected.is_err();
                if is_lost != std::mem::replace(&mut self.is_lost, is_lost) {
                    self.relay.0.all.gap();
                }
                let outcome = match connected {
                    Ok(answer) => {
                        let body = Body::new(answer.into_body()).into_data_stream();
                        self.take(body, &tried).await
                    }
                    Err(error) => Err(error),
                };
                if let Err(error) = outcome {
                    tracing::debug!(peer = record.name, %error, "the events of a node stopped");
                }
            }
            tried.send_replace(true);
            sleep(PAUSE).await;
            if let Some(found) = nodes.record(self.id).await {
                record = found;
            }
        }
    }

    /// Takes the events of a stream until its end. A stream that ends is followed again; its
    /// followers get a new situation when that fails.
    async fn take(
        &mut self,
        mut body: BodyDataStream,
        tried: &watch::Sender<bool>,
    ) -> Result<(), AskError> {
        let mut frames = Frames::default();
        loop {
            let Ok(chunk) = timeout(SILENT_MAX, body.next()).await else {
                return Err(AskError::Silent);
            };
            let Some(Ok(chunk)) = chunk else {
                return Err(AskError::Broken);
            };
            for frame in frames.take(&chunk).map_err(|_| AskError::Broken)? {
                self.frame(frame);
            }
            tried.send_replace(true);
        }
    }

    fn frame(&mut self, frame: Frame) {
        let all = &self.relay.0.all;
        match frame {
            Frame::Present(seq) => {
                self.last = Some(seq);
                // A node that came later, or came back.
                if !std::mem::replace(&mut self.is_known, true) {
                    all.gap();
                }
            }
            Frame::Reset => self.is_known = false,
            Frame::Event { seq, project, line } => {
                self.last = Some(seq);
                all.add(project, line);
            }
        }
    }
}
