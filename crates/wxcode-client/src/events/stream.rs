//! A single connection to the events of a project.

use std::time::Duration;

use reqwest::{Method, header::HeaderName};
use tokio::time::{Instant, timeout_at};

use super::parser::{Event, Parser};
use crate::{
    Client, Error, Problem,
    awake::Awake,
    rest::{REQUEST_TIMEOUT, project},
};

/// Longest silence of a live server; live servers send a comment every 15 s.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A single connection to the events of a project, without reconnection: the layer below
/// [`Events`](super::Events).
#[derive(Debug)]
pub struct EventStream {
    response: reqwest::Response,
    parser: Parser,
    /// The time of the last bytes.
    heard: Instant,
    awake: Awake,
}

impl EventStream {
    /// Connects; `last` is the number of the client's last event.
    ///
    /// # Errors
    /// [`Error::InvalidId`], [`Error::Unreachable`], [`Error::Refused`] with 404.
    pub async fn open(client: &Client, project: &str, last: Option<u64>) -> Result<Self, Error> {
        let path = project::path(project, "/events")?;
        Self::at(client, &path, last).await
    }

    /// Connects to the events of all projects.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`].
    pub async fn open_all(client: &Client, last: Option<u64>) -> Result<Self, Error> {
        Self::at(client, "/events", last).await
    }

    async fn at(client: &Client, path: &str, last: Option<u64>) -> Result<Self, Error> {
        let mut request = client.request(Method::GET, path);
        if let Some(last) = last {
            request = request.header(LAST_EVENT_ID, last);
        }
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let response = timeout_at(deadline, request.send())
            .await
            .map_err(|elapsed| client.unreachable(elapsed))?
            .map_err(|error| client.unreachable(error))?;
        if response.status() != 200 {
            let response = timeout_at(deadline, Client::read(response)).await;
            let response = response.map_err(|elapsed| client.unreachable(elapsed))??;
            let problem = Problem::of(response.status, &response.status_text, &response.body);
            return Err(Error::Refused(problem));
        }
        Ok(Self {
            response,
            parser: Parser::default(),
            heard: Instant::now(),
            awake: Awake::new(),
        })
    }

    /// The next event. The future may be dropped at any time.
    ///
    /// # Errors
    /// [`Error::BrokenOff`] at the end of the stream, after [`SILENCE_MAX`], and after a sleep of the
    /// machine; [`Error::TooLarge`];
    /// [`Error::NotUnderstood`].
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.parser.next()? {
                return Ok(event);
            }
            let chunk = tokio::select! {
                biased;
                chunk = timeout_at(self.heard + SILENCE_MAX, self.response.chunk()) => chunk,
                () = self.awake.slept() => {
                    return Err(Error::BrokenOff("the machine slept".into()));
                }
            };
            let chunk = chunk
                .map_err(|elapsed| Error::BrokenOff(elapsed.into()))?
                .map_err(|error| Error::BrokenOff(error.into()))?
                .ok_or_else(|| Error::BrokenOff("the stream ended".into()))?;
            self.heard = Instant::now();
            self.parser.push(&chunk)?;
        }
    }
}
