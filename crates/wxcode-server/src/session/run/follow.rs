//! Follows the output of one run, from its first byte to its end, and records its outcome.

use std::{io, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use wxcode_claude::{
    stream::Messages,
    transcript::{self, Transcript},
};
use wxcode_core::{
    event::Kind,
    run::{self, End, RunState, Verdict},
    text::CUT_MARK,
    time::to_millis,
};
use wxcode_files::off_thread;
use wxcode_holder::{
    client::{self, ClientError, Connection, Event, Request},
    folder::Exit,
    log::{Item, Reader, What},
};

use super::{
    RESULT_MAX,
    live::{Note, Progress, Run},
    record::{self, Record},
    story::{Step, Story},
};
use crate::{
    event::Feed,
    planning::{Attention, Planning},
    session::{
        identity::Ledger,
        watcher::{LAST_WORDS_RETRY, RECONNECT, gone},
    },
};

/// Log records read at once, each of at most 64 KiB.
const BATCH: usize = 16;

/// Follows one run until its agent is gone or the server closes.
pub(super) struct Follower {
    run: Arc<Run>,
    progress: watch::Sender<Progress>,
    config_dir: PathBuf,
    workspace: PathBuf,
    feed: Arc<Feed>,
    ledger: Ledger,
    planning: Planning,
    /// Keeps the planning files watched during the run.
    attention: Arc<Attention>,
    closing: CancellationToken,
    messages: Messages,
    story: Story,
}

/// Why a connection ended.
enum Parted {
    Exited(Exit),
    /// The holder skipped to its newest output: the part in between is in its log.
    Behind,
    Disconnected,
    Closing,
}

impl Follower {
    #[expect(clippy::too_many_arguments, reason = "all that it accounts to")]
    pub(super) fn new(
        run: Arc<Run>,
        progress: watch::Sender<Progress>,
        note: Note,
        ledger: Ledger,
        workspace: PathBuf,
        feed: Arc<Feed>,
        planning: Planning,
        closing: CancellationToken,
    ) -> Self {
        Self {
            attention: planning.attend(run.project_id, &workspace),
            ledger,
            story: Story::new(run.id, note.claude_session_id),
            run,
            progress,
            config_dir: note.config_dir,
            workspace,
            feed,
            planning,
            closing,
            messages: Messages::default(),
        }
    }

    /// Follows the run to its end.
    pub(super) async fn run(mut self) {
        let mut wait = RECONNECT.0;
        let exit = loop {
            if let Ok(connection) = client::connect(&self.run.dir).await {
                wait = RECONNECT.0;
                match self.follow(connection).await {
                    Ok(Parted::Exited(exit)) => break exit,
                    Ok(Parted::Closing) => return,
                    Ok(Parted::Behind) => continue,
                    Ok(Parted::Disconnected) => {}
                    Err(error) => tracing::debug!(run = %self.run.id, %error, "lost the holder"),
                }
            }
            match gone(&self.run.dir).await {
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

    async fn follow(&mut self, connection: Connection) -> Result<Parted, ClientError> {
        let Connection {
            sender,
            mut receiver,
            ..
        } = connection;
        let attach = Request::Attach {
            since: Some(self.messages.at()),
            history: 0,
        };
        sender.post(attach).await?;
        let mut has_come = false;
        loop {
            let is_behind = self.ledger.is_behind();
            let event = tokio::select! {
                error = sender.drain() => return Err(error),
                event = receiver.next() => event?,
                () = sleep(LAST_WORDS_RETRY), if is_behind => {
                    self.save().await;
                    continue;
                }
                () = self.closing.cancelled() => return Ok(Parted::Closing),
            };
            match event {
                None => return Ok(Parted::Disconnected),
                Some(Event::Exited(exit)) => return Ok(Parted::Exited(exit)),
                Some(Event::Output { offset, bytes }) => {
                    self.take(offset, &bytes).await;
                    has_come = true;
                }
                Some(Event::Snapshot { offset, .. }) if offset > self.messages.at() => {
                    if has_come {
                        return Ok(Parted::Behind);
                    }
                    self.miss(offset);
                }
                Some(_) => {}
            }
        }
    }

    /// Takes output that begins at an offset; skips the part taken before.
    async fn take(&mut self, offset: u64, bytes: &[u8]) {
        if offset > self.messages.at() {
            self.miss(offset);
        }
        let known = usize::try_from(self.messages.at() - offset).unwrap_or(usize::MAX);
        let Some(bytes) = bytes.get(known..) else {
            return;
        };
        let mut steps = Vec::new();
        let story = &mut self.story;
        self.messages.push(bytes, |offset, messages| {
            steps.extend(story.go_on(offset, messages));
        });
        self.carry_out(steps).await;
    }

    /// Output was dropped before it could be read.
    fn miss(&mut self, offset: u64) {
        tracing::warn!(run = %self.run.id, from = self.messages.at(), to = offset, "output of a run is not in its log any more: what it said there is not told");
        self.messages.skip_to(offset);
    }

    async fn carry_out(&mut self, steps: Vec<Step>) {
        let mut is_news = false;
        for step in steps {
            match step {
                Step::Tell(kind) => {
                    if matches!(kind, Kind::ToolFinished { .. }) {
                        self.attention.bell().notify_one();
                    }
                    self.feed.publish(kind);
                }
                Step::Turn { offset, to } => {
                    self.ledger.ran(offset, to);
                    self.progress
                        .send_modify(|progress| progress.claude_session_id = to);
                    is_news = true;
                }
                Step::Spoke(conversation) => {
                    self.ledger.spoke(conversation, None);
                    is_news = true;
                }
            }
        }
        if is_news {
            self.save().await;
        }
    }

    async fn save(&mut self) {
        if let Err(error) = self.ledger.save().await {
            tracing::warn!(run = %self.run.id, %error, "the conversation's id waits for the store");
        }
    }

    /// The agent is gone: processes the rest of its output, then publishes the end.
    async fn finish(mut self, exit: Exit) {
        self.read_rest(exit.offset).await;
        let mut steps = Vec::new();
        let story = &mut self.story;
        self.messages.finish(|offset, messages| {
            steps.extend(story.go_on(offset, messages));
        });
        self.carry_out(steps).await;
        let project = self.run.project_id;
        if let Err(error) = self.planning.look(project, &self.workspace).await {
            tracing::debug!(run = %self.run.id, %error, "the planning files cannot be looked at");
        }
        self.look_for_transcript().await;
        while let Err(error) = self.ledger.save().await {
            tracing::warn!(run = %self.run.id, %error, "the end of a run waits for the store");
            tokio::select! {
                () = sleep(LAST_WORDS_RETRY) => {}
                () = self.closing.cancelled() => return,
            }
        }
        self.end(&exit).await;
    }

    /// Reads from the log the output that the holder no longer has.
    async fn read_rest(&mut self, end: u64) {
        // A lost holder did not report the end of the output.
        if end > 0 && end <= self.messages.at() {
            return;
        }
        let (dir, at) = (self.run.dir.clone(), self.messages.at());
        let open = move || match Reader::open_at(&dir, at) {
            Ok(Some(reader)) => Ok(reader),
            // The segment was dropped: the rest begins later.
            Ok(None) => Reader::open(&dir),
            Err(error) => Err(error),
        };
        let Ok(Ok(mut reader)) = tokio::task::spawn_blocking(open).await else {
            tracing::warn!(run = %self.run.id, "the log of a run cannot be read: what it said last is not told");
            return;
        };
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let items: Vec<Item> = reader.by_ref().take(BATCH).collect();
                (reader, items)
            });
            let Ok((rest, items)) = read.await else {
                return;
            };
            if items.is_empty() {
                return;
            }
            for item in items {
                if let Item::Record(record) = item
                    && let What::Output(bytes) = &record.what
                {
                    self.take(record.offset, bytes).await;
                }
            }
            reader = rest;
        }
    }

    /// The process has ended, so its transcript is evidence.
    async fn look_for_transcript(&mut self) {
        let (config_dir, id) = (self.config_dir.clone(), self.story.conversation());
        let dir = config_dir.clone();
        let found = off_thread(&config_dir, move || transcript::find(&dir, id)).await;
        match found {
            Ok(Transcript::Spoken(path)) => self.ledger.spoke(id, Some(path)),
            Ok(Transcript::Missing | Transcript::Empty(_)) => {}
            Err(error) => {
                tracing::warn!(run = %self.run.id, %error, "the transcript cannot be looked for");
            }
        }
    }

    /// Ends the run for everybody, tells what it came to, and writes it down.
    async fn end(self, exit: &Exit) {
        let said = self.story.verdict.as_ref();
        let verdict = said.map(|said| Verdict {
            is_error: said.is_error,
            text: said.text.clone(),
        });
        let end = End {
            code: exit.code,
            signal: exit.signal,
            is_stopped: exit.reason == "stopped",
            reason: &exit.reason,
        };
        let (state, error) = run::outcome(verdict.as_ref(), &end, &self.story.words());
        let result = verdict
            .and_then(|verdict| verdict.text)
            .filter(|_| state != RunState::Stopped)
            .map(bounded);
        let conversation = self.story.conversation();
        let ended_at = exit
            .at
            .parse()
            .map_or_else(|_| to_millis(Timestamp::now()), to_millis);
        let finished = Kind::RunFinished {
            run_id: self.run.id,
            claude_session_id: conversation,
            state,
            result: result.clone(),
            error: error.clone(),
            is_error: said.map(|said| said.is_error),
            duration_ms: said.and_then(|said| said.duration_ms),
            cost_usd: said.and_then(|said| said.cost_usd),
            turns: said.and_then(|said| said.turns),
        };
        let record = Arc::new(Record::new(state, conversation, result, error, ended_at));
        // A disk may be slow, and the next run does not wait for it.
        self.feed.publish_with(finished, || {
            self.progress.send_modify(|progress| {
                progress.claude_session_id = conversation;
                progress.unwritten = Some(Arc::clone(&record));
                progress.is_over = true;
            });
        });
        // Without the file the next server processes the output again, which changes nothing.
        let dir = self.run.dir.clone();
        let write = move || record::write(&dir, &record);
        let written = tokio::task::spawn_blocking(write)
            .await
            .map_err(io::Error::other)
            .and_then(|written| written);
        match written {
            Ok(()) => self
                .progress
                .send_modify(|progress| progress.unwritten = None),
            Err(error) => {
                tracing::warn!(run = %self.run.id, %error, "what a run came to could not be written");
            }
        }
        tracing::info!(run = %self.run.id, ?state, code = ?exit.code, signal = ?exit.signal, "the run is over");
    }
}

/// The kept beginning of a text.
fn bounded(mut text: String) -> String {
    if text.len() > RESULT_MAX {
        text.truncate(text.floor_char_boundary(RESULT_MAX));
        text.push_str(CUT_MARK);
    }
    text
}
