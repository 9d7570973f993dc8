//! The events of a project: in order, each once, over broken connections and restarted servers.

mod parser;
mod stream;
mod turn;
mod wait;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

pub use self::{
    parser::{EVENT_MAX, Event},
    stream::{EventStream, SILENCE_MAX},
    turn::{Turn, TurnEnd},
};
use crate::{Client, Error, Server, backoff::Backoff};

/// Longest time without a connection before [`Events::next`] gives up.
pub const AWAY_MAX: Duration = Duration::from_secs(600);

/// Names the server before each attempt to connect again; `None` when no server runs.
///
/// A restarted server may have another address, and a stranger may listen at the old one. A
/// program on the same machine reads the data directory again.
pub type Find<'a> = Box<dyn Fn() -> Option<Server> + Send + 'a>;

/// The events of a project, or of all, with reconnection by `Last-Event-ID`.
///
/// The first event is a `state` with the present situation. After a broken connection the stream
/// continues with the events since the last one, or with a `reset` and a new `state` when the
/// server's log no longer holds them. The server keeps no queue for a client, so a slow reader
/// costs no memory: this side holds one event and the part of a stream that one read gave.
///
/// ```no_run
/// # async fn example(client: wxcode_client::Client, project: &str)
/// # -> Result<(), wxcode_client::Error> {
/// let mut events = client.events(project).await?;
/// loop {
///     let event = events.next().await?;
///     println!("{:?} {} {}", event.id, event.kind, event.data);
/// }
/// # }
/// ```
pub struct Events<'a> {
    client: Client,
    /// `None` for all projects: then a call for one project fails with [`Error::InvalidId`].
    project: Option<String>,
    find: Option<Find<'a>>,
    stream: Option<EventStream>,
    /// The number of the last event.
    last: Option<u64>,
    backoff: Backoff,
    /// The next attempt, while no stream is open.
    retry_at: Instant,
    /// The end of the last stream, while no other is open.
    away_since: Option<Instant>,
}

impl Client {
    /// Follows a project's events from now on; a `state` comes first.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404; [`Error::Unreachable`]: the first attempt
    /// is the only one.
    pub async fn events(&self, project: &str) -> Result<Events<'static>, Error> {
        self.open_events(Some(project), None).await
    }

    /// Follows the events of all projects, after the one with the number `last` of this stream if
    /// one is given; else a `state` with the list of projects comes first.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::Unreachable`]: the first attempt is the only one.
    pub async fn all_events(&self, last: Option<u64>) -> Result<Events<'static>, Error> {
        self.open_events(None, last).await
    }

    /// Follows a project's events after the one with the number `last`.
    ///
    /// # Errors
    /// Those of [`Client::events`].
    pub async fn events_after(&self, project: &str, last: u64) -> Result<Events<'static>, Error> {
        self.open_events(Some(project), Some(last)).await
    }

    async fn open_events(
        &self,
        project: Option<&str>,
        last: Option<u64>,
    ) -> Result<Events<'static>, Error> {
        let stream = connect(self, project, last).await?;
        Ok(Events {
            client: self.clone(),
            project: project.map(str::to_owned),
            find: None,
            stream: Some(stream),
            last,
            backoff: Backoff::new(),
            retry_at: Instant::now(),
            away_since: None,
        })
    }
}

async fn connect(
    client: &Client,
    project: Option<&str>,
    last: Option<u64>,
) -> Result<EventStream, Error> {
    match project {
        Some(project) => EventStream::open(client, project, last).await,
        None => EventStream::open_all(client, last).await,
    }
}

impl<'a> Events<'a> {
    /// Asks `find` for the server before each attempt to connect again.
    #[must_use]
    pub fn with_find<'b>(self, find: Find<'b>) -> Events<'b>
    where
        'a: 'b,
    {
        Events {
            find: Some(find),
            ..self
        }
    }

    /// The server of the last connection.
    pub fn server(&self) -> &Server {
        self.client.server()
    }

    /// The number of the last event; `None` before the first.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// The next event. The future may be dropped at any time; no event is lost by it.
    ///
    /// # Errors
    /// [`Error::Refused`] with a status below 500, such as 404 after the project's deletion;
    /// [`Error::TooLarge`] for an event of more than [`EVENT_MAX`] bytes; the last failure after
    /// [`AWAY_MAX`] without a connection. Another call tries again.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            let lost = match &mut self.stream {
                Some(stream) => match stream.next().await {
                    Ok(event) => {
                        self.last = event.id.or(self.last);
                        self.backoff.reset();
                        self.away_since = None;
                        return Ok(event);
                    }
                    Err(error) => error,
                },
                None => {
                    sleep_until(self.retry_at).await;
                    match self.reconnect().await {
                        Ok(stream) => {
                            self.stream = Some(stream);
                            continue;
                        }
                        Err(error) => error,
                    }
                }
            };
            self.lost(lost)?;
        }
    }

    /// Connects again at the server that runs now.
    async fn reconnect(&mut self) -> Result<EventStream, Error> {
        if let Some(find) = &self.find {
            let server = find();
            let server = server.ok_or_else(|| self.client.unreachable("no server runs"))?;
            self.client = self.client.clone().with_server(server)?;
        }
        connect(&self.client, self.project.as_deref(), self.last).await
    }

    /// Plans the next attempt.
    fn lost(&mut self, error: Error) -> Result<(), Error> {
        self.stream = None;
        let now = Instant::now();
        self.retry_at = now + self.backoff.next();
        let since = *self.away_since.get_or_insert(now);
        if !error.is_transient() || now - since > AWAY_MAX {
            self.away_since = None;
            return Err(error);
        }
        Ok(())
    }
}
