//! The way to the server: connected, between two tries, or trying.

use std::{pin::Pin, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Sleep, sleep},
};
use wxcode_protocol::websocket::{ClientFrame, ServerFrame};

use super::{
    link::{Address, Link, Since},
    retry::Lost,
};

/// The way to the server.
pub(super) enum Line {
    /// Connected; frames go out once the first `Status` is here.
    Up { link: Link, attached: bool },
    /// Between two tries.
    Pause(Pin<Box<Sleep>>),
    /// A try.
    Try(JoinHandle<Result<Link, Lost>>),
}

/// What the line brought.
pub(super) enum News {
    Frame(ServerFrame),
    Lost(Lost),
    TryNow,
    Connected(Link),
}

impl Line {
    /// A connection that was just made.
    pub(super) fn up(link: Link) -> Self {
        let attached = false;
        Self::Up { link, attached }
    }

    /// The next try is to come after a pause.
    pub(super) fn pause(pause: Duration) -> Self {
        Self::Pause(Box::pin(sleep(pause)))
    }

    /// Tries to connect.
    pub(super) fn connect(address: Address, since: Option<Since>) -> Self {
        Self::Try(tokio::spawn(async move {
            Link::connect(&address, since.as_ref()).await
        }))
    }

    /// The first `Status` is here.
    pub(super) fn attached(&mut self) {
        if let Self::Up { attached, .. } = self {
            *attached = true;
        }
    }

    /// Takes leave of the server; `last` frames go to one that is attached.
    pub(super) async fn close(self, last: impl Iterator<Item = ClientFrame>) {
        if let Self::Up { link, attached } = self {
            let count = if attached { usize::MAX } else { 0 };
            link.close(last.take(count)).await;
        }
    }

    /// May be waited for anew at any time.
    pub(super) async fn next(&mut self) -> News {
        match self {
            Self::Up { link, .. } => link.next().await.map_or_else(News::Lost, News::Frame),
            Self::Pause(over) => {
                over.await;
                News::TryNow
            }
            Self::Try(connecting) => match connecting.await {
                Ok(Ok(link)) => News::Connected(link),
                Ok(Err(lost)) => News::Lost(lost),
                Err(error) => News::Lost(Lost::Broken(error.to_string())),
            },
        }
    }

    /// What the line has brought already.
    pub(super) fn next_at_once(&mut self) -> Option<News> {
        match self {
            Self::Up { link, .. } => link
                .next_at_once()
                .map(|result| result.map_or_else(News::Lost, News::Frame)),
            Self::Pause(_) | Self::Try(_) => None,
        }
    }

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
