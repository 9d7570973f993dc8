//! Follows the output of a run, from the first byte to the end, and records the outcome.

use std::{io, path::PathBuf, sync::Arc};
use wxcode_protocol::Output;

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
    client::{ClientError, Connection, Event, Request},
    folder::Exit,
    log::{Item, Reader, What},
};

use crate::{
    agent::{
        conversation::ConversationLog,
        metadata::Metadata,
        monitor::{
            connect::{self, ConnectionEnd, Follow},
            output::{OutputReader, Step},
            session::LAST_WORDS_RETRY,
        },
        run::{
            Progress, RESULT_MAX, Run,
            result::{self, RunResult},
        },
    },
    event::Feed,
    planning::{Attention, Planning},
};

/// Log records in a single read, each of at most 64 KiB.
const BATCH: usize = 16;

/// Follows a run until the agent is gone or the server closes.
pub(in crate::agent) struct RunMonitor {
    run: Arc<Run>,
    progress: watch::Sender<Progress>,
    config_dir: PathBuf,
    workspace: PathBuf,
    feed: Arc<Feed>,
    conversation_log: ConversationLog,
    planning: Planning,
    /// Keeps the planning files watched during the run.
    attention: Arc<Attention>,
    closing: CancellationToken,
    messages: Messages,
    reader: OutputReader,
}

impl Follow for RunMonitor {
    async fn follow(&mut self, connection: Connection) -> Result<ConnectionEnd, ClientError> {
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
            let has_unsaved = self.conversation_log.has_unsaved();
            let event = tokio::select! {
                error = sender.drain() => return Err(error),
                event = receiver.next() => event?,
                () = sleep(LAST_WORDS_RETRY), if has_unsaved => {
                    self.save().await;
                    continue;
                }
                () = self.closing.cancelled() => return Ok(ConnectionEnd::Closing),
            };
            match event {
                None => return Ok(ConnectionEnd::Disconnected),
                Some(Event::Output(Output::Exited(exit))) => {
                    return Ok(ConnectionEnd::Exited(exit));
                }
                Some(Event::Output(Output::Output { offset, bytes })) => {
                    self.take(offset, &bytes).await;
                    has_come = true;
                }
                Some(Event::Output(Output::Snapshot { offset, .. }))
                    if offset > self.messages.at() =>
                {
                    if has_come {
                        return Ok(ConnectionEnd::Behind);
                    }
                    self.miss(offset);
                }
                Some(_) => {}
            }
        }
    }
}

impl RunMonitor {
    #[expect(clippy::too_many_arguments, reason = "all that it accounts to")]
    pub(in crate::agent) fn new(
        run: Arc<Run>,
        progress: watch::Sender<Progress>,
        metadata: Metadata,
        conversation_log: ConversationLog,
        workspace: PathBuf,
        feed: Arc<Feed>,
        planning: Planning,
        closing: CancellationToken,
    ) -> Self {
        Self {
            attention: planning.attend(run.project_id, &workspace),
            conversation_log,
            reader: OutputReader::new(run.id, metadata.claude_session_id),
            run,
            progress,
            config_dir: metadata.config_dir,
            workspace,
            feed,
            planning,
            closing,
            messages: Messages::default(),
        }
    }

    /// Follows the run to its end.
    pub(in crate::agent) async fn run(mut self) {
        let dir = self.run.dir.clone();
        let closing = self.closing.clone();
        if let Some(exit) = connect::to_the_end(&mut self, &dir, &closing).await {
            self.finish(exit).await;
        }
    }

    /// Takes output from an offset on; skips the part taken before.
    async fn take(&mut self, offset: u64, bytes: &[u8]) {
        if offset > self.messages.at() {
            self.miss(offset);
        }
        let known = usize::try_from(self.messages.at() - offset).unwrap_or(usize::MAX);
        let Some(bytes) = bytes.get(known..) else {
            return;
        };
        let mut steps = Vec::new();
        let reader = &mut self.reader;
        self.messages.push(bytes, |offset, messages| {
            steps.extend(reader.read(offset, messages));
        });
        self.carry_out(steps).await;
    }

    /// Output was dropped before it could be read.
    fn miss(&mut self, offset: u64) {
        tracing::warn!(run = %self.run.id, from = self.messages.at(), to = offset, "the log of a run dropped output before it was read; its events are missing");
        self.messages.skip_to(offset);
    }

    async fn carry_out(&mut self, steps: Vec<Step>) {
        let mut is_news = false;
        for step in steps {
            match step {
                Step::Publish(kind) => {
                    if matches!(kind, Kind::ToolFinished { .. }) {
                        self.attention.bell().notify_one();
                    }
                    self.feed.publish(kind);
                }
                Step::SwitchConversation { offset, to } => {
                    self.conversation_log.turned(offset, to);
                    self.progress
                        .send_modify(|progress| progress.claude_session_id = to);
                    is_news = true;
                }
                Step::Spoke(conversation) => {
                    self.conversation_log.spoke(conversation, None);
                    is_news = true;
                }
            }
        }
        if is_news {
            self.save().await;
        }
    }

    async fn save(&mut self) {
        if let Err(error) = self.conversation_log.save().await {
            tracing::warn!(run = %self.run.id, %error, "the store is unavailable; the conversation's id waits");
        }
    }

    /// The agent is gone: processes the rest of the output, then publishes the end.
    async fn finish(mut self, exit: Exit) {
        self.read_rest(exit.offset).await;
        let mut steps = Vec::new();
        let reader = &mut self.reader;
        self.messages.finish(|offset, messages| {
            steps.extend(reader.read(offset, messages));
        });
        self.carry_out(steps).await;
        let project = self.run.project_id;
        if let Err(error) = self.planning.look(project, &self.workspace).await {
            tracing::debug!(run = %self.run.id, %error, "the planning files cannot be looked at");
        }
        self.look_for_transcript().await;
        while let Err(error) = self.conversation_log.save().await {
            tracing::warn!(run = %self.run.id, %error, "the store is unavailable; the end of the run waits");
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
            tracing::warn!(run = %self.run.id, "cannot read the log of a run; its last events are missing");
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

    /// The process has ended, so the transcript is evidence.
    async fn look_for_transcript(&mut self) {
        let (config_dir, id) = (self.config_dir.clone(), self.reader.conversation());
        let dir = config_dir.clone();
        let found = off_thread(&config_dir, move || transcript::find(&dir, id)).await;
        match found {
            Ok(Transcript::Spoken(path)) => self.conversation_log.spoke(id, Some(path)),
            Ok(Transcript::Missing | Transcript::Empty(_)) => {}
            Err(error) => {
                tracing::warn!(run = %self.run.id, %error, "cannot look for the transcript");
            }
        }
    }

    /// Publishes the end of the run with the result, and writes the result.
    async fn end(self, exit: &Exit) {
        let said = self.reader.verdict.as_ref();
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
        let (state, error) = run::outcome(verdict.as_ref(), &end, &self.reader.last_lines());
        let result = verdict
            .and_then(|verdict| verdict.text)
            .filter(|_| state != RunState::Stopped)
            .map(bounded);
        let conversation = self.reader.conversation();
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
        let record = Arc::new(RunResult::new(
            state,
            conversation,
            result,
            error,
            self.reader.warning(),
            ended_at,
        ));
        // A disk may be slow, and the next run does not wait for the disk.
        self.feed.publish_with(finished, || {
            self.progress.send_modify(|progress| {
                progress.claude_session_id = conversation;
                progress.unwritten = Some(Arc::clone(&record));
                progress.is_over = true;
            });
        });
        // Without the file the next server processes the output again, and so changes nothing.
        let dir = self.run.dir.clone();
        let write = move || result::write(&dir, &record);
        let written = tokio::task::spawn_blocking(write)
            .await
            .map_err(io::Error::other)
            .and_then(|written| written);
        match written {
            Ok(()) => self
                .progress
                .send_modify(|progress| progress.unwritten = None),
            Err(error) => {
                tracing::warn!(run = %self.run.id, %error, "could not write the result of the run");
            }
        }
        tracing::info!(run = %self.run.id, ?state, code = ?exit.code, signal = ?exit.signal, "run ended");
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
