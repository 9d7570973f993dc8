//! `-p --output-format stream-json`: a turn with printed messages, and noise as from a terminal and
//! other programs.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    thread,
};

use serde_json::{Value, json};

use crate::{
    arguments::Arguments, conversation::Conversation, conversation::VERSION, event, mode::Modes,
    record::Record,
};

/// The id of every tool call.
const TOOL: &str = "toolu_fake";
/// Pieces of the init line.
const INIT_PIECES: usize = 7;

struct Printer {
    conversation: Conversation,
    record: Record,
}

/// Runs the turn to the end; returns the exit code.
pub(crate) fn run(arguments: &Arguments, modes: &Modes) -> io::Result<u8> {
    // Kept alive, so that signals are caught and have no effect.
    let _ignored = modes.ignore_term.then(event::signals).transpose()?;
    let conversation = match Conversation::open(arguments)? {
        Ok(conversation) => conversation,
        Err(message) => {
            eprintln!("\u{1b}[0m\u{1b}[31m{message}\u{1b}[39m\u{1b}[0m");
            return Ok(1);
        }
    };
    let record = Record(modes.record.clone());
    let mut printer = Printer {
        conversation,
        record,
    };
    let code = printer.turn(arguments.prompt.as_deref().unwrap_or_default())?;
    printer.write(b"\x1b[?25h")?;
    Ok(code)
}

impl Printer {
    fn turn(&mut self, prompt: &str) -> io::Result<u8> {
        let prompt = prompt.trim();
        let (word, argument) = prompt.split_once(' ').unwrap_or((prompt, ""));
        self.write(b"\x1b[2Ka warning\rfake: no JSON \xff\xfe\n\n")?;
        self.print(&json!({ "type": "system", "subtype": "hook_started", "session_id": self.conversation.id }))?;
        self.record.took(self.conversation.id, prompt);
        if word == "/clear" {
            self.print(
                &json!({ "type": "conversation_reset", "session_id": self.conversation.id }),
            )?;
            self.conversation.clear();
            self.init()?;
            return self.end(false, "", 0);
        }
        self.init()?;
        self.conversation.user(prompt, None)?;
        match word {
            "fake:exit" => {
                self.say("working")?;
                self.write(b"{\"type\":\"assistant\",\"message\":{\"con")?;
                eprintln!("\nfake: broken off");
                return Ok(argument.parse().unwrap_or(1));
            }
            "fake:error" => {
                self.say(argument)?;
                return self.end(true, argument, 1);
            }
            "fake:hold" => {
                self.say("holding")?;
                // Opening a FIFO for reading waits for a writer.
                File::open(argument)?;
            }
            "fake:forever" => {
                self.say("forever")?;
                loop {
                    thread::park();
                }
            }
            "fake:write" => {
                self.call(
                    "Write",
                    &json!({ "file_path": argument, "content": "written by the fake agent\n" }),
                )?;
                fs::write(argument, "written by the fake agent\n")?;
                self.back("done")?;
            }
            "fake:long" => {
                self.call("Read", &json!({ "file_path": "/long" }))?;
                self.back(&"x".repeat(argument.parse().unwrap_or(0)))?;
            }
            "fake:many" => {
                let (number, gate) = argument.split_once(' ').unwrap_or((argument, ""));
                for number in 0..number.parse().unwrap_or(0) {
                    self.say(&format!("message {number}"))?;
                }
                if !gate.is_empty() {
                    File::open(gate)?;
                }
            }
            _ => {}
        }
        let count = self.conversation.user_messages;
        let plural = if count == 1 { "" } else { "s" };
        let text = format!("fake: {count} user message{plural}; last: {prompt}");
        self.say(&text)?;
        self.conversation.assistant(&text)?;
        self.end(false, &text, 0)
    }

    /// The init line, in pieces.
    fn init(&self) -> io::Result<()> {
        self.record.began(self.conversation.id, "headless", true);
        let line = json!({
            "type": "system", "subtype": "init", "cwd": self.conversation.cwd, "session_id": self.conversation.id,
            "tools": ["Read", "Write", "é 日本"], "model": "fake", "claude_code_version": VERSION,
        });
        let line = format!("{line}\n").into_bytes();
        for piece in line.chunks(line.len().div_ceil(INIT_PIECES)) {
            self.write(piece)?;
        }
        Ok(())
    }

    fn say(&self, text: &str) -> io::Result<()> {
        self.assistant(&json!({ "type": "text", "text": text }))
    }

    fn call(&self, name: &str, input: &Value) -> io::Result<()> {
        self.assistant(&json!({ "type": "tool_use", "id": TOOL, "name": name, "input": input }))
    }

    fn back(&self, content: &str) -> io::Result<()> {
        let block = json!({ "type": "tool_result", "tool_use_id": TOOL, "content": content, "is_error": false });
        self.print(&json!({ "type": "user", "message": { "role": "user", "content": [block] }, "session_id": self.conversation.id }))
    }

    fn assistant(&self, block: &Value) -> io::Result<()> {
        let message = json!({ "role": "assistant", "content": [block] });
        self.print(&json!({ "type": "assistant", "message": message, "parent_tool_use_id": null, "session_id": self.conversation.id }))
    }

    /// The result; the first field is not the type.
    fn end(&self, is_error: bool, text: &str, code: u8) -> io::Result<u8> {
        let (id, text) = (self.conversation.id, json!(text));
        let line = format!(
            r#"{{"duration_api_ms":1,"session_id":"{id}","total_cost_usd":0.25,"is_error":{is_error},"num_turns":1,"subtype":"success","result":{text},"type":"result","duration_ms":12}}"#
        );
        self.write(format!("{line}\n").as_bytes())?;
        Ok(code)
    }

    fn print(&self, line: &Value) -> io::Result<()> {
        self.write(format!("{line}\n").as_bytes())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }
}
