//! Follows one session's holder: folds its events into the agent's state, and lets identity and deliveries follow.

mod record;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use wxcode_claude::{
    hook::{self, HookEvent, HookKind},
    running::{self, Status},
};
use wxcode_core::{
    agent::{Agent, AgentState, Evidence, Look},
    delivery::machine::{Event, Readiness},
    event::Kind,
};
use wxcode_holder::{
    client::{self, ClientError, Connection, PROTOCOL_CLAIMS, Request, Sender},
    folder::{self, Exit, State},
    lineage::Lineage,
};

use super::{
    answer::{Answerer, Given},
    courier::Courier,
    crosscheck::CrossCheck,
    identity::Ledger,
    learned::Learned,
    live::{Ends, Session, View},
    look::{self, Looker},
    own::Gate,
    record::Record,
    report::{Reporter, evidence},
};

/// Shortest and longest wait before a holder that cannot be reached is tried again.
pub(super) const RECONNECT: (Duration, Duration) =
    (Duration::from_millis(50), Duration::from_secs(2));
/// How often a store that is away is tried again for the last words of a session.
pub(super) const LAST_WORDS_RETRY: Duration = Duration::from_secs(1);

/// File in a session's folder: the session ended, and everything that follows from it has been done.
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
    /// Hooks before this one were reported to an earlier server already.
    live_from: Option<u64>,
    crosscheck: CrossCheck,
    /// The process of Claude Code itself, which a wrapper may have started.
    claude_pid: i32,
    record: Record,
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
        ends: Ends,
        ledger: Ledger,
        courier: Courier,
        config_dir: PathBuf,
        planning: Arc<Notify>,
        closing: CancellationToken,
    ) -> Self {
        Self {
            reporter: Reporter::new(&session, planning),
            crosscheck: CrossCheck::default(),
            claude_pid: session.agent_pid,
            gate: Gate::new(session.id, &session.dir, &Learned::read(&session.dir)),
            session,
            view: ends.view,
            given: ends.given,
            answerer: Answerer::default(),
            ledger,
            courier,
            config_dir,
            closing,
            agent: Agent::default(),
            looker: Looker::default(),
            began: Instant::now(),
            next_seq: 0,
            live_from: None,
            record: Record::default(),
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

    /// The agent is gone: its last words are saved, then everybody is told.
    async fn finish(mut self, exit: Exit) {
        self.view.send_modify(|view| {
            view.agent_state = AgentState::Unknown;
            view.dialog = None;
            view.asks = None;
        });
        self.answerer.close();
        self.given.close();
        // Whoever gave them learns of the end by their loss.
        while self.given.try_recv().is_ok() {}
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
            view.warning = None;
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
            let Some(event) = self.take_in(record.seq, record.lineage, &record.payload) else {
                continue;
            };
            self.reporter.hook(record.seq, &event);
            if let Some(evidence) = evidence(record.seq, &event) {
                self.agent.observe(&evidence);
                self.tell_state(Some(record.seq));
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
        let claims = welcome.protocol >= PROTOCOL_CLAIMS;
        self.courier.connected(claims, now);
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
                Some(given) = self.given.recv() => {
                    let now = self.now();
                    self.answerer.begin(given, &self.agent, &mut self.looker, now);
                }
                () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => self.tick(&sender).await?,
                () = self.closing.cancelled() => return Ok(Parted::Closing),
            }
        }
    }

    /// The next moment that something is due.
    fn deadline(&self) -> Option<u64> {
        // What the store did not take is offered again together with the record of the process.
        let deadlines = [
            self.courier.deadline(),
            self.answerer.deadline(),
            self.looker.deadline(),
            self.record.deadline(),
            Some(self.crosscheck.due()),
        ];
        deadlines.into_iter().flatten().min()
    }

    async fn tick(&mut self, holder: &Sender) -> Result<(), ClientError> {
        let now = self.now();
        if let Some(id) = self.looker.probe(now) {
            holder.send(Request::Screen { id }).await?;
        }
        if self.record.is_due(now) {
            self.read_record(now, holder).await?;
        }
        self.answerer.tick(now);
        if self.ledger.is_behind() {
            self.save().await;
        }
        if now >= self.crosscheck.due() {
            self.cross_check(now).await;
        }
        self.courier.tick(holder, now).await
    }

    async fn event(&mut self, event: client::Event, holder: &Sender) -> Result<(), ClientError> {
        let now = self.now();
        match event {
            client::Event::Hook {
                seq,
                lineage,
                payload,
                ..
            } => self.hook(seq, lineage, &payload, holder).await?,
            client::Event::Quiet { .. } => {
                let id = self.looker.rest();
                holder.send(Request::Screen { id }).await?;
            }
            client::Event::Screen {
                id,
                size,
                modes,
                text,
                dump,
                ..
            } if self.courier.asked_for(id) => {
                // Within an update half of it may be drawn: as good as nothing.
                let text = if modes.synchronized { "" } else { &text };
                let screen = (text, &dump[..], size);
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
            client::Event::Claimed { claim } => {
                self.courier.claimed(claim, holder, now).await?;
            }
            client::Event::Unclaimed { claim, reason } => {
                tracing::debug!(session = %self.session.id, reason, "the keyboard is others'");
                self.courier.unclaimed(claim, holder, now).await?;
            }
            client::Event::InputRefused { reason, .. } => {
                tracing::debug!(session = %self.session.id, reason, "the holder refused a key");
                self.courier.refused(holder, now).await?;
            }
            client::Event::Error { message } => {
                tracing::warn!(session = %self.session.id, message, "the holder refused a request");
            }
            _ => {}
        }
        Ok(())
    }

    /// Accounts for a hook: what it says of the conversation's identity. `None` for one that is not understood, or not
    /// the agent's own.
    fn take_in(&mut self, seq: u64, lineage: Lineage, payload: &[u8]) -> Option<HookEvent> {
        if self.next_seq == 0 && seq > 1 && self.gate.has_begun() {
            // The report of the start gave way to newer ones.
            self.agent.observe(&Evidence::SessionStarted);
        }
        self.next_seq = seq + 1;
        self.courier.read(seq);
        let event = match hook::parse(payload) {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(session = %self.session.id, %error, "a hook was not understood");
                return None;
            }
        };
        if !self.gate.admits(&event, lineage) {
            return None;
        }
        let transcript_path = event.transcript_path.clone();
        match &event.kind {
            HookKind::SessionStart { source, .. } => {
                self.ledger
                    .started(seq, event.session_id, source, transcript_path);
                self.crosscheck.changed(self.now());
            }
            HookKind::UserPromptSubmit { .. } => {
                self.ledger.spoke(event.session_id, transcript_path)
            }
            _ => {}
        }
        Some(event)
    }

    async fn hook(
        &mut self,
        seq: u64,
        lineage: Lineage,
        payload: &[u8],
        holder: &Sender,
    ) -> Result<(), ClientError> {
        let Some(event) = self.take_in(seq, lineage, payload) else {
            return Ok(());
        };
        self.save().await;
        self.reporter.hook(seq, &event);
        if let Some(evidence) = evidence(seq, &event) {
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
            self.record.watch(self.now());
        }
    }

    /// Takes a screen that may be moving: it tells only that no dialog is there.
    async fn glimpse(&mut self, look: Look, holder: &Sender) -> Result<(), ClientError> {
        let state = self.agent.state();
        if state.is_asking() {
            self.observe(&Evidence::Glimpse(look), None, holder).await?;
        } else if state == AgentState::Working && look.prompt {
            self.looker.relax();
        }
        Ok(())
    }

    /// Takes evidence of the agent's state; `hook` is the one that gave it, if one did.
    async fn observe(
        &mut self,
        evidence: &Evidence,
        hook: Option<u64>,
        holder: &Sender,
    ) -> Result<(), ClientError> {
        self.agent.observe(evidence);
        if self.agent.has_started() && self.view.borrow().claude_version.is_none() {
            self.read_version().await;
        }
        let now = self.now();
        let state = self.agent.state();
        let is_working = state == AgentState::Working;
        match evidence {
            Evidence::Screen(_) | Evidence::Glimpse(_) if is_working => self.looker.relax(),
            Evidence::Screen(_) | Evidence::Glimpse(_) => {}
            // The record may be behind: a dialog that is there is seen again.
            Evidence::RecordedBusy | Evidence::RecordedIdle => self.looker.unsettle(now),
            _ if is_working => {}
            _ => self.looker.unsettle(now),
        }
        if hook.is_some() {
            self.record.outdate();
        }
        if self.agent.is_engaged() {
            self.record.watch(now);
        }
        self.show();
        self.answerer.observed(&self.agent);
        self.tell_state(hook);
        self.courier
            .ready(readiness(&self.agent), holder, now)
            .await
    }

    /// Tells what the agent does now; `hook` is the one that said so, if one did.
    fn tell_state(&self, hook: Option<u64>) {
        let version = self.view.borrow().claude_version.clone();
        self.reporter
            .state(&self.agent, version, hook, self.next_seq, self.live_from);
    }

    /// Shows everybody what the agent does.
    fn show(&self) {
        let (state, asks) = (self.agent.state(), self.agent.ask().map(Arc::new));
        let dialog = self.agent.dialog().map(str::to_owned);
        self.view.send_if_modified(|view| {
            let changed = view.agent_state != state || view.dialog != dialog || view.asks != asks;
            view.agent_state = state;
            view.dialog = dialog;
            view.asks = asks;
            changed
        });
    }

    /// Reads Claude's own record of the process: the only evidence of Esc.
    async fn read_record(&mut self, now: u64, holder: &Sender) -> Result<(), ClientError> {
        if !self.agent.is_engaged() {
            return Ok(());
        }
        let status = self.record_of_process().await.map(|record| record.status);
        self.record.watch(now);
        if self.agent.state().is_asking() {
            // Output that never rests brings no look by itself.
            self.looker.unsettle(now);
        }
        match self.record.says(status) {
            Some(Status::Idle) => self.observe(&Evidence::RecordedIdle, None, holder).await,
            Some(Status::Busy) if self.agent.has_requests() => {
                self.observe(&Evidence::RecordedBusy, None, holder).await
            }
            _ => Ok(()),
        }
    }

    async fn record_of_process(&self) -> Option<running::Running> {
        let config_dir = self.config_dir.clone();
        let pid = u32::try_from(self.claude_pid).ok()?;
        tokio::task::spawn_blocking(move || running::read(&config_dir, pid))
            .await
            .ok()?
            .ok()?
    }
}

/// What a folder says when its holder does not answer: how the agent ended, if it has.
pub(super) async fn gone(dir: &Path) -> Option<Exit> {
    let dir = dir.to_owned();
    let looked = tokio::task::spawn_blocking(move || match folder::inspect(&dir) {
        Ok(State::Exited(_, exit)) => Ok(Some(exit)),
        Ok(State::Lost(holder)) => folder::bury(&dir, &holder, holder.loss()).map(Some),
        Ok(State::Live(_) | State::Unfinished) => Ok(None),
        Err(error) => Err(error),
    })
    .await;
    match looked {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            tracing::warn!(%error, "a folder cannot be read");
            None
        }
        Err(_) => None,
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
