//! Compares the conversation of the hooks with the processes' own records, and words the warning.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::agent::monitor::owner::Owners;

/// Time between two comparisons without another reason.
const INTERVAL: Duration = Duration::from_secs(15);
/// Time to the next comparison after a change or a difference: records lag slightly after
/// hooks.
const AGAIN: Duration = Duration::from_secs(1);

/// The result of the comparisons so far.
#[derive(Debug)]
pub(in crate::agent) struct CrossCheck {
    due: Instant,
    /// The last difference; found twice in a row, a difference becomes a warning.
    suspicion: Option<Finding>,
    warning: Option<Finding>,
    /// Whether a fork of the conversation was reported, and the agent has not continued since.
    forked: bool,
}

/// A fault in the conversation's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    /// The fault, and its remedy.
    text: String,
    /// Whether another process goes on with the conversation, instead of the agent or beside it.
    elsewhere: bool,
}

/// The warning of a conversation continued by another process.
const ELSEWHERE: &str = "Claude Code has moved the conversation into its background (`claude agents`), and what is said there does not come back to this session: end the session and start it again to go on with the conversation as it was before";

impl Default for CrossCheck {
    fn default() -> Self {
        // Not at once: after a restart many sessions are adopted together.
        Self {
            due: Instant::now() + AGAIN,
            suspicion: None,
            warning: None,
            forked: false,
        }
    }
}

impl CrossCheck {
    /// The conversation changed: compare soon, and drop the last difference.
    pub(in crate::agent) fn changed(&mut self, now: Instant) {
        self.due = now + AGAIN;
        self.suspicion = None;
    }

    /// A foreign process began a conversation: compare soon.
    pub(in crate::agent) fn hurry(&mut self, now: Instant) {
        self.due = self.due.min(now + AGAIN);
    }

    /// A fork of the conversation began.
    pub(in crate::agent) const fn forked(&mut self) {
        self.forked = true;
    }

    /// The agent itself goes on with the conversation.
    pub(in crate::agent) const fn went_on(&mut self) {
        self.forked = false;
    }

    /// Whether another process goes on with the conversation, instead of the agent or beside it.
    pub(in crate::agent) fn is_elsewhere(&self) -> bool {
        self.forked || self.warning.as_ref().is_some_and(|found| found.elsewhere)
    }

    /// The time of the next comparison.
    pub(in crate::agent) const fn due(&self) -> Instant {
        self.due
    }

    /// Takes a comparison; returns whether [`Self::warning`] changed. `None` when the records could
    /// not be read.
    pub(in crate::agent) fn compare(
        &mut self,
        current: Uuid,
        owners: Option<&Owners>,
        now: Instant,
    ) -> bool {
        let found = owners.and_then(|owners| finding(current, owners));
        self.due = now + if found.is_some() { AGAIN } else { INTERVAL };
        let lasts = found.is_some() && found == self.suspicion;
        self.suspicion.clone_from(&found);
        let warning = if lasts || found.is_none() {
            found
        } else {
            return false;
        };
        std::mem::replace(&mut self.warning, warning) != self.warning
    }

    /// The problem and its remedy.
    pub(in crate::agent) fn warning(&self) -> Option<&str> {
        if self.forked {
            return Some(ELSEWHERE);
        }
        self.warning.as_ref().map(|found| found.text.as_str())
    }
}

fn finding(current: Uuid, owners: &Owners) -> Option<Finding> {
    if owners.own.as_ref().is_some_and(|(_, own)| own.parked) {
        return Some(Finding {
            text: ELSEWHERE.to_owned(),
            elsewhere: true,
        });
    }
    if let Some(pid) = owners.others.iter().min() {
        return Some(Finding {
            text: format!(
                "another claude (process {pid}) runs the conversation of this project too, and what both say gets mixed up in it: end that one"
            ),
            elsewhere: true,
        });
    }
    let (_, own) = owners.own.as_ref()?;
    (own.session_id != current).then(|| Finding {
        text: format!(
            "the agent says that its conversation is {}, but its hooks reported {current} last: look into its terminal; if it is the wrong conversation, end the session and start it again",
            own.session_id
        ),
        elsewhere: false,
    })
}

#[cfg(test)]
mod tests {
    use wxcode_claude::running::{Running, Status};

    use super::*;

    const CURRENT: Uuid = Uuid::from_u128(1);

    /// Instants of a test, by milliseconds.
    fn clock() -> impl Fn(u64) -> Instant {
        let start = Instant::now();
        move |ms| start + Duration::from_millis(ms)
    }

    fn owners(own: u128, others: &[u32]) -> Owners {
        Owners {
            own: Some((
                1,
                Running {
                    started: None,
                    session_id: Uuid::from_u128(own),
                    cwd: None,
                    status: Status::Idle,
                    waiting_for: None,
                    version: None,
                    parked: false,
                },
            )),
            others: others.to_vec(),
        }
    }

    #[test]
    fn lasting_difference_is_a_warning() {
        let mut check = CrossCheck::default();
        let at = clock();
        assert!(!check.compare(CURRENT, Some(&owners(1, &[])), at(0)));
        assert_eq!(check.due(), at(0) + INTERVAL);
        assert!(
            !check.compare(CURRENT, Some(&owners(2, &[])), at(10)),
            "once"
        );
        assert_eq!((check.due(), check.warning()), (at(10) + AGAIN, None));
        assert!(check.compare(CURRENT, Some(&owners(2, &[])), at(20)));
        assert!(check.warning().unwrap().contains("its hooks reported"));
        assert!(
            !check.compare(CURRENT, Some(&owners(2, &[])), at(30)),
            "no news"
        );
        assert!(check.compare(CURRENT, Some(&owners(1, &[])), at(40)));
        assert_eq!((check.due(), check.warning()), (at(40) + INTERVAL, None));
    }

    #[test]
    fn lagging_record_is_no_difference() {
        let mut check = CrossCheck::default();
        let at = clock();
        check.compare(CURRENT, Some(&owners(2, &[])), at(0));
        check.changed(at(1));
        assert!(!check.compare(CURRENT, Some(&owners(2, &[])), at(2)));
        assert!(!check.compare(CURRENT, Some(&owners(1, &[])), at(3)));
        assert_eq!(check.warning(), None);
    }

    #[test]
    fn parked_agent_is_elsewhere() {
        let mut check = CrossCheck::default();
        let at = clock();
        let mut parked = owners(1, &[]);
        parked.own.as_mut().unwrap().1.parked = true;
        check.compare(CURRENT, Some(&parked), at(0));
        assert!(!check.is_elsewhere(), "once");
        check.compare(CURRENT, Some(&parked), at(1));
        assert!(check.is_elsewhere());
        assert_eq!(check.warning(), Some(ELSEWHERE));
        check.compare(CURRENT, Some(&owners(1, &[])), at(2));
        assert!(!check.is_elsewhere() && check.warning().is_none());
    }

    #[test]
    fn fork_is_elsewhere_until_agent_continues() {
        let mut check = CrossCheck::default();
        let at = clock();
        check.forked();
        check.compare(CURRENT, Some(&owners(1, &[])), at(0));
        assert!(
            check.is_elsewhere(),
            "the agent's own record knows nothing of it"
        );
        assert_eq!(check.warning(), Some(ELSEWHERE));
        check.went_on();
        assert!(!check.is_elsewhere() && check.warning().is_none());
    }

    #[test]
    fn foreign_starts_do_not_delay_comparison() {
        let mut check = CrossCheck::default();
        let at = clock();
        check.compare(CURRENT, Some(&owners(1, &[])), at(0));
        for now in [10, 20] {
            check.hurry(at(now));
            assert_eq!(check.due(), at(10) + AGAIN);
        }
    }

    #[test]
    fn warning_names_the_other_process() {
        let mut check = CrossCheck::default();
        let at = clock();
        for now in 0..2 {
            check.compare(CURRENT, Some(&owners(1, &[12, 7])), at(now));
        }
        assert!(check.warning().unwrap().contains("(process 7)"));
        assert!(check.is_elsewhere(), "the other one goes on, too");
        assert!(
            check.compare(CURRENT, None, at(3)),
            "nothing to be read is no warning"
        );
        assert!(!check.is_elsewhere());
    }
}
