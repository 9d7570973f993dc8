//! End-to-end tests: the real program over HTTP and WebSocket, with a fake agent and with the real
//! Claude Code.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod access;
mod answer;
mod api;
mod attach;
mod caddy;
mod changes;
mod client;
mod clock;
mod commands;
mod conversation;
mod copy_clock;
mod copy_limits;
mod copy_mishaps;
mod credentials;
mod damage;
mod damaged_copy;
mod deception;
mod deletion;
mod delivery;
mod doctor;
mod ending;
mod environment;
mod events;
mod failed_start;
mod fields;
mod filters;
mod foreign;
mod front;
mod gsd;
mod hibernation;
mod identity;
mod intrusion;
mod limit;
mod local;
mod log;
mod looking;
mod machine;
mod managed;
mod metrics;
mod milestone;
mod mirror;
mod mishap;
mod model;
mod mongodb;
mod network;
mod nginx;
mod nodes;
mod notify;
mod order;
mod page;
mod planning;
mod pressure;
mod private;
mod projects;
mod queue;
mod real;
mod reboot;
mod recording;
mod resources;
mod retention;
mod roles;
mod run;
mod search;
mod secure_client;
mod service;
mod session;
mod settings;
mod shell;
mod silence;
mod sources;
mod start;
mod status;
mod status_line;
mod support;
mod survival;
mod terminal;
mod tls;
mod trouble;
mod trust;
mod turns;
mod upgrade;
mod uploads;
mod usage;
mod usage_metrics;
mod waiting_texts;
mod wire;
mod workspaces;
