//! Turns failures of the database file into messages for the operator.

use std::path::Path;

use rusqlite::{Error, ErrorCode};
use wxcode_core::id::Id;

use crate::StoreError;

/// The reason of a failed job; the job's transaction was rolled back.
#[derive(Debug)]
pub(super) enum Failure {
    /// An error of the database engine.
    Sql(Error),
    /// The file no longer exists at its path.
    Gone(std::io::Error),
    /// The file now has another schema version.
    OtherSchema {
        /// The file's version.
        found: i32,
        /// This build's version.
        known: i32,
    },
    /// The file cannot use the journal for several processes, and uses this journal.
    Journal(String),
    /// The store cannot keep the record.
    Refused(String),
    /// Another project has the workspace folder.
    WorkspaceTaken { project: Id, name: String },
    /// The writer thread has ended.
    Stopped,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl Failure {
    /// Refuses a record with the id of another record.
    pub(super) fn unless_same(id: Id, is_same: bool) -> Result<(), Self> {
        if is_same {
            return Ok(());
        }
        Err(Self::Refused(format!(
            "the id {id} is taken: use another one"
        )))
    }

    /// Whether another process's lock caused the failure.
    pub(super) fn is_lock(&self) -> bool {
        matches!(self, Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
    }

    /// Converts the failure to the store's error, about the file at `path`.
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
                "the writer thread of {path} has stopped: restart the server"
            )),
        }
    }
}

fn sql(error: &Error, path: &impl std::fmt::Display) -> StoreError {
    let Some(code) = error.sqlite_error_code() else {
        return match error {
            // A value from the caller without a form for its column.
            Error::ToSqlConversionFailure(reason) => StoreError::Refused(reason.to_string()),
            other => StoreError::Corrupt(format!("{path}: {other}")),
        };
    };
    match code {
        ErrorCode::ConstraintViolation => {
            StoreError::Refused(format!("it contradicts an existing record ({error})"))
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch => {
            StoreError::Corrupt(format!(
                "{path} is damaged ({error}): restore it from a copy"
            ))
        }
        ErrorCode::DiskFull => {
            StoreError::Unavailable(format!("the disk of {path} is full: free some space"))
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Unavailable(format!(
            "another program keeps {path} locked: close it (`fuser {path}` names it)"
        )),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::Unavailable(format!(
            "{path} cannot be written ({error}): make the file and its folder writable for this user"
        )),
        ErrorCode::CannotOpen => StoreError::Unavailable(format!(
            "{path} cannot be opened ({error}): check that its folder exists and is writable for this user"
        )),
        _ => StoreError::Unavailable(format!("{path}: {error}; check its disk")),
    }
}
