//! Pretoken -> key: its bytes and their number in sixteen bytes.

use std::ops::Range;

use crate::error::MAX_IDS;

/// The longest pretoken that has a key, in bytes.
pub(super) const LONGEST: usize = 15;

/// A pretoken's bytes, and their number in the last of sixteen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Key {
    pub(super) low: u64,
    pub(super) high: u64,
}

/// How many ids a key has room for, and the bits of each.
pub(super) const IDS: usize = 6;
pub(super) const ID_BITS: u32 = MAX_IDS.ilog2();

/// What of a key's two halves belongs to a pretoken of each length.
const MASKS: [[u64; 2]; LONGEST + 1] = {
    let (mut masks, mut length) = ([[0; 2]; LONGEST + 1], 1);
    while length <= LONGEST {
        let high = if length > 8 { u64::MAX >> (8 * (16 - length)) } else { 0 };
        masks[length] = [if length >= 8 { u64::MAX } else { u64::MAX >> (64 - 8 * length) }, high];
        length += 1;
    }
    masks
};

impl Key {
    /// The key of nothing.
    pub(super) const NONE: Self = Self { low: 0, high: u64::MAX };

    /// The key of a stretch of a text, unless it is longer than a key holds.
    pub(super) fn of(data: &[u8], span: Range<usize>) -> Option<Self> {
        let length = span.len();
        let mask = MASKS.get(length)?;
        let sixteen = match data[span.start..].first_chunk::<16>() {
            Some(bytes) => *bytes,
            None => {
                let mut bytes = [0; 16];
                bytes[..length].copy_from_slice(&data[span]);
                bytes
            }
        };
        let halves: [u64; 2] = bytemuck::cast(sixteen);
        Some(Self { low: halves[0].to_le() & mask[0], high: halves[1].to_le() & mask[1] | (length as u64) << 56 })
    }

    /// The key of some of the first ids of a stretch of more than `IDS`, at most so many.
    pub(super) fn of_ids(ids: &[u32], count: usize) -> Self {
        let packed = ids[..IDS].iter().rev().fold(0, |packed, id| packed << ID_BITS | u128::from(*id));
        let [low, high] = bytemuck::cast((packed & !(u128::MAX << (ID_BITS as usize * count.min(IDS)))).to_le_bytes());
        Self { low: u64::from_le(low), high: u64::from_le(high) | (count as u64) << 56 }
    }

    /// The bytes that it is the key of, and how many they are.
    pub(super) fn text(self) -> ([u8; 16], usize) {
        let [.., length] = self.high.to_le_bytes();
        (bytemuck::cast([self.low.to_le(), self.high.to_le()]), usize::from(length) % 16)
    }

    /// The key of what has no room beside a key's own ids.
    pub(super) fn more(self, times: u64) -> Self {
        Self { high: self.high | times << 60, ..self }
    }

    /// A hash: two odd numbers that nobody knows, so that nobody can choose pretokens whose lines are all the same.
    pub(super) fn hash(self, factors: [u64; 2]) -> u64 {
        self.low.wrapping_mul(factors[0]).wrapping_add(self.high.wrapping_mul(factors[1]))
    }
}

/// The factors of a table.
pub(super) fn factors() -> [u64; 2] {
    use std::hash::{BuildHasher, RandomState};

    let random = RandomState::new();
    [0, 1].map(|which: u8| random.hash_one(which) | 1)
}
