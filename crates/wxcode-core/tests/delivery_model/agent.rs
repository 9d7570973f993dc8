//! The agent of the model: its prompt, its screen, and its reaction to keys.

use wxcode_core::delivery::machine::{Kept, Key, Prompt, Seen};

use crate::world::{Broken, Keystroke, Piece, UserKey, View, World};

impl World {
    /// The screen after the input taken so far.
    pub(crate) fn look(&self, at: usize) -> Seen {
        let prompt = match (self.view, &self.prompt[..]) {
            (View::Starting | View::Dialog | View::Dead, _) => Prompt::Nothing,
            (View::Working, []) => Prompt::Turn,
            (_, []) => Prompt::Empty,
            (_, [Piece::Text(text)]) if *text == at => Prompt::Text {
                offers_other: false,
                asks_to_clear: self.clearing,
            },
            (_, pieces) => Prompt::Draft {
                mark: pieces.len() as u64,
            },
        };
        let kept = match self.kept.is_empty() {
            true => Kept::No,
            false => Kept::Yes,
        };
        Seen { prompt, kept }
    }

    /// The agent takes a key.
    pub(crate) fn take(&mut self, key: Keystroke) -> Result<(), Broken> {
        let clearing = std::mem::take(&mut self.clearing);
        let by_user = matches!(key, Keystroke::User(_));
        let takes = matches!(self.view, View::Idle | View::Working);
        match key {
            _ if self.view == View::Dialog && by_user => {}
            Keystroke::Enter(_) if !self.takes_commands() => {
                return Err("never Enter into a dialog or a turn");
            }
            Keystroke::Enter(at) if self.prompt != [Piece::Text(at)] => {
                return Err("never Enter into a prompt that holds anything but the text");
            }
            Keystroke::Server(Key::Escape) if self.view != View::Idle => {
                return Err("never Esc into a dialog or a turn");
            }
            Keystroke::Server(Key::Escape) if !matches!(self.prompt[..], [Piece::Text(_)]) => {
                return Err("nothing of the user is cleared");
            }
            Keystroke::Server(Key::Escape) => match clearing {
                true => self.prompt.clear(),
                false => self.clearing = true,
            },
            Keystroke::Paste(_) if !self.takes_commands() => {
                return Err("never a paste into a dialog or a turn");
            }
            Keystroke::Paste(at) => {
                if !self.prompt.is_empty() {
                    return Err("nothing is merged with the text");
                }
                self.prompt.push(Piece::Text(at));
            }
            _ if !takes => {}
            Keystroke::User(UserKey::Character) => self.prompt.push(Piece::Typed),
            Keystroke::User(UserKey::Interrupt) => self.prompt.clear(),
            Keystroke::Server(Key::Stash) | Keystroke::User(UserKey::Stash) => {
                if self.prompt.is_empty() {
                    self.prompt = std::mem::take(&mut self.kept);
                } else {
                    if !by_user && !self.kept.is_empty() {
                        return Err("a draft that was put aside is not thrown away");
                    }
                    self.kept = std::mem::take(&mut self.prompt);
                }
            }
            Keystroke::Enter(_) | Keystroke::User(UserKey::Enter) => self.submit(),
        }
        Ok(())
    }

    /// Whether the server may type a text and submit the text.
    fn takes_commands(&self) -> bool {
        self.view == View::Idle || self.steer && self.view == View::Working
    }

    pub(crate) fn submit(&mut self) {
        let submitted = std::mem::take(&mut self.prompt);
        if submitted.is_empty() {
            return;
        }
        self.prompt = std::mem::take(&mut self.kept);
        let is_command = matches!(submitted[..], [Piece::Text(_)]);
        if !(self.unknown && is_command) {
            self.hooks.push(submitted);
            self.view = View::Working;
        }
    }
}
