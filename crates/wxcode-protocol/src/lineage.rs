//! The place of a process in the tree of the agent's processes.

/// The most generations that are told; a process further down counts as no descendant.
pub const MAX_GENERATIONS: u8 = 64;

/// Where a process stands to the agent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lineage {
    /// Nobody looked: the report is of a holder that did not yet do so.
    Unknown,
    /// It does not descend from the agent's process, or is gone.
    Foreign,
    /// So many generations below the agent's process, 0 being itself; at most [`MAX_GENERATIONS`].
    Below(u8),
}

impl Lineage {
    /// One byte for it: 0 not known, 1 foreign, else 2 and the generations.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Foreign => 1,
            Self::Below(generations) => 2_u8.saturating_add(generations),
        }
    }

    /// What [`Self::code`] gave.
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Unknown,
            1 => Self::Foreign,
            code => Self::Below(code - 2),
        }
    }
}

/// Bits of a process number: the kernel's own bound is 2²².
const PID_BITS: u32 = 24;

/// A reporter in four bytes: the lineage in the highest one, the process in the others.
#[must_use]
pub const fn pack(lineage: Lineage, pid: i32) -> u32 {
    ((lineage.code() as u32) << PID_BITS) | (pid as u32 & ((1 << PID_BITS) - 1))
}

/// What [`pack`] gave.
#[must_use]
pub const fn unpack(packed: u32) -> (Lineage, i32) {
    let pid = packed & ((1 << PID_BITS) - 1);
    (
        Lineage::from_code((packed >> PID_BITS) as u8),
        pid.cast_signed(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn four_bytes_come_back(packed: u32) {
            let (lineage, pid) = unpack(packed);
            prop_assert_eq!(pack(lineage, pid), packed);
        }
    }
}
