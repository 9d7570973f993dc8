//! The place of a process in the tree of the agent's processes.

/// Most generations; a deeper process counts as no descendant.
pub const MAX_GENERATIONS: u8 = 64;

/// The position of a process relative to the agent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ancestry {
    /// Unknown: the holder did not look.
    Unknown,
    /// Not a descendant of the agent's process, or gone.
    Foreign,
    /// This many generations below the agent's process, 0 being itself; at most
    /// [`MAX_GENERATIONS`].
    Below(u8),
}

impl Ancestry {
    /// One byte for it: 0 unknown, 1 foreign, else 2 and the generations.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Foreign => 1,
            Self::Below(generations) => 2_u8.saturating_add(generations),
        }
    }

    /// Decodes the byte of [`Self::code`].
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Unknown,
            1 => Self::Foreign,
            code => Self::Below(code - 2),
        }
    }
}

/// Bits of a pid: the kernel's own bound is 2²².
const PID_BITS: u32 = 24;

/// Packs a hook's process into four bytes: the ancestry in the highest one, the pid in the others.
///
/// A pid fits: the kernel's own bound is 2²² (`proc(5)`, `pid_max`).
///
/// ```
/// use wxcode_protocol::{Ancestry, pack, unpack};
///
/// let packed = pack(Ancestry::Below(1), 4321);
/// assert_eq!(unpack(packed), (Ancestry::Below(1), 4321));
/// ```
#[must_use]
pub const fn pack(ancestry: Ancestry, pid: i32) -> u32 {
    ((ancestry.code() as u32) << PID_BITS) | (pid as u32 & ((1 << PID_BITS) - 1))
}

/// Unpacks the bytes of [`pack`]; every value is valid.
#[must_use]
pub const fn unpack(packed: u32) -> (Ancestry, i32) {
    let pid = packed & ((1 << PID_BITS) - 1);
    (
        Ancestry::from_code((packed >> PID_BITS) as u8),
        pid.cast_signed(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packing_reverses_unpacking(packed: u32) {
            let (ancestry, pid) = unpack(packed);
            prop_assert_eq!(pack(ancestry, pid), packed);
        }
    }
}
