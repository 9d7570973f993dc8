//! The query of a terminal's address.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use wxcode_core::access::Role;

/// The query of a terminal.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// `pt-BR` or `en`; by default from Accept-Language.
    pub(super) lang: Option<String>,
    /// Only to look: input, sizes and signals are refused, and no session is started.
    #[serde(default)]
    #[param(required = false)]
    pub(super) read_only: bool,
    /// `false` joins the running session and starts none; by default a missing session is started.
    start: Option<bool>,
    /// `wxcode.v1`: the client has the output of `session` up to this offset.
    pub(super) since: Option<u64>,
    /// `wxcode.v1`: the client's earlier session.
    pub(super) session: Option<String>,
    /// `wxcode.v1`: the client's name, 32 hexadecimal digits chosen by the client.
    client: Option<String>,
    /// The role keeps the client from starting the session that it wants.
    #[serde(skip)]
    pub(super) may_not_start: bool,
}

impl Options {
    /// Reads a query; the error names the valid values.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let uri = axum::http::Uri::builder()
            .path_and_query(format!("/?{query}"))
            .build()
            .map_err(|error| format!("not a query: {error}"))?;
        let options: Self = axum::extract::Query::try_from_uri(&uri)
            .map_err(|error| {
                let error = error.body_text();
                let error = error
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&error);
                format!(
                    "{error}: give lang, read_only, start, since, session or client; read_only and start are true or \
                     false, since is an offset in bytes"
                )
            })?
            .0;
        if options.client.is_some() && options.name().is_none() {
            return Err("client must be 32 hexadecimal digits".to_owned());
        }
        Ok(options)
    }

    /// Makes a viewer look only.
    pub(super) fn limit_to(&mut self, role: Role) {
        if role < Role::Operator {
            self.may_not_start = !self.joins_only();
            self.read_only = true;
        }
    }

    /// Whether the client only joins, and starts nothing.
    pub(super) fn joins_only(&self) -> bool {
        self.read_only || self.start == Some(false)
    }

    /// The client's name.
    pub(super) fn name(&self) -> Option<[u8; 16]> {
        let digits = self.client.as_deref()?;
        let hex = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let number = hex.then(|| u128::from_str_radix(digits, 16).ok()).flatten();
        number.map(u128::to_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_parse() {
        assert_eq!(Options::parse(""), Ok(Options::default()));
        let options = Options::parse(
            "lang=pt-BR&read_only=true&since=18446744073709551615&session=abc&client=000102030405060708090a0b0c0d0e0f",
        )
        .unwrap();
        assert_eq!(options.since, Some(u64::MAX));
        assert!(options.read_only && options.joins_only());
        for (query, joins_only) in [
            ("", false),
            ("start=true", false),
            ("start=false", true),
            ("start=true&read_only=true", true),
        ] {
            let options = Options::parse(query).unwrap();
            assert_eq!(options.joins_only(), joins_only, "{query}");
        }
        assert_eq!(
            options.name(),
            Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
        );
        for bad in [
            "since=-1",
            "since=x",
            "read_only=maybe",
            "start=maybe",
            "client=12",
            "readonly=true",
            "client=%2b00102030405060708090a0b0c0d0e0f",
        ] {
            assert!(Options::parse(bad).is_err(), "{bad}");
        }
    }
}
