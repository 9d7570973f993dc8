//! Conversations: the turns, the export, and the search.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Client, project::path};
use crate::{Error, id};

/// A page of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConversationPage {
    /// The conversation, a UUID; `None` before the project's first conversation.
    pub claude_session_id: Option<String>,
    /// The turns, oldest first; possibly fewer than asked for.
    pub turns: Vec<ConversationTurn>,
    /// The [`ConversationPart::before`] of the previous page; `None` at the beginning.
    pub next: Option<String>,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConversationTurn {
    /// The id in the conversation.
    pub id: String,
    /// RFC 3339.
    pub at: Option<String>,
    /// `user`, `assistant` or `system`.
    pub role: String,
    /// Objects with a `type`: `text`, `tool`, `question`, `compaction`, `error` or `refusal`.
    pub blocks: Vec<Value>,
    /// Whether any of the turn's texts are cut.
    pub truncated: bool,
    /// The milestone in work.
    pub milestone_id: Option<String>,
    /// The delivery of the prompt, or of the answered prompt.
    pub delivery_id: Option<String>,
}

/// A part of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationPart {
    /// A conversation of the project's history, a UUID; the current conversation by default.
    pub claude_session_id: Option<String>,
    /// The [`ConversationPage::next`] of the following page, or the [`SearchHit::before`] of a hit;
    /// the end by default.
    pub before: Option<String>,
    /// Most turns, 1 to 200; 50 by default.
    pub limit: Option<usize>,
}

/// The hits of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchHits {
    /// The newest turns of each conversation come first.
    pub hits: Vec<SearchHit>,
    /// The `after` of the next call; `None` when everything was searched.
    pub next: Option<String>,
    /// Conversations without a readable transcript.
    pub unread: u64,
}

/// A turn with the words of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchHit {
    /// 24 hexadecimal digits.
    pub project_id: String,
    /// The conversation, a UUID.
    pub claude_session_id: String,
    /// The [`ConversationTurn::id`].
    pub turn_id: String,
    /// RFC 3339.
    pub at: Option<String>,
    /// The text around the first word, at most about 200 bytes.
    pub snippet: String,
    /// The [`ConversationPart::before`] of the page that ends with the turn.
    pub before: String,
}

impl Client {
    /// Shows a part of a project's conversation.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404 for a conversation that the project never
    /// had or whose transcript is gone, 503 when the transcripts cannot be read.
    pub async fn conversation(
        &self,
        project: &str,
        part: &ConversationPart,
    ) -> Result<ConversationPage, Error> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(id) = &part.claude_session_id {
            query.append_pair("claude_session_id", id);
        }
        if let Some(before) = &part.before {
            query.append_pair("before", before);
        }
        if let Some(limit) = part.limit {
            query.append_pair("limit", &limit.to_string());
        }
        let path = path(project, &format!("/conversation?{}", query.finish()))?;
        self.call(Method::GET, &path, None::<&()>).await?.json()
    }

    /// Searches the conversations of a single project, or of all. Words are beginnings; case and
    /// accents do not matter. `after` is the [`SearchHits::next`] of the previous call.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 422 for a query without a word, 503 while too
    /// many searches run.
    pub async fn search(
        &self,
        project: Option<&str>,
        words: &str,
        after: Option<&str>,
    ) -> Result<SearchHits, Error> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("q", words);
        if let Some(after) = after {
            query.append_pair("after", after);
        }
        let base = match project {
            Some(project) => format!("/output-projects/{}", id::check(project)?),
            None => String::new(),
        };
        let path = format!("{base}/search?{}", query.finish());
        self.call(Method::GET, &path, None::<&()>).await?.json()
    }
}
