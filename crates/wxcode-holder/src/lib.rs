//! The process that owns one session's PTY and outlives the server, and its client.
