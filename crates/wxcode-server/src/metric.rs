//! The server's counters and measurements, for `/metrics`.
//!
//! Labels are closed sets: a state, a type, the template of a route. No label comes from a request.

mod label;
mod number;
mod process;
mod scrape;
mod usage;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::text,
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::Registry,
};
use wxcode_core::delivery::{Delivery, DeliveryState};
use wxcode_store::StoreError;

use label::{Build, Failed, Kind, Operation, Project, ProjectKind, Request, Route, State};
pub(crate) use label::{Cut, Refusal};
use number::signed;
pub(crate) use scrape::{Scrape, holders, scrape};

/// Bucket bounds of short times, in seconds: an operation of the store, a response.
const SHORT: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0,
];
/// Bucket bounds of waiting times, in seconds: a delivery may wait for a turn of hours.
const WAITING: [f64; 12] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0,
];

/// The metrics of a server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    /// Held during a scrape, from updating the gauges to their encoding.
    scrape: tokio::sync::Mutex<()>,
    // Updated when something happens.
    requests: Family<Request, Counter>,
    request_seconds: Family<Route, Histogram, Buckets>,
    refused: Family<Kind, Counter>,
    sent: Family<Kind, Counter>,
    waiting: Family<Kind, Gauge>,
    streams: Gauge,
    connections: Gauge,
    unauthenticated: Gauge,
    cut: Family<Kind, Counter>,
    notices: Family<Kind, Counter>,
    events: Family<Kind, Counter>,
    hooks: Family<Kind, Counter>,
    deliveries: Family<State, Counter>,
    submit_seconds: Histogram,
    store_seconds: Family<Operation, Histogram, Buckets>,
    store_errors: Family<Failed, Counter>,
    // Updated for each scrape.
    log_lines_lost: Counter,
    sessions: Family<State, Gauge>,
    agents: Family<State, Gauge>,
    clients: Gauge,
    projects_with_deliveries: Gauge,
    watched: Gauge,
    disk: Family<Kind, Gauge>,
    copy_dropped: Counter,
    copy_damaged: Family<Kind, Counter>,
    tokens: Family<ProjectKind, Gauge>,
    cost: Family<Project, Gauge<f64, AtomicU64>>,
    percent: Family<ProjectKind, Gauge<f64, AtomicU64>>,
    holders: Family<State, Gauge>,
    ring: Gauge,
    ring_max: Gauge,
    output: Gauge,
    input: Gauge,
    input_max: Gauge,
    process: process::Process,
}

/// Creates histograms with these buckets.
#[derive(Debug, Clone, Copy)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

impl Default for Inner {
    fn default() -> Self {
        let short = || Family::new_with_constructor(Buckets(&SHORT));
        let mut inner = Self {
            registry: Registry::default(),
            scrape: tokio::sync::Mutex::default(),
            requests: Family::default(),
            request_seconds: short(),
            refused: Family::default(),
            sent: Family::default(),
            waiting: Family::default(),
            streams: Gauge::default(),
            connections: Gauge::default(),
            unauthenticated: Gauge::default(),
            cut: Family::default(),
            notices: Family::default(),
            events: Family::default(),
            hooks: Family::default(),
            deliveries: Family::default(),
            submit_seconds: Histogram::new(WAITING),
            store_seconds: Family::new_with_constructor(Buckets(&SHORT)),
            store_errors: Family::default(),
            log_lines_lost: Counter::default(),
            sessions: Family::default(),
            agents: Family::default(),
            clients: Gauge::default(),
            projects_with_deliveries: Gauge::default(),
            watched: Gauge::default(),
            disk: Family::default(),
            copy_dropped: Counter::default(),
            copy_damaged: Family::default(),
            tokens: Family::default(),
            cost: Family::default(),
            percent: Family::default(),
            holders: Family::default(),
            ring: Gauge::default(),
            ring_max: Gauge::default(),
            output: Gauge::default(),
            input: Gauge::default(),
            input_max: Gauge::default(),
            process: process::Process::default(),
        };
        inner.register();
        inner
    }
}

impl Inner {
    fn register(&mut self) {
        let mut registry = Registry::default();
        self.process.register(&mut registry);
        let build = Info::new(Build {
            version: env!("CARGO_PKG_VERSION"),
        });
        let ours = registry.sub_registry_with_prefix("wxcode");
        ours.register("build", "The version that runs", build);
        macro_rules! register {
            ($($field:ident $name:literal $help:literal;)+) => {
                $(ours.register($name, $help, self.$field.clone());)+
            };
        }
        register! {
            requests "http_requests" "Answered requests, by method, template of the route and status";
            request_seconds "http_request_seconds" "Time until the head of the answer, by template of the route";
            refused "refused" "Refused logins and requests, by what was wrong: the login, the token, the host or origin";
            connections "http_connections" "Open connections, WebSockets among them";
            unauthenticated "http_connections_unauthenticated" "Open connections without an authenticated request so far";
            cut "http_connections_cut" "Connections that were refused or closed at a bound, by the bound";
            notices "notices" "Notices to webhooks and browsers: sent, failed attempts, and dropped at a bound or after a day";
            sent "client_sent_bytes" "Bytes of messages to terminal clients that their sockets took, by protocol";
            waiting "client_waiting_bytes" "Bytes of messages that wait for the sockets of terminal clients, by protocol";
            clients "clients" "Attached terminal clients";
            streams "event_streams" "Clients of event streams";
            events "events" "Published events, by type";
            hooks "hooks" "Hooks of agents read, by name; a new server reads its predecessor's again";
            deliveries "deliveries" "Deliveries that reached a state";
            submit_seconds "delivery_submit_seconds" "Time from queueing a delivery to its submission";
            projects_with_deliveries "projects_with_open_deliveries" "Projects with an open delivery";
            store_seconds "store_operation_seconds" "Time of an operation of the store";
            store_errors "store_errors" "Failed operations of the store";
            log_lines_lost "log_lines_lost" "Lines of the log that standard error refused, or did not take before the queue was full";
            sessions "sessions" "Sessions, by status; of ended ones the latest of each project";
            agents "agents" "Running agents, by state";
            watched "planning_watched_folders" "Watched planning folders";
            disk "disk_bytes" "Bytes in files: the events' logs, the sessions' logs, the hooks' journals";
            copy_dropped "conversation_copy_dropped_bytes" "Results of tools that were dropped from full copies of conversations";
            copy_damaged "conversation_copy_damaged_entries" "Entries of copies that were damaged on the disk: mended from their transcripts, or lost";
            tokens "project_tokens" "Tokens of a project whose settings ask for it, by kind";
            cost "project_cost_usd" "Cost of a project whose settings ask for it, in US dollars";
            percent "project_percent" "Used context and limits of a project whose settings ask for it";
            holders "holders" "Holders of running sessions that were asked for this scrape: answered, silent, or not asked";
            output "holder_output_bytes" "Bytes that the running agents have written";
            ring "holder_ring_bytes" "Output in the memory of the holders that answered";
            ring_max "holder_ring_bytes_max" "The same of the fullest holder";
            input "holder_input_waiting_bytes" "Input that waits in the holders that answered for agents to read it";
            input_max "holder_input_waiting_bytes_max" "The same of the fullest holder";
        }
        self.registry = registry;
    }
}

impl Metrics {
    /// Counts a response. `route` is the template, or `None`.
    pub(crate) fn answered(&self, method: &str, route: Option<&str>, status: u16, after: Duration) {
        let request = Request::new(method, route, status);
        let route = Route::of(&request);
        self.0.requests.get_or_create(&request).inc();
        let seconds = self.0.request_seconds.get_or_create(&route);
        seconds.observe(after.as_secs_f64());
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, what: Refusal) {
        self.0.refused.get_or_create(&Kind::of(what.as_str())).inc();
    }

    /// Counts a published event.
    pub(crate) fn published(&self, name: &'static str) {
        self.0.events.get_or_create(&Kind::of(name)).inc();
    }

    /// Counts a hook.
    pub(crate) fn hook(&self, name: &'static str) {
        self.0.hooks.get_or_create(&Kind::of(name)).inc();
    }

    /// Counts an event stream while the returned guard lives.
    pub(crate) fn stream(&self) -> Counted {
        Counted::new(&self.0.streams)
    }

    /// Counts a connection while the returned guard lives.
    pub(crate) fn connection(&self) -> Counted {
        Counted::new(&self.0.connections)
    }

    /// A connection is without authentication, for as long as the answer lives.
    pub(crate) fn unauthenticated(&self) -> Counted {
        Counted::new(&self.0.unauthenticated)
    }

    /// A connection was refused or closed at a bound.
    pub(crate) fn cut(&self, why: Cut) {
        self.0.cut.get_or_create(&Kind::of(why.as_str())).inc();
    }

    /// Counts an attempt to send a notice.
    pub(crate) fn notice_sent(&self, is_success: bool) {
        let kind = if is_success { "sent" } else { "failed" };
        self.0.notices.get_or_create(&Kind::of(kind)).inc();
    }

    /// Counts notices that were given up.
    pub(crate) fn notices_dropped(&self, count: u64) {
        self.0
            .notices
            .get_or_create(&Kind::of("dropped"))
            .inc_by(count);
    }

    /// Counters for a terminal client of a protocol.
    pub(crate) fn flow(&self, protocol: &'static str) -> Flow {
        let kind = Kind::of(protocol);
        Flow {
            sent: self.0.sent.get_or_create_owned(&kind),
            waiting: self.0.waiting.get_or_create_owned(&kind),
            here: 0,
        }
    }

    /// Runs an operation of the store; measures the operation's time and counts a failure.
    pub(crate) async fn timed<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = wxcode_store::Result<T>>,
    ) -> wxcode_store::Result<T> {
        let began = Instant::now();
        let result = work.await;
        let label = Operation { operation };
        let seconds = self.0.store_seconds.get_or_create(&label);
        seconds.observe(began.elapsed().as_secs_f64());
        drop(seconds);
        if let Err(error) = &result {
            let error = match error {
                StoreError::Unavailable(_) => "unavailable",
                StoreError::Corrupt(_) => "corrupt",
                StoreError::Refused(_) | StoreError::WorkspaceTaken { .. } => "refused",
            };
            let failed = Failed { operation, error };
            self.0.store_errors.get_or_create(&failed).inc();
        }
        result
    }

    /// Counts a delivery at its queueing or its end.
    pub(crate) fn delivery(&self, delivery: &Delivery) {
        let state = State::of(delivery.state.as_str());
        self.0.deliveries.get_or_create(&state).inc();
        if delivery.state == DeliveryState::Submitted {
            let took = delivery.updated_at.duration_since(delivery.created_at);
            self.0.submit_seconds.observe(took.as_secs_f64());
        }
    }

    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

/// A guard counted by a gauge.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts bytes on their way to a client.
#[derive(Debug)]
pub(crate) struct Flow {
    sent: Counter,
    waiting: Gauge,
    /// This client's waiting bytes.
    here: usize,
}

impl Flow {
    /// Counts a waiting message.
    pub(crate) fn push(&mut self, bytes: usize) {
        self.here += bytes;
        self.waiting.inc_by(signed(bytes));
    }

    /// Counts a written message.
    pub(crate) fn take(&mut self, bytes: usize) {
        self.here -= bytes.min(self.here);
        self.waiting.dec_by(signed(bytes));
        self.sent.inc_by(bytes as u64);
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.waiting.dec_by(signed(self.here));
    }
}
