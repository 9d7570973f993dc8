//! The modes of `FAKE_CLAUDE`.

use std::path::PathBuf;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Modes {
    pub(crate) trust: bool,
    pub(crate) auto_offer: bool,
    /// The auto-mode offer opens before the first text, and swallows the text.
    pub(crate) ambush: bool,
    pub(crate) slow_start: Option<String>,
    pub(crate) never_ready: bool,
    pub(crate) exit: Option<u8>,
    pub(crate) ignore_term: bool,
    pub(crate) daemon: Option<String>,
    pub(crate) swallow_cr: bool,
    /// Ignores every Enter.
    pub(crate) no_return: bool,
    /// Cannot stash a draft.
    pub(crate) no_stash: bool,
    /// Shows a suggestion in the empty box.
    pub(crate) placeholder: bool,
    pub(crate) mute: bool,
    /// Reports the agent's status in the terminal.
    pub(crate) status: bool,
    /// Runs in the permission mode `auto`: asks for permission without a hook.
    pub(crate) auto: bool,
    /// The agent's record stays busy while a dialog is open.
    pub(crate) frozen: bool,
    /// Ends turns without a hook.
    pub(crate) endless: bool,
    /// Reports a typed text as a wakeup's prompt at each Enter, and ignores the Enter.
    pub(crate) wakes: bool,
    /// Keeps no transcript.
    pub(crate) no_transcript: bool,
    pub(crate) deaf: usize,
    /// The file with the report for the status line.
    pub(crate) line: Option<PathBuf>,
    /// The file of the agent's record.
    pub(crate) record: Option<PathBuf>,
}

impl Modes {
    /// Parses the comma list; the error is the unknown word.
    pub(crate) fn parse(list: &str) -> Result<Self, String> {
        let mut modes = Self::default();
        for word in list.split(',').filter(|word| !word.is_empty()) {
            let unknown = || word.to_owned();
            match word.split_once('=') {
                None => match word {
                    "trust" => modes.trust = true,
                    "auto-offer" => modes.auto_offer = true,
                    "ambush" => modes.ambush = true,
                    "never-ready" => modes.never_ready = true,
                    "ignore-term" => modes.ignore_term = true,
                    "swallow-cr" => modes.swallow_cr = true,
                    "no-return" => modes.no_return = true,
                    "no-stash" => modes.no_stash = true,
                    "placeholder" => modes.placeholder = true,
                    "no-transcript" => modes.no_transcript = true,
                    "wakes" => modes.wakes = true,
                    "mute" => modes.mute = true,
                    "status" => modes.status = true,
                    "auto" => modes.auto = true,
                    "frozen" => modes.frozen = true,
                    "endless" => modes.endless = true,
                    _ => return Err(unknown()),
                },
                Some((name, value)) => match name {
                    "slow-start" => modes.slow_start = Some(value.to_owned()),
                    "deaf" => modes.deaf = value.parse().map_err(|_| unknown())?,
                    "daemon" => modes.daemon = Some(value.to_owned()),
                    "line" => modes.line = Some(value.into()),
                    "record" => modes.record = Some(value.into()),
                    "exit" => modes.exit = Some(value.parse().map_err(|_| unknown())?),
                    _ => return Err(unknown()),
                },
            }
        }
        Ok(modes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_flags_and_values_and_refuses_the_rest() {
        let modes = Modes::parse("trust,slow-start=/tmp/f,exit=3").unwrap();
        assert_eq!(
            (modes.trust, modes.slow_start.as_deref(), modes.exit),
            (true, Some("/tmp/f"), Some(3))
        );
        assert_eq!(Modes::parse("").unwrap(), Modes::default());
        assert_eq!(Modes::parse("trust,typo"), Err("typo".to_owned()));
        assert_eq!(Modes::parse("exit=300"), Err("exit=300".to_owned()));
    }
}
