//! Labels of metrics: closed sets for any request.
//!
//! Invariant: a label is from a closed set, never a value of a request. Only ids of projects whose
//! settings ask for it are labels, up to a bound.

use prometheus_client::encoding::EncodeLabelSet;

/// Methods with a separate label; any other method is `other`.
const METHODS: [&str; 5] = ["GET", "POST", "PATCH", "DELETE", "HEAD"];
/// The route of requests without a template: the page's files, and unknown paths.
const NO_ROUTE: &str = "other";

/// A kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Kind {
    kind: &'static str,
}

impl Kind {
    pub(super) const fn of(kind: &'static str) -> Self {
        Self { kind }
    }
}

/// A project whose settings ask for its usage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Project {
    pub(super) project: String,
}

/// The same, and a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ProjectKind {
    pub(super) project: String,
    pub(super) kind: &'static str,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct State {
    state: &'static str,
}

impl State {
    pub(super) const fn of(state: &'static str) -> Self {
        Self { state }
    }
}

/// An operation of the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Operation {
    pub(super) operation: &'static str,
}

/// A failed operation of the store, and the kind of failure.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Failed {
    pub(super) operation: &'static str,
    pub(super) error: &'static str,
}

/// The running build.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Build {
    pub(super) version: &'static str,
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

impl Request {
    pub(super) fn new(method: &str, route: Option<&str>, status: u16) -> Self {
        let known = METHODS.iter().find(|known| **known == method);
        Self {
            method: known.copied().unwrap_or("other"),
            route: route.unwrap_or(NO_ROUTE).to_owned(),
            status,
        }
    }
}

/// The template of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Route {
    route: String,
}

impl Route {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            route: request.route.clone(),
        }
    }
}

/// The kind of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A login with a wrong token.
    Login,
    /// A request or a terminal without the token or the cookie.
    Token,
    /// A request with a foreign host or origin.
    Origin,
    /// A request beyond the caller's role.
    Role,
}

impl Refusal {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Token => "token",
            Self::Origin => "origin",
            Self::Role => "role",
        }
    }
}

/// The bound behind a refused or closed connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The head of a request took too long.
    Head,
    /// No further request came.
    Idle,
    /// The client read nothing of its answer.
    Stalled,
    /// Another connection needed the room.
    Evicted,
    /// The address has too many connections.
    Address,
    /// There are too many.
    Full,
}

impl Cut {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Idle => "idle",
            Self::Stalled => "stalled",
            Self::Evicted => "evicted",
            Self::Address => "address",
            Self::Full => "full",
        }
    }
}
