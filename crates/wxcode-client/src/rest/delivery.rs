//! Deliveries: commands on their way into a session.

use serde::{Deserialize, Serialize};

use super::{Client, page::Page, project::path};
use crate::{Error, id};

/// A command on its way into a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivery {
    /// 24 hexadecimal digits.
    pub id: String,
    /// The project.
    pub output_project_id: String,
    /// The milestone of the command.
    pub milestone_id: Option<String>,
    /// The text; in lists the beginning, up to 1,024 characters.
    pub text: String,
    /// The length of the whole text in bytes.
    pub text_bytes: u64,
    /// Whether `text` is less than the whole.
    pub text_truncated: bool,
    /// The progress.
    pub state: DeliveryState,
    /// How often the text or an Enter was sent.
    pub attempts: u32,
    /// The reason of a failure; before a failure, the present obstacle: a dialog by its name, or
    /// `draft: …` for other text in the prompt.
    pub error: Option<String>,
    /// The kind of `error`, for programs that word it themselves.
    #[serde(default)]
    pub error_code: Option<String>,
    /// The key in the request.
    pub idempotency_key: Option<String>,
    /// The delivery waits until this time, RFC 3339, and holds up no other delivery meanwhile.
    #[serde(default)]
    pub not_before: Option<String>,
    /// The delivery goes into a running turn.
    #[serde(default)]
    pub steer: bool,
    /// The number of edits of the text, changes of the time, and moves in the queue.
    #[serde(default)]
    pub edits: u32,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// The progress of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryState {
    /// The delivery waits in line.
    Queued,
    /// The holder may have typed the text.
    Written,
    /// The agent reported the text as a prompt.
    Submitted,
    /// The delivery was given up.
    Failed,
    /// A state of a newer server.
    #[serde(other)]
    Unknown,
}

impl DeliveryState {
    /// Whether the state is final.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Submitted | Self::Failed)
    }

    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Written => "written",
            Self::Submitted => "submitted",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A part of the list of deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Deliveries {
    /// In the order of queueing, except for moved deliveries.
    pub deliveries: Vec<Delivery>,
    /// The number of all deliveries of the project.
    pub total: u64,
}

/// A text for typing and submitting; `"text".into()` makes a delivery without a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewDelivery {
    /// At most 1 MiB.
    pub text: String,
    /// 1 to 200 bytes: a second request with the same key and text gets the first request's
    /// delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// RFC 3339: the delivery waits until this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// Types the text into a running turn instead of waiting for the turn's end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub steer: bool,
}

/// A change of a queued delivery; a field with `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryChange {
    /// At most 1 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Another time, RFC 3339; `Some(None)` for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Option<String>>,
    /// Moves the delivery before this queued delivery of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl From<&str> for NewDelivery {
    fn from(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }
}

impl Client {
    /// Queues a text for a project's session, and starts the session where none runs.
    ///
    /// A repeated request types the text twice, except with the same `idempotency_key`.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 for the key of another text or during
    /// a run, 413 and 422 for an invalid text, 429 for too many in line, 503 when the agent does
    /// not start.
    pub async fn deliver(&self, project: &str, new: &NewDelivery) -> Result<Delivery, Error> {
        self.post(&path(project, "/deliveries")?, new).await
    }

    /// Edits or moves a queued delivery, or changes its time.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 for a delivery that is no longer
    /// queued, 413 and 422 for an invalid value.
    pub async fn change_delivery(
        &self,
        project: &str,
        delivery: &str,
        change: &DeliveryChange,
    ) -> Result<Delivery, Error> {
        let below = format!("/deliveries/{}", id::check(delivery)?);
        self.patch(&path(project, &below)?, change).await
    }

    /// Cancels a queued delivery: the delivery fails, with the error `cancelled`.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 for a delivery that is no longer
    /// queued.
    pub async fn cancel_delivery(&self, project: &str, delivery: &str) -> Result<(), Error> {
        let below = format!("/deliveries/{}", id::check(delivery)?);
        self.delete(&path(project, &below)?).await
    }

    /// Lists a part of a project's deliveries.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404.
    pub async fn deliveries(&self, project: &str, page: Page) -> Result<Deliveries, Error> {
        let below = format!("/deliveries?{}", page.query());
        self.get(&path(project, &below)?).await
    }

    /// Shows a delivery with the whole text. [`Events::delivery`](crate::Events::delivery) waits
    /// for the delivery's end.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404.
    pub async fn delivery(&self, project: &str, delivery: &str) -> Result<Delivery, Error> {
        let below = format!("/deliveries/{}", id::check(delivery)?);
        self.get(&path(project, &below)?).await
    }
}
