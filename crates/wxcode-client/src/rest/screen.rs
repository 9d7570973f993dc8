//! The screen of a session.

use reqwest::Method;

use super::{Client, project::path};
use crate::Error;

/// The form of a screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScreenFormat {
    /// The visible rows as text, without trailing blanks.
    #[default]
    Text,
    /// The bytes for redrawing the screen on a freshly reset terminal of its size.
    Ansi,
}

impl Client {
    /// Shows the screen of a project's running session, or the last screen of the ended session.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::NotUnderstood`] for bytes that are not UTF-8;
    /// [`Error::Refused`] with 404 when the project never had a session, 503 when the session's
    /// holder does not answer.
    pub async fn screen(&self, project: &str, format: ScreenFormat) -> Result<String, Error> {
        let format = match format {
            ScreenFormat::Text => "text",
            ScreenFormat::Ansi => "ansi",
        };
        let path = path(project, &format!("/screen?format={format}"))?;
        let response = self.call(Method::GET, &path, None::<&()>).await?;
        String::from_utf8(response.success()?.body.into())
            .map_err(|error| Error::NotUnderstood(error.into()))
    }
}
