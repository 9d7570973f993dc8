//! Request bodies, within a bound.

use axum::{
    Json,
    extract::{FromRequest, Request},
    http::StatusCode,
};
use futures_util::StreamExt;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::problem::Problem;

/// Largest request body, in bytes: a milestone's context or a delivery's text as JSON.
pub(crate) const BODY_MAX: usize = 4 << 20; // 4 MiB
/// Bytes of an oversized body that are read before the connection is closed.
const READ_ON_MAX: usize = 16 * BODY_MAX;

/// A JSON body whose rejections are problems.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, BODY_MAX).await?;
        let request = Request::from_parts(parts, bytes.into());
        let Json(value) = Json::<T>::from_request(request, state).await?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned + Default> Body<T> {
    /// An optional body.
    pub(crate) async fn or_default(request: Request) -> Result<T, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, BODY_MAX).await?;
        if bytes.is_empty() {
            return Ok(T::default());
        }
        let request = Request::from_parts(parts, bytes.into());
        Ok(Json::<T>::from_request(request, &()).await?.0)
    }
}

/// A body that holds nothing: none, or an object without fields.
pub(crate) struct NoBody;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let NoFields {} = Body::or_default(request).await?;
        Ok(Self)
    }
}

/// Distinguishes `null` from an absent field.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Reads a body. An oversized one is read on for a while, because a client that is still sending
/// would not see the response.
pub(super) async fn read(body: axum::body::Body, max: usize) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut read = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                format!("the body broke off: {error}; send it again"),
            )
        })?;
        read += chunk.len();
        if read <= max {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = Vec::new();
        }
        if read > READ_ON_MAX {
            break;
        }
    }
    if read <= max {
        return Ok(bytes);
    }
    Err(Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {max} bytes: send less, or name a file in the text"),
    ))
}
