//! The address of a database. An address may hold a password and is never shown whole.

use std::{fmt, str::FromStr, time::Duration};

use mongodb::options::{
    Acknowledgment, ClientOptions, ConnectionString, HostInfo, ReadPreference, SelectionCriteria,
    WriteConcern,
};

/// The default database, the first implementation's.
const DATABASE: &str = "wxcode";
/// Longest search for a writable server; the driver's own 30 s exceed a request's time.
const SELECTION_MAX: Duration = Duration::from_secs(5);
/// Longest connection setup, and longest answer to the driver's monitor.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Interval of the driver's checks of the servers; below [`SELECTION_MAX`], so a single search sees
/// a recovery.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Longest wait for the majority to have a write.
const MAJORITY_MAX: Duration = Duration::from_secs(8);
/// Shortest part of a secret that is hidden on its own.
const PIECE_MIN: usize = 3;
/// The replacement of a secret.
const HIDDEN: &str = "***";

/// The reason to reject a text as an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no address of a MongoDB database: {0}; give one such as mongodb://user:password@host:27017/wxcode, with \
     special characters of the password percent-encoded"
)]
pub struct AddressError(String);

/// The address of a database: `mongodb://` or `mongodb+srv://`. [`fmt::Display`] and [`fmt::Debug`]
/// omit the user, the password and the options.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    hosts: String,
    database: String,
}

impl Address {
    /// The name of the database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Returns `text` without the possible secrets of this address.
    pub(crate) fn scrub(&self, text: &str) -> String {
        scrub(text, &secrets(&self.text))
    }

    /// The driver's options: the address's options, unless a promise needs others.
    pub(crate) async fn options(&self) -> mongodb::error::Result<ClientOptions> {
        let mut options = ClientOptions::parse(self.text.as_str()).await?;
        options.app_name.get_or_insert_with(|| "wxcode".to_owned());
        options
            .server_selection_timeout
            .get_or_insert(SELECTION_MAX);
        options.connect_timeout.get_or_insert(CONNECT_MAX);
        options.heartbeat_freq.get_or_insert(HEARTBEAT);
        // An acknowledged write must survive the loss of a server, and reads must return such a
        // write.
        options.write_concern = Some(
            WriteConcern::builder()
                .w(Acknowledgment::Majority)
                .journal(true)
                .w_timeout(MAJORITY_MAX)
                .build(),
        );
        options.selection_criteria =
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        options.retry_writes = Some(true);
        options.retry_reads = Some(true);
        Ok(options)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parsed = ConnectionString::parse(text)
            .map_err(|error| AddressError(scrub(&error.kind.to_string(), &secrets(text))))?;
        let hosts = match &parsed.host_info {
            HostInfo::HostIdentifiers(hosts) => hosts
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(","),
            HostInfo::DnsRecord(host) => host.clone(),
            _ => String::new(),
        };
        Ok(Self {
            text: text.to_owned(),
            hosts,
            database: parsed
                .default_database
                .unwrap_or_else(|| DATABASE.to_owned()),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.text.starts_with("mongodb+srv") {
            "mongodb+srv"
        } else {
            "mongodb"
        };
        write!(f, "{scheme}://{}/{}", self.hosts, self.database)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns the possible secrets of an address, valid or not, as written and decoded.
fn secrets(address: &str) -> Vec<String> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (before_options, options) = rest.split_once('?').unwrap_or((rest, ""));
    let mut secrets = Vec::new();
    // An unencoded password may hold any character: everything up to the last `@` counts.
    for part in [before_options, rest] {
        if let Some((user, _)) = part.rsplit_once('@') {
            secrets.push(user.to_owned());
            if let Some((name, password)) = user.split_once(':') {
                secrets.push(password.to_owned());
                secrets.push(name.to_owned());
            }
        }
    }
    for option in options.split('&') {
        if let Some((name, value)) = option.split_once('=')
            && (name.to_ascii_lowercase().contains("password")
                || name.eq_ignore_ascii_case("authMechanismProperties"))
        {
            secrets.push(value.to_owned());
        }
    }
    // The driver quotes the part around a separator of an unencoded password.
    let pieces: Vec<_> = secrets
        .iter()
        .flat_map(|secret| secret.split(['/', '?', '&', '#', ':', '@', '%', ',']))
        .filter(|piece| piece.len() >= PIECE_MIN)
        .map(str::to_owned)
        .collect();
    secrets.extend(pieces);
    let decoded: Vec<_> = secrets.iter().map(|secret| decoded(secret)).collect();
    secrets.extend(decoded);
    secrets.retain(|secret| !secret.is_empty());
    // The longest first: a part must not be removed from within a whole.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

fn scrub(text: &str, secrets: &[String]) -> String {
    secrets
        .iter()
        .fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
}

/// Percent-decodes a text; wrong escapes stay.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, more)) = rest.split_first() {
        let escape = (*first == b'%')
            .then(|| more.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escape {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let address: Address = "mongodb://u%21ser:pass%40word@host1,host2:7/books?authSource=admin"
            .parse()
            .unwrap();
        for shown in [format!("{address}"), format!("{address:?}")] {
            assert_eq!(shown, "mongodb://host1:27017,host2:7/books");
        }
        assert_eq!(address.database(), "books");
        assert_eq!(
            address.scrub("u!ser said pass@word, that is pass%40word"),
            "*** said ***, that is ***"
        );
    }

    #[test]
    fn the_database_of_the_first_implementation_is_the_default() {
        let address: Address = "mongodb://localhost".parse().unwrap();
        assert_eq!(address.to_string(), "mongodb://localhost:27017/wxcode");
    }

    #[test]
    fn an_invalid_address_is_refused_without_secrets() {
        for wrong in [
            "mongodb://user:hunter2@",
            "mongodb://user:hunter2@host:port/",
            "mongodb://user:hunter2/7@host/",
            "mongodb://user:hunter2?@host/",
            "mongodb://user:hunter2%zz@host/",
            "mongodb://user:hunter2@host/?w=hunter2-no&connectTimeoutMS=hunter2",
            "postgres://user:hunter2@host/",
            "mongodb://host/?tls=true&tlsCertificateKeyFilePassword=hunter2&tlsInsecure=5",
        ] {
            let error = wrong.parse::<Address>().unwrap_err();
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(!shown.contains("hunter2"), "{wrong}: {shown}");
            }
        }
    }

    #[tokio::test]
    async fn the_promises_override_the_options() {
        let address: Address =
            "mongodb://host/?w=0&readPreference=secondary&retryWrites=false&serverSelectionTimeoutMS=1"
                .parse()
                .unwrap();
        let options = address.options().await.unwrap();
        let concern = options.write_concern.unwrap();
        assert_eq!(concern.w, Some(Acknowledgment::Majority));
        assert_eq!(concern.journal, Some(true));
        assert_eq!(
            options.selection_criteria,
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        );
        assert_eq!(options.retry_writes, Some(true));
        assert_eq!(
            options.server_selection_timeout,
            Some(Duration::from_millis(1))
        );
        assert_eq!(options.connect_timeout, Some(CONNECT_MAX));
    }
}
