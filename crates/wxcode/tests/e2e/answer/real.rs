//! The same with the real Claude Code.
