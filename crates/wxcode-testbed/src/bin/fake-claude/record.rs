//! The agent's record of prompts and conversations. Only agents write this record, so tests can
//! compare other records with it.

use std::{fs, io::Write as _, path::PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

/// The file of the mode `record`, below the agent's working folder; `None` without the mode.
#[derive(Debug, Default)]
pub(crate) struct Record(pub(crate) Option<PathBuf>);

impl Record {
    /// Records a submitted prompt, before any hook reports it.
    pub(crate) fn took(&self, conversation: Uuid, text: &str) {
        self.add(json!({ "took": text, "conversation": conversation }));
    }

    /// Records the start or continuation of a conversation; `told` says whether the agent's hooks
    /// succeeded.
    pub(crate) fn began(&self, conversation: Uuid, source: &str, told: bool) {
        self.add(json!({ "began": conversation, "source": source, "told": told }));
    }

    fn add(&self, mut line: Value) {
        let Some(path) = &self.0 else { return };
        line["pid"] = std::process::id().into();
        let file = fs::File::options().create(true).append(true).open(path);
        // A single write, so that no line is torn. The agent goes on without the record; a test
        // cannot.
        let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written {
            eprintln!("{}: {error}", path.display());
        }
    }
}
