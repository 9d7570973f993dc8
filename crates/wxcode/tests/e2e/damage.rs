//! Damaged folders.
