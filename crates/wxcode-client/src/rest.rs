//! Calls of the REST API.

pub(crate) mod answer;
pub(crate) mod conversation;
pub(crate) mod delivery;
#[cfg(feature = "events")]
pub(crate) mod export;
pub(crate) mod milestone;
pub(crate) mod page;
pub(crate) mod project;
pub(crate) mod run;
pub(crate) mod screen;
pub(crate) mod session;

use std::{error::Error as StdError, time::Duration};

use bytes::Bytes;
pub use reqwest::Method;
use reqwest::{RequestBuilder, header, redirect::Policy};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Problem, Server, trust};

/// Longest time for a request and its answer; the start of an agent takes longest. An answer to a
/// question has [`answer::OUTCOME_TIMEOUT`].
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time to establish a TCP connection.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest idle time of a kept connection, shorter than any of the server's own deadlines: 75 s,
/// or 10 s without authentication.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Largest answer, in bytes: a page of 1,000 records, or a screen of 500 × 500 cells in colours.
pub const ANSWER_MAX: usize = 32 << 20; // 32 MiB

/// A server's REST API. Clones share the connections.
///
/// The typed calls are those of the pages' own resources; [`Client::call`] makes any other one.
///
/// ```no_run
/// use wxcode_client::{Client, Error, Server};
///
/// # async fn example(server: Server) -> Result<(), Error> {
/// let client = Client::new(server)?;
/// for project in client.all_projects().await? {
///     let session = client.session(&project.id).await?;
///     println!("{} {:?} {:?}", project.name, session.status, session.agent_state);
/// }
/// match client.start_session("0123456789abcdef01234567").await {
///     Ok(session) => println!("process {:?}", session.pid),
///     Err(Error::Refused(problem)) => eprintln!("{}: {problem}", problem.status),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    server: Server,
    timeout: Duration,
}

/// An answer as it came, of any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The status with its words, such as `404 Not Found`.
    pub status_text: String,
    /// The header `Content-Type`; empty without one.
    pub content_type: String,
    /// The body, at most [`ANSWER_MAX`] bytes.
    pub body: Bytes,
}

/// A configuration that trusts nobody, for addresses without TLS.
fn without_tls() -> rustls::ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("the provider has the default versions"))
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// An HTTP client that reaches this server.
fn http(server: &Server) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .no_proxy()
        // The token is for this URL alone.
        .redirect(Policy::none());
    if let Some(socket) = server.address().socket() {
        builder = builder.unix_socket(socket);
    }
    builder = match server.tls()? {
        Some(config) => builder.tls_backend_preconfigured(config).https_only(true),
        // The library asks for some configuration, even where none is used.
        None => builder.tls_backend_preconfigured(without_tls()),
    };
    builder.build().map_err(|error| Error::Setup(error.into()))
}

impl Client {
    /// A client of a server; it connects with the first request. Requests have
    /// [`REQUEST_TIMEOUT`].
    ///
    /// # Errors
    /// [`Error::Setup`].
    pub fn new(server: Server) -> Result<Self, Error> {
        Ok(Self {
            http: http(&server)?,
            server,
            timeout: REQUEST_TIMEOUT,
        })
    }

    /// The same client for another server, such as the one that runs after a restart.
    ///
    /// # Errors
    /// [`Error::Setup`].
    pub fn with_server(mut self, server: Server) -> Result<Self, Error> {
        if !self.server.is_reached_like(&server) {
            self.http = http(&server)?;
        }
        self.server = server;
        Ok(self)
    }

    /// The same client with another longest time for a request and its answer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A request for a path below `/api/v1`, without a bound on its time.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1{path}", self.server.address().as_str());
        let request = self.http.request(method, url);
        match self.server.token() {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Makes a call without looking at the status of its answer.
    ///
    /// `path` is below `/api/v1`, begins with a slash, and may have a query; the caller escapes it.
    /// `body` becomes JSON.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::BrokenOff`], [`Error::TooLarge`].
    pub async fn call<B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Response, Error> {
        let mut request = self.request(method, path).timeout(self.timeout);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await;
        let response = response.map_err(|error| self.unreachable(error))?;
        Self::read(response).await
    }

    pub(crate) fn unreachable(&self, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        let source = error.into();
        if let Some(refusal) = trust::refusal(source.as_ref()) {
            return Error::Certificate(refusal);
        }
        Error::Unreachable {
            address: self.server.address().clone(),
            source,
        }
    }

    /// Reads a whole answer.
    pub(crate) async fn read(mut response: reqwest::Response) -> Result<Response, Error> {
        let status = response.status();
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let mut body = Vec::new();
        let broken_off = |error: reqwest::Error| Error::BrokenOff(error.into());
        while let Some(chunk) = response.chunk().await.map_err(broken_off)? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status: status.as_u16(),
            status_text: status.to_string(),
            content_type,
            body: body.into(),
        })
    }

    /// Reads a resource of any type from a path below `/api/v1`.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::InvalidId`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.call(Method::GET, path, None::<&()>).await?.json()
    }

    /// Sends a body to a path below `/api/v1`.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::InvalidId`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.call(Method::POST, path, Some(body)).await?.json()
    }

    /// Changes a resource at a path below `/api/v1`.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::InvalidId`].
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.call(Method::PATCH, path, Some(body)).await?.json()
    }

    /// Deletes a resource at a path below `/api/v1`.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::InvalidId`].
    pub async fn delete(&self, path: &str) -> Result<(), Error> {
        let response = self.call(Method::DELETE, path, None::<&()>).await?;
        response.success().map(|_| ())
    }
}

impl Response {
    /// The answer, if its status is one of success (200 to 299).
    ///
    /// # Errors
    /// [`Error::Refused`] for any other status.
    pub fn success(self) -> Result<Self, Error> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let problem = Problem::of(self.status, &self.status_text, &self.body);
        Err(Error::Refused(problem))
    }

    /// The body of a successful answer, read as JSON.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::NotUnderstood`].
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let body = self.success()?.body;
        serde_json::from_slice(&body).map_err(|error| Error::NotUnderstood(error.into()))
    }
}
