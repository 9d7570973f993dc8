//! Which reports of hooks are the agent's own, by where their reporters stand in the process tree.

/// Where a reporter stood to the agent's process when it reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody looked: the report was taken by an older holder.
    Unknown,
    /// It did not descend from the agent's process.
    Foreign,
    /// So many generations below the agent's process.
    Below(u8),
}

/// Why a report is not the agent's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOwn {
    /// It came from a process outside of the agent's tree.
    #[error("it comes from a process that the agent did not start")]
    Foreign,
    /// It came from another depth than the agent's hooks.
    #[error(
        "it comes from {seen} generations below the agent, where its own hooks stand {own} below it"
    )]
    Depth {
        /// Where it came from.
        seen: u8,
        /// Where the agent's hooks stand.
        own: u8,
    },
}

/// What is known of the agent's own hooks.
///
/// Claude Code starts each of them in the same way, also those of its subagents, so all stand at one depth below the
/// agent's process, whatever wrapper it was started by. What a tool starts stands below the same process at least a
/// generation deeper, and so do its hooks. The first `SessionStart` says the depth: before it no tool can have run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Provenance {
    depth: Option<u8>,
}

impl Provenance {
    /// With the depth that was learned before.
    #[must_use]
    pub const fn learned(depth: Option<u8>) -> Self {
        Self { depth }
    }

    /// The depth of the agent's hooks, once learned.
    #[must_use]
    pub const fn depth(self) -> Option<u8> {
        self.depth
    }

    /// Judges the next report; `is_start` is whether it is a `SessionStart`.
    ///
    /// # Errors
    /// When it is not the agent's own.
    pub const fn judge(&mut self, standing: Standing, is_start: bool) -> Result<(), NotOwn> {
        let seen = match standing {
            Standing::Unknown => return Ok(()),
            Standing::Foreign => return Err(NotOwn::Foreign),
            Standing::Below(seen) => seen,
        };
        match self.depth {
            Some(own) if own == seen => Ok(()),
            Some(own) => Err(NotOwn::Depth { seen, own }),
            None => {
                if is_start {
                    self.depth = Some(seen);
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_start_says_where_the_agents_hooks_stand() {
        let mut provenance = Provenance::default();
        let mut judge = |standing, is_start| provenance.judge(standing, is_start);
        assert_eq!(
            judge(Standing::Foreign, true),
            Err(NotOwn::Foreign),
            "a stolen secret before the agent speaks teaches nothing"
        );
        assert_eq!(judge(Standing::Below(2), false), Ok(()), "no tool yet");
        assert_eq!(judge(Standing::Below(2), true), Ok(()));
        assert_eq!(judge(Standing::Below(2), true), Ok(()), "as after /clear");
        assert_eq!(
            judge(Standing::Below(5), true),
            Err(NotOwn::Depth { seen: 5, own: 2 })
        );
        assert_eq!(
            judge(Standing::Below(1), false),
            Err(NotOwn::Depth { seen: 1, own: 2 })
        );
        assert_eq!(judge(Standing::Foreign, false), Err(NotOwn::Foreign));
        assert_eq!(provenance.depth(), Some(2));
    }

    #[test]
    fn what_was_learned_outlives_the_report_that_taught_it() {
        let mut provenance = Provenance::learned(Some(2));
        assert!(provenance.judge(Standing::Below(5), true).is_err());
        assert_eq!(provenance.judge(Standing::Below(2), true), Ok(()));
    }

    #[test]
    fn reports_of_older_holders_are_believed() {
        let mut provenance = Provenance::default();
        assert_eq!(provenance.judge(Standing::Unknown, true), Ok(()));
        assert_eq!(provenance.depth(), None);
    }

    fn standing() -> impl Strategy<Value = Standing> {
        prop_oneof![
            Just(Standing::Foreign),
            (0_u8..70).prop_map(Standing::Below)
        ]
    }

    proptest! {
        /// After the agent's first start nothing from elsewhere is ever taken, in whatever order it comes.
        #[test]
        fn only_one_depth_is_ever_the_agents(own: u8, reports in prop::collection::vec((standing(), any::<bool>()), 0..40)) {
            let mut provenance = Provenance::default();
            prop_assert_eq!(provenance.judge(Standing::Below(own), true), Ok(()));
            for (standing, is_start) in reports {
                let taken = provenance.judge(standing, is_start).is_ok();
                prop_assert_eq!(taken, standing == Standing::Below(own));
            }
            prop_assert_eq!(provenance.depth(), Some(own));
        }
    }
}
