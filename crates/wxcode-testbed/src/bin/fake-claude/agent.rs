//! The agent: the reaction to keys, signals and prompts.

mod key;
mod turn;

use std::{
    collections::VecDeque,
    fs::{self, File},
    io,
    sync::mpsc::{Receiver, SyncSender},
    thread,
};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    arguments::Arguments,
    conversation::Conversation,
    dialog::{Dialog, Kind},
    event::{self, Event},
    hooks::Hooks,
    input::{Key, Keyboard},
    mode::Modes,
    record::Record,
    screen::{InputBox, Screen},
    status::Reports,
    tool,
};

/// The receiver of the keys.
#[derive(Debug)]
enum View {
    /// The prompt is free.
    Prompt,
    /// A turn is in progress; the prompt queues text.
    Working,
    /// A dialog covers the prompt.
    Dialog(Dialog),
}

/// Whether the process goes on.
enum Next {
    Go,
    Exit(u8),
}

struct Agent {
    modes: Modes,
    conversation: Conversation,
    hooks: Hooks,
    screen: Screen,
    events: SyncSender<Event>,
    view: View,
    input: String,
    /// The stashed draft.
    stash: String,
    /// Esc was pressed on a text.
    clearing: bool,
    queued: VecDeque<String>,
    swallow_cr: bool,
    /// The auto-mode offer opens before the next text, and swallows the text.
    ambush: bool,
    /// Remaining keys that the dialogs ignore.
    deaf: usize,
    prompt_id: Option<Uuid>,
    record: Record,
    reports: Reports,
    /// The last turn ended by itself.
    done: bool,
}

/// Runs the agent to the end; returns the exit code.
pub(crate) fn run(arguments: Arguments, modes: Modes) -> io::Result<u8> {
    let mut conversation = match Conversation::open(&arguments)? {
        Ok(conversation) => conversation,
        Err(message) => {
            println!("{message}");
            return Ok(1);
        }
    };
    conversation.is_unkept = modes.no_transcript;
    let hooks = match &arguments.settings {
        Some(settings) if !modes.mute => Hooks::load(settings)?,
        _ => Hooks::default(),
    };
    let (sender, events) = event::signals()?;
    let screen = Screen::enter()?;
    if let Some(fifo) = &modes.slow_start {
        // Opening a FIFO for reading waits for a writer.
        File::open(fifo)?;
        screen.discard_input();
    }
    event::read_input(sender.clone());
    let (swallow_cr, ambush, deaf) = (modes.swallow_cr, modes.ambush, modes.deaf);
    let record = Record(modes.record.clone());
    let mut agent = Agent {
        modes,
        conversation,
        hooks,
        screen,
        events: sender,
        view: View::Prompt,
        input: String::new(),
        stash: String::new(),
        clearing: false,
        queued: arguments.prompt.clone().into_iter().collect(),
        swallow_cr,
        ambush,
        deaf,
        prompt_id: None,
        record,
        reports: Reports::default(),
        done: false,
    };
    if agent.modes.status {
        agent.reports.ask()?;
    }
    let source = if arguments.resume.is_some() {
        "resume"
    } else {
        "startup"
    };
    let code = agent.run(source, &events);
    agent.conversation.unpublish();
    code
}

impl Agent {
    fn run(&mut self, source: &'static str, events: &Receiver<Event>) -> io::Result<u8> {
        if self.modes.never_ready {
            self.screen.say("Starting…");
            self.screen.draw_log()?;
            self.wait_forever(events)
        } else {
            self.converse(source, events)
        }
    }

    /// Reads everything and does nothing until the end.
    fn wait_forever(&self, events: &Receiver<Event>) -> io::Result<u8> {
        loop {
            match events.recv() {
                Ok(Event::Asked(code)) if !self.modes.ignore_term => return Ok(code),
                Ok(Event::Gone) => return Ok(self.gone()),
                Ok(_) => {}
                Err(_) => return Ok(0),
            }
        }
    }

    fn converse(&mut self, source: &'static str, events: &Receiver<Event>) -> io::Result<u8> {
        let mut keyboard = Keyboard::default();
        if self.modes.trust {
            self.view = View::Dialog(Dialog::new(Kind::Trust));
        } else if let Next::Exit(code) = self.open(source)? {
            return Ok(code);
        }
        loop {
            self.draw()?;
            let next = match events.recv() {
                Ok(Event::Input(bytes)) => {
                    let bytes = self.reports.take_answer(bytes);
                    self.keys(keyboard.burst(&bytes), source)?
                }
                Ok(Event::Resized) => Next::Go,
                Ok(Event::Asked(_)) if self.modes.ignore_term => Next::Go,
                Ok(Event::Asked(code)) => self.end("other", code),
                Ok(Event::Released) => self.finish_turn()?,
                Ok(Event::Compacting) => {
                    self.view = View::Working;
                    self.publish("busy")?;
                    self.hook("PreCompact", json!({ "trigger": "auto" }));
                    Next::Go
                }
                Ok(Event::Compacted) => {
                    self.begin("compact");
                    self.idle()?
                }
                Ok(Event::Gone) => Next::Exit(self.gone()),
                Err(_) => Next::Exit(0),
            };
            if let Next::Exit(code) = next {
                return Ok(code);
            }
        }
    }

    /// The terminal is gone: an agent with ignored signals lives on.
    fn gone(&self) -> u8 {
        if self.modes.ignore_term {
            loop {
                thread::park();
            }
        }
        129
    }

    /// The folder is trusted, so the conversation begins.
    fn open(&mut self, source: &str) -> io::Result<Next> {
        self.view = View::Prompt;
        self.begin(source);
        self.show_line()?;
        self.publish("idle")?;
        if self.modes.auto_offer {
            self.view = View::Dialog(Dialog::new(Kind::AutoOffer));
            return Ok(Next::Go);
        }
        self.next_queued()
    }

    /// Updates the process's record; a frozen record stays busy after the beginning of the first
    /// turn.
    fn publish(&self, status: &str) -> io::Result<()> {
        if self.modes.frozen && status != "busy" && self.prompt_id.is_some() {
            return Ok(());
        }
        self.conversation.publish(status)
    }

    /// Reports the present status.
    fn report(&mut self) -> io::Result<()> {
        let (state, kind) = match self.view {
            View::Working => ("working", None),
            View::Prompt if self.done => ("done", None),
            View::Prompt => ("idle", None),
            View::Dialog(dialog) => match dialog.kind {
                Kind::Trust | Kind::Permission | Kind::OneOfTwo(_) => {
                    ("blocked", Some("permission"))
                }
                Kind::Question => ("blocked", Some("question")),
                Kind::AutoOffer => ("blocked", None),
            },
        };
        self.reports.report(state, kind)
    }

    /// Runs the status line command, in the mode with one.
    pub(super) fn show_line(&mut self) -> io::Result<()> {
        let Some(file) = &self.modes.line else {
            return Ok(());
        };
        let mut payload: Value = serde_json::from_slice(&fs::read(file)?)?;
        payload["session_id"] = json!(self.conversation.id);
        if let Some(line) = self
            .hooks
            .status_line(&payload)
            .filter(|line| !line.is_empty())
        {
            self.screen.say(&line);
        }
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        self.report()?;
        match self.view {
            View::Prompt | View::Working => self.screen.draw_prompt(&InputBox {
                text: &self.input,
                placeholder: self.modes.placeholder,
                stashed: !self.stash.is_empty(),
                clearing: self.clearing,
                working: matches!(self.view, View::Working),
            }),
            View::Dialog(dialog) => self
                .screen
                .draw_dialog(dialog, &format!(" {}", self.conversation.cwd.display())),
        }
    }

    fn keys(&mut self, keys: Vec<Key>, source: &str) -> io::Result<Next> {
        for key in keys {
            let next = match self.view {
                View::Dialog(dialog) => self.dialog_key(dialog, &key, source)?,
                View::Prompt | View::Working => self.prompt_key(key)?,
            };
            if let Next::Exit(code) = next {
                return Ok(Next::Exit(code));
            }
        }
        Ok(Next::Go)
    }

    fn answer(&mut self, dialog: Dialog, source: &str) -> io::Result<Next> {
        match dialog.kind {
            Kind::Trust if dialog.selected == 0 => Ok(Next::Exit(0)),
            Kind::Trust => self.open(source),
            Kind::AutoOffer => {
                self.view = View::Prompt;
                self.next_queued()
            }
            Kind::Permission | Kind::OneOfTwo(_) if dialog.selected == 1 => self.idle(),
            Kind::Permission => {
                self.hook("PostToolUse", tool::bash("echo hi"));
                self.finish_turn()
            }
            Kind::OneOfTwo(1) => {
                self.hook("PostToolUse", tool::bash("echo one"));
                self.view = View::Dialog(Dialog::new(Kind::OneOfTwo(2)));
                Ok(Next::Go)
            }
            Kind::OneOfTwo(_) => {
                self.hook("PostToolUse", tool::bash("echo two"));
                self.finish_turn()
            }
            Kind::Question => {
                self.hook("PostToolUse", tool::question());
                self.finish_turn()
            }
        }
    }

    fn end(&self, reason: &str, code: u8) -> Next {
        self.hook("SessionEnd", json!({ "reason": reason }));
        Next::Exit(code)
    }

    /// Reports the start or the continuation of the conversation.
    fn begin(&self, source: &str) {
        let told = self.hook("SessionStart", json!({ "source": source, "model": "fake" }));
        self.record.began(self.conversation.id, source, told);
    }

    /// Runs the hooks of an event; false if any hook reported an error.
    fn hook(&self, event: &str, fields: Value) -> bool {
        let mut payload = self.conversation.payload(event);
        if let Some(id) = self.prompt_id {
            payload["prompt_id"] = json!(id);
        }
        if self.modes.auto {
            payload["permission_mode"] = json!("auto");
        }
        if let (Value::Object(payload), Value::Object(fields)) = (&mut payload, fields) {
            payload.extend(fields);
        }
        self.hooks.run(event, &payload)
    }
}
