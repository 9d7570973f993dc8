//! A client of a project's events.

use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{PATIENCE, Server};

/// A received event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// The event's number, if any.
    pub(crate) id: Option<u64>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

pub(crate) struct Events {
    response: Response,
    buffer: String,
    /// All events so far.
    pub(crate) seen: Vec<Told>,
}

impl Events {
    /// Follows from now on; a `state` comes first.
    pub(crate) async fn follow(server: &Server, project: &str) -> Self {
        Self::open(server, project, None).await
    }

    /// Follows from after an event.
    pub(crate) async fn since(server: &Server, project: &str, id: u64) -> Self {
        Self::open(server, project, Some(&id.to_string())).await
    }

    /// Follows all projects, from after an event if given.
    pub(crate) async fn of_all(server: &Server, last: Option<u64>) -> Self {
        let last = last.map(|last| last.to_string());
        Self::at(server, "/api/v1/events", last.as_deref()).await
    }

    /// Follows with exactly this `Last-Event-ID`.
    pub(crate) async fn open(server: &Server, project: &str, last: Option<&str>) -> Self {
        let path = format!("/api/v1/output-projects/{project}/events");
        Self::at(server, &path, last).await
    }

    async fn at(server: &Server, path: &str, last: Option<&str>) -> Self {
        let mut request = server.request(Method::GET, path).bearer_auth(&server.token);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            buffer: String::new(),
            seen: Vec::new(),
        }
    }

    /// The next event apart from turns, which follow up to some seconds later.
    pub(crate) async fn next_but_turns(&mut self) -> Told {
        loop {
            let told = self.next().await.expect("another event");
            if told.name != "conversation.turn" {
                return told;
            }
        }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        // Comments keep the stream alive and are no events.
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let told = parse(block);
                self.buffer = rest.to_owned();
                if let Some(told) = told {
                    self.seen.push(told.clone());
                    return Some(told);
                }
            }
            let chunk = timeout_at(deadline, self.response.chunk())
                .await
                .unwrap_or_else(|_| panic!("no event in time; so far: {:#?}", self.seen));
            match chunk {
                Ok(Some(bytes)) => self.buffer.push_str(std::str::from_utf8(&bytes).unwrap()),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Waits for a matching event and skips all others.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&Told) -> bool) -> Told {
        while let Some(told) = self.next().await {
            if wanted(&told) {
                return told;
            }
        }
        panic!("the stream ended before {what}: {:#?}", self.seen);
    }

    /// Waits for an event of this name.
    pub(crate) async fn named(&mut self, name: &str) -> Told {
        self.until(name, |told| told.name == name).await
    }

    /// The first event of this name, seen already or still to come.
    pub(crate) async fn first(&mut self, name: &str) -> Told {
        let seen = self.seen.iter().find(|told| told.name == name).cloned();
        match seen {
            Some(told) => told,
            None => self.named(name).await,
        }
    }

    /// Waits until the agent is in this state.
    pub(crate) async fn state(&mut self, state: &str) -> Told {
        self.until(state, |told| {
            told.name == "agent.state" && told.data["state"] == state
        })
        .await
    }

    /// The events of the log, up to and including this number.
    pub(crate) async fn up_to(&mut self, id: u64) -> Vec<Told> {
        while self.seen.last().and_then(|told| told.id) != Some(id) {
            assert!(self.next().await.is_some(), "the stream ended before {id}");
        }
        self.seen.clone()
    }
}

/// Parses a block of the stream; `None` for a comment or a setting.
fn parse(block: &str) -> Option<Told> {
    let field = |name: &str| {
        let mut lines = block.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let data: Value = serde_json::from_str(field("data")?).expect("data is JSON");
    let told = Told {
        id: field("id").map(|id| id.parse().expect("ids are numbers")),
        name: field("event").expect("events have a type").to_owned(),
        data,
    };
    assert_eq!(told.data["type"], told.name, "the type is in the data too");
    if let Some(id) = told.id {
        assert_eq!(told.data["seq"], id, "so is the number");
        assert!(told.data["at"].is_string());
    }
    Some(told)
}
