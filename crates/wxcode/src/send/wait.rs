//! Waits for a delivery, and for the turn that it begins.

use anyhow::bail;
use jiff::{Timestamp, tz::TimeZone};
use wxcode_client::{Delivery, DeliveryState, Event, Events, Project, Turn, TurnEnd};

use super::answer;
use crate::{
    cli::{self, Common, Until},
    output::{self, plain},
    remote::Remote,
};

/// A command that waits as long as its flags say. It begins before the delivery, so that no event
/// falls between.
pub(crate) struct Waiting<'a> {
    remote: &'a Remote,
    project: &'a Project,
    wait: Option<(Until, Events<'a>)>,
}

impl<'a> Waiting<'a> {
    pub(crate) async fn begin(
        common: &'a Common,
        remote: &'a Remote,
        project: &'a Project,
        flags: cli::Waiting,
    ) -> anyhow::Result<Self> {
        let wait = match flags.until() {
            None => None,
            Some(until) => {
                let events = remote.client().events(&project.id).await?;
                Some((until, events.with_find(Remote::finder(common))))
            }
        };
        Ok(Self {
            remote,
            project,
            wait,
        })
    }

    /// Prints a delivery, after the wait. A failed one is an error.
    pub(crate) async fn report(self, delivery: Delivery) -> anyhow::Result<()> {
        match self.wait {
            Some((Until::Submitted, mut events)) => {
                let mut notes = Notes::new(self.project);
                let noted = |delivery: &Delivery| notes.delivery(delivery);
                let delivery = events.delivery(&delivery.id, noted).await?;
                if delivery.state == DeliveryState::Submitted {
                    taken(&delivery.updated_at);
                }
                print(&delivery)
            }
            Some((Until::Idle, events)) if delivery.state != DeliveryState::Failed => {
                let end = turn(self.project, events, &delivery).await?;
                // The server may have another address by now.
                let client = self.remote.client().clone().with_server(end.server)?;
                print(&client.delivery(&self.project.id, &delivery.id).await?)?;
                if let TurnEnd::Exited { reason } = end.end {
                    bail!(
                        "the agent ended before its turn did ({}): see `wxcode logs {}`",
                        plain(&reason),
                        self.project.id
                    );
                }
                output::note(format_args!("the turn ended at {}", local(&end.at)));
                answer::print(&client, self.project, &delivery.id).await
            }
            _ => print(&delivery),
        }
    }
}

fn taken(at: &str) {
    output::note(format_args!("the agent took it at {}", local(at)));
}

/// Prints a delivery's state.
fn print(delivery: &Delivery) -> anyhow::Result<()> {
    let state = delivery.state.as_str();
    let printed = output::print(format_args!("{} {state}", delivery.id));
    if delivery.state == DeliveryState::Failed {
        bail!("{}", plain(delivery.error.as_deref().unwrap_or_default()));
    }
    printed
}

/// The end of a turn.
struct Ended {
    end: TurnEnd,
    at: String,
    server: wxcode_client::Server,
}

/// Waits for the end of a delivery's turn, and reports obstacles on standard error meanwhile.
async fn turn(
    project: &Project,
    mut events: Events<'_>,
    delivery: &Delivery,
) -> anyhow::Result<Ended> {
    let mut notes = Notes::new(project);
    notes.delivery(delivery);
    let mut turn = Turn::new(delivery);
    loop {
        let event = events.next().await?;
        notes.event(&event, &delivery.id);
        if let Some(end) = turn.take(&event) {
            return Ok(Ended {
                end,
                at: event.text("at").unwrap_or_default().to_owned(),
                server: events.server().clone(),
            });
        }
    }
}

/// Reports each obstacle of a command once, on standard error.
struct Notes<'a> {
    project: &'a Project,
    obstacle: Option<String>,
    is_taken: bool,
    ask: Option<String>,
}

impl<'a> Notes<'a> {
    fn new(project: &'a Project) -> Self {
        Self {
            project,
            obstacle: None,
            is_taken: false,
            ask: None,
        }
    }

    fn delivery(&mut self, delivery: &Delivery) {
        if !delivery.state.is_final() {
            self.obstacle(delivery.error.as_deref());
            if let Some(at) = &delivery.not_before
                && self.obstacle.is_none()
            {
                self.obstacle = Some(at.clone());
                output::note(format_args!("waits until {}", local(at)));
            }
        }
    }

    fn event(&mut self, event: &Event, delivery: &str) {
        match event.kind.as_str() {
            "delivery.state" if event.text("delivery_id") == Some(delivery) => {
                match event.text("state") {
                    Some("submitted") if !self.is_taken => {
                        self.is_taken = true;
                        taken(event.text("at").unwrap_or_default());
                    }
                    Some("queued" | "written") => self.obstacle(event.text("error")),
                    _ => {}
                }
            }
            "limit.reached" => {
                let reason = plain(event.text("reason").unwrap_or_default());
                let until = event.text("resets_at").map_or_else(String::new, local);
                output::note(format_args!("usage limit: {reason} {until}"));
            }
            "agent.state" if self.is_taken => {
                let ask = event.data["ask"]["id"].as_str();
                if ask.is_some() && ask != self.ask.as_deref() {
                    let id = &self.project.id;
                    output::note(format_args!(
                        "the agent asks: `wxcode answer {id}` shows it"
                    ));
                }
                self.ask = ask.map(str::to_owned);
            }
            _ => {}
        }
    }

    fn obstacle(&mut self, obstacle: Option<&str>) {
        if self.obstacle.as_deref() == obstacle {
            return;
        }
        self.obstacle = obstacle.map(str::to_owned);
        let Some(obstacle) = obstacle.map(plain) else {
            return;
        };
        // A dialog has a name of one word; anything else is a sentence.
        match obstacle.contains(' ') {
            true => output::note(format_args!("waits: {obstacle}")),
            false => output::note(format_args!(
                "waits for the end of the dialog {obstacle}: `wxcode answer {}` shows it",
                self.project.id
            )),
        }
    }
}

/// A time of the server in the local zone, to the second.
fn local(at: &str) -> String {
    let time = at.parse::<Timestamp>().ok();
    let time = time.map(|time| time.to_zoned(TimeZone::system()));
    time.map_or_else(|| plain(at), |time| time.strftime("%F %T").to_string())
}
