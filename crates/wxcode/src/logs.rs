//! `wxcode logs`: a conversation as text, on request live.

mod text;

use std::{collections::VecDeque, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};
use wxcode_client::{ConversationPage, ConversationPart, ConversationTurn, Error, Events, Project};

use self::text::Writer;
use crate::{
    cli::{Common, LogsOptions},
    output,
    remote::{Remote, block_on},
};

/// Longest time between two looks at a followed conversation.
const LOOK_MAX: Duration = Duration::from_secs(1);
/// Shortest time between them.
const LOOK_MIN: Duration = Duration::from_millis(100);
/// Turns of a page of a followed conversation.
const PAGE: usize = 100;
/// Most pages between two looks; older turns are left out.
const PAGES_MAX: usize = 50;
/// Printed turns that are remembered; they may still grow.
const REMEMBERED_MAX: usize = 2 * PAGE;

pub(crate) fn run(common: &Common, options: &LogsOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let project = remote.project(&options.named.project).await?;
        let id = options.id.map(|id| id.to_string());
        let mut printer = Printer::new(options.json);
        if !options.follow {
            whole(&remote, &project, id.as_deref(), &mut printer).await?;
            if printer.printed.is_empty() {
                output::note(format_args!(
                    "nothing was said yet: `wxcode send {} TEXT` begins",
                    project.id
                ));
            }
            return Ok(());
        }
        // Opened first, so that nothing falls between.
        let events = remote.client().events(&project.id).await?;
        let events = events.with_find(Remote::finder(common));
        let latest = look(&remote, &project, None).await?;
        if let Some(id) = &latest.claude_session_id {
            printer.conversation = Some(id.clone());
            whole(&remote, &project, Some(id), &mut printer).await?;
        }
        follow(common, remote, &project, events, &mut printer).await
    })
}

/// Prints a conversation from its beginning.
async fn whole(
    remote: &Remote,
    project: &Project,
    id: Option<&str>,
    printer: &mut Printer,
) -> anyhow::Result<()> {
    let export = remote.client().export_conversation(&project.id, id).await;
    let mut export = match export {
        // A session that has not written its transcript yet.
        Err(Error::Refused(problem)) if printer.is_new(&problem.code, id) => return Ok(()),
        export => export?,
    };
    while let Some(turn) = export.next().await? {
        printer.print(&turn)?;
    }
    Ok(())
}

/// Prints what is said from now on.
async fn follow(
    common: &Common,
    mut remote: Remote,
    project: &Project,
    mut events: Events<'_>,
    printer: &mut Printer,
) -> anyhow::Result<()> {
    loop {
        let looked = Instant::now();
        match news(&remote, project, printer).await {
            Ok(turns) => {
                for turn in turns {
                    printer.print(&turn)?;
                }
            }
            // The events below find the next server, or end the command.
            Err(error) if error.is_transient() => {
                if let Ok(found) = Remote::find(common) {
                    remote = found;
                }
            }
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            event = events.next() => { event?; }
            () = sleep_until(looked + LOOK_MAX) => {}
        }
        sleep(LOOK_MIN.saturating_sub(looked.elapsed())).await;
    }
}

async fn look(
    remote: &Remote,
    project: &Project,
    before: Option<String>,
) -> Result<ConversationPage, Error> {
    let part = ConversationPart {
        before,
        limit: Some(PAGE),
        ..ConversationPart::default()
    };
    remote.client().conversation(&project.id, &part).await
}

/// The turns from the oldest one that may have grown, oldest first.
async fn news(
    remote: &Remote,
    project: &Project,
    printer: &mut Printer,
) -> Result<Vec<ConversationTurn>, Error> {
    let mut before = None;
    let mut turns: Vec<ConversationTurn> = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = match look(remote, project, before).await {
            Err(Error::Refused(problem)) if printer.is_new(&problem.code, None) => break,
            page => page?,
        };
        if printer.conversation != page.claude_session_id {
            printer.begin(page.claude_session_id);
        }
        let is_known = page.turns.iter().any(|turn| printer.knows(&turn.id));
        turns.splice(0..0, page.turns);
        before = page.next;
        if is_known || before.is_none() {
            break;
        }
    }
    Ok(turns)
}

/// A printed turn.
struct Printed {
    id: String,
    /// Its printed blocks.
    blocks: usize,
    /// Printed blocks whose result is still to come.
    open: Vec<usize>,
}

/// Prints each block of each turn once.
struct Printer {
    json: bool,
    writer: Writer,
    conversation: Option<String>,
    printed: VecDeque<Printed>,
}

impl Printer {
    fn new(json: bool) -> Self {
        Self {
            json,
            writer: Writer::new(output::has_colours()),
            conversation: None,
            printed: VecDeque::new(),
        }
    }

    fn knows(&self, id: &str) -> bool {
        self.printed.iter().any(|printed| printed.id == id)
    }

    /// Whether a problem means a transcript to come: nothing of it was printed.
    fn is_new(&self, code: &Option<String>, id: Option<&str>) -> bool {
        let is_current = id.is_none() || id == self.conversation.as_deref();
        code.as_deref() == Some("transcript_missing") && is_current && self.printed.is_empty()
    }

    /// Another conversation begins.
    fn begin(&mut self, id: Option<String>) {
        self.conversation = id;
        self.printed.clear();
    }

    fn print(&mut self, turn: &ConversationTurn) -> anyhow::Result<()> {
        let known = self
            .printed
            .iter()
            .rposition(|printed| printed.id == turn.id);
        let at = known.unwrap_or_else(|| self.remember(turn));
        let Some(printed) = self.printed.get_mut(at) else {
            return Ok(());
        };
        let mut text = String::new();
        let mut has_news = known.is_none();
        printed.open.retain(|index| {
            let Some(block) = turn.blocks.get(*index) else {
                return false;
            };
            let is_open = text::is_open(block);
            if !is_open {
                has_news = true;
                self.writer.result(&mut text, turn, block);
            }
            is_open
        });
        for (index, block) in turn.blocks.iter().enumerate().skip(printed.blocks) {
            has_news = true;
            self.writer.block(&mut text, turn, block);
            if text::is_open(block) {
                printed.open.push(index);
            }
        }
        printed.blocks = printed.blocks.max(turn.blocks.len());
        if self.json && has_news {
            return output::print(serde_json::to_string(turn)?);
        }
        match text.is_empty() || self.json {
            true => Ok(()),
            false => output::print(text.trim_end_matches('\n')),
        }
    }

    fn remember(&mut self, turn: &ConversationTurn) -> usize {
        if self.printed.len() >= REMEMBERED_MAX {
            self.printed.pop_front();
        }
        self.printed.push_back(Printed {
            id: turn.id.clone(),
            blocks: 0,
            open: Vec::new(),
        });
        self.printed.len() - 1
    }
}
