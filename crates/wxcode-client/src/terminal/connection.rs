//! The connection to the server: up, waiting for the next attempt, or connecting.

use std::{pin::Pin, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, Sleep, sleep},
};
use wxcode_protocol::websocket::{ClientFrame, ServerFrame};

use super::{
    link::Link,
    retry::Lost,
    target::{Since, Target},
};
use crate::Server;

/// The state of the connection.
pub(super) enum Connection {
    /// Connected; frames go out after the first `Status`.
    Up { link: Link, attached: bool },
    /// Waiting for the next attempt.
    Pause(Pin<Box<Sleep>>),
    /// An attempt to connect.
    Attempt(JoinHandle<Result<Link, Lost>>),
}

/// An event of the connection.
pub(super) enum News {
    Frame(ServerFrame),
    Lost(Lost),
    PauseOver,
    Connected(Link),
}

impl Connection {
    /// A new connection.
    pub(super) fn up(link: Link) -> Self {
        let attached = false;
        Self::Up { link, attached }
    }

    /// Schedules the next attempt after a pause.
    pub(super) fn pause(pause: Duration) -> Self {
        Self::Pause(Box::pin(sleep(pause)))
    }

    /// Starts an attempt to connect.
    pub(super) fn attempt(server: Server, target: Target, since: Option<Since>) -> Self {
        Self::Attempt(tokio::spawn(async move {
            Link::connect(&server, &target, since.as_ref()).await
        }))
    }

    /// Checks that the connection works; ends a pause.
    pub(super) fn wake(&mut self) {
        match self {
            Self::Up { link, .. } => link.wake(),
            Self::Pause(over) => over.as_mut().reset(Instant::now()),
            Self::Attempt(_) => {}
        }
    }

    /// The first `Status` has arrived.
    pub(super) fn attached(&mut self) {
        if let Self::Up { attached, .. } = self {
            *attached = true;
        }
    }

    /// Closes the connection; an attached server gets the `last` frames.
    pub(super) async fn close(self, last: impl Iterator<Item = ClientFrame>) {
        if let Self::Up { link, attached } = self {
            let count = if attached { usize::MAX } else { 0 };
            link.close(last.take(count)).await;
        }
    }

    /// The next event. Cancel-safe.
    pub(super) async fn next(&mut self) -> News {
        match self {
            Self::Up { link, .. } => link.next().await.map_or_else(News::Lost, News::Frame),
            Self::Pause(over) => {
                over.await;
                News::PauseOver
            }
            Self::Attempt(connecting) => match connecting.await {
                Ok(Ok(link)) => News::Connected(link),
                Ok(Err(lost)) => News::Lost(lost),
                Err(error) => News::Lost(Lost::Broken(error.to_string())),
            },
        }
    }

    /// A frame received already, without waiting.
    pub(super) fn next_at_once(&mut self) -> Option<News> {
        match self {
            Self::Up { link, .. } => link
                .next_at_once()
                .map(|result| result.map_or_else(News::Lost, News::Frame)),
            Self::Pause(_) | Self::Attempt(_) => None,
        }
    }

    /// The queue of frames to an attached server.
    pub(super) fn outbox(&self) -> Option<mpsc::Sender<ClientFrame>> {
        match self {
            Self::Up {
                link,
                attached: true,
            } => Some(link.outbox()),
            _ => None,
        }
    }
}
