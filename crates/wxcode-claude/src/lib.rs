//! What wxcode knows of Claude Code: command lines, hooks, transcripts, dialogs.
