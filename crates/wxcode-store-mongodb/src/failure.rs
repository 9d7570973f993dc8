//! Turns failures of the database into messages for the operator.

use mongodb::error::{Error, ErrorKind, WriteFailure};
use wxcode_core::id::Id;
use wxcode_store::StoreError;

use crate::address::Address;

/// The code of a duplicate in a unique index.
pub(crate) const DUPLICATE_KEY: i32 = 11000;
/// Codes of an unknown or unauthorized user.
const UNAUTHORIZED: [i32; 2] = [13, 18];
/// The code of a missing collection.
const NAMESPACE_NOT_FOUND: i32 = 26;
/// The code of a null, or another value, in place of a nested document.
const PATH_NOT_VIABLE: i32 = 28;
/// Codes of a server without change streams.
const NO_STREAM: [i32; 2] = [20, 40573];
/// Codes of an oversized document or index entry.
const TOO_LARGE: [i32; 3] = [10334, 17280, 17419];
/// Codes of a server that is not, or not yet, the primary, or is stopping; the driver sends the
/// next try to the right server.
const STATE_CHANGE: [i32; 13] = [
    6, 7, 89, 91, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
];

/// The reason of a failed operation.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of the driver or the database.
    Driver(Error),
    /// There was no answer in time.
    Late,
    /// A document is unknown to this version.
    Corrupt(String),
    /// The store cannot keep the record.
    Refused(String),
    /// Another project has the workspace folder.
    WorkspaceTaken { project: Id, name: String },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

/// The database's code, if the database failed.
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

    /// Whether a unique index caused the failure.
    pub(crate) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Driver(error) if code(error) == Some(DUPLICATE_KEY))
    }

    /// Whether the collection does not exist.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Driver(error) if code(error) == Some(NAMESPACE_NOT_FOUND))
    }

    /// Whether the server has no change streams.
    pub(crate) fn is_unstreamed(&self) -> bool {
        let is_meant = |code: i32| NO_STREAM.contains(&code);
        matches!(self, Self::Driver(error) if code(error).is_some_and(is_meant))
    }

    /// Whether a null, or another value, stands in place of a nested document.
    pub(crate) fn is_in_the_way(&self) -> bool {
        matches!(self, Self::Driver(error) if code(error) == Some(PATH_NOT_VIABLE))
    }

    /// Whether the same operation may succeed in a moment. The failed operation may have been
    /// executed nevertheless.
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

    /// Converts the failure to the store's error, about the database at `address`.
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
                return StoreError::Refused(format!("it contradicts an existing record ({said})"));
            }
            Some(PATH_NOT_VIABLE) => {
                return StoreError::Corrupt(format!(
                    "another value stands in place of a nested document ({said})"
                ));
            }
            Some(code) if TOO_LARGE.contains(&code) => {
                return StoreError::Refused(format!("it exceeds the largest document ({said})"));
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
