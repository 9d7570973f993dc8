//! Parameters in paths and queries.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::{StatusCode, request::Parts},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use utoipa::IntoParams;
use wxcode_core::{id::Id, text::shortened};
use wxcode_store::{PAGE_MAX, Page};

use super::problem::{Answer, Problem, quoted};

/// Largest number of a query: that of a store.
const NUMBER_MAX: u64 = i64::MAX as u64;

/// Longest reason of a refused query, in characters.
const REASON_MAX: usize = 500;

/// A number of a query, such as `skip`.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<u64>::deserialize(deserializer)?;
    match number {
        Some(number) if number > NUMBER_MAX => Err(D::Error::custom(format!(
            "{number} is too large: give at most {NUMBER_MAX}"
        ))),
        number => Ok(number),
    }
}

/// The `{id}` of a path.
pub(crate) struct PathId(pub(crate) Id);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        named(parts, state, "id").await.map(Self)
    }
}

/// The `{delivery_id}` of a path.
pub(crate) struct DeliveryId(pub(crate) Id);

impl<S: Send + Sync> FromRequestParts<S> for DeliveryId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        named(parts, state, "delivery_id").await.map(Self)
    }
}

/// The `{share_id}` of a path.
pub(crate) struct ShareId(pub(crate) Id);

impl<S: Send + Sync> FromRequestParts<S> for ShareId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        named(parts, state, "share_id").await.map(Self)
    }
}

/// The `{run_id}` of a path.
pub(crate) struct RunId(pub(crate) Id);

impl<S: Send + Sync> FromRequestParts<S> for RunId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        named(parts, state, "run_id").await.map(Self)
    }
}

async fn named<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<Id, Problem> {
    let Path(segments) = Path::<HashMap<String, String>>::from_request_parts(parts, state)
        .await
        .map_err(|rejection| Problem::new(StatusCode::BAD_REQUEST, rejection.body_text()))?;
    let text = segments.get(name).map_or("", String::as_str);
    parsed_id(name, text)
}

/// The id in `text`; the problem 400 says where it was given.
pub(crate) fn parsed_id(what: &str, text: &str) -> Answer<Id> {
    text.parse().map_err(|error| {
        let detail = format!("{what} is {}: {error}", quoted(text));
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// A query whose rejections are problems.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                let why = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                // The error of an unknown word quotes the word.
                let why = shortened(why, REASON_MAX);
                Err(Problem::invalid(format!(
                    "the query {} does not fit this route: {why}; see /api/openapi.json for its parameters",
                    quoted(parts.uri.query().unwrap_or_default())
                )))
            }
        }
    }
}

/// The part of a listing.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// Records to skip.
    #[serde(default, deserialize_with = "number")]
    skip: Option<u64>,
    /// Most records, up to 1000; 100 by default.
    #[serde(default, deserialize_with = "number")]
    limit: Option<u64>,
}

impl Paging {
    pub(crate) fn page(&self) -> Page {
        page(self.skip, self.limit)
    }
}

/// The page that a request asks for.
pub(crate) fn page(skip: Option<u64>, limit: Option<u64>) -> Page {
    Page {
        skip: skip.unwrap_or(0),
        limit: limit.unwrap_or(100).min(PAGE_MAX),
    }
}
