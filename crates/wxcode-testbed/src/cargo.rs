//! Cargo, started by a test.

use std::process::Command;

/// A `cargo` without the variables of the running test's package. Build scripts of dependencies
/// look at these variables: with other values, cargo would compile `ring` and all its dependents
/// again, and once more in the next call from outside.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let is_of_package = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if is_of_package {
            command.env_remove(name);
        }
    }
    command
}
