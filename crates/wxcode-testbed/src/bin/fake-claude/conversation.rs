//! The conversation: its id, its transcript, and the public record of the process.

use std::{
    cell::Cell,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::arguments::Arguments;

/// The fake's reported version.
pub(crate) const VERSION: &str = "2.1.332";

/// The conversation of the process.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) id: Uuid,
    pub(crate) cwd: PathBuf,
    /// The number of the user's messages.
    pub(crate) user_messages: usize,
    config_dir: PathBuf,
    /// The transcript of a resumed conversation, possibly below another folder's name.
    resumed: Option<PathBuf>,
    /// Whether nothing is written to the transcript.
    pub(crate) is_unkept: bool,
    /// The last entry of the transcript.
    last: Cell<Option<Uuid>>,
}

impl Conversation {
    /// Opens the named conversation; the inner error is the real one's message before exit 1.
    pub(crate) fn open(arguments: &Arguments) -> io::Result<Result<Self, String>> {
        let config_dir = env::var_os("CLAUDE_CONFIG_DIR")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".claude")))
            .ok_or_else(|| io::Error::other("HOME is not set"))?;
        let cwd = env::current_dir()?;
        let mut conversation = Self {
            id: Uuid::new_v4(),
            cwd,
            user_messages: 0,
            config_dir,
            resumed: None,
            is_unkept: false,
            last: Cell::new(None),
        };
        if let Some(id) = arguments.session_id {
            conversation.id = id;
            if conversation.transcript().exists() {
                return Ok(Err(format!("Error: Session ID {id} is already in use.")));
            }
        }
        if let Some(resume) = &arguments.resume {
            let unknown = || format!("No conversation found with session ID: {resume}");
            let Ok(id) = Uuid::parse_str(resume) else {
                return Ok(Err(unknown()));
            };
            conversation.id = id;
            conversation.resumed = conversation.find();
            let records = records(&conversation.transcript());
            let is_user = |record: &&Value| record["type"] == "user";
            conversation.user_messages = records.iter().filter(is_user).count();
            let mut ids = records.iter().rev().map(|record| &record["uuid"]);
            let last = ids.find_map(|id| Uuid::parse_str(id.as_str()?).ok());
            conversation.last.set(last);
            if conversation.user_messages == 0 {
                return Ok(Err(unknown()));
            }
        }
        Ok(Ok(conversation))
    }

    /// Begins a new conversation, as `/clear` does.
    pub(crate) fn clear(&mut self) {
        self.id = Uuid::new_v4();
        self.resumed = None;
        self.user_messages = 0;
        self.last.set(None);
    }

    /// The conversation's transcript in any folder, found like the real one does.
    fn find(&self) -> Option<PathBuf> {
        let name = format!("{}.jsonl", self.id);
        let folders = fs::read_dir(self.config_dir.join("projects")).ok()?;
        let mut paths = folders.flatten().map(|folder| folder.path().join(&name));
        paths.find(|path| path.is_file())
    }

    /// The transcript's path; the file exists from the first message on.
    pub(crate) fn transcript(&self) -> PathBuf {
        if let Some(resumed) = &self.resumed {
            return resumed.clone();
        }
        let slug: String = self
            .cwd
            .to_string_lossy()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        self.config_dir
            .join("projects")
            .join(slug)
            .join(format!("{}.jsonl", self.id))
    }

    /// The common fields of every hook of this name.
    pub(crate) fn payload(&self, event: &str) -> Value {
        json!({
            "session_id": self.id,
            "transcript_path": self.transcript(),
            "cwd": self.cwd,
            "hook_event_name": event,
            "permission_mode": "default",
        })
    }

    /// Adds a message of the user.
    pub(crate) fn user(&mut self, text: &str, prompt_id: Option<Uuid>) -> io::Result<()> {
        self.user_messages += 1;
        if self.user_messages == 1 {
            self.append(&json!({ "type": "mode", "mode": "normal", "sessionId": self.id }))?;
        }
        let message = json!({ "role": "user", "content": text });
        self.append(&json!({ "type": "user", "isSidechain": false, "message": message, "sessionId": self.id, "promptId": prompt_id }))
    }

    /// Adds a message of the agent.
    pub(crate) fn assistant(&self, text: &str) -> io::Result<()> {
        let message = json!({ "role": "assistant", "content": [{ "type": "text", "text": text }] });
        self.append(&json!({ "type": "assistant", "isSidechain": false, "message": message, "sessionId": self.id }))
    }

    /// Adds the record of a command that the agent carried out itself.
    pub(crate) fn ran(&self, name: &str, words: &str) -> io::Result<()> {
        let content = format!(
            "<command-name>/{name}</command-name>\n<command-message>{name}</command-message>\n<command-args>{words}</command-args>"
        );
        self.append(
            &json!({ "type": "system", "subtype": "local_command", "content": content,
            "isMeta": false, "sessionId": self.id }),
        )
    }

    /// Adds the record of the agent's own words to the user.
    pub(crate) fn told(&self, words: &str) -> io::Result<()> {
        self.append(
            &json!({ "type": "system", "subtype": "informational", "content": words,
            "level": "warning", "isMeta": false, "sessionId": self.id }),
        )
    }

    /// Adds the record of a usage limit that resets after some seconds.
    pub(crate) fn limited(&self, words: &str, seconds: u64) -> io::Result<()> {
        let reset = SystemTime::now() + Duration::from_secs(seconds);
        let reset = reset.duration_since(SystemTime::UNIX_EPOCH);
        let reset = reset.map_or(0, |time| time.as_secs());
        let message =
            json!({ "role": "assistant", "content": [{ "type": "text", "text": words }] });
        self.append(
            &json!({ "type": "assistant", "isSidechain": false, "message": message,
            "isApiErrorMessage": true, "error": "rate_limit", "apiErrorStatus": 429,
            "quotaLimits": { "status": "rejected", "resetsAt": reset }, "sessionId": self.id }),
        )
    }

    fn append(&self, record: &Value) -> io::Result<()> {
        if self.is_unkept {
            return Ok(());
        }
        let path = self.transcript();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut record = record.clone();
        let id = Uuid::new_v4();
        record["uuid"] = json!(id);
        record["parentUuid"] = json!(self.last.replace(Some(id)));
        record["timestamp"] = Timestamp::now().to_string().into();
        let mut file = fs::File::options().create(true).append(true).open(path)?;
        file.write_all(format!("{record}\n").as_bytes())
    }

    /// Writes the process's state to `sessions/<pid>.json`.
    pub(crate) fn publish(&self, status: &str) -> io::Result<()> {
        let path = self.status_file();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let document = json!({
            "pid": std::process::id(), "sessionId": self.id, "cwd": self.cwd, "version": version(),
            "kind": "interactive", "status": status, "procStart": proc_start().to_string(),
        });
        let new = path.with_extension("json.new");
        fs::write(&new, document.to_string())?;
        fs::rename(new, path)
    }

    /// Removes `sessions/<pid>.json`, as at the end.
    pub(crate) fn unpublish(&self) {
        let _ = fs::remove_file(self.status_file());
    }

    fn status_file(&self) -> PathBuf {
        self.config_dir
            .join("sessions")
            .join(format!("{}.json", std::process::id()))
    }

    /// Whether a slash command's file exists in the folder or in the configuration.
    pub(crate) fn has_command(&self, name: &str) -> bool {
        let safe = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'));
        let file = format!("commands/{}.md", name.replace(':', "/"));
        safe && [self.cwd.join(".claude"), self.config_dir.clone()]
            .iter()
            .any(|folder| folder.join(&file).exists())
    }
}

/// The reported version of the process.
pub(crate) fn version() -> String {
    env::var("FAKE_CLAUDE_VERSION").unwrap_or_else(|_| VERSION.to_owned())
}

/// The process's start time, in clock ticks since the boot.
fn proc_start() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let start = fields.split_whitespace().nth(19);
    start.and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

fn records(transcript: &Path) -> Vec<Value> {
    let text = fs::read_to_string(transcript).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
