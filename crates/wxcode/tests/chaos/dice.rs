//! Random numbers, reproducible from a seed.

/// SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number in `0..below`; `below` is not 0.
    pub(crate) const fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    /// An index below a length.
    pub(crate) const fn place(&mut self, among: usize) -> usize {
        self.roll(among as u64) as usize
    }

    /// True in `percent` of a hundred cases.
    pub(crate) const fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    /// A random item, by weight.
    pub(crate) fn weighed<T: Copy>(&mut self, things: &[(u64, T)]) -> T {
        let sum = things.iter().map(|(weight, _)| weight).sum();
        let mut left = self.roll(sum);
        for (weight, thing) in things {
            if left < *weight {
                return *thing;
            }
            left -= weight;
        }
        things[things.len() - 1].1
    }
}
