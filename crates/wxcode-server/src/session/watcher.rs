//! The session monitor: follows one session's holder, folds its events into the agent's state, and
//! drives identity and deliveries.

mod end;
mod hook;
mod record;
mod state;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use wxcode_core::{
    agent::{Agent, Evidence},
    delivery::machine::Event,
};
use wxcode_holder::{
    client::{self, ClientError, Connection, Request, Sender},
    folder::Exit,
};

use super::{
    anew::Following,
    answer::{Answerer, Given},
    courier::Courier,
    crosscheck::CrossCheck,
    identity::Ledger,
    learned::Learned,
    live::{Ends, Session, View},
    look::{self, Looker},
    own::Gate,
    record::Record,
    report::Reporter,
    upgrade::Upgrade,
};

pub(super) use end::gone;

/// Shortest and longest pause before an unreachable holder is tried again.
pub(super) const RECONNECT: (Duration, Duration) =
    (Duration::from_millis(50), Duration::from_secs(2));
/// Pause before an absent store is tried again at the end of a session.
pub(super) const LAST_WORDS_RETRY: Duration = Duration::from_secs(1);

/// File in a session's folder: the session ended, and all consequences are recorded.
pub(super) const SETTLED: &str = "settled";

/// Follows one session until its agent is gone or the server closes.
pub(super) struct Watcher {
    pub(super) session: Arc<Session>,
    pub(super) view: watch::Sender<View>,
    given: mpsc::Receiver<Given>,
    answerer: Answerer,
    pub(super) ledger: Ledger,
    pub(super) courier: Courier,
    pub(super) config_dir: PathBuf,
    pub(super) closing: CancellationToken,
    agent: Agent,
    looker: Looker,
    began: Instant,
    reporter: Reporter,
    gate: Gate,
    /// The hook to read next.
    next_seq: u64,
    /// Hooks before this one reached an earlier server.
    live_from: Option<u64>,
    crosscheck: CrossCheck,
    /// The process of Claude Code itself, possibly a child of a wrapper.
    claude_pid: i32,
    record: Record,
    upgrade: Upgrade,
}

/// Why a connection ended.
enum Parted {
    Exited(Exit),
    Disconnected,
    Closing,
}

impl Watcher {
    pub(super) fn new(
        session: Arc<Session>,
        ends: Ends,
        following: Following,
        ledger: Ledger,
        courier: Courier,
        upgrade: Upgrade,
        closing: CancellationToken,
    ) -> Self {
        Self {
            reporter: Reporter::new(&session, following.planning),
            crosscheck: CrossCheck::default(),
            claude_pid: session.agent_pid,
            gate: Gate::new(session.id, &session.dir, &Learned::read(&session.dir)),
            session,
            view: ends.view,
            given: ends.given,
            answerer: Answerer::default(),
            ledger,
            courier,
            config_dir: following.note.config_dir,
            closing,
            agent: Agent::default(),
            looker: Looker::default(),
            began: Instant::now(),
            next_seq: 0,
            live_from: None,
            record: Record::default(),
            upgrade,
        }
    }

    /// Follows the session to its end.
    pub(super) async fn run(mut self) {
        let mut wait = RECONNECT.0;
        let exit = loop {
            if let Ok(connection) = client::connect(&self.session.dir).await {
                wait = RECONNECT.0;
                match self.follow(connection).await {
                    Ok(Parted::Exited(exit)) => break exit,
                    Ok(Parted::Closing) => return,
                    Ok(Parted::Disconnected) => {}
                    Err(error) => {
                        tracing::debug!(session = %self.session.id, %error, "lost the holder")
                    }
                }
            }
            match gone(&self.session.dir).await {
                Some(exit) => break exit,
                None => {
                    tokio::select! {
                        () = sleep(wait) => wait = (wait * 2).min(RECONNECT.1),
                        () = self.closing.cancelled() => return,
                    }
                }
            }
        };
        self.finish(exit).await;
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn follow(&mut self, connection: Connection) -> Result<Parted, ClientError> {
        let Connection {
            welcome,
            sender,
            mut receiver,
        } = connection;
        self.live_from.get_or_insert(welcome.info.next_hook_seq);
        sender
            .post(Request::Events {
                since: self.next_seq,
            })
            .await?;
        let now = self.now();
        self.courier.connected(now);
        self.upgrade.connected(&welcome, now);
        self.looker.unsettle(now);
        let session = Arc::clone(&self.session);
        loop {
            let timer = self
                .deadline()
                .map(|at| self.began + Duration::from_millis(at));
            tokio::select! {
                error = sender.drain() => return Err(error),
                event = receiver.next() => match event? {
                    None => return Ok(Parted::Disconnected),
                    Some(client::Event::Exited(exit)) => return Ok(Parted::Exited(exit)),
                    Some(event) => self.event(event, &sender).await?,
                },
                () = session.bell.notified() => self.courier.ring(self.now()),
                Some(given) = self.given.recv() => {
                    let now = self.now();
                    self.answerer.begin(given, &self.agent, &mut self.looker, now);
                }
                () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => self.tick(&sender).await?,
                () = self.closing.cancelled() => return Ok(Parted::Closing),
            }
        }
    }

    /// The time of the next due task.
    fn deadline(&self) -> Option<u64> {
        // Changes that the store refused are offered again together with the process record.
        let deadlines = [
            self.courier.deadline(),
            self.answerer.deadline(),
            self.looker.deadline(),
            self.record.deadline(),
            self.upgrade.deadline(),
            Some(self.crosscheck.due()),
        ];
        deadlines.into_iter().flatten().min()
    }

    async fn tick(&mut self, holder: &Sender) -> Result<(), ClientError> {
        let now = self.now();
        if let Some(id) = self.looker.probe(now) {
            holder.post(Request::Screen { id }).await?;
        }
        if self.record.is_due(now) {
            self.read_record(now, holder).await?;
        }
        self.answerer.tick(now);
        if self.ledger.is_behind() {
            self.save().await;
        }
        if now >= self.crosscheck.due() {
            self.cross_check(now, holder).await?;
        }
        let is_quiet = self.is_quiet();
        self.upgrade.tick(is_quiet, holder, now).await?;
        self.courier.tick(holder, now).await
    }

    async fn event(&mut self, event: client::Event, holder: &Sender) -> Result<(), ClientError> {
        let now = self.now();
        match event {
            client::Event::Hook {
                seq,
                ancestry,
                payload,
                ..
            } => self.hook(seq, ancestry, &payload, holder).await?,
            client::Event::Quiet { .. } => {
                let id = self.looker.rest();
                holder.post(Request::Screen { id }).await?;
            }
            client::Event::Screen {
                id,
                size,
                modes,
                text,
                snapshot,
                ..
            } if self.courier.asked_for(id) => {
                // Within a synchronized update the screen may be half drawn: ignore it.
                let text = if modes.synchronized { "" } else { &text };
                let screen = (text, &snapshot[..], size);
                self.courier.looked(id, screen, holder, now).await?;
            }
            client::Event::Screen {
                id,
                offset,
                modes,
                text,
                ..
            } => {
                let is_at_rest = self.looker.saw(id, offset, now);
                let look = look::read(&text, modes.bracketed_paste, offset);
                if !is_at_rest {
                    return self.glimpse(look, holder).await;
                }
                self.observe(&Evidence::Screen(look), None, holder).await?;
                if let Some(dialog) = self.agent.on_screen() {
                    let looker = &mut self.looker;
                    self.answerer.look(dialog, looker, holder, now).await?;
                }
                self.courier.tell(Event::Quiet, holder, now).await?;
            }
            client::Event::Delivered { key, fresh } => {
                tracing::debug!(session = %self.session.id, key, fresh, "typed");
                self.courier.typed(&key, holder, now).await?;
            }
            client::Event::DeliverRefused { key, reason } => {
                tracing::debug!(session = %self.session.id, key, reason, "the holder did not take a delivery yet");
                self.courier.not_typed(&key, holder, now).await?;
            }
            client::Event::Locked { lock } => {
                self.courier.claimed(lock, holder, now).await?;
            }
            client::Event::Unlocked { lock, reason } => {
                tracing::debug!(session = %self.session.id, reason, "the keyboard is others'");
                self.courier.unclaimed(lock, holder, now).await?;
            }
            client::Event::InputRefused { reason, .. } => {
                tracing::debug!(session = %self.session.id, reason, "the holder refused a key");
                self.courier.refused(holder, now).await?;
            }
            client::Event::UpgradeRefused { busy, reason } => {
                self.upgrade.refused(busy, &reason, now);
            }
            client::Event::Error { message } => {
                tracing::warn!(session = %self.session.id, message, "the holder refused a request");
            }
            _ => {}
        }
        Ok(())
    }
}
