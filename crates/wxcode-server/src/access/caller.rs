//! The sender of a request.

use wxcode_core::{access::Grant, id::Id};

use super::codes::Source;

/// The sender of a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The name of the credential.
    pub(crate) name: String,
    pub(crate) grant: Grant,
    /// `None` for the server's own token.
    pub(crate) credential: Option<Id>,
    /// The source of credentials that the caller makes for itself.
    pub(crate) source: Option<Id>,
    /// Whether only the proxy knows the caller, and so ends its rights.
    pub(crate) is_of_proxy: bool,
    pub(crate) from: String,
}

impl Caller {
    /// A process of the server's user on this machine.
    pub(crate) fn on_this_machine(pid: i32) -> Self {
        Self {
            name: "the server's user".to_owned(),
            grant: Grant::ADMIN,
            credential: None,
            source: None,
            is_of_proxy: false,
            from: format!("process {pid}"),
        }
    }

    /// A user that the proxy has authenticated.
    pub(crate) fn of_proxy(name: &str, grant: Grant, from: &str) -> Self {
        Self {
            name: name.to_owned(),
            grant,
            credential: None,
            source: None,
            is_of_proxy: true,
            from: from.to_owned(),
        }
    }

    /// The source of the caller's own further credentials.
    pub(crate) fn as_source(&self) -> Source {
        Source {
            name: self.name.clone(),
            grant: self.grant,
            credential: self.source,
        }
    }
}
