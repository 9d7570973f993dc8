//! What went wrong in the database file, put into words for whoever runs the server.

use std::path::Path;

use rusqlite::{Error, ErrorCode};
use wxcode_core::id::Id;

use crate::StoreError;

/// Why a job failed; nothing of it was kept.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database engine says so.
    Sql(Error),
    /// There is no file at the path any more.
    Gone(std::io::Error),
    /// The file now has another schema version.
    OtherSchema {
        /// What the file has.
        found: i32,
        /// What this version writes.
        known: i32,
    },
    /// The file cannot have the journal that several processes need; it has this one.
    Journal(String),
    /// The record cannot be kept as it is.
    Refused(String),
    /// Another project has the workspace folder.
    WorkspaceTaken {
        /// That project.
        project: Id,
        /// Its name.
        name: String,
    },
    /// The writer thread has ended.
    Stopped,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl Failure {
    /// Refuses a record whose id another one has.
    pub(super) fn unless_same(id: Id, is_same: bool) -> Result<(), Self> {
        if is_same {
            return Ok(());
        }
        Err(Self::Refused(format!(
            "the id {id} is taken: use another one"
        )))
    }

    /// Whether somebody else's lock was in the way.
    pub(super) fn is_lock(&self) -> bool {
        matches!(self, Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
    }

    /// The store's error for it, about the file at `path`.
    pub(super) fn at(self, path: &Path) -> StoreError {
        let path = path.display();
        match self {
            Self::Sql(error) => sql(&error, &path),
            Self::Gone(error) => StoreError::Unavailable(format!(
                "{path} was moved or deleted ({error}): put it back"
            )),
            Self::OtherSchema { found, known } => StoreError::Corrupt(format!(
                "{path} has schema version {found}, this wxcode writes version {known}"
            )),
            Self::Journal(mode) => StoreError::Unavailable(format!(
                "{path} cannot be switched from journal mode {mode} to wal: close other programs that have it open"
            )),
            Self::Refused(reason) => StoreError::Refused(reason),
            Self::WorkspaceTaken { project, name } => StoreError::WorkspaceTaken { project, name },
            Self::Stopped => StoreError::Unavailable(format!(
                "the thread that writes {path} has stopped: restart the server"
            )),
        }
    }
}

fn sql(error: &Error, path: &impl std::fmt::Display) -> StoreError {
    let Some(code) = error.sqlite_error_code() else {
        return match error {
            // What a caller hands in that no column can hold.
            Error::ToSqlConversionFailure(reason) => StoreError::Refused(reason.to_string()),
            other => StoreError::Corrupt(format!("{path}: {other}")),
        };
    };
    match code {
        ErrorCode::ConstraintViolation => {
            StoreError::Refused(format!("it contradicts one that is there ({error})"))
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch => {
            StoreError::Corrupt(format!(
                "{path} is damaged ({error}): restore it from a copy"
            ))
        }
        ErrorCode::DiskFull => StoreError::Unavailable(format!(
            "the disk that holds {path} is full: free some space on it"
        )),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Unavailable(format!(
            "another program keeps {path} locked: close it (`fuser {path}` names it)"
        )),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::Unavailable(format!(
            "{path} cannot be written ({error}): make the file and its folder writable for this user"
        )),
        ErrorCode::CannotOpen => StoreError::Unavailable(format!(
            "{path} cannot be opened ({error}): check that its folder exists and is writable for this user"
        )),
        _ => StoreError::Unavailable(format!("{path}: {error}: check the disk that holds it")),
    }
}
