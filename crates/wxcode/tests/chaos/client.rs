//! A terminal client: it follows one project, loses its connection, resumes at its byte, and stalls
//! on request.

mod life;

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use wxcode_terminal::Size;

use self::life::Life;
use super::tape::Given;

/// Orders for a client.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Leave,
    Return,
    Blink,
    Stall,
    Read,
    Type(Bytes),
    /// Types, and breaks the connection before an answer.
    TypeAndBreak(Bytes),
    Resize(Size),
    Redraw(u32),
}

/// The client's state as seen from outside.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Received and not yet compared, with the session.
    pub(crate) given: Vec<(String, Given)>,
    /// The first error.
    pub(crate) wrong: Option<String>,
    pub(crate) session: Option<String>,
    /// The offset after the parsed output of that session.
    pub(crate) offset: u64,
    pub(crate) snapshots: u64,
    pub(crate) is_connected: bool,
    /// The session has ended or is unavailable: the client waits for an order.
    pub(crate) is_over: bool,
    /// Inputs without an acknowledgement.
    pub(crate) unanswered: usize,
    pub(crate) connections: u64,
}

/// A running client.
pub(crate) struct Client {
    orders: UnboundedSender<Order>,
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Client {
    /// A new client of a project.
    pub(crate) fn start(base: &str, token: &str, project: &str) -> Self {
        let (orders, taken) = unbounded_channel();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let life = Life {
            url: format!(
                "{}/api/v1/output-projects/{project}/terminal",
                base.replace("http://", "ws://")
            ),
            token: token.to_owned(),
            name: uuid::Uuid::new_v4().simple().to_string(),
            orders: taken,
            seen: Arc::clone(&seen),
            is_here: true,
            reads: true,
            unanswered: VecDeque::new(),
            newest: 0,
            size: None,
            reports: HashSet::new(),
        };
        let task = tokio::spawn(life.live());
        Self { orders, seen, task }
    }

    pub(crate) fn tell(&self, order: Order) {
        // A panicked client shows in its missing effects.
        let _ = self.orders.send(order);
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
