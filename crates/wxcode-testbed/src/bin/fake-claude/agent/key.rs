//! The reaction to a key, in the prompt and in a dialog.

use std::io;

use serde_json::json;

use super::{Agent, Next, View};
use crate::{
    dialog::{Dialog, Kind},
    input::Key,
};

impl Agent {
    pub(super) fn prompt_key(&mut self, key: Key) -> io::Result<Next> {
        let clearing = std::mem::take(&mut self.clearing);
        match key {
            Key::Stash if self.modes.no_stash => {}
            // A second draft replaces the first draft.
            Key::Stash if self.input.is_empty() => self.input = std::mem::take(&mut self.stash),
            Key::Stash => self.stash = std::mem::take(&mut self.input),
            Key::Text(_) if std::mem::take(&mut self.ambush) => {
                self.view = View::Dialog(Dialog::new(Kind::AutoOffer));
            }
            Key::Text(text) => self.input.push_str(&text),
            Key::Backspace => drop(self.input.pop()),
            Key::Interrupt if self.input.is_empty() => return Ok(self.end("prompt_input_exit", 0)),
            Key::Interrupt => self.input.clear(),
            // An interrupted turn has no hook.
            Key::Escape if matches!(self.view, View::Working) => {
                self.screen.say("  ⎿  Interrupted");
                return self.idle();
            }
            Key::Escape if clearing => self.input.clear(),
            Key::Escape if !self.input.is_empty() => self.clearing = true,
            Key::Submit if self.modes.no_return => {}
            Key::Submit if self.modes.wakes => {
                let fields = json!({ "prompt": self.input, "source": "loop_wakeup" });
                self.hook("UserPromptSubmit", fields);
            }
            Key::Submit if self.swallow_cr && !self.input.is_empty() => self.swallow_cr = false,
            Key::Submit => {
                let text = std::mem::take(&mut self.input);
                if text.trim().is_empty() {
                    return Ok(Next::Go);
                }
                self.input = std::mem::take(&mut self.stash);
                if matches!(self.view, View::Working) && !text.starts_with('/') {
                    return self.steer(&text);
                }
                self.queued.push_back(text);
                if matches!(self.view, View::Prompt) {
                    return self.next_queued();
                }
            }
            Key::Escape | Key::Up | Key::Down => {}
        }
        Ok(Next::Go)
    }

    pub(super) fn dialog_key(
        &mut self,
        mut dialog: Dialog,
        key: &Key,
        source: &str,
    ) -> io::Result<Next> {
        if self.deaf > 0 {
            self.deaf -= 1;
            return Ok(Next::Go);
        }
        match key {
            Key::Up | Key::Down => {
                dialog.step(*key == Key::Down);
                self.view = View::Dialog(dialog);
                Ok(Next::Go)
            }
            Key::Submit => self.answer(dialog, source),
            Key::Escape if dialog.kind == Kind::Trust => Ok(Next::Exit(0)),
            Key::Escape if dialog.kind == Kind::AutoOffer => self.answer(dialog, source),
            Key::Escape => {
                self.screen.say("  ⎿  Interrupted");
                self.idle()
            }
            Key::Text(text) => match text.parse::<usize>() {
                Ok(number @ 1..) if number <= dialog.options().len() => {
                    dialog.selected = number - 1;
                    self.answer(dialog, source)
                }
                _ => Ok(Next::Go),
            },
            Key::Backspace | Key::Interrupt | Key::Stash => Ok(Next::Go),
        }
    }
}
