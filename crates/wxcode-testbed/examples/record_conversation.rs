//! Records a conversation of a Claude Code against the stub, and prints its transcript without paths
//! and ids of this machine: `record_conversation CLAUDE`. `scripts/record-conversations` runs it for
//! several versions.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use wxcode_testbed::{Home, Stub};

/// The id in recorded conversations.
const ID: &str = "11111111-1111-4111-8111-111111111111";

/// The prompts, each a run of its own in the same conversation, with their flags.
const PROMPTS: [(&str, &[&str]); 9] = [
    ("Olá, plan the coração page", &[]),
    ("stub:bash echo from-the-shell", &["--allowedTools", "Bash"]),
    (
        "stub:write denied.txt",
        &["--disallowedTools", "Write(//**)"],
    ),
    ("stub:bash echo forbidden", &["--allowedTools", "Bash"]),
    ("tell a secret", &[]),
    ("/compact", &[]),
    ("after the compaction", &[]),
    (
        "stub:tools [[\"Bash\",{\"command\":\"echo one\"}],[\"Bash\",{\"command\":\"echo two\"}]]",
        &["--allowedTools", "Bash"],
    ),
    ("stub:error 400", &[]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let claude = std::env::args_os().nth(1);
    let claude = PathBuf::from(claude.ok_or("give the path of a claude")?);
    let stub = Stub::start_blocking()?;
    let home = Home::new(&stub.base_url())?;
    home.settings(&settings())?;
    let root = tempfile::tempdir()?;
    let workspace = fs::canonicalize(root.path())?.join("app");
    fs::create_dir(&workspace)?;
    home.trust(&workspace)?;
    let mut conversation = None;
    for (prompt, flags) in PROMPTS {
        let id = run(
            &claude,
            &home,
            &workspace,
            conversation.as_deref(),
            prompt,
            flags,
        )?;
        // Early versions go on under another id.
        conversation = id.or(conversation);
    }
    let id = conversation.ok_or("no run named its conversation")?;
    let transcript = find(&home, &id)?;
    let places = [
        (workspace.to_string_lossy().into_owned(), "/tmp/app"),
        (slug(&workspace), "-tmp-app"),
        (home.path().to_string_lossy().into_owned(), "/tmp/home"),
        (slug(home.path()), "-tmp-home"),
        (stub.base_url(), "http://127.0.0.1:1"),
        (id, ID),
    ];
    for line in fs::read_to_string(transcript)?.lines() {
        let entry: Value = serde_json::from_str(line)?;
        if is_of_the_conversation(&entry) {
            let clean = |text: String, (from, to): &(String, &str)| text.replace(from, to);
            println!("{}", places.iter().fold(line.to_owned(), clean));
        }
    }
    Ok(())
}

/// Whether an entry is no part of the API's requests and of the system prompt.
fn is_of_the_conversation(entry: &Value) -> bool {
    let kind = entry["type"].as_str().unwrap_or_default();
    let is_prompt = kind == "attachment" && entry["attachment"]["type"] != "queued_command";
    !is_prompt && !kind.starts_with("api-request")
}

/// Hooks that refuse a tool and a prompt.
fn settings() -> Value {
    let hook = |words: &str, reason: &str| {
        let command = format!("if grep -q '{words}'; then echo '{reason}' >&2; exit 2; fi");
        json!([{ "matcher": "", "hooks": [{ "type": "command", "command": command }] }])
    };
    json!({ "hooks": {
        "PreToolUse": hook("echo forbidden", "the house rules forbid it"),
        "UserPromptSubmit": hook("tell a secret", "no secrets please"),
    } })
}

/// Runs a prompt; returns the id of the conversation, if the run names it.
fn run(
    claude: &Path,
    home: &Home,
    workspace: &Path,
    conversation: Option<&str>,
    prompt: &str,
    flags: &[&str],
) -> Result<Option<String>, Box<dyn Error>> {
    let mut command = Command::new(claude);
    command
        .args(["-p", prompt, "--output-format", "json"])
        .args(flags);
    if let Some(id) = conversation {
        command.args(["--resume", id]);
    }
    let output = command
        .current_dir(workspace)
        .env_clear()
        .envs(home.env())
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{prompt}: {}", output.status);
    let last = said.lines().rev().find(|line| line.starts_with(['{', '[']));
    let report: Value = last.map_or(Ok(Value::Null), serde_json::from_str)?;
    let reports = match report {
        Value::Array(reports) => reports,
        report => vec![report],
    };
    let mut ids = reports.iter().rev().map(|report| &report["session_id"]);
    let id = ids.find_map(|id| id.as_str().map(str::to_owned));
    if id.is_none() {
        eprintln!("{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(id)
}

/// The name of a folder in Claude Code's list of projects.
fn slug(path: &Path) -> String {
    let text = path.to_string_lossy();
    let characters = text.chars();
    characters
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}

fn find(home: &Home, id: &str) -> Result<PathBuf, Box<dyn Error>> {
    for folder in fs::read_dir(home.config_dir().join("projects"))? {
        let path = folder?.path().join(format!("{id}.jsonl"));
        if path.exists() {
            return Ok(path);
        }
    }
    Err("the conversation has no transcript".into())
}
