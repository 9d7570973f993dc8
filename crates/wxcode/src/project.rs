//! Commands on one project: `new`, `start`, `answer`, `screen`, `logs`, `events`, `stop`, `resume`.

use std::{
    fs,
    io::{Read as _, stdin},
    path::Path,
};

use anyhow::{Context, bail};
use wxcode_client::{Answer, Event, NewMilestone, NewProject, ScreenFormat};

use crate::{
    cli::{
        AnswerOptions, Common, EventsOptions, LogsOptions, NewOptions, ResumeOptions,
        ScreenOptions, StartOptions, StopOptions,
    },
    output,
    remote::{Remote, block_on},
    send,
};

/// Largest file with a milestone's context, in bytes.
const CONTEXT_MAX: u64 = 1 << 20; // 1 MiB

/// `wxcode new`.
pub(crate) fn new(common: &Common, options: &NewOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let workspace = options.workspace.as_deref().map(absolute).transpose()?;
    let new = NewProject {
        workspace_path: workspace,
        ..NewProject::from(options.name.as_str())
    };
    let project = block_on(async { Ok(remote.client().create_project(&new).await?) })?;
    output::print(project.id)
}

fn absolute(path: &Path) -> anyhow::Result<String> {
    let found = fs::canonicalize(path)
        .with_context(|| format!("cannot use the folder {}", path.display()))?;
    let text = found.to_str().map(str::to_owned);
    text.with_context(|| format!("{} is not valid UTF-8: rename it", found.display()))
}

/// `wxcode start`.
pub(crate) fn start(common: &Common, options: &StartOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let context = options.context.as_deref().map(context).transpose()?;
    block_on(async {
        let client = remote.client();
        let project = remote.project(&options.project).await?;
        let mut new = NewMilestone::new(&project.id, options.element.as_str());
        new.context = context;
        let milestone = client.create_milestone(&new).await?;
        let delivery = client.start_milestone(&milestone.id).await?;
        output::note(format_args!("started milestone {}", milestone.id));
        send::report(common, &remote, delivery, options.wait).await
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
    read.with_context(|| format!("cannot read the context {}", path.display()))?;
    if text.len() as u64 > CONTEXT_MAX {
        bail!("the context has more than {CONTEXT_MAX} bytes: name files in it instead");
    }
    Ok(text)
}

/// `wxcode answer`.
pub(crate) fn answer(common: &Common, options: &AnswerOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let client = remote.client();
        let project = remote.project(&options.project).await?;
        let Some(asked) = client.session(&project.id).await?.asks else {
            bail!("the agent of {} asks nothing", project.name);
        };
        if let Some(option) = &options.option {
            let answer = Answer::option(option.as_str()).to(&asked.id);
            client.answer(&project.id, &answer).await?;
            return Ok(());
        }
        output::print(asked.tool_name.as_deref().unwrap_or(&asked.dialog))?;
        if let Some(input) = &asked.tool_input {
            output::print(serde_json::to_string_pretty(input)?)?;
        }
        for question in &asked.questions {
            output::print(&question.question)?;
        }
        for option in &asked.options {
            output::print(format_args!("  {option}"))?;
        }
        Ok(())
    })
}

/// `wxcode screen`.
pub(crate) fn screen(common: &Common, options: &ScreenOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let format = match options.ansi {
        true => ScreenFormat::Ansi,
        false => ScreenFormat::Text,
    };
    let screen = block_on(async {
        let project = remote.project(&options.project).await?;
        Ok(remote.client().screen(&project.id, format).await?)
    })?;
    output::print(screen.trim_end_matches('\n'))
}

/// `wxcode logs`.
pub(crate) fn logs(common: &Common, options: &LogsOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let text = block_on(async {
        let project = remote.project(&options.project).await?;
        let path = format!(
            "/output-projects/{}/conversation?format=markdown",
            project.id
        );
        let none: Option<&()> = None;
        let method = wxcode_client::Method::GET;
        let response = remote.client().call(method, &path, none).await?;
        let response = response.success()?;
        Ok(String::from_utf8_lossy(&response.body).into_owned())
    })?;
    output::print(text.trim_end_matches('\n'))
}

/// `wxcode events`.
pub(crate) fn events(common: &Common, options: &EventsOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let project = remote.project(&options.project).await?;
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
    output::print(format_args!("{at}  {:<20}  {}", event.kind, event.data))
}

/// `wxcode stop`.
pub(crate) fn stop(common: &Common, options: &StopOptions) -> anyhow::Result<()> {
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
        let project = remote.project(&options.project).await?;
        Ok(match &options.id {
            Some(id) => client.resume_conversation(&project.id, id).await?,
            None => client.start_session(&project.id).await?,
        })
    })?;
    output::print(session.session_id.unwrap_or_default())
}
