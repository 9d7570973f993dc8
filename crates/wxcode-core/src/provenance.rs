//! Tells the agent's own hooks from foreign ones by their depth in the process tree.
//!
//! Invariant: a hook counts only at the depth of its session's first `SessionStart`. The session's
//! secret alone proves nothing, because a tool can read the secret.

/// The position of a hook's process relative to the agent's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Unknown: the holder did not look.
    Unknown,
    /// Outside of the agent's process tree.
    Foreign,
    /// This many generations below the agent's process.
    Below(u8),
}

/// Why a hook is foreign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOwn {
    /// The hook's process is outside of the agent's tree.
    #[error("it comes from a process that the agent did not start")]
    Foreign,
    /// The hook's depth differs from the agent's hooks.
    #[error(
        "it comes from {seen} generations below the agent, where its own hooks stand {own} below it"
    )]
    Depth {
        /// The depth of the hook.
        seen: u8,
        /// The depth of the agent's hooks.
        own: u8,
    },
}

/// The known depth of the agent's own hooks.
///
/// Claude Code starts all its hooks in the same way, also the hooks of subagents. So all hooks have
/// the same depth below the agent's process, with any wrapper. A child of a tool is at least one
/// generation deeper, and so are the child's hooks. The first `SessionStart` fixes the depth,
/// because no tool can have run before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Provenance {
    depth: Option<u8>,
}

impl Provenance {
    /// Starts with the depth from an earlier server.
    #[must_use]
    pub const fn learned(depth: Option<u8>) -> Self {
        Self { depth }
    }

    /// The depth of the agent's hooks, once known.
    #[must_use]
    pub const fn depth(self) -> Option<u8> {
        self.depth
    }

    /// Judges the next hook; `is_start` says whether the hook is a `SessionStart`.
    ///
    /// # Errors
    /// When the hook is foreign.
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
    fn the_first_start_fixes_the_depth() {
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
    fn the_depth_outlives_its_hook() {
        let mut provenance = Provenance::learned(Some(2));
        assert!(provenance.judge(Standing::Below(5), true).is_err());
        assert_eq!(provenance.judge(Standing::Below(2), true), Ok(()));
    }

    #[test]
    fn unknown_depths_are_believed() {
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
        /// After the agent's first start no foreign hook is ever accepted, in any order.
        #[test]
        fn only_one_depth_is_accepted(own: u8, reports in prop::collection::vec((standing(), any::<bool>()), 0..40)) {
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
