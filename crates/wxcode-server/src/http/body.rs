//! Request bodies, within a bound.

use std::time::Duration;

use axum::{
    Json,
    body::{Body as Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Number, Value};

use super::problem::Problem;
use crate::access::Caller;

/// Largest request body, in bytes: a milestone's context or a delivery's text as JSON.
pub(crate) const BODY_MAX: usize = 4 << 20; // 4 MiB
/// Bytes of an oversized body that are read before the connection is closed.
const READ_ON_MAX: usize = 16 * BODY_MAX;

/// Largest body of a request without authentication, in bytes.
const UNAUTHENTICATED_BODY_MAX: usize = 64 << 10; // 64 KiB
/// How long a client without authentication may take for the body of a request.
const UNAUTHENTICATED_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A JSON body whose rejections are problems.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, BODY_MAX).await?;
        refuse_arrays(&bytes)?;
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
        refuse_arrays(&bytes)?;
        let request = Request::from_parts(parts, bytes.into());
        // `null` is no body either.
        let Json(value) = Json::<Option<T>>::from_request(request, &()).await?;
        Ok(value.unwrap_or_default())
    }
}

/// A body that holds nothing: none, `null`, or an object without fields.
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

/// Refuses an array: it would be read as the values of an object's fields, in their order.
fn refuse_arrays(bytes: &[u8]) -> Result<(), Problem> {
    match bytes.trim_ascii_start() {
        [b'[', ..] => Err(Problem::invalid(
            "the body is an array: give an object; see /api/openapi.json for its fields",
        )),
        _ => Ok(()),
    }
}

/// An object within a body, and no array.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        let value = T::deserialize(Value::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self(value))
    }
}

/// A field with an object; distinguishes `null` from an absent field.
pub(super) fn given_object<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    let object = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(Some(object.map(|Object(value)| value)))
}

/// A field that is an object, `null` or absent.
pub(super) fn object<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let object = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(object.map(|Object(value)| value))
}

/// A field that is an object.
pub(super) fn needed_object<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Object::<T>::deserialize(deserializer).map(|Object(value)| value)
}

/// A field with a list of objects.
pub(super) fn objects<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let objects = Option::<Vec<Object<T>>>::deserialize(deserializer)?;
    Ok(objects.map(|objects| objects.into_iter().map(|Object(value)| value).collect()))
}

/// A whole number in any form of JSON, such as `60.0`.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let float = number.as_f64().filter(|float| float.fract() == 0.0);
    let whole = number.as_u64().or_else(|| {
        // A `u32` is exact as a float.
        let float = float.filter(|float| (0.0..=f64::from(u32::MAX)).contains(float));
        float.map(|float| float as u64)
    });
    let whole = whole.and_then(|whole| u32::try_from(whole).ok());
    whole.map(Some).ok_or_else(|| {
        D::Error::custom(format!(
            "{number} is no whole number from 0 to {}",
            u32::MAX
        ))
    })
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

/// Reads the body of a request without authentication, within bounds of size and time.
pub(super) async fn bound_body(request: Request, next: Next) -> Response {
    if request.extensions().get::<Caller>().is_some() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let reading = to_bytes(body, UNAUTHENTICATED_BODY_MAX);
    match tokio::time::timeout(UNAUTHENTICATED_BODY_TIMEOUT, reading).await {
        Ok(Ok(bytes)) => {
            next.run(Request::from_parts(parts, Bytes::from(bytes)))
                .await
        }
        Ok(Err(_)) => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "the body was broken off or is larger than {UNAUTHENTICATED_BODY_MAX} bytes: \
                 send less, or authenticate"
            ),
        )
        .into_response(),
        Err(_) => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the body did not come within {} s: send it whole, or authenticate",
                UNAUTHENTICATED_BODY_TIMEOUT.as_secs()
            ),
        )
        .into_response(),
    }
}
