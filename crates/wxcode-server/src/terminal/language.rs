//! The terminal's own texts, in the client's language.

use axum::http::{HeaderMap, header};

/// A language of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// English.
    English,
    /// Brazilian Portuguese, without accents, as the first implementation's clients expect.
    Portuguese,
}

impl Language {
    /// Chooses by `?lang=`, else by the first known language of Accept-Language.
    pub(super) fn choose(lang: Option<&str>, headers: &HeaderMap) -> Self {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let known = |tag: &str| match tag
            .trim()
            .to_ascii_lowercase()
            .split(['-', '_', ';'])
            .next()
        {
            Some("pt") => Some(Self::Portuguese),
            Some("en") => Some(Self::English),
            _ => None,
        };
        lang.and_then(known)
            .or_else(|| by_quality(accepted).into_iter().find_map(known))
            .unwrap_or(Self::English)
    }

    pub(super) const fn reconnecting(self) -> &'static str {
        match self {
            Self::English => "Reconnecting to the existing session...",
            Self::Portuguese => "Reconectando a sessao existente...",
        }
    }

    pub(super) const fn starting(self) -> &'static str {
        match self {
            Self::English => "Starting a new Claude session...",
            Self::Portuguese => "Iniciando nova sessao Claude...",
        }
    }

    /// For an ended session, or a project without any session so far.
    pub(super) const fn nothing_runs(self, ended: bool) -> &'static str {
        match (self, ended) {
            (Self::English, true) => "No session runs: this is the last screen.",
            (Self::English, false) => "No session runs yet.",
            (Self::Portuguese, true) => "Nenhuma sessao em execucao: esta e a ultima tela.",
            (Self::Portuguese, false) => "Nenhuma sessao em execucao ainda.",
        }
    }

    pub(super) fn lost(self, reason: &str) -> String {
        match self {
            Self::English => format!(
                "The earlier conversation could not be continued ({reason}); this is a new one. The old id is in the history."
            ),
            Self::Portuguese => {
                format!(
                    "A conversa anterior nao pode ser continuada ({reason}); esta e uma nova. O id antigo esta no historico."
                )
            }
        }
    }
}

/// The tags of an Accept-Language header, by preference.
fn by_quality(header: &str) -> Vec<&str> {
    let quality = |item: &str| -> f32 {
        item.split(';')
            .find_map(|part| part.trim().strip_prefix("q=")?.parse().ok())
            .unwrap_or(1.0)
    };
    let mut items: Vec<&str> = header.split(',').collect();
    items.sort_by(|a, b| quality(b).total_cmp(&quality(a)));
    items
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::{Language::*, *};

    #[test]
    fn query_wins_over_the_header() {
        let accept = |text| {
            HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(text))])
        };
        let none = HeaderMap::new();
        assert_eq!(Language::choose(None, &none), English);
        assert_eq!(Language::choose(Some("pt-BR"), &accept("en")), Portuguese);
        assert_eq!(Language::choose(Some("pt_br"), &none), Portuguese);
        assert_eq!(
            Language::choose(None, &accept("fr, pt-BR;q=0.8, en;q=0.5")),
            Portuguese
        );
        assert_eq!(
            Language::choose(None, &accept("en;q=0.5, pt;q=0.9")),
            Portuguese
        );
        assert_eq!(
            Language::choose(Some("xx"), &accept("en-US,en;q=0.9,pt;q=0.8")),
            English
        );
    }
}
