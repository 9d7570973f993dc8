//! Compares what the hooks said of the conversation with what the processes themselves say, and words the warning.

use uuid::Uuid;

use super::claim::Claims;

/// How often the records are compared while nothing else asks for it, in milliseconds.
const INTERVAL_MS: u64 = 15_000;
/// How soon they are compared again after a change or a difference, in milliseconds: they lag a little behind the hooks.
const AGAIN_MS: u64 = 1_000;

/// What the comparisons so far came to.
#[derive(Debug)]
pub(super) struct CrossCheck {
    due: u64,
    /// The last comparison found this; the second time in a row it is a warning.
    suspicion: Option<String>,
    warning: Option<String>,
}

impl Default for CrossCheck {
    fn default() -> Self {
        // Not at once: after a restart many sessions are taken up together.
        Self {
            due: AGAIN_MS,
            suspicion: None,
            warning: None,
        }
    }
}

impl CrossCheck {
    /// The conversation has changed: it is compared soon, and what was found before does not count.
    pub(super) fn changed(&mut self, now: u64) {
        self.due = now + AGAIN_MS;
        self.suspicion = None;
    }

    /// When the next comparison is due.
    pub(super) const fn due(&self) -> u64 {
        self.due
    }

    /// Takes a comparison; true when [`Self::warning`] has changed. `None` where nothing could be read.
    pub(super) fn compare(&mut self, current: Uuid, claims: Option<&Claims>, now: u64) -> bool {
        let found = claims.and_then(|claims| finding(current, claims));
        self.due = now
            + if found.is_some() {
                AGAIN_MS
            } else {
                INTERVAL_MS
            };
        let lasts = found.is_some() && found == self.suspicion;
        self.suspicion.clone_from(&found);
        let warning = if lasts || found.is_none() {
            found
        } else {
            return false;
        };
        std::mem::replace(&mut self.warning, warning) != self.warning
    }

    /// What is wrong, and what to do.
    pub(super) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }
}

fn finding(current: Uuid, claims: &Claims) -> Option<String> {
    if let Some(pid) = claims.others.iter().min() {
        return Some(format!(
            "another claude (process {pid}) runs the conversation of this project too, and what both say gets mixed up in it: end that one"
        ));
    }
    let (_, own) = claims.own.as_ref()?;
    (own.session_id != current).then(|| {
        format!(
            "the agent says that its conversation is {}, but its hooks reported {current} last: look into its terminal; if it is the wrong conversation, end the session and start it again",
            own.session_id
        )
    })
}

#[cfg(test)]
mod tests {
    use wxcode_claude::running::{Running, Status};

    use super::*;

    const CURRENT: Uuid = Uuid::from_u128(1);

    fn claims(own: u128, others: &[u32]) -> Claims {
        Claims {
            own: Some((
                1,
                Running {
                    started: None,
                    session_id: Uuid::from_u128(own),
                    cwd: None,
                    status: Status::Idle,
                    waiting_for: None,
                    version: None,
                },
            )),
            others: others.to_vec(),
        }
    }

    #[test]
    fn a_difference_that_lasts_is_a_warning_until_it_is_gone() {
        let mut check = CrossCheck::default();
        assert!(!check.compare(CURRENT, Some(&claims(1, &[])), 0));
        assert_eq!(check.due(), INTERVAL_MS);
        assert!(!check.compare(CURRENT, Some(&claims(2, &[])), 10), "once");
        assert_eq!((check.due(), check.warning()), (10 + AGAIN_MS, None));
        assert!(check.compare(CURRENT, Some(&claims(2, &[])), 20));
        assert!(check.warning().unwrap().contains("its hooks reported"));
        assert!(
            !check.compare(CURRENT, Some(&claims(2, &[])), 30),
            "no news"
        );
        assert!(check.compare(CURRENT, Some(&claims(1, &[])), 40));
        assert_eq!((check.due(), check.warning()), (40 + INTERVAL_MS, None));
    }

    #[test]
    fn a_record_that_lags_behind_the_hook_is_no_difference() {
        let mut check = CrossCheck::default();
        check.compare(CURRENT, Some(&claims(2, &[])), 0);
        check.changed(1);
        assert!(!check.compare(CURRENT, Some(&claims(2, &[])), 2));
        assert!(!check.compare(CURRENT, Some(&claims(1, &[])), 3));
        assert_eq!(check.warning(), None);
    }

    #[test]
    fn another_process_is_named() {
        let mut check = CrossCheck::default();
        for now in 0..2 {
            check.compare(CURRENT, Some(&claims(1, &[12, 7])), now);
        }
        assert!(check.warning().unwrap().contains("(process 7)"));
        assert!(
            check.compare(CURRENT, None, 3),
            "nothing to be read is no warning"
        );
    }
}
