//! The session to attach to, and its client.

use crate::{InvalidId, id};

/// The project to attach to, and the attaching client.
#[derive(Clone, Debug)]
pub struct Target {
    project: String,
    client: String,
    language: Option<String>,
    pub(super) is_read_only: bool,
}

/// The position of a returning client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// The session.
    pub session: String,
    /// The offset after the last byte that the client has parsed.
    pub offset: u64,
}

impl Target {
    /// A project's session, for a client with a new name. Without a running session, a session
    /// starts.
    ///
    /// # Errors
    /// [`InvalidId`]: not the form of a project's id.
    pub fn new(project: &str) -> Result<Self, InvalidId> {
        Ok(Self {
            project: id::check(project)?.to_owned(),
            client: uuid::Uuid::new_v4().simple().to_string(),
            language: None,
            is_read_only: false,
        })
    }

    /// The language of the server's texts for people: `en` or `pt-BR`.
    #[must_use]
    pub fn language(mut self, language: &str) -> Self {
        self.language = Some(language.to_owned());
        self
    }

    /// Without keys: attaching starts no session.
    #[must_use]
    pub fn read_only(mut self, is_read_only: bool) -> Self {
        self.is_read_only = is_read_only;
        self
    }

    /// The path below `/api/v1`, with the query.
    pub fn path(&self, since: Option<&Since>) -> String {
        let mut path = format!(
            "/output-projects/{}/terminal?client={}",
            self.project, self.client
        );
        if let Some(language) = &self.language {
            path.push_str("&lang=");
            path.push_str(language);
        }
        if self.is_read_only {
            path.push_str("&read_only=true");
        }
        if let Some(Since { session, offset }) = since {
            path.push_str(&format!("&session={session}&since={offset}"));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_names_session_and_offset() {
        let target = Target::new("00112233445566778899aabb").unwrap();
        let target = target.language("pt-BR").read_only(true);
        let first = target.path(None);
        let (path, query) = first.split_once("?client=").unwrap();
        assert_eq!(path, "/output-projects/00112233445566778899aabb/terminal");
        let (name, rest) = query.split_once('&').unwrap();
        assert_eq!(name.len(), 32);
        assert_eq!(rest, "lang=pt-BR&read_only=true");
        let since = Since {
            session: "s1".to_owned(),
            offset: 1 << 40,
        };
        let again = target.path(Some(&since));
        assert_eq!(again, format!("{first}&session=s1&since=1099511627776"));
        assert!(Target::new("../projects").is_err());
    }
}
