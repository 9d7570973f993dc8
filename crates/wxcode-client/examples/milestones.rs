//! Creates a project, feeds it three milestones, and waits for each by events.
//!
//!     WXCODE_TOKEN=$(wxcode token create example --role admin) cargo run --example milestones -- --server http://127.0.0.1:8052

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};
use clap::Parser;
use wxcode_client::{
    Client, Event, Events, MilestoneStatus, NewMilestone, NewProject, Server, Turn, TurnEnd,
};

/// The milestones: a name, and the context for the agent.
const MILESTONES: [(&str, &str); 3] = [
    (
        "Greeting",
        "# Greeting\n\nWrite hello.sh, which greets its user by name.\n",
    ),
    (
        "Farewell",
        "# Farewell\n\nLet hello.sh say goodbye when it is interrupted.\n",
    ),
    ("Tests", "# Tests\n\nWrite a test of hello.sh and run it.\n"),
];

/// Creates a project, feeds it three milestones, and waits for each.
#[derive(Parser)]
struct Options {
    /// The server, such as http://127.0.0.1:8052.
    #[arg(long, value_name = "URL", env = "WXCODE_SERVER")]
    server: String,
    /// A file with the token; without it, WXCODE_TOKEN holds the token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The project's name.
    #[arg(long, default_value = "Three milestones")]
    name: String,
    /// An existing absolute folder for the agent; without it, the server makes one.
    #[arg(long, value_name = "DIR")]
    workspace: Option<String>,
}

impl Options {
    fn server(&self) -> anyhow::Result<Server> {
        let token = match &self.token_file {
            Some(path) => fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?,
            None => std::env::var("WXCODE_TOKEN")
                .context("no token: set WXCODE_TOKEN or give --token-file FILE")?,
        };
        Ok(Server::new(self.server.parse()?, token.trim())?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let client = Client::new(options.server()?)?;
    let project = client
        .create_project(&NewProject {
            workspace_path: options.workspace,
            ..options.name.as_str().into()
        })
        .await?;
    println!("project {} in {}", project.id, project.workspace_path);
    // From before the first milestone on, so that no event is missed.
    let mut events = client.events(&project.id).await?;
    for (name, context) in MILESTONES {
        let milestone = client
            .create_milestone(&NewMilestone {
                context: Some(context.to_owned()),
                ..NewMilestone::new(project.id.clone(), name)
            })
            .await?;
        let delivery = client.start_milestone(&milestone.id).await?;
        println!("{name}: {}", delivery.text);
        match end_of(Turn::new(&delivery), &mut events).await? {
            TurnEnd::Idle => {}
            end => bail!("{name} did not finish: {end:?}"),
        }
        let done = MilestoneStatus::Completed.into();
        let milestone = client.change_milestone(&milestone.id, &done).await?;
        println!("{name}: {:?}", milestone.status);
    }
    Ok(())
}

/// Follows the events until the agent waits for the next prompt.
async fn end_of(mut turn: Turn, events: &mut Events<'_>) -> anyhow::Result<TurnEnd> {
    loop {
        let event = events.next().await?;
        if let Some(question) = question(&event) {
            println!("the agent asks ({question}): answer on the page or by `wxcode attach`");
        }
        if let Some(end) = turn.take(&event) {
            return Ok(end);
        }
    }
}

/// What the agent waits for, where a person has to act.
fn question(event: &Event) -> Option<String> {
    match (event.kind.as_str(), event.text("state")) {
        ("permission.requested", _) => event.text("tool_name").map(str::to_owned),
        ("question.asked", _) => Some(event.data["questions"][0]["question"].to_string()),
        ("agent.state", Some("blocked_dialog")) => event.text("dialog").map(str::to_owned),
        _ => None,
    }
}
