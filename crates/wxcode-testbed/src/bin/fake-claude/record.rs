//! What the agent took and where it stands, in a file that nothing but agents writes: the truth that others are compared with.

use std::{fs, io::Write as _, path::PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

/// The file of the mode `record`, below the folder that the agent works in; none without the mode.
#[derive(Debug, Default)]
pub(crate) struct Record(pub(crate) Option<PathBuf>);

impl Record {
    /// A prompt was submitted to it. It is written before any hook tells of it.
    pub(crate) fn took(&self, conversation: Uuid, text: &str) {
        self.add(json!({ "took": text, "conversation": conversation }));
    }

    /// A conversation began, or goes on; `told` is whether the hooks that said so were heard.
    pub(crate) fn began(&self, conversation: Uuid, source: &str, told: bool) {
        self.add(json!({ "began": conversation, "source": source, "told": told }));
    }

    fn add(&self, mut line: Value) {
        let Some(path) = &self.0 else { return };
        line["pid"] = std::process::id().into();
        let file = fs::File::options().create(true).append(true).open(path);
        // One write, so that no line is torn. Without its record a test cannot go on, but the agent does.
        let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written {
            eprintln!("{}: {error}", path.display());
        }
    }
}
