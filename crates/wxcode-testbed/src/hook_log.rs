//! A hook command that stores every payload in a folder, so that tests can wait for a payload.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::pty::WAIT_MAX;

/// The polling interval.
const POLL: Duration = Duration::from_millis(5);

/// The payloads of hooks, in order of arrival.
#[derive(Debug)]
pub struct HookLog {
    folder: TempDir,
}

impl HookLog {
    /// An empty log.
    ///
    /// # Errors
    /// No temporary folder can be created.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            folder: tempfile::Builder::new().prefix("wxcode-hooks-").tempdir()?,
        })
    }

    /// The shell command for the settings.
    #[must_use]
    pub fn command(&self) -> String {
        // A payload appears whole under its final name; final names sort by time.
        let folder = self.folder.path().display();
        format!(
            "f=$(mktemp '{folder}/.XXXXXX') && cat >\"$f\" && mv \"$f\" '{folder}'/$(date +%s%N).$$"
        )
    }

    /// As [`Self::command`]; the payloads also carry the parent of the hook's shell in
    /// `hook_parent`.
    #[must_use]
    pub fn command_with_parent(&self) -> String {
        let folder = self.folder.path().display();
        format!(
            "f=$(mktemp '{folder}/.XXXXXX') && sed '$ s/}}[[:space:]]*$/,\"hook_parent\":'$PPID'}}/' >\"$f\" && mv \"$f\" '{folder}'/$(date +%s%N).$$"
        )
    }

    /// A folder for the settings file and other files of the test, apart from the payloads.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// All payloads so far, as bytes.
    #[must_use]
    pub fn payloads(&self) -> Vec<Vec<u8>> {
        let Ok(entries) = fs::read_dir(self.folder.path()) else {
            return Vec::new();
        };
        let is_payload = |name: &str| name.starts_with(|c: char| c.is_ascii_digit());
        let mut names: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_str().is_some_and(is_payload))
            .map(|entry| entry.path())
            .collect();
        names.sort();
        names
            .into_iter()
            .filter_map(|name| fs::read(name).ok())
            .collect()
    }

    /// All payloads so far.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.payloads()
            .iter()
            .filter_map(|payload| serde_json::from_slice(payload).ok())
            .collect()
    }

    /// Waits for the first event, past or future, accepted by `wanted`.
    ///
    /// # Panics
    /// After [`WAIT_MAX`].
    pub fn wait_for(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            if let Some(event) = self.events().into_iter().find(&wanted) {
                return event;
            }
            assert!(
                Instant::now() < deadline,
                "no such hook within {WAIT_MAX:?}; there were: {:#?}",
                self.events()
            );
            thread::sleep(POLL);
        }
    }

    /// Waits for the `count`-th event of a name, counted from 1.
    ///
    /// # Panics
    /// After [`WAIT_MAX`].
    pub fn wait_nth(&self, name: &str, count: usize) -> Value {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let mut named = self
                .events()
                .into_iter()
                .filter(|event| event["hook_event_name"] == name);
            if let Some(event) = named.nth(count - 1) {
                return event;
            }
            assert!(
                Instant::now() < deadline,
                "no {name} {count} within {WAIT_MAX:?}: {:#?}",
                self.events()
            );
            thread::sleep(POLL);
        }
    }
}
