//! The newest submitted prompts of a session, to confirm a delivery that the store could not load
//! yet.

use std::collections::VecDeque;

/// Prompts kept, the newest ones.
const PROMPTS_MAX: usize = 256;
/// Bytes of them together, unless the newest alone has more: the largest hook, and many of a usual
/// size.
const BYTES_MAX: usize = 8 << 20; // 8 MiB

/// Submitted prompts with the numbers of their hooks.
#[derive(Debug, Default)]
pub(in crate::agent) struct Prompts {
    kept: VecDeque<(u64, String)>,
    bytes: usize,
}

impl Prompts {
    /// Keeps the prompt of hook `seq`.
    pub(in crate::agent) fn keep(&mut self, seq: u64, text: &str) {
        self.bytes += text.len();
        self.kept.push_back((seq, text.to_owned()));
        while self.kept.len() > PROMPTS_MAX || (self.bytes > BYTES_MAX && self.kept.len() > 1) {
            let oldest = self.kept.pop_front();
            self.bytes -= oldest.map_or(0, |(_, text)| text.len());
        }
    }

    /// Prompts of hooks after this one, or all.
    pub(in crate::agent) fn after(&self, after: Option<u64>) -> impl Iterator<Item = &str> {
        let is_after = move |(seq, _): &&(u64, String)| after.is_none_or(|after| *seq > after);
        self.kept
            .iter()
            .filter(is_after)
            .map(|(_, text)| text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_prompts_fit_count_and_bytes() {
        let mut prompts = Prompts::default();
        for seq in 1..=1_000 {
            prompts.keep(seq, "short");
        }
        assert_eq!(prompts.after(None).count(), PROMPTS_MAX);
        assert_eq!(prompts.after(Some(998)).count(), 2);
        let long = "x".repeat(BYTES_MAX / 4);
        for seq in 1_001..=1_020 {
            prompts.keep(seq, &long);
        }
        assert_eq!(prompts.after(None).count(), 4);
        let all: usize = prompts.kept.iter().map(|(_, text)| text.len()).sum();
        assert_eq!((all, prompts.bytes), (BYTES_MAX, BYTES_MAX));
        prompts.keep(1_021, &"x".repeat(2 * BYTES_MAX));
        assert_eq!(prompts.after(None).count(), 1, "the newest always");
    }
}
