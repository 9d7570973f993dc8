//! What went wrong with the database, put into words for whoever runs the server.

use mongodb::error::{Error, ErrorKind, WriteFailure};
use wxcode_core::id::Id;
use wxcode_store::StoreError;

use crate::address::Address;

/// Two documents would have what only one may have.
const DUPLICATE_KEY: i32 = 11000;
/// Codes of a user who is unknown or may not do this.
const UNAUTHORIZED: [i32; 2] = [13, 18];
/// Codes of a document or an index entry that is too large.
const TOO_LARGE: [i32; 3] = [10334, 17280, 17419];
/// Codes of a server that is no longer, or not yet, the one to write to, or is being stopped; the driver sees to it
/// that the next try goes to the right one.
const STATE_CHANGE: [i32; 13] = [
    6, 7, 89, 91, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
];

/// Why an operation failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The driver or the database says so.
    Driver(Error),
    /// There was no answer in time.
    Late,
    /// A document is not what this version understands.
    Corrupt(String),
    /// The record cannot be kept as it is.
    Refused(String),
    /// Another project has the workspace folder.
    WorkspaceTaken {
        /// That project.
        project: Id,
        /// Its name.
        name: String,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

/// The code that the database gave, if it was the database that failed.
pub(crate) fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        _ => None,
    }
}

impl Failure {
    /// Another record has the id.
    pub(crate) fn taken(id: Id) -> Self {
        Self::Refused(format!("the id {id} is taken: use another one"))
    }

    /// Whether a unique index was in the way.
    pub(crate) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Driver(error) if code(error) == Some(DUPLICATE_KEY))
    }

    /// Whether the same may go well in a moment. What was asked for may have been done all the same.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Late => true,
            Self::Driver(error) => {
                error.contains_label("RetryableWriteError")
                    || match error.kind.as_ref() {
                        ErrorKind::Io(_)
                        | ErrorKind::ServerSelection { .. }
                        | ErrorKind::ConnectionPoolCleared { .. }
                        | ErrorKind::DnsResolve { .. }
                        | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
                        _ => code(error).is_some_and(|code| STATE_CHANGE.contains(&code)),
                    }
            }
            Self::Corrupt(_) | Self::Refused(_) | Self::WorkspaceTaken { .. } => false,
        }
    }

    /// The store's error for it, about the database at `address`.
    pub(crate) fn about(self, address: &Address) -> StoreError {
        let error = match self {
            Self::Corrupt(what) => return StoreError::Corrupt(what),
            Self::Refused(reason) => return StoreError::Refused(reason),
            Self::WorkspaceTaken { project, name } => {
                return StoreError::WorkspaceTaken { project, name };
            }
            Self::Late => {
                return StoreError::Unavailable(format!(
                    "{address} does not answer in time, and may or may not have done it: check the network and the \
                     load of the database"
                ));
            }
            Self::Driver(error) => error,
        };
        let said = address.scrub(&error.kind.to_string());
        match code(&error) {
            Some(DUPLICATE_KEY) => {
                return StoreError::Refused(format!("it contradicts one that is there ({said})"));
            }
            Some(code) if TOO_LARGE.contains(&code) => {
                return StoreError::Refused(format!(
                    "it is larger than a document may be ({said})"
                ));
            }
            Some(code) if UNAUTHORIZED.contains(&code) => return unauthorized(address, &said),
            _ => {}
        }
        match error.kind.as_ref() {
            ErrorKind::Authentication { .. } => unauthorized(address, &said),
            ErrorKind::BsonSerialization(_) => StoreError::Refused(said),
            ErrorKind::Write(WriteFailure::WriteConcernError(_)) => {
                StoreError::Unavailable(format!(
                    "the majority of {address} did not confirm the change, which may or may not last ({said}): check \
                     the members of the replica set"
                ))
            }
            ErrorKind::IncompatibleServer { .. } => StoreError::Unavailable(format!(
                "{address} is too old ({said}): use MongoDB 4.4 or newer"
            )),
            _ => StoreError::Unavailable(format!(
                "{address} cannot be reached ({said}): check that it runs and that this machine may connect to it"
            )),
        }
    }
}

fn unauthorized(address: &Address, said: &str) -> StoreError {
    StoreError::Unavailable(format!(
        "{address} refuses this user ({said}): check the user, the password and `authSource` in the address, and that \
         the user may read and write the database"
    ))
}
