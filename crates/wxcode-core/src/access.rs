//! Roles, the credentials that carry a role, and the audit of their use.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// Longest name of a credential, in characters.
pub const NAME_MAX: usize = 100;

/// The role of a caller. A later role includes the earlier roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything.
    Viewer,
    /// Types, starts, answers and queues as well.
    Operator,
    /// Creates and deletes projects, and manages credentials and settings as well.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word in the API and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// The rights of a caller: a role, for all projects or for a single project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    /// The only project; `None` for all.
    pub project: Option<Id>,
}

impl Grant {
    /// All rights.
    pub const ADMIN: Self = Self {
        role: Role::Admin,
        project: None,
    };

    /// Whether the grant covers a need of this role in this project; `None` for a need outside of
    /// any project, such as the list of nodes.
    #[must_use]
    pub fn covers(self, role: Role, project: Option<Id>) -> bool {
        self.role >= role && (self.project.is_none() || self.project == project)
    }

    /// Whether the grant has all rights of another grant.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self.covers(other.role, other.project)
    }
}

/// The kind of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A token for programs, with a unique name.
    Token,
    /// A browser's login.
    Login,
    /// A link for viewers of a project.
    Share,
}

impl CredentialKind {
    /// The word in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Login => "login",
            Self::Share => "share",
        }
    }
}

/// The last use of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    pub at: Timestamp,
    /// The caller's address.
    pub from: String,
}

/// A credential. The secret itself is never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub id: Id,
    pub kind: CredentialKind,
    /// The name for people.
    pub name: String,
    pub grant: Grant,
    /// The secret's SHA-256, in hexadecimal digits.
    pub hash: String,
    pub created_at: Timestamp,
    /// The name of the creator.
    pub created_by: String,
    /// The source credential, without which this credential does not count; `None` for a credential
    /// of its own right.
    pub source: Option<Id>,
    /// `None`: never.
    pub expires_at: Option<Timestamp>,
    pub last_use: Option<LastUse>,
}

impl Credential {
    /// Whether the credential counts at this time.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// An entry of the audit. An entry holds no typed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Later entries of a server have larger ids.
    pub id: Id,
    pub at: Timestamp,
    /// The name of the caller's credential.
    pub actor: String,
    /// The caller's address.
    pub from: String,
    /// A stable word, such as `token.create`.
    pub action: String,
    pub project: Option<Id>,
    /// `ok`, or the refusal's code.
    pub outcome: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_includes_the_smaller_ones() {
        let now = Timestamp::UNIX_EPOCH;
        let (one, other) = (Id::generate(now), Id::generate(now));
        let operator = |project| Grant {
            role: Role::Operator,
            project,
        };
        for project in [None, Some(one)] {
            assert!(operator(None).covers(Role::Viewer, project));
            assert!(operator(None).covers(Role::Operator, project));
            assert!(!operator(None).covers(Role::Admin, project));
        }
        assert!(operator(Some(one)).covers(Role::Operator, Some(one)));
        for elsewhere in [None, Some(other)] {
            assert!(!operator(Some(one)).covers(Role::Viewer, elsewhere));
            assert!(!operator(Some(one)).includes(operator(elsewhere)));
        }
        assert!(operator(None).includes(operator(Some(one))));
        assert!(operator(Some(one)).includes(operator(Some(one))));
        assert!(!operator(None).includes(Grant::ADMIN));
    }
}
