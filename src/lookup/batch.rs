//! Pretokens side by side, on their way to their ids.

use std::ops::Range;

use super::key::Key;

/// How many pretokens are fetched ahead of their use.
pub(super) const BATCH: usize = 64;
/// Room for the ids of any pretoken that has a key; so many are copied at once.
pub(super) const ROOM: usize = 16;

/// Their keys, the lines where these can be, and what was found: the ids, and how many they are.
pub(super) struct Batch {
    pub(super) keys: [Key; BATCH],
    pub(super) lines: [usize; BATCH],
    pub(super) ids: [[u32; ROOM]; BATCH],
    pub(super) counts: [u8; BATCH],
}

impl Batch {
    pub(super) const EMPTY: Self = Self { keys: [Key::NONE; _], lines: [0; _], ids: [[0; ROOM]; _], counts: [0; _] };

    /// Give the ids of some pretokens, one after the other.
    pub(super) fn give(&self, some: Range<usize>, out: &mut [u32; BATCH * ROOM], take: &mut impl FnMut(&[u32])) {
        let mut length = 0;
        for (ids, count) in self.ids[some.clone()].iter().zip(&self.counts[some]) {
            out[length..length + ROOM].copy_from_slice(ids); // all, whatever their number: the next ones overwrite what was too much
            length += usize::from(*count);
        }
        take(&out[..length]);
    }
}

/// The places of the bits that are set.
pub(super) fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(place)
    })
}
