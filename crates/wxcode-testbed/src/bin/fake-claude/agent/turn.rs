//! Turns: the effects of a prompt.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader},
};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Agent, Next, View};
use crate::{
    dialog::{Dialog, Kind},
    event::{self, Event},
    tool,
};

impl Agent {
    /// Begins the next queued turn, if any.
    pub(super) fn next_queued(&mut self) -> io::Result<Next> {
        match self.queued.pop_front() {
            Some(text) => self.submit(&text),
            None => Ok(Next::Go),
        }
    }

    pub(super) fn submit(&mut self, text: &str) -> io::Result<Next> {
        self.prompt_id = Some(Uuid::new_v4());
        self.record.took(self.conversation.id, text);
        if let Some(line) = text.strip_prefix('/') {
            let name = line.split_whitespace().next().unwrap_or_default();
            match name {
                "clear" => return self.clear(),
                "exit" => return Ok(self.end("prompt_input_exit", 0)),
                "compact" => {
                    let words = line["compact".len()..].trim();
                    let fields = json!({ "trigger": "manual", "custom_instructions": words });
                    self.hook("PreCompact", fields);
                    self.begin("compact");
                    return self.idle();
                }
                "model" => {
                    let words = line["model".len()..].trim();
                    self.conversation.ran("model", words)?;
                    self.screen
                        .say(&format!("❯ {text}\n  ⎿  Set model to {words}"));
                    return self.idle();
                }
                // Known, without a hook and a record.
                "quiet" => return self.idle(),
                _ if !self.conversation.has_command(name) => {
                    self.conversation
                        .told(&format!("Unknown command: /{name}"))?;
                    self.screen
                        .say(&format!("❯ {text}\n  ⎿  Unknown command: /{name}"));
                    return self.idle();
                }
                _ => {}
            }
        }
        self.view = View::Working;
        self.done = false;
        self.publish("busy")?;
        self.hook("UserPromptSubmit", json!({ "prompt": reported(text) }));
        if let Some(line) = text.strip_prefix('/') {
            let name = line.split_whitespace().next().unwrap_or_default();
            self.hook(
                "UserPromptExpansion",
                json!({ "prompt": text, "command_name": name }),
            );
        }
        self.report()?;
        self.conversation.user(text, self.prompt_id)?;
        self.screen.say(&format!("❯ {text}"));
        self.turn(text)
    }

    /// Takes a prompt into the turn in progress, and reports the prompt immediately.
    pub(super) fn steer(&mut self, text: &str) -> io::Result<Next> {
        self.record.took(self.conversation.id, text);
        self.hook("UserPromptSubmit", json!({ "prompt": reported(text) }));
        self.conversation.user(text, self.prompt_id)?;
        self.screen.say(&format!("❯ {text}"));
        Ok(Next::Go)
    }

    /// Carries out the prompt.
    fn turn(&mut self, text: &str) -> io::Result<Next> {
        let (word, argument) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        match word {
            "fake:flood" => {
                let count = argument.split(' ').next().unwrap_or_default();
                self.screen.flood(count.parse().unwrap_or(0))?;
            }
            "fake:exit" => return Ok(self.end("other", argument.parse().unwrap_or(1))),
            "fake:hold" => {
                event::wait_for(
                    argument.to_owned(),
                    vec![Event::Released],
                    self.events.clone(),
                );
                return Ok(Next::Go);
            }
            "fake:compact-later" => event::wait_for(
                argument.to_owned(),
                vec![Event::Compacting, Event::Compacted],
                self.events.clone(),
            ),
            "fake:write" => {
                self.hook("PreToolUse", tool::write(argument));
                if let Some(folder) = std::path::Path::new(argument).parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(argument, "written by the fake agent\n")?;
                self.hook("PostToolUse", tool::write(argument));
            }
            "fake:report" => {
                for line in BufReader::new(File::open(argument)?).lines() {
                    let mut fields: Value = serde_json::from_str(&line?)?;
                    if let Some(bytes) = fields["print"].as_str() {
                        self.screen.print(bytes.as_bytes())?;
                        continue;
                    }
                    let event = fields["hook_event_name"].take();
                    self.hook(event.as_str().unwrap_or_default(), without_name(fields));
                }
            }
            "fake:run" => {
                let tool = tool::bash(argument);
                self.hook("PreToolUse", tool.clone());
                tool::run(argument, &self.conversation.cwd)?;
                self.hook("PostToolUse", tool);
            }
            "fake:print" => {
                // Raw bytes, with \e for the escape character.
                let bytes = argument.replace("\\e", "\x1b").replace("\\a", "\x07");
                self.screen.print(bytes.as_bytes())?;
                return Ok(Next::Go);
            }
            "fake:limit" => {
                let words = "You've hit your 5-hour limit";
                let seconds = argument.parse().unwrap_or(0);
                self.conversation.limited(words, seconds)?;
                return self.fail("rate_limit", words);
            }
            "fake:fail" => {
                let (kind, words) = argument.split_once(' ').unwrap_or((argument, ""));
                return self.fail(kind, words);
            }
            "fake:permission" => return self.ask(Kind::Permission, tool::bash("echo hi")),
            "fake:permissions" => {
                // The real agent reports both permissions together, in any order.
                self.hook("PreToolUse", tool::bash("echo one"));
                self.hook("PermissionRequest", tool::bash("echo two"));
                return self.ask(Kind::OneOfTwo(1), tool::bash("echo one"));
            }
            "fake:question" => return self.ask(Kind::Question, tool::question()),
            _ => {}
        }
        let count = self.conversation.user_messages;
        let plural = if count == 1 { "" } else { "s" };
        self.screen.say(&format!(
            "● fake: {count} user message{plural}; last: {text}"
        ));
        self.finish_turn()
    }

    fn ask(&mut self, kind: Kind, tool: Value) -> io::Result<Next> {
        self.hook("PreToolUse", tool.clone());
        self.view = View::Dialog(Dialog::new(kind));
        self.draw()?;
        self.publish("waiting")?;
        // In this mode the real agent asks without the hook.
        if !self.modes.auto {
            self.hook("PermissionRequest", tool);
        }
        Ok(Next::Go)
    }

    /// Ends a turn with an error of the API.
    fn fail(&mut self, kind: &str, words: &str) -> io::Result<Next> {
        self.screen.say(&format!("● {words}"));
        let fields = json!({ "error": kind, "last_assistant_message": words });
        self.hook("StopFailure", fields);
        self.idle()
    }

    /// Ends a turn, except for an interrupted turn.
    pub(super) fn finish_turn(&mut self) -> io::Result<Next> {
        if matches!(self.view, View::Prompt) {
            return Ok(Next::Go);
        }
        self.conversation.assistant("done")?;
        self.show_line()?;
        if !self.modes.endless {
            self.hook(
                "Stop",
                json!({ "stop_hook_active": false, "last_assistant_message": "done" }),
            );
        }
        self.done = true;
        self.idle()
    }

    pub(super) fn idle(&mut self) -> io::Result<Next> {
        self.view = View::Prompt;
        self.publish("idle")?;
        self.next_queued()
    }

    fn clear(&mut self) -> io::Result<Next> {
        self.hook("SessionEnd", json!({ "reason": "clear" }));
        self.conversation.clear();
        self.screen.clear();
        self.begin("clear");
        self.idle()
    }
}

/// The fields of an event without the event's name.
fn without_name(mut fields: Value) -> Value {
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("hook_event_name");
    }
    fields
}

/// Most lines and bytes of a prompt reported unchanged.
const BARE_MAX: (usize, usize) = (3, 800);

/// A prompt as reported by the hook: without trailing white space, a long prompt in a wrapper.
fn reported(text: &str) -> String {
    if text.lines().count() > BARE_MAX.0 || text.len() > BARE_MAX.1 {
        format!(
            "\n\n<pasted_content id=\"fa4e\">\n{}\n</pasted_content id=\"fa4e\">\n",
            text.trim_end()
        )
    } else {
        text.trim_end().to_owned()
    }
}
