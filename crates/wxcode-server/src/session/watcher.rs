//! Follows one session's holder: folds its events into the agent's state, and lets identity and deliveries follow.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use wxcode_claude::{
    hook::{self, HookEvent, HookKind},
    running::{self, Status},
};
use wxcode_core::{
    agent::{Agent, AgentState, Evidence},
    delivery::machine::{Event, Readiness},
    event::Kind,
};
use wxcode_holder::{
    client::{self, ClientError, Connection, Request, Sender},
    folder::{self, Exit, State},
};

use super::{
    courier::Courier,
    identity::Ledger,
    live::{Session, View},
    look::{self, Looker},
    report::{Reporter, evidence},
};

/// How often Claude's own record of the process is read while a turn runs: the only evidence of Esc.
const RECORD_INTERVAL_MS: u64 = 1_000;
/// Shortest and longest wait before a holder that cannot be reached is tried again.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How often a store that is away is tried again for the last words of a session.
const LAST_WORDS_RETRY: Duration = Duration::from_secs(1);

/// File in a session's folder: the session ended, and everything that follows from it has been done.
pub(super) const SETTLED: &str = "settled";

/// Follows one session until its agent is gone or the server closes.
pub(super) struct Watcher {
    pub(super) session: Arc<Session>,
    pub(super) view: watch::Sender<View>,
    pub(super) ledger: Ledger,
    pub(super) courier: Courier,
    pub(super) config_dir: PathBuf,
    pub(super) closing: CancellationToken,
    agent: Agent,
    looker: Looker,
    began: Instant,
    reporter: Reporter,
    /// The hook to read next.
    next_seq: u64,
    /// Hooks before this one were reported to an earlier server already.
    live_from: Option<u64>,
    /// When to read Claude's record of the process next, and whether it said idle the last time.
    record: Option<(u64, bool)>,
}

/// Why a connection is no longer followed.
enum Parted {
    Exited(Exit),
    Disconnected,
    Closing,
}

impl Watcher {
    pub(super) fn new(
        session: Arc<Session>,
        view: watch::Sender<View>,
        ledger: Ledger,
        courier: Courier,
        config_dir: PathBuf,
        planning: Arc<Notify>,
        closing: CancellationToken,
    ) -> Self {
        Self {
            reporter: Reporter::new(&session, planning),
            session,
            view,
            ledger,
            courier,
            config_dir,
            closing,
            agent: Agent::default(),
            looker: Looker::default(),
            began: Instant::now(),
            next_seq: 0,
            live_from: None,
            record: None,
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
            match self.inspect().await {
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

    /// What the folder says when the holder does not answer.
    async fn inspect(&self) -> Option<Exit> {
        let dir = self.session.dir.clone();
        let looked = tokio::task::spawn_blocking(move || match folder::inspect(&dir)? {
            State::Exited(_, exit) => Ok(Some(exit)),
            State::Lost(holder) => folder::bury(&dir, &holder, holder.loss()).map(Some),
            State::Live(_) | State::Unfinished => Ok(None),
        })
        .await;
        match looked {
            Ok(Ok(exit)) => exit,
            Ok(Err(error)) => {
                tracing::warn!(session = %self.session.id, %error, "cannot read the session's folder");
                None
            }
            Err(_) => None,
        }
    }

    /// The agent is gone: its last words are saved, then everybody is told.
    async fn finish(mut self, exit: Exit) {
        self.last_words().await;
        loop {
            let saved = self.ledger.save().await.is_ok();
            if self.courier.close().await && saved {
                break;
            }
            tokio::select! {
                () = sleep(LAST_WORDS_RETRY) => {}
                () = self.closing.cancelled() => return,
            }
        }
        self.session.feed.tell(Kind::SessionExited {
            session_id: self.session.id,
            code: exit.code,
            signal: exit.signal,
            reason: exit.reason.clone(),
        });
        // Best effort: without it the same is accounted for again, which changes nothing.
        let _ = std::fs::write(self.session.dir.join(SETTLED), b"");
        tracing::info!(session = %self.session.id, reason = %exit.reason, code = ?exit.code, signal = ?exit.signal, "the session ended");
        self.view.send_modify(|view| {
            view.agent_state = AgentState::Unknown;
            view.dialog = None;
            view.exit = Some(exit);
        });
    }

    /// The hooks that the agent reported and nobody read before its holder was gone.
    async fn last_words(&mut self) {
        let (dir, since) = (self.session.dir.clone(), self.next_seq);
        let read = tokio::task::spawn_blocking(move || folder::hooks_since(&dir, since)).await;
        let Ok(Ok(records)) = read else {
            tracing::warn!(session = %self.session.id, "the last hooks of the session cannot be read");
            return;
        };
        for record in records {
            let Some(event) = self.take_in(record.seq, &record.payload) else {
                continue;
            };
            self.reporter.hook(record.seq, &event);
            if let Some(evidence) = evidence(&event.kind) {
                self.agent.observe(&evidence);
                self.reporter
                    .state(&self.agent, Some(record.seq), self.next_seq, self.live_from);
            }
            if let HookKind::UserPromptSubmit { prompt, .. } = &event.kind {
                self.courier.remember(prompt);
            }
        }
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
            .send(Request::Events {
                since: self.next_seq,
            })
            .await?;
        let now = self.now();
        self.courier.reload(now);
        self.looker.unsettle(now);
        let session = Arc::clone(&self.session);
        loop {
            let timer = self
                .deadline()
                .map(|at| self.began + Duration::from_millis(at));
            tokio::select! {
                event = receiver.next() => match event? {
                    None => return Ok(Parted::Disconnected),
                    Some(client::Event::Exited(exit)) => return Ok(Parted::Exited(exit)),
                    Some(event) => self.event(event, &sender).await?,
                },
                () = session.bell.notified() => self.courier.ring(self.now()),
                () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => self.tick(&sender).await?,
                () = self.closing.cancelled() => return Ok(Parted::Closing),
            }
        }
    }

    /// The next moment that something is due.
    fn deadline(&self) -> Option<u64> {
        // What the store did not take is offered again together with the record of the process.
        let record = self.record.map(|(at, _)| at);
        [self.courier.deadline(), self.looker.deadline(), record]
            .into_iter()
            .flatten()
            .min()
    }

    async fn tick(&mut self, holder: &Sender) -> Result<(), ClientError> {
        let now = self.now();
        if let Some(id) = self.looker.probe(now) {
            holder.send(Request::Screen { id }).await?;
        }
        if let Some((at, was_idle)) = self.record
            && now >= at
        {
            self.read_record(was_idle, now, holder).await?;
        }
        if self.ledger.is_behind() {
            self.save().await;
        }
        self.courier.tick(holder, now).await
    }

    async fn event(&mut self, event: client::Event, holder: &Sender) -> Result<(), ClientError> {
        let now = self.now();
        match event {
            client::Event::Hook { seq, payload, .. } => self.hook(seq, &payload, holder).await?,
            client::Event::Quiet { .. } => {
                let id = self.looker.rest();
                holder.send(Request::Screen { id }).await?;
            }
            client::Event::Screen {
                id,
                offset,
                modes,
                text,
                ..
            } if self.looker.saw(id, offset, now) => {
                let look = look::read(&text, modes.bracketed_paste);
                self.observe(&Evidence::Screen(look), None, holder).await?;
                self.courier.tell(Event::Quiet, holder, now).await?;
            }
            client::Event::Delivered { key, fresh } => {
                tracing::debug!(session = %self.session.id, key, fresh, "typed");
                self.courier.typed(&key, holder, now).await?;
            }
            client::Event::DeliverRefused { key, reason } => {
                tracing::warn!(session = %self.session.id, key, reason, "the holder did not take a delivery yet");
                self.courier.put_off(now);
            }
            client::Event::InputRefused { reason, .. } => {
                tracing::warn!(session = %self.session.id, reason, "the holder refused an Enter");
            }
            client::Event::Error { message } => {
                tracing::warn!(session = %self.session.id, message, "the holder refused a request");
            }
            _ => {}
        }
        Ok(())
    }

    /// Accounts for a hook: what it says of the conversation's identity. `None` for one that is not understood.
    fn take_in(&mut self, seq: u64, payload: &[u8]) -> Option<HookEvent> {
        self.next_seq = seq + 1;
        self.courier.read(seq);
        let event = match hook::parse(payload) {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(session = %self.session.id, %error, "a hook was not understood");
                return None;
            }
        };
        let transcript_path = event.transcript_path.clone();
        match &event.kind {
            HookKind::SessionStart { source, .. } => {
                self.ledger
                    .started(seq, event.session_id, source, transcript_path);
            }
            HookKind::UserPromptSubmit { .. } => {
                self.ledger.spoke(event.session_id, transcript_path)
            }
            _ => {}
        }
        Some(event)
    }

    async fn hook(&mut self, seq: u64, payload: &[u8], holder: &Sender) -> Result<(), ClientError> {
        let Some(event) = self.take_in(seq, payload) else {
            return Ok(());
        };
        self.save().await;
        self.reporter.hook(seq, &event);
        if let Some(evidence) = evidence(&event.kind) {
            self.observe(&evidence, Some(seq), holder).await?;
        }
        // After the agent's state, so that nobody sees a command submitted and the agent still idle.
        if let HookKind::UserPromptSubmit { prompt, .. } = &event.kind {
            let now = self.now();
            self.courier.reported(prompt, holder, now).await?;
        }
        if self.live_from.is_some_and(|from| seq >= from) {
            // Nobody attached is no error.
            let _ = self.session.reports.send(Arc::new(event));
        }
        Ok(())
    }

    async fn save(&mut self) {
        if let Err(error) = self.ledger.save().await {
            tracing::warn!(session = %self.session.id, %error, "the conversation's id waits for the store");
            let at = self.now() + RECORD_INTERVAL_MS;
            self.record.get_or_insert((at, false));
        }
    }

    /// Takes evidence of the agent's state; `hook` is the one that gave it, if one did.
    async fn observe(
        &mut self,
        evidence: &Evidence,
        hook: Option<u64>,
        holder: &Sender,
    ) -> Result<(), ClientError> {
        self.agent.observe(evidence);
        let now = self.now();
        let state = self.agent.state();
        if !matches!(evidence, Evidence::Screen(_)) && !state.is_in_turn() {
            self.looker.unsettle(now);
        }
        if state.is_in_turn() {
            self.record.get_or_insert((now + RECORD_INTERVAL_MS, false));
        }
        let dialog = self.agent.dialog().map(str::to_owned);
        self.view.send_if_modified(|view| {
            let changed = view.agent_state != state || view.dialog != dialog;
            view.agent_state = state;
            view.dialog = dialog;
            changed
        });
        self.reporter
            .state(&self.agent, hook, self.next_seq, self.live_from);
        if self.agent.has_started() && self.view.borrow().claude_version.is_none() {
            self.read_version().await;
        }
        self.courier
            .ready(readiness(&self.agent), holder, now)
            .await
    }

    async fn read_version(&mut self) {
        if let Some(version) = self
            .record_of_process()
            .await
            .and_then(|record| record.version)
        {
            self.view
                .send_modify(|view| view.claude_version = Some(version));
        }
    }

    async fn read_record(
        &mut self,
        was_idle: bool,
        now: u64,
        holder: &Sender,
    ) -> Result<(), ClientError> {
        self.record = None;
        if !self.agent.state().is_in_turn() {
            return Ok(());
        }
        let is_idle = self
            .record_of_process()
            .await
            .is_some_and(|record| record.status == Status::Idle);
        self.record = Some((now + RECORD_INTERVAL_MS, is_idle));
        // Twice, since the record lags a little behind the hook of a new turn.
        if is_idle && was_idle {
            self.observe(&Evidence::RecordedIdle, None, holder).await?;
        }
        Ok(())
    }

    async fn record_of_process(&self) -> Option<running::Running> {
        let config_dir = self.config_dir.clone();
        let pid = u32::try_from(self.session.agent_pid).ok()?;
        tokio::task::spawn_blocking(move || running::read(&config_dir, pid))
            .await
            .ok()?
            .ok()?
    }
}

fn readiness(agent: &Agent) -> Readiness {
    if agent.is_ready() {
        return Readiness::Ready;
    }
    if let Some(dialog) = agent.dialog() {
        return Readiness::Dialog(dialog.to_owned());
    }
    match agent.state() {
        AgentState::Working => Readiness::Busy,
        AgentState::WaitingPermission => Readiness::Dialog("permission".to_owned()),
        AgentState::WaitingQuestion => Readiness::Dialog("question".to_owned()),
        AgentState::Starting
        | AgentState::Idle
        | AgentState::BlockedDialog
        | AgentState::Unknown => Readiness::NotReady,
    }
}
