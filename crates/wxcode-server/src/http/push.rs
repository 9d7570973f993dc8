//! Web Push: browsers that are told when a project waits for somebody.

use axum::{Extension, Json, extract::State, http::StatusCode};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wxcode_core::{
    id::Id,
    notice::{Address, Target},
    time::to_millis,
};

use super::{
    body::{self, Body},
    parameter::PathId,
    problem::{Answer, Problem},
    webhook::{bad_address, too_many},
};
use crate::{
    access::Caller,
    notify::{
        Notices,
        outside::{self, AddressError},
        push::{AUTH, POINT},
    },
};

/// Browsers pad their keys or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The server's key, and the caller's browsers.
#[derive(Serialize, ToSchema)]
pub(super) struct PushView {
    /// The `applicationServerKey` of a subscription: a point of P-256 in base64url.
    public_key: String,
    /// The caller's browsers.
    subscriptions: Vec<SubscriptionView>,
}

/// A browser.
#[derive(Serialize, ToSchema)]
pub(super) struct SubscriptionView {
    #[schema(value_type = String)]
    id: Id,
    /// The address that the browser's push service gave.
    endpoint: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A browser's subscription, as `PushSubscription.toJSON()` gives it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSubscription {
    /// An https address, of at most 2,048 bytes.
    #[schema(max_length = 2_048, pattern = "^https?://", format = "uri")]
    endpoint: String,
    #[serde(deserialize_with = "body::needed_object")]
    keys: SubscriptionKeys,
    /// Not used.
    #[serde(rename = "expirationTime")]
    _expiration_time: Option<f64>,
}

/// The keys of a subscription.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionKeys {
    /// A point of P-256 in base64url.
    #[schema(pattern = "^[0-9A-Za-z_-]{87}=?$")]
    p256dh: String,
    /// 16 bytes in base64url.
    #[schema(pattern = "^[0-9A-Za-z_-]{22}(==)?$")]
    auth: String,
}

/// The receivers that are browsers of the caller.
async fn own(notices: &Notices, caller: &Caller) -> Answer<Vec<SubscriptionView>> {
    let targets = notices.targets().await?.into_iter();
    let own = targets.filter(|target| target.credential == caller.credential);
    let views = own.filter_map(|target| match target.address {
        Address::Push { endpoint, .. } => Some(SubscriptionView {
            id: target.id,
            endpoint,
            created_at: target.created_at,
        }),
        Address::Webhook { .. } => None,
    });
    Ok(views.collect())
}

/// Shows the server's key, and the caller's browsers.
#[utoipa::path(operation_id = "showPush", get, path = "/push", tag = "notifications", responses(
    (status = 200, description = "The key for a subscription", body = PushView),
    (status = 503, description = "The key cannot be read", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(notices): State<Notices>,
    Extension(caller): Extension<Caller>,
) -> Answer<Json<PushView>> {
    let keys = notices.keys().await.map_err(|error| {
        let detail = format!("the key of Web Push cannot be used: {error}");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })?;
    Ok(Json(PushView {
        public_key: keys.public(),
        subscriptions: own(&notices, &caller).await?,
    }))
}

/// Tells a browser from now on when a project waits for somebody. The same endpoint replaces the
/// earlier subscription.
#[utoipa::path(operation_id = "subscribePush", post, path = "/push", tag = "notifications", request_body = NewSubscription, responses(
    (status = 201, description = "Subscribed", body = SubscriptionView),
    (status = 409, description = "There are too many receivers", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A field is missing or invalid", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn subscribe(
    State(notices): State<Notices>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewSubscription>,
) -> Answer<(StatusCode, Json<SubscriptionView>)> {
    let bad = |error: &AddressError| bad_address("endpoint", &new.endpoint, error);
    let url = outside::address(&new.endpoint).map_err(|error| bad(&error))?;
    let is_local = url.host_str().is_some_and(|host| host == "127.0.0.1");
    if url.scheme() != "https" && !is_local {
        return Err(bad(&AddressError::Form));
    }
    let p256dh = decoded("keys.p256dh", &new.keys.p256dh, POINT)?;
    let auth = decoded("keys.auth", &new.keys.auth, AUTH)?;
    let endpoint = url.to_string();
    for older in own(&notices, &caller).await? {
        if older.endpoint == endpoint {
            notices.remove(older.id).await?;
        }
    }
    let now = to_millis(Timestamp::now());
    let target = Target {
        id: Id::generate(now),
        created_at: now,
        created_by: caller.name,
        credential: caller.credential,
        address: Address::Push {
            endpoint: endpoint.clone(),
            p256dh,
            auth,
        },
    };
    if !notices.add(&target).await? {
        return Err(too_many());
    }
    let view = SubscriptionView {
        id: target.id,
        endpoint,
        created_at: now,
    };
    Ok((StatusCode::CREATED, Json(view)))
}

fn decoded(what: &str, text: &str, length: usize) -> Answer<Vec<u8>> {
    let bytes = BASE64.decode(text).ok();
    bytes.filter(|bytes| bytes.len() == length).ok_or_else(|| {
        Problem::invalid(format!(
            "{what} does not have {length} bytes in base64url: send what PushSubscription.toJSON() gives"
        ))
    })
}

/// Ends a subscription of the caller.
#[utoipa::path(operation_id = "unsubscribePush", delete, path = "/push/{id}", tag = "notifications", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "Ended"),
    (status = 404, description = "The caller has no such subscription", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn unsubscribe(
    State(notices): State<Notices>,
    Extension(caller): Extension<Caller>,
    PathId(id): PathId,
) -> Answer<StatusCode> {
    let own = own(&notices, &caller).await?;
    if !own.iter().any(|view| view.id == id) || !notices.remove(id).await? {
        return Err(Problem::not_found("subscription"));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all subscriptions of the caller.
#[utoipa::path(operation_id = "unsubscribeAllPush", delete, path = "/push", tag = "notifications", responses(
    (status = 204, description = "Ended, or there was none"),
))]
pub(super) async fn unsubscribe_all(
    State(notices): State<Notices>,
    Extension(caller): Extension<Caller>,
) -> Answer<StatusCode> {
    for view in own(&notices, &caller).await? {
        notices.remove(view.id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
