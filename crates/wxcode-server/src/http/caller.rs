//! The caller itself: a page offers what its user may do.

use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wxcode_core::{access::Role, id::Id};

use crate::access::Caller;

/// The sender of the request, with its rights.
#[derive(Serialize, ToSchema)]
pub(super) struct CallerView {
    /// The name of the caller's credential.
    name: String,
    /// `viewer`, `operator` or `admin`.
    #[schema(value_type = String)]
    role: Role,
    /// The only project; null for all.
    #[schema(value_type = Option<String>)]
    project_id: Option<Id>,
}

/// Shows the caller's name and rights.
#[utoipa::path(operation_id = "showCaller", get, path = "/caller", tag = "access", responses(
    (status = 200, description = "The caller", body = CallerView),
))]
pub(super) async fn show(Extension(caller): Extension<Caller>) -> Json<CallerView> {
    Json(CallerView {
        name: caller.name,
        role: caller.grant.role,
        project_id: caller.grant.project,
    })
}
