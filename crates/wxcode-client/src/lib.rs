//! A client of a wxcode server: [REST](Client), [events](Events) and the
//! [terminal](terminal::Terminal).
//!
//! | part | feature | does |
//! |---|---|---|
//! | [`Client`] | `rest` | typed calls for projects, milestones, sessions, answers, deliveries, runs and the screen |
//! | [`Events`] | `events` | a project's events in order, each once, with reconnection by `Last-Event-ID` |
//! | [`terminal::Terminal`] | `terminal` | a session's terminal, with reconnection at the byte and numbered inputs |
//! | [`terminal::Socket`] | `terminal` | the frames of one WebSocket, for clients with rules of their own |
//!
//! A [`Server`] is an address and a token. The token goes to that address alone: over plain HTTP an
//! [`Address`] is on this machine, no request follows a redirect, and no proxy is used. Over
//! `https` the server's certificate must be one of the server's [`Trust`].
//!
//! # Example
//! Sends a text to a project's agent and waits for its submission by events, without polling.
//!
//! ```no_run
//! use wxcode_client::{Client, NewDelivery, Server};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new("http://127.0.0.1:8052".parse()?, "the token")?;
//! let client = Client::new(server)?;
//! let project = client.create_project(&"shop".into()).await?;
//!
//! let mut events = client.events(&project.id).await?;
//! let delivery = client.deliver(&project.id, &NewDelivery::from("Say hello.")).await?;
//! let delivery = events.delivery(&delivery.id, |_| {}).await?;
//! println!("{:?} after {} attempts", delivery.state, delivery.attempts);
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: every buffer, queue, answer and timeout has a named bound; a future of `next` may be
//! dropped at any time, and nothing is lost by it.

#![warn(missing_docs)]

mod address;
#[cfg(any(feature = "events", feature = "terminal"))]
mod awake;
#[cfg(any(feature = "events", feature = "terminal"))]
mod backoff;
#[cfg(feature = "rest")]
mod error;
#[cfg(feature = "events")]
mod events;
mod id;
#[cfg(feature = "rest")]
mod rest;
#[cfg(feature = "terminal")]
pub mod terminal;
#[cfg(feature = "tls")]
mod trust;

pub use address::{Address, AddressError, Server, TokenError};
#[cfg(any(feature = "events", feature = "terminal"))]
pub use awake::{GAP_MIN, LOOK_EVERY};
#[cfg(any(feature = "events", feature = "terminal"))]
pub use backoff::{FIRST_PAUSE, LONGEST_PAUSE};
#[cfg(feature = "rest")]
pub use error::{Error, Problem};
#[cfg(feature = "events")]
pub use events::{
    AWAY_MAX, EVENT_MAX, Event, EventStream, Events, Find, SILENCE_MAX, Turn, TurnEnd,
};
pub use id::InvalidId;
#[cfg(feature = "events")]
pub use rest::export::{Export, TURN_MAX};
#[cfg(feature = "rest")]
pub use rest::{
    ANSWER_MAX, Client, Method, REQUEST_TIMEOUT, Response,
    answer::{Answer, Ask, AskKind, Question, QuestionAnswer, QuestionOption},
    conversation::{ConversationPage, ConversationPart, ConversationTurn, SearchHit, SearchHits},
    delivery::{Deliveries, Delivery, DeliveryChange, DeliveryState, NewDelivery},
    milestone::{
        ChangedFile, Milestone, MilestoneChange, MilestoneChanges, MilestoneEdit, MilestoneStatus,
        Milestones, NewMilestone, PreparedMilestone,
    },
    page::Page,
    project::{
        NewProject, Project, ProjectChange, ProjectSettings, ProjectStatus, Projects,
        SettingsChange,
    },
    run::{Run, RunState, Runs},
    screen::ScreenFormat,
    session::{AgentState, Conversation, Session, SessionExit, SessionStatus, UsageLimit},
};
#[cfg(feature = "tls")]
pub use trust::{CA_FILE_MAX, CertificateError, Trust};
