//! The rights that a route needs: one table.
//!
//! Invariant: a route without a line is an admin's.

use axum::http::Method;
use wxcode_core::access::Role;

/// Where the project of a request is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The route concerns no project, or the handler looks at the caller's project itself.
    Any,
    /// The route concerns all projects.
    All,
    /// The path has the project's id.
    Project,
    /// The path has a milestone's id.
    Milestone,
    /// The query has the project's id.
    Query,
}

/// The rights that a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) role: Role,
    pub(crate) place: Place,
    /// The word in the audit; `None`: not audited.
    pub(crate) action: Option<&'static str>,
}

/// A route's methods, its path below `/api/v1`, its rule.
type Line = (
    &'static str,
    &'static str,
    Role,
    Place,
    Option<&'static str>,
);

const TABLE: &[Line] = {
    use Place::{All, Any, Milestone, Project, Query};
    use Role::{Admin, Operator, Viewer};
    &[
        ("GET", "/output-projects", Viewer, Any, None),
        (
            "POST",
            "/output-projects",
            Admin,
            All,
            Some("project.create"),
        ),
        ("GET", "/output-projects/{id}", Viewer, Project, None),
        (
            "PATCH",
            "/output-projects/{id}",
            Admin,
            Project,
            Some("project.change"),
        ),
        (
            "DELETE",
            "/output-projects/{id}",
            Admin,
            Project,
            Some("project.delete"),
        ),
        (
            "GET",
            "/output-projects/{id}/session",
            Viewer,
            Project,
            None,
        ),
        (
            "POST",
            "/output-projects/{id}/session",
            Operator,
            Project,
            Some("session.start"),
        ),
        (
            "DELETE",
            "/output-projects/{id}/session",
            Operator,
            Project,
            Some("session.stop"),
        ),
        (
            "POST",
            "/output-projects/{id}/answer",
            Operator,
            Project,
            Some("answer"),
        ),
        (
            "POST",
            "/output-projects/{id}/driver",
            Operator,
            Project,
            Some("driver"),
        ),
        ("GET", "/output-projects/{id}/screen", Viewer, Project, None),
        (
            "GET",
            "/output-projects/{id}/recording",
            Viewer,
            Project,
            None,
        ),
        (
            "GET",
            "/output-projects/{id}/planning",
            Viewer,
            Project,
            None,
        ),
        ("GET", "/output-projects/{id}/events", Viewer, Project, None),
        (
            "GET",
            "/output-projects/{id}/conversation",
            Viewer,
            Project,
            None,
        ),
        ("GET", "/output-projects/{id}/search", Viewer, Project, None),
        ("GET", "/output-projects/{id}/usage", Viewer, Project, None),
        (
            "POST",
            "/output-projects/{id}/uploads",
            Operator,
            Project,
            Some("upload"),
        ),
        (
            "GET",
            "/output-projects/{id}/terminal",
            Viewer,
            Project,
            Some("attach"),
        ),
        (
            "POST",
            "/output-projects/{id}/deliveries",
            Operator,
            Project,
            Some("delivery.queue"),
        ),
        (
            "GET",
            "/output-projects/{id}/deliveries",
            Viewer,
            Project,
            None,
        ),
        (
            "GET",
            "/output-projects/{id}/deliveries/{delivery_id}",
            Viewer,
            Project,
            None,
        ),
        (
            "PATCH",
            "/output-projects/{id}/deliveries/{delivery_id}",
            Operator,
            Project,
            Some("delivery.change"),
        ),
        (
            "DELETE",
            "/output-projects/{id}/deliveries/{delivery_id}",
            Operator,
            Project,
            Some("delivery.cancel"),
        ),
        (
            "POST",
            "/output-projects/{id}/runs",
            Operator,
            Project,
            Some("run.start"),
        ),
        ("GET", "/output-projects/{id}/runs", Viewer, Project, None),
        (
            "GET",
            "/output-projects/{id}/runs/{run_id}",
            Viewer,
            Project,
            None,
        ),
        (
            "DELETE",
            "/output-projects/{id}/runs/{run_id}",
            Operator,
            Project,
            Some("run.stop"),
        ),
        (
            "POST",
            "/output-projects/{id}/shares",
            Admin,
            Project,
            Some("share.create"),
        ),
        ("GET", "/output-projects/{id}/shares", Admin, Project, None),
        (
            "DELETE",
            "/output-projects/{id}/shares/{share_id}",
            Admin,
            Project,
            Some("share.remove"),
        ),
        // The handler looks at the project in the body.
        (
            "POST",
            "/milestones",
            Operator,
            Any,
            Some("milestone.create"),
        ),
        ("GET", "/milestones", Viewer, Query, None),
        ("GET", "/milestones/{id}", Viewer, Milestone, None),
        (
            "PATCH",
            "/milestones/{id}",
            Operator,
            Milestone,
            Some("milestone.change"),
        ),
        (
            "DELETE",
            "/milestones/{id}",
            Operator,
            Milestone,
            Some("milestone.delete"),
        ),
        (
            "POST",
            "/milestones/{id}/prepare",
            Operator,
            Milestone,
            Some("milestone.prepare"),
        ),
        (
            "POST",
            "/milestones/{id}/start",
            Operator,
            Milestone,
            Some("milestone.start"),
        ),
        ("GET", "/milestones/{id}/changes", Viewer, Milestone, None),
        (
            "GET",
            "/milestones/{id}/terminal",
            Viewer,
            Milestone,
            Some("attach"),
        ),
        ("GET", "/events", Viewer, All, None),
        // The handler looks at the caller's project.
        ("GET", "/search", Viewer, Any, None),
        ("GET", "/nodes", Viewer, All, None),
        ("GET", "/nodes/{id}/sessions", Viewer, All, None),
        ("POST", "/nodes/{id}/drain", Admin, All, Some("node.drain")),
        (
            "DELETE",
            "/nodes/{id}/drain",
            Admin,
            All,
            Some("node.undrain"),
        ),
        ("GET", "/environment", Admin, All, None),
        ("GET", "/caller", Viewer, Any, None),
        ("POST", "/tokens", Admin, All, Some("token.create")),
        ("GET", "/tokens", Admin, All, None),
        ("DELETE", "/tokens/{id}", Admin, All, Some("token.remove")),
        // A link for a browser has the caller's own rights.
        ("POST", "/logins", Viewer, Any, Some("login.link")),
        ("GET", "/logins", Admin, All, None),
        ("DELETE", "/logins/{id}", Admin, All, Some("login.remove")),
        ("GET", "/audit", Admin, All, None),
        ("POST", "/webhooks", Admin, All, Some("webhook.create")),
        ("GET", "/webhooks", Admin, All, None),
        (
            "DELETE",
            "/webhooks/{id}",
            Admin,
            All,
            Some("webhook.remove"),
        ),
        // The handler looks at the caller. A notice calls somebody who may answer.
        ("GET", "/push", Viewer, Any, None),
        ("POST", "/push", Operator, Any, Some("push.subscribe")),
        ("DELETE", "/push", Operator, Any, Some("push.unsubscribe")),
        (
            "DELETE",
            "/push/{id}",
            Operator,
            Any,
            Some("push.unsubscribe"),
        ),
        ("GET", "/openapi.json", Viewer, Any, None),
        ("GET", "/readyz", Viewer, Any, None),
        ("GET", "/metrics", Viewer, All, None),
    ]
};

/// The rule of a request; `route` is the route's template, `None` for a file of the page.
pub(crate) fn rule(method: &Method, route: Option<&str>) -> Rule {
    let Some(route) = route else {
        return Rule {
            role: Role::Viewer,
            place: Place::Any,
            action: None,
        };
    };
    let path = route
        .strip_prefix("/api/v1")
        .or_else(|| route.strip_prefix("/api"))
        .unwrap_or(route);
    let method = match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    };
    line(method.as_str(), path).map_or(
        Rule {
            role: Role::Admin,
            place: Place::All,
            action: None,
        },
        |(_, _, role, place, action)| Rule {
            role: *role,
            place: *place,
            action: *action,
        },
    )
}

fn line(method: &str, path: &str) -> Option<&'static Line> {
    TABLE
        .iter()
        .find(|(of, at, ..)| *of == method && *at == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_route() {
        const OPEN: [&str; 4] = ["/healthz", "/login", "/logout", "/share"];
        let document = crate::openapi();
        for (path, item) in &document.paths.paths {
            if OPEN.iter().any(|open| path.starts_with(open)) {
                continue;
            }
            let path = path
                .strip_prefix("/api/v1")
                .or(path.strip_prefix("/api"))
                .unwrap_or(path);
            for (method, operation) in [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PATCH", &item.patch),
                ("PUT", &item.put),
                ("DELETE", &item.delete),
            ] {
                if operation.is_some() {
                    assert!(line(method, path).is_some(), "{method} {path}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_route_needs_an_admin() {
        let unknown = rule(&Method::PUT, Some("/api/v1/output-projects"));
        assert_eq!(unknown.role, Role::Admin);
        let page = rule(&Method::GET, None);
        assert_eq!((page.role, page.place), (Role::Viewer, Place::Any));
        let head = rule(&Method::HEAD, Some("/api/output-projects"));
        assert_eq!(head.role, Role::Viewer);
    }
}
