//! Questions of this node to its peers, for no client: each is signed as the node's own.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, Uri},
};
use hyper::body::Incoming;
use tokio::time::timeout;
use wxcode_core::{
    access::{Grant, Role},
    node::NodeRecord,
};
use wxcode_store::StoreError;

use super::{Nodes, identity::HEADER};
use crate::access::Caller;

/// Time for a peer's whole answer. A list waits no longer for a dead node.
pub(crate) const ASK_MAX: Duration = Duration::from_millis(1_500);
/// Largest answer of a peer, in bytes.
const ANSWER_MAX: usize = 16 << 20; // 16 MiB
/// Rights of a node at its peers: to look.
const LOOKS: Grant = Grant {
    role: Role::Viewer,
    project: None,
};

/// Why a peer gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("it does not answer within {} ms", ASK_MAX.as_millis())]
    Silent,
    #[error("it takes no connection")]
    Unconnected,
    #[error("it broke the answer off")]
    Broken,
    #[error("it answers {0}")]
    Refused(StatusCode),
    #[error("its answer is none of this version")]
    Unread(#[from] serde_json::Error),
    #[error("its address is none: {0}")]
    Address(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Nodes {
    /// Asks a peer for the resource at `path`; the answer's body is still to be read.
    pub(crate) async fn ask(
        &self,
        peer: &NodeRecord,
        path: &str,
        last_event: Option<u64>,
    ) -> Result<hyper::Response<Incoming>, AskError> {
        let wrong = |error: &dyn std::fmt::Display| AskError::Address(error.to_string());
        let address = peer.address.trim_end_matches('/');
        let uri = Uri::try_from(format!("{address}{path}")).map_err(|error| wrong(&error))?;
        let caller = Caller {
            name: format!("the node {}", self.0.own.name),
            grant: LOOKS,
            credential: None,
            source: None,
            is_of_proxy: false,
            from: self.0.address.clone(),
        };
        let signed = self.sign(("GET", path), &caller, None, peer).await?;
        let signed = HeaderValue::from_str(&signed).map_err(|error| wrong(&error))?;
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        request.headers_mut().insert(HEADER, signed);
        if let Some(seq) = last_event {
            let name = HeaderName::from_static("last-event-id");
            request.headers_mut().insert(name, seq.into());
        }
        match timeout(ASK_MAX, self.0.client.request(request)).await {
            Ok(Ok(answer)) if answer.status() == StatusCode::OK => Ok(answer),
            Ok(Ok(answer)) => Err(AskError::Refused(answer.status())),
            Ok(Err(error)) if error.is_connect() => Err(AskError::Unconnected),
            Ok(Err(_)) => Err(AskError::Broken),
            Err(_) => Err(AskError::Silent),
        }
    }

    /// A peer's whole answer, as JSON.
    pub(crate) async fn answer<T: serde::de::DeserializeOwned>(
        &self,
        peer: &NodeRecord,
        path: &str,
    ) -> Result<T, AskError> {
        let whole = async {
            let answer = self.ask(peer, path, None).await?;
            let body = to_bytes(Body::new(answer.into_body()), ANSWER_MAX);
            let body = body.await.map_err(|_| AskError::Broken)?;
            Ok(serde_json::from_slice(&body)?)
        };
        match timeout(ASK_MAX, whole).await {
            Ok(answered) => answered,
            Err(_) => Err(AskError::Silent),
        }
    }
}
