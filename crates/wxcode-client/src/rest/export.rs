//! Whole conversations, turn by turn.

use reqwest::Method;
use tokio::time::timeout;

use super::{Client, REQUEST_TIMEOUT, conversation::ConversationTurn, project::path};
use crate::Error;

/// Longest turn of an [`Export`], in bytes of JSON: a turn of 1 MiB with every character escaped.
pub const TURN_MAX: usize = 8 << 20; // 8 MiB

/// The turns of a whole conversation, oldest first, as the server reads them.
///
/// ```no_run
/// # async fn example(client: wxcode_client::Client, project: &str)
/// # -> Result<(), wxcode_client::Error> {
/// let mut export = client.export_conversation(project, None).await?;
/// while let Some(turn) = export.next().await? {
///     println!("{}: {} blocks", turn.role, turn.blocks.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Export {
    response: reqwest::Response,
    bytes: Vec<u8>,
    /// Bytes that were searched for the end of a line.
    searched: usize,
}

impl Export {
    /// The next turn; `None` at the end of the conversation. The future may be dropped at any time.
    ///
    /// # Errors
    /// [`Error::BrokenOff`]; [`Error::TooLarge`] for a turn of more than [`TURN_MAX`] bytes;
    /// [`Error::NotUnderstood`].
    pub async fn next(&mut self) -> Result<Option<ConversationTurn>, Error> {
        loop {
            let new = &self.bytes[self.searched..];
            if let Some(end) = new.iter().position(|byte| *byte == b'\n') {
                let end = self.searched + end + 1;
                let turn = serde_json::from_slice(&self.bytes[..end]);
                self.bytes.drain(..end);
                self.searched = 0;
                return turn
                    .map(Some)
                    .map_err(|error| Error::NotUnderstood(error.into()));
            }
            self.searched = self.bytes.len();
            if self.searched > TURN_MAX {
                return Err(Error::TooLarge);
            }
            let chunk = timeout(REQUEST_TIMEOUT, self.response.chunk()).await;
            let chunk = chunk.map_err(|elapsed| Error::BrokenOff(elapsed.into()))?;
            match chunk.map_err(|error| Error::BrokenOff(error.into()))? {
                Some(chunk) => self.bytes.extend_from_slice(&chunk),
                None if self.bytes.is_empty() => return Ok(None),
                None => return Err(Error::BrokenOff("the last turn has no end".into())),
            }
        }
    }
}

impl Client {
    /// Reads a whole conversation, the current one by default.
    ///
    /// # Errors
    /// Those of [`Client::conversation`].
    pub async fn export_conversation(
        &self,
        project: &str,
        conversation: Option<&str>,
    ) -> Result<Export, Error> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("format", "jsonl");
        if let Some(id) = conversation {
            query.append_pair("claude_session_id", id);
        }
        let path = path(project, &format!("/conversation?{}", query.finish()))?;
        let request = self.request(Method::GET, &path).send();
        let response = timeout(REQUEST_TIMEOUT, request).await;
        let response = response.map_err(|elapsed| self.unreachable(elapsed))?;
        let response = response.map_err(|error| self.unreachable(error))?;
        if response.status() != 200 {
            Self::read(response).await?.success()?;
            let other = "the answer is no export";
            return Err(Error::NotUnderstood(other.into()));
        }
        Ok(Export {
            response,
            bytes: Vec::new(),
            searched: 0,
        })
    }
}
