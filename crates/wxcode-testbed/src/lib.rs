//! Test equipment: the stub of the Messages API, the fake agent, the real Claude Code, terminals
//! for both, and the slope of a series.
//!
//! The testbed runs only in tests and by hand, so the testbed panics with a reason where going on
//! is impossible.

pub mod binary;
mod cargo;
pub mod certificate;
pub mod claude;
pub mod fake_agent;
pub mod gsd;
mod holder_program;
pub mod hook_log;
mod http;
pub mod mongodb;
pub mod other_build;
mod pipe;
pub mod proxy;
pub mod pty;
pub mod skip;
pub mod slope;
pub mod stub;
pub mod survival;

pub use cargo::cargo;
pub use claude::{Home, RealClaude};
pub use holder_program::holder_program;
pub use hook_log::HookLog;
pub use http::plain_http;
pub use other_build::other_build;
pub use pipe::full_pipe;
pub use pty::Terminal;
pub use skip::{skip, skip_extra};
pub use stub::Stub;
