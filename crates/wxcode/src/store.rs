//! The store of the records: parsing the user's setting, and opening the store.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use anyhow::Context;
use wxcode_store::{Store, sqlite::SqliteStore};

use crate::cli::Usage;

/// A store as written by the user. The name is parsed after the command line, because the command
/// line's own errors would repeat an invalid value with its password.
#[derive(Clone)]
pub(crate) struct StoreName(String);

impl From<String> for StoreName {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreName")
    }
}

impl StoreName {
    /// Parses the value.
    pub(crate) fn choice(&self) -> Result<StoreChoice, Usage> {
        self.0
            .parse()
            .map_err(|error: anyhow::Error| Usage(error.to_string()))
    }
}

/// The store of the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    /// The embedded store in this file, or in the file of the data folder.
    Sqlite(Option<PathBuf>),
    /// The shared store. The address is never shown whole.
    #[cfg(feature = "mongodb")]
    Mongo(wxcode_store_mongodb::Address),
}

impl FromStr for StoreChoice {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text.split_once(':') {
            None if text == "sqlite" => Ok(Self::Sqlite(None)),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(Some(path.into()))),
            // The message omits the address, because the address may contain a password.
            Some((scheme, _)) if scheme.starts_with("mongodb") => mongo(text),
            _ if text.contains('@') => anyhow::bail!(
                "this is not a store: use `sqlite`, or an address such as mongodb://host/wxcode"
            ),
            _ => anyhow::bail!(
                "`{text}` is not a store: use `sqlite`, or an address such as mongodb://host/wxcode"
            ),
        }
    }
}

#[cfg(feature = "mongodb")]
fn mongo(address: &str) -> anyhow::Result<StoreChoice> {
    Ok(StoreChoice::Mongo(address.parse()?))
}

#[cfg(not(feature = "mongodb"))]
fn mongo(_: &str) -> anyhow::Result<StoreChoice> {
    anyhow::bail!(
        "this build has no MongoDB store: use --store sqlite, or a build with the feature `mongodb`"
    )
}

impl fmt::Display for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(Some(path)) => write!(f, "sqlite:{}", path.display()),
            Self::Sqlite(None) => f.write_str("sqlite"),
            #[cfg(feature = "mongodb")]
            Self::Mongo(address) => address.fmt(f),
        }
    }
}

impl StoreChoice {
    /// Whether several servers may use the store at the same time.
    pub(crate) const fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "mongodb")]
            Self::Mongo(_) => true,
        }
    }

    /// Opens the store; the embedded store without a path is the data folder's store.
    pub(crate) async fn open(&self, data_dir: &std::path::Path) -> anyhow::Result<Arc<dyn Store>> {
        match self {
            Self::Sqlite(path) => {
                let folder = data_dir.to_owned();
                let path = path.clone().unwrap_or_else(|| data_dir.join("wxcode.db"));
                let opened = tokio::task::spawn_blocking(move || {
                    SqliteStore::open(&path).map(|store| store.with_copies_in(&folder))
                });
                Ok(Arc::new(opened.await.context("the store was not opened")??))
            }
            #[cfg(feature = "mongodb")]
            Self::Mongo(address) => Ok(Arc::new(
                wxcode_store_mongodb::MongoStore::open(address).await?,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_store_hides_its_password() {
        for wrong in [
            "",
            "postgres",
            "sqlite:",
            "mongodb://user:hunter2@",
            "mongo://user:hunter2@host",
        ] {
            let error = format!("{:?}", wrong.parse::<StoreChoice>().unwrap_err());
            assert!(!error.contains("hunter2"), "{error}");
            assert!(error.contains("mongodb://"), "{error}");
        }
    }

    #[cfg(feature = "mongodb")]
    #[test]
    fn an_address_is_shown_without_its_password() {
        let choice: StoreChoice = "mongodb://user:hunter2@host/db".parse().unwrap();
        for shown in [format!("{choice}"), format!("{choice:?}")] {
            assert!(shown.contains("mongodb://host:27017/db"), "{shown}");
            assert!(
                !shown.contains("hunter2") && !shown.contains("user"),
                "{shown}"
            );
        }
    }
}
