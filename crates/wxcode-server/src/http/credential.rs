//! Tokens, logins and share links.

use axum::{Extension, Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wxcode_core::{
    access::{Credential, CredentialKind, Grant, Role},
    id::Id,
};

use super::{
    access::{Access, forbidden},
    body::{self, Body, NoBody},
    front::Sent,
    login::time,
    parameter::{PathId, ShareId, parsed_id},
    problem::{Answer, Problem},
    project::check_name,
    state::Projects,
};
use crate::access::{CODE_TIME, Caller};

/// Longest time until an expiry, in seconds.
const EXPIRES_MAX: u32 = 10 * 365 * 24 * 60 * 60; // ten years
/// A share link ends after this time if the request names none, in seconds.
const SHARE_TIME: u32 = 7 * 24 * 60 * 60; // a week

/// A new token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// A name that no other token has, of at most 200 characters.
    #[schema(min_length = 1, max_length = 200, pattern = "{name}")]
    name: String,
    /// `viewer`, `operator` or `admin`; left out: `operator`.
    #[schema(value_type = Option<String>, pattern = "^(viewer|operator|admin)$")]
    role: Option<Role>,
    /// The only project of the token; left out: all projects.
    #[schema(pattern = "{id}")]
    project_id: Option<String>,
    /// Seconds until the token expires, at most ten years; left out: never.
    #[schema(minimum = 1, maximum = 315_360_000)]
    #[serde(default, deserialize_with = "body::whole")]
    expires_in_s: Option<u32>,
}

/// A new share link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewShare {
    /// Seconds until the link expires, at most ten years; left out: a week.
    #[serde(default, deserialize_with = "body::whole")]
    #[schema(minimum = 1, maximum = 315_360_000)]
    expires_in_s: Option<u32>,
}

/// A credential without its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct CredentialView {
    #[schema(value_type = String)]
    id: Id,
    name: String,
    #[schema(value_type = String)]
    role: Role,
    /// The only project; null for all.
    #[schema(value_type = Option<String>)]
    project_id: Option<Id>,
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// The name of the creator's credential.
    created_by: String,
    /// The credential that a login comes from, and with which it ends; null for one that counts by
    /// itself.
    #[schema(value_type = Option<String>)]
    source_id: Option<Id>,
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    last_use: Option<UseView>,
}

/// The last use of a credential.
#[derive(Serialize, ToSchema)]
pub(super) struct UseView {
    #[schema(value_type = String)]
    at: Timestamp,
    address: String,
}

impl From<Credential> for CredentialView {
    fn from(credential: Credential) -> Self {
        Self {
            id: credential.id,
            name: credential.name,
            role: credential.grant.role,
            project_id: credential.grant.project,
            created_at: credential.created_at,
            created_by: credential.created_by,
            source_id: credential.source,
            expires_at: credential.expires_at,
            last_use: credential.last_use.map(|last| UseView {
                at: last.at,
                address: last.from,
            }),
        }
    }
}

/// A token with its text, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedToken {
    /// The token's text. It cannot be shown again.
    token: String,
    #[serde(flatten)]
    credential: CredentialView,
}

/// A link, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedLink {
    /// The link's id; a login link, which counts once, has none.
    #[schema(value_type = String)]
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    /// The link, at `public_url` or at the Host of the request; over the Unix socket without a
    /// `public_url` its path and query.
    url: String,
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct TokenList {
    tokens: Vec<CredentialView>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct LoginList {
    logins: Vec<CredentialView>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ShareList {
    shares: Vec<CredentialView>,
}

fn checked(seconds: u32) -> Answer<u32> {
    if (1..=EXPIRES_MAX).contains(&seconds) {
        return Ok(seconds);
    }
    Err(Problem::invalid(format!(
        "expires_in_s is {seconds}: give 1 to {EXPIRES_MAX} seconds"
    )))
}

async fn listed(
    access: &Access,
    kind: CredentialKind,
    project: Option<Id>,
) -> Answer<Vec<CredentialView>> {
    let found = access.callers.list(kind, project).await?;
    Ok(found.into_iter().map(CredentialView::from).collect())
}

async fn removed(
    access: &Access,
    id: Id,
    kind: CredentialKind,
    project: Option<Id>,
) -> Answer<StatusCode> {
    match access.callers.remove(id, kind, project).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found(kind.as_str())),
    }
}

/// Creates a token. Its text is in this answer only.
#[utoipa::path(operation_id = "createToken", post, path = "/tokens", tag = "access", request_body = NewToken, responses(
    (status = 201, description = "Created", body = CreatedToken),
    (status = 403, description = "The caller is no admin", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another token has the name", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A field is missing or invalid", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create_token(
    State(access): State<Access>,
    State(projects): State<Projects>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewToken>,
) -> Answer<(StatusCode, Json<CreatedToken>)> {
    let name = check_name("name", &new.name)?;
    let project = match &new.project_id {
        Some(id) => Some(projects.find(parsed_id("project_id", id)?).await?.id),
        None => None,
    };
    let grant = Grant {
        role: new.role.unwrap_or(Role::Operator),
        project,
    };
    let expires_in = new.expires_in_s.map(checked).transpose()?.map(time);
    let kind = CredentialKind::Token;
    let added = access
        .callers
        .add(kind, name.clone(), grant, expires_in, &caller.name);
    let Some((credential, token)) = added.await? else {
        return Err(Problem::conflict(format!(
            "a token is named {name:?}: choose another name, or remove that token first"
        ))
        .with_code("name_taken"));
    };
    let credential = credential.into();
    Ok((
        StatusCode::CREATED,
        Json(CreatedToken { token, credential }),
    ))
}

/// Lists the tokens, without their texts.
#[utoipa::path(operation_id = "listTokens", get, path = "/tokens", tag = "access", responses(
    (status = 200, description = "All that count", body = TokenList),
))]
pub(super) async fn list_tokens(State(access): State<Access>) -> Answer<Json<TokenList>> {
    let tokens = listed(&access, CredentialKind::Token, None).await?;
    Ok(Json(TokenList { tokens }))
}

/// Removes a token, and ends what its callers have open.
#[utoipa::path(operation_id = "removeToken", delete, path = "/tokens/{id}", tag = "access", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "Removed"),
    (status = 404, description = "No such token", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove_token(
    State(access): State<Access>,
    PathId(id): PathId,
) -> Answer<StatusCode> {
    removed(&access, id, CredentialKind::Token, None).await
}

/// Makes a link that logs a browser in, once, within ten minutes, with the caller's rights. The
/// login ends with the caller's credential.
#[utoipa::path(operation_id = "createLogin", post, path = "/logins", tag = "access", responses(
    (status = 201, description = "Created", body = CreatedLink),
    (status = 409, description = "The caller's login comes from too long a line of logins", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create_login(
    State(access): State<Access>,
    Extension(caller): Extension<Caller>,
    Extension(sent): Extension<Sent>,
    _: NoBody,
) -> Answer<(StatusCode, Json<CreatedLink>)> {
    if caller.is_of_proxy {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "the proxy logs you in, and a link would outlast that: open the page through the proxy, \
             or make the link with a token",
        )
        .with_code("forbidden"));
    }
    if !access.callers.may_be_source(caller.source).await? {
        return Err(Problem::conflict(
            "this login comes from a login that comes from another, and so on: make the link with \
             a token, or by `wxcode login` on the server's machine",
        )
        .with_code("too_many_sources"));
    }
    let code = access.callers.login_code(caller.as_source());
    let link = CreatedLink {
        id: None,
        url: access.front.link(&sent, &format!("/login?code={code}")),
        expires_at: Timestamp::now().checked_add(CODE_TIME).ok(),
    };
    Ok((StatusCode::CREATED, Json(link)))
}

/// Lists the logins of browsers.
#[utoipa::path(operation_id = "listLogins", get, path = "/logins", tag = "access", responses(
    (status = 200, description = "All that count", body = LoginList),
))]
pub(super) async fn list_logins(State(access): State<Access>) -> Answer<Json<LoginList>> {
    let logins = listed(&access, CredentialKind::Login, None).await?;
    Ok(Json(LoginList { logins }))
}

/// Ends a login, and what its browser has open.
#[utoipa::path(operation_id = "removeLogin", delete, path = "/logins/{id}", tag = "access", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "Removed"),
    (status = 404, description = "No such login", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove_login(
    State(access): State<Access>,
    PathId(id): PathId,
) -> Answer<StatusCode> {
    removed(&access, id, CredentialKind::Login, None).await
}

/// Makes a link for viewers of one project.
#[utoipa::path(operation_id = "createShare", post, path = "/output-projects/{id}/shares", tag = "access", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body = NewShare, responses(
    (status = 201, description = "Created; the address is in this answer only", body = CreatedLink),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "expires_in_s is invalid", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create_share(
    State(access): State<Access>,
    State(projects): State<Projects>,
    Extension(caller): Extension<Caller>,
    Extension(sent): Extension<Sent>,
    PathId(id): PathId,
    Body(new): Body<NewShare>,
) -> Answer<(StatusCode, Json<CreatedLink>)> {
    let project = projects.find(id).await?;
    let seconds = checked(new.expires_in_s.unwrap_or(SHARE_TIME))?;
    let grant = Grant {
        role: Role::Viewer,
        project: Some(id),
    };
    let (kind, name) = (CredentialKind::Share, project.name);
    let added = access
        .callers
        .add(kind, name, grant, Some(time(seconds)), &caller.name);
    let Some((credential, link)) = added.await? else {
        return Err(forbidden(&caller, Role::Admin));
    };
    let created = CreatedLink {
        id: Some(credential.id),
        url: access.front.link(&sent, &format!("/share/{link}")),
        expires_at: credential.expires_at,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Lists the share links of a project, without their addresses.
#[utoipa::path(operation_id = "listShares", get, path = "/output-projects/{id}/shares", tag = "access", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "All that count", body = ShareList),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_shares(
    State(access): State<Access>,
    State(projects): State<Projects>,
    PathId(id): PathId,
) -> Answer<Json<ShareList>> {
    projects.find(id).await?;
    let shares = listed(&access, CredentialKind::Share, Some(id)).await?;
    Ok(Json(ShareList { shares }))
}

/// Removes a share link, and ends what its viewers have open.
#[utoipa::path(operation_id = "removeShare", delete, path = "/output-projects/{id}/shares/{share_id}", tag = "access",
    params(("id" = String, Path, description = "24 hexadecimal digits"), ("share_id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "Removed"),
    (status = 404, description = "No such link of this project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove_share(
    State(access): State<Access>,
    PathId(id): PathId,
    ShareId(share): ShareId,
) -> Answer<StatusCode> {
    removed(&access, share, CredentialKind::Share, Some(id)).await
}
