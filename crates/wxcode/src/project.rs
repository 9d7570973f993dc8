//! Commands on one project: `new`, `start`, `screen`, `events`, `stop`, `resume`.

use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, stdin},
    path::Path,
};

use anyhow::{Context, bail};
use wxcode_client::{Event, NewMilestone, NewProject, ScreenFormat};

use crate::{
    cli::{Common, EventsOptions, Named, NewOptions, ResumeOptions, ScreenOptions, StartOptions},
    output,
    remote::{Remote, block_on},
    send::Waiting,
};

/// Largest file with a milestone's context, in bytes.
const CONTEXT_MAX: u64 = 1 << 20; // 1 MiB

/// `wxcode new`.
pub(crate) fn new(common: &Common, options: &NewOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let workspace = match &options.workspace {
        // No shell has replaced it: the server does.
        Some(path) if path.starts_with("~") => Some(text(path)?),
        // A folder of the server's machine.
        Some(path) if common.server.is_some() && path.is_absolute() => Some(text(path)?),
        Some(path) => Some(absolute(path)?),
        None => None,
    };
    let new = NewProject {
        workspace_path: workspace,
        ..NewProject::from(options.name.as_str())
    };
    let project = block_on(async { Ok(remote.client().create_project(&new).await?) })?;
    output::print(project.id)
}

fn absolute(path: &Path) -> anyhow::Result<String> {
    let found = fs::canonicalize(path)
        .with_context(|| {
            format!(
                "cannot use the folder {}: give an existing one, or leave out --workspace for a new one",
                path.display()
            )
        })?;
    text(&found)
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.with_context(|| format!("{} is not valid UTF-8: rename it", path.display()))
}

/// `wxcode start`.
pub(crate) fn start(common: &Common, options: &StartOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let context = options.context.as_deref().map(context).transpose()?;
    block_on(async {
        let client = remote.client();
        let project = remote.project(&options.named.project).await?;
        let mut new = NewMilestone::new(&project.id, options.element.as_str());
        new.context = context;
        let waiting = Waiting::begin(common, &remote, &project, options.waiting).await?;
        let milestone = client.create_milestone(&new).await?;
        output::note(format_args!("created milestone {}", milestone.id));
        let delivery = client.start_milestone(&milestone.id).await?;
        waiting.report(delivery).await
    })
}

/// Reads the context of a milestone.
fn context(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => stdin().take(CONTEXT_MAX + 1).read_to_string(&mut text),
        false => fs::File::open(path)
            .and_then(|file| file.take(CONTEXT_MAX + 1).read_to_string(&mut text)),
    };
    read.with_context(|| {
        format!(
            "cannot read the context {}: give a Markdown file, or `-` for standard input",
            path.display()
        )
    })?;
    if text.len() as u64 > CONTEXT_MAX {
        bail!("the context has more than {CONTEXT_MAX} bytes: name files in it instead");
    }
    Ok(text)
}

/// `wxcode screen`.
pub(crate) fn screen(common: &Common, options: &ScreenOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let format = match options.ansi {
        true => ScreenFormat::Ansi,
        false => ScreenFormat::Text,
    };
    let screen = block_on(async {
        let project = remote.project(&options.named.project).await?;
        Ok(remote.client().screen(&project.id, format).await?)
    })?;
    output::print(screen.trim_end_matches('\n'))
}

/// `wxcode events`.
pub(crate) fn events(common: &Common, options: &EventsOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let project = remote.project(&options.named.project).await?;
        let events = remote.client().events(&project.id).await?;
        let mut events = events.with_find(Remote::finder(common));
        loop {
            let event = events.next().await?;
            print(&event, options.json)?;
            if !options.follow {
                return Ok(());
            }
        }
    })
}

fn print(event: &Event, json: bool) -> anyhow::Result<()> {
    if json {
        return output::print(&event.data);
    }
    let at = event.text("at").unwrap_or("-");
    let mut line = format!("{at}  {:<20}", event.kind);
    for (name, value) in event.data.as_object().into_iter().flatten() {
        // The parts of the line itself, and fields without a value.
        if matches!(name.as_str(), "at" | "type" | "seq" | "hook") || value.is_null() {
            continue;
        }
        let _ = match value.as_str() {
            Some(text) if !text.contains(|char: char| char.is_control() || char == ' ') => {
                write!(line, "  {name}={text}")
            }
            _ => write!(line, "  {name}={value}"),
        };
    }
    output::print(output::plain(&line))
}

/// `wxcode stop`.
pub(crate) fn stop(common: &Common, options: &Named) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let project = remote.project(&options.project).await?;
        Ok(remote.client().end_session(&project.id).await?)
    })
}

/// `wxcode resume`.
pub(crate) fn resume(common: &Common, options: &ResumeOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let session = block_on(async {
        let client = remote.client();
        let project = remote.project(&options.named.project).await?;
        Ok(match &options.id {
            Some(id) => {
                let id = id.to_string();
                client.resume_conversation(&project.id, &id).await?
            }
            None => client.start_session(&project.id).await?,
        })
    })?;
    output::print(session.session_id.unwrap_or_default())
}
