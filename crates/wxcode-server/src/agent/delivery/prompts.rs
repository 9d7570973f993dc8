//! The newest submitted prompts of a session, for confirming a delivery that the store could not
//! load yet.

use std::{collections::VecDeque, path::PathBuf};

/// Prompts kept, the newest.
const PROMPTS_MAX: usize = 256;
/// Bytes of all kept prompts, unless the newest alone has more: the largest hook, and many of a
/// usual size.
const BYTES_MAX: usize = 8 << 20; // 8 MiB

/// A prompt reported by the agent's hook.
#[derive(Debug, Clone, Default)]
pub(in crate::agent) struct ReportedPrompt {
    /// The number of the hook.
    pub(in crate::agent) seq: u64,
    pub(in crate::agent) text: String,
    /// Claude Code's id of the prompt.
    pub(in crate::agent) prompt_id: Option<String>,
    pub(in crate::agent) transcript: Option<PathBuf>,
    /// Whether a turn ran already.
    pub(in crate::agent) in_turn: bool,
}

/// The newest reported prompts.
#[derive(Debug, Default)]
pub(in crate::agent) struct Prompts {
    kept: VecDeque<ReportedPrompt>,
    bytes: usize,
}

impl Prompts {
    /// Keeps a prompt.
    pub(in crate::agent) fn keep(&mut self, prompt: ReportedPrompt) {
        self.bytes += prompt.text.len();
        self.kept.push_back(prompt);
        while self.kept.len() > PROMPTS_MAX || (self.bytes > BYTES_MAX && self.kept.len() > 1) {
            let oldest = self.kept.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| oldest.text.len());
        }
    }

    /// Prompts of hooks after this hook, or all.
    pub(in crate::agent) fn after(
        &self,
        after: Option<u64>,
    ) -> impl Iterator<Item = &ReportedPrompt> {
        let is_after = move |prompt: &&ReportedPrompt| after.is_none_or(|after| prompt.seq > after);
        self.kept.iter().filter(is_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_prompts_fit_count_and_bytes() {
        let mut prompts = Prompts::default();
        let prompt = |seq, text: &str| ReportedPrompt {
            seq,
            text: text.to_owned(),
            ..ReportedPrompt::default()
        };
        for seq in 1..=1_000 {
            prompts.keep(prompt(seq, "short"));
        }
        assert_eq!(prompts.after(None).count(), PROMPTS_MAX);
        assert_eq!(prompts.after(Some(998)).count(), 2);
        let long = "x".repeat(BYTES_MAX / 4);
        for seq in 1_001..=1_020 {
            prompts.keep(prompt(seq, &long));
        }
        assert_eq!(prompts.after(None).count(), 4);
        let all: usize = prompts.kept.iter().map(|kept| kept.text.len()).sum();
        assert_eq!((all, prompts.bytes), (BYTES_MAX, BYTES_MAX));
        prompts.keep(prompt(1_021, &"x".repeat(2 * BYTES_MAX)));
        assert_eq!(prompts.after(None).count(), 1, "the newest always");
    }
}
