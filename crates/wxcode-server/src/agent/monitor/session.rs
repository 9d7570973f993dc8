//! The session monitor: follows a session's holder, folds the holder's events into the agent's
//! state, and drives identity and deliveries.

mod end;
mod hook;
mod in_effect;
mod limit;
mod process;
mod state;
mod status;
mod transcript;
mod trouble;

use std::{path::PathBuf, sync::Arc, time::Duration};
use wxcode_protocol::Output;

use jiff::Timestamp;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_core::{
    agent::{Agent, Evidence},
    delivery::machine::Event,
};
use wxcode_holder::client::{self, ClientError, Connection, Request, Sender};

use crate::agent::{
    answer::{AnswerRequest, Answerer},
    conversation::ConversationLog,
    delivery::worker::DeliveryWorker,
    metadata::{LiveMetadata, Metadata},
    monitor::{
        connect::{self, ConnectionEnd, Follow},
        crosscheck::CrossCheck,
        hook_filter::HookFilter,
        limit::LimitWatch,
        record::ProcessRecord,
        report::Reporter,
        screen::{self, ScreenProbe},
        trouble::Troubles,
        upgrade::Upgrade,
    },
    session::{MonitorChannels, Session, View},
};

/// Pause before an absent store is tried again at the end of a session.
pub(in crate::agent) const LAST_WORDS_RETRY: Duration = Duration::from_secs(1);

/// Input of a monitor, besides the session.
#[derive(Clone)]
pub(in crate::agent) struct MonitorInput {
    pub(in crate::agent) metadata: Metadata,
    /// The project's conversation at the monitor's start.
    pub(in crate::agent) current: Option<Uuid>,
    /// Whether no other agent of the project started later.
    pub(in crate::agent) is_latest: bool,
    /// Wakes the reader of the planning files.
    pub(in crate::agent) planning: Arc<Notify>,
    /// Time from the reset of a usage limit until wxcode continues a still waiting agent.
    pub(in crate::agent) limit_grace: Duration,
}

/// Follows a session until the agent is gone or the server closes.
pub(in crate::agent) struct SessionMonitor {
    pub(in crate::agent) session: Arc<Session>,
    pub(in crate::agent) view: watch::Sender<View>,
    requests: mpsc::Receiver<AnswerRequest>,
    answerer: Answerer,
    pub(in crate::agent) conversation_log: ConversationLog,
    pub(in crate::agent) delivery_worker: DeliveryWorker,
    pub(in crate::agent) config_dir: PathBuf,
    pub(in crate::agent) closing: CancellationToken,
    agent: Agent,
    screen_probe: ScreenProbe,
    reporter: Reporter,
    hook_filter: HookFilter,
    /// The hook to read next.
    next_seq: u64,
    /// Hooks before this hook reached an earlier server.
    live_from: Option<u64>,
    crosscheck: CrossCheck,
    /// The process of Claude Code itself, possibly a child of a wrapper.
    claude_pid: i32,
    process_record: ProcessRecord,
    upgrade: Upgrade,
    transcript: transcript::TranscriptReader,
    /// The number and the offset of the last status report.
    last_report: Option<(u64, u64)>,
    troubles: Troubles,
    limit_watch: LimitWatch,
    /// The last known offset of the output.
    output: u64,
}

impl Follow for SessionMonitor {
    async fn follow(&mut self, connection: Connection) -> Result<ConnectionEnd, ClientError> {
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
        let now = Instant::now();
        self.delivery_worker.connected(now);
        self.upgrade.connected(&welcome, now);
        self.screen_probe.restart(now);
        let session = Arc::clone(&self.session);
        loop {
            let timer = self.deadline();
            tokio::select! {
                error = sender.drain() => return Err(error),
                event = receiver.next() => match event? {
                    None => return Ok(ConnectionEnd::Disconnected),
                    Some(client::Event::Output(Output::Exited(exit))) => return Ok(ConnectionEnd::Exited(exit)),
                    Some(event) => self.event(event, &sender).await?,
                },
                () = session.queued.notified() => self.delivery_worker.notify(Instant::now()),
                Some(requests) = self.requests.recv() => {
                    let now = Instant::now();
                    self.answerer.begin(requests, &self.agent, &mut self.screen_probe, now);
                }
                () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => self.tick(&sender).await?,
                () = self.closing.cancelled() => return Ok(ConnectionEnd::Closing),
            }
        }
    }
}

impl SessionMonitor {
    pub(in crate::agent) fn new(
        session: Arc<Session>,
        channels: MonitorChannels,
        input: MonitorInput,
        conversation_log: ConversationLog,
        delivery_worker: DeliveryWorker,
        upgrade: Upgrade,
        closing: CancellationToken,
    ) -> Self {
        Self {
            reporter: Reporter::new(&session, input.planning),
            crosscheck: CrossCheck::default(),
            claude_pid: session.agent_pid,
            hook_filter: HookFilter::new(
                session.id,
                &session.dir,
                &LiveMetadata::read(&session.dir),
            ),
            session,
            view: channels.view,
            requests: channels.requests,
            answerer: Answerer::default(),
            conversation_log,
            delivery_worker,
            config_dir: input.metadata.config_dir,
            closing,
            agent: Agent::default(),
            screen_probe: ScreenProbe::default(),
            next_seq: 0,
            live_from: None,
            process_record: ProcessRecord::default(),
            upgrade,
            transcript: transcript::TranscriptReader::default(),
            last_report: None,
            troubles: Troubles::default(),
            limit_watch: LimitWatch::new(input.limit_grace),
            output: 0,
        }
    }

    /// Follows the session to its end.
    pub(in crate::agent) async fn run(mut self) {
        let dir = self.session.dir.clone();
        let closing = self.closing.clone();
        if let Some(exit) = connect::to_the_end(&mut self, &dir, &closing).await {
            self.finish(exit).await;
        }
    }

    /// The time of the next due task.
    fn deadline(&self) -> Option<Instant> {
        // Changes refused by the store are offered again together with the process record.
        let deadlines = [
            self.delivery_worker.deadline(),
            self.answerer.deadline(),
            self.screen_probe.deadline(),
            self.process_record.deadline(),
            self.upgrade.deadline(),
            self.transcript.deadline(),
            self.troubles.deadline(),
            self.limit_watch.deadline(Instant::now(), Timestamp::now()),
            Some(self.crosscheck.due()),
        ];
        deadlines.into_iter().flatten().min()
    }

    async fn tick(&mut self, holder: &Sender) -> Result<(), ClientError> {
        let now = Instant::now();
        if let Some(id) = self.screen_probe.take_due(now) {
            holder.post(Request::Screen { id }).await?;
        }
        if self.process_record.is_due(now) {
            self.read_record(now, holder).await?;
        }
        if let Some(path) = self.transcript.take_due(now) {
            self.read_transcript(path).await;
        }
        self.answerer.tick(now);
        if self.conversation_log.has_unsaved() {
            self.save().await;
        }
        if now >= self.crosscheck.due() {
            self.cross_check(now, holder).await?;
        }
        self.check_troubles(holder, now).await?;
        self.check_limit(holder, now).await?;
        let is_quiet = self.is_quiet();
        self.upgrade.tick(is_quiet, holder, now).await?;
        self.delivery_worker.tick(holder, now).await
    }

    async fn event(&mut self, event: client::Event, holder: &Sender) -> Result<(), ClientError> {
        let now = Instant::now();
        match event {
            client::Event::Hook {
                seq,
                ancestry,
                payload,
                ..
            } => self.hook(seq, ancestry, &payload, holder).await?,
            client::Event::Status { number, offset, .. }
                if self.last_report.replace((number, offset)) == Some((number, offset)) =>
            {
                // The same holder over another connection: later hooks may be known already.
            }
            client::Event::Status { offset, status, .. } => {
                // A reading of the process record from before the report is void.
                self.process_record.invalidate();
                let evidence = Evidence::Reported(status::report(&status, offset));
                self.observe(&evidence, None, holder).await?;
            }
            client::Event::Quiet { offset, .. } => {
                self.output = offset;
                let id = self.screen_probe.rested();
                holder.post(Request::Screen { id }).await?;
            }
            client::Event::Screen {
                id,
                size,
                modes,
                text,
                snapshot,
                ..
            } if self.delivery_worker.has_requested(id) => {
                // Within a synchronized update the screen may be half drawn: ignore the screen.
                let text = if modes.synchronized { "" } else { &text };
                let screen = (text, &snapshot[..], size);
                self.delivery_worker
                    .take_screen(id, screen, holder, now)
                    .await?;
            }
            client::Event::Screen {
                id,
                offset,
                modes,
                text,
                ..
            } => {
                self.output = offset;
                let is_at_rest = self.screen_probe.is_at_rest(id, offset, now);
                let look = screen::read(&text, modes.bracketed_paste, offset);
                if !is_at_rest {
                    return self.take_moving_screen(look, holder).await;
                }
                self.read_status_line(&text);
                self.look_for_trouble(&look, &text, now);
                self.observe(&Evidence::Screen(look), None, holder).await?;
                if let Some(dialog) = self.agent.on_screen() {
                    let screen_probe = &mut self.screen_probe;
                    self.answerer
                        .look(dialog, screen_probe, holder, now)
                        .await?;
                }
                self.delivery_worker
                    .advance(Event::Quiet, holder, now)
                    .await?;
            }
            client::Event::Delivered { key, fresh } => {
                tracing::debug!(session = %self.session.id, key, fresh, "typed");
                self.delivery_worker.typed(&key, holder, now).await?;
            }
            client::Event::DeliverRefused { key, reason } => {
                tracing::debug!(session = %self.session.id, key, reason, "the holder did not take a delivery yet");
                self.delivery_worker.not_typed(&key, holder, now).await?;
            }
            client::Event::Locked { lock } => {
                self.delivery_worker.lock_granted(lock, holder, now).await?;
            }
            client::Event::Unlocked { lock, reason } => {
                tracing::debug!(session = %self.session.id, reason, "the keyboard is others'");
                self.delivery_worker.lock_lost(lock, holder, now).await?;
            }
            client::Event::Output(Output::InputRefused { reason, .. }) => {
                tracing::debug!(session = %self.session.id, reason, "the holder refused a key");
                self.delivery_worker.key_refused(holder, now).await?;
            }
            client::Event::UpgradeRefused { busy, reason } => {
                self.upgrade.refused(busy, &reason, now);
            }
            client::Event::Output(Output::Error { message, .. }) => {
                tracing::warn!(session = %self.session.id, message, "the holder refused a request");
            }
            _ => {}
        }
        Ok(())
    }
}
