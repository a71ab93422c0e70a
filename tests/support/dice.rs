//! Random numbers that are the same in every run.

/// A SplitMix64 generator.
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range.
    pub fn between(&mut self, range: std::ops::Range<usize>) -> usize {
        let width = u64::try_from(range.len()).unwrap();
        range.start + usize::try_from(self.next() % width).unwrap()
    }

    /// So many octets.
    pub fn octets(&mut self, many: usize) -> Vec<u8> {
        let mut octets = Vec::with_capacity(many + 8);
        while octets.len() < many {
            octets.extend(self.next().to_le_bytes());
        }
        octets.truncate(many);
        octets
    }
}
