//! Converts records to columns and back: ids, times, counts, words and paths, checked both ways.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Row, types::Type};
use serde::{
    Deserialize,
    de::value::{Error as WordError, StrDeserializer},
};

use super::failure::Failure;
use crate::Page;

/// The columns of a row as types of the core.
pub(super) trait Columns {
    /// A nullable column, through a check of the text.
    fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &self,
        name: &str,
    ) -> rusqlite::Result<Option<T>>;
    /// An enum's word.
    fn word<T: for<'de> Deserialize<'de>>(&self, name: &str) -> rusqlite::Result<T>;
    /// An optional enum's word.
    fn word_or_null<T: for<'de> Deserialize<'de>>(&self, name: &str)
    -> rusqlite::Result<Option<T>>;
    /// A nullable column of JSON.
    fn json<T: for<'de> Deserialize<'de>>(&self, name: &str) -> rusqlite::Result<Option<T>>;
    /// A time.
    fn time(&self, name: &str) -> rusqlite::Result<Option<Timestamp>>;
    /// A number that is not negative.
    fn count(&self, name: &str) -> rusqlite::Result<Option<u64>>;
    /// A path.
    fn path(&self, name: &str) -> rusqlite::Result<Option<PathBuf>>;
    /// Unwraps a column that is never null.
    fn required<T>(&self, name: &str, value: Option<T>) -> rusqlite::Result<T>;
}

impl Columns for Row<'_> {
    fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &self,
        name: &str,
    ) -> rusqlite::Result<Option<T>> {
        let text: Option<String> = self.get(name)?;
        text.map(|text| {
            text.parse()
                .map_err(|error| bad(self, name, Type::Text, error))
        })
        .transpose()
    }

    fn word<T: for<'de> Deserialize<'de>>(&self, name: &str) -> rusqlite::Result<T> {
        self.required(name, self.word_or_null(name)?)
    }

    fn word_or_null<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
    ) -> rusqlite::Result<Option<T>> {
        let text: Option<String> = self.get(name)?;
        text.map(|text| {
            T::deserialize(StrDeserializer::<WordError>::new(&text))
                .map_err(|error| bad(self, name, Type::Text, error))
        })
        .transpose()
    }

    fn json<T: for<'de> Deserialize<'de>>(&self, name: &str) -> rusqlite::Result<Option<T>> {
        let text: Option<String> = self.get(name)?;
        text.map(|text| {
            serde_json::from_str(&text).map_err(|error| bad(self, name, Type::Text, error))
        })
        .transpose()
    }

    fn time(&self, name: &str) -> rusqlite::Result<Option<Timestamp>> {
        let millis: Option<i64> = self.get(name)?;
        millis
            .map(|millis| {
                Timestamp::from_millisecond(millis)
                    .map_err(|error| bad(self, name, Type::Integer, error))
            })
            .transpose()
    }

    fn count(&self, name: &str) -> rusqlite::Result<Option<u64>> {
        let count: Option<i64> = self.get(name)?;
        count
            .map(|count| {
                u64::try_from(count).map_err(|error| bad(self, name, Type::Integer, error))
            })
            .transpose()
    }

    fn path(&self, name: &str) -> rusqlite::Result<Option<PathBuf>> {
        Ok(self.get::<_, Option<String>>(name)?.map(PathBuf::from))
    }

    fn required<T>(&self, name: &str, value: Option<T>) -> rusqlite::Result<T> {
        value.ok_or_else(|| {
            rusqlite::Error::InvalidColumnType(
                self.as_ref().column_index(name).unwrap_or_default(),
                name.to_owned(),
                Type::Null,
            )
        })
    }
}

fn bad(
    row: &Row<'_>,
    name: &str,
    kind: Type,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let index = row.as_ref().column_index(name).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, kind, Box::new(error))
}

/// A duration for a column, in milliseconds.
pub(super) fn millis(value: Duration) -> Result<i64, Failure> {
    count(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
}

/// A count for a column.
pub(super) fn count(value: u64) -> Result<i64, Failure> {
    i64::try_from(value).map_err(|_| {
        Failure::Refused(format!(
            "the number {value} is too large: use one below 2^63"
        ))
    })
}

/// A path for a column.
pub(super) fn path(value: &Path) -> Result<&str, Failure> {
    value.to_str().ok_or_else(|| {
        Failure::Refused(format!(
            "the path {} is not valid UTF-8: rename the folder",
            value.display()
        ))
    })
}

/// `LIMIT` and `OFFSET` of a page.
pub(super) fn window(page: Page) -> (i64, i64) {
    let limit = page.limit.min(crate::PAGE_MAX);
    (
        i64::try_from(limit).unwrap_or(i64::MAX),
        i64::try_from(page.skip).unwrap_or(i64::MAX),
    )
}
