//! The embedded page.

use axum::{
    http::{HeaderMap, HeaderValue, Method, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

use super::problem::Problem;

#[derive(RustEmbed)]
#[folder = "$WXCODE_PAGE"]
struct Page;

/// The compressed forms that the build of the page writes: the coding and the ending of the file, the
/// smallest one first.
const CODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// Serves every path without a route, compressed where the client takes that.
pub(super) async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let file = if method == Method::GET || method == Method::HEAD {
        Page::get(path)
    } else {
        None
    };
    let Some(file) = file else {
        return Problem::new(
            axum::http::StatusCode::NOT_FOUND,
            "there is no such page or route: /api/openapi.json lists the routes",
        )
        .into_response();
    };
    // The build puts a hash of the content into the names below assets/.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let accepted = headers.get(header::ACCEPT_ENCODING);
    let accepted = accepted.and_then(|list| list.to_str().ok()).unwrap_or("");
    let compressed = CODINGS.into_iter().find_map(|(coding, ending)| {
        let file = Page::get(&format!("{path}.{ending}"))?;
        takes(accepted, coding).then_some((coding, file))
    });
    let (coding, file) = match compressed {
        Some((coding, file)) => (Some(coding), file),
        None => (None, file),
    };
    let headers = [
        (header::CONTENT_TYPE, content_type(path)),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
    ];
    let mut response = (headers, file.data.into_owned()).into_response();
    if let Some(coding) = coding {
        let coding = HeaderValue::from_static(coding);
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, coding);
    }
    response
}

/// Whether a list of codings has one, and does not refuse it by `q=0`.
fn takes(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let is_refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").map(str::parse::<f32>);
            matches!(weight, Some(Ok(weight)) if weight <= 0.0)
        });
        is_named && !is_refused
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_taken_by_name_and_weight() {
        assert!(takes("gzip, deflate, br;q=0.9", "br"));
        assert!(takes("GZIP", "gzip"));
        for list in [
            "",
            "identity",
            "br;q=0",
            "gzip;q=0.5, br; q=0.000",
            "brotli",
        ] {
            assert!(!takes(list, "br"), "{list}");
        }
    }
}
