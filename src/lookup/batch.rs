//! Pretokens side by side, on their way to their ids.

use std::ops::Range;

use super::key::Key;

/// How many pretokens are fetched ahead of their use.
pub(super) const BATCH: usize = 64;
/// Room for the ids of any pretoken that has a key; so many are copied at once.
pub(super) const ROOM: usize = 16;
/// Room for the ids of a batch, and for what is copied beyond its end.
pub(super) const OUT: usize = BATCH * ROOM + BATCH;

/// Their keys, and what was found. Most are one token, so their ids stand side by side; those of the others do by themselves.
pub(super) struct Batch {
    pub(super) keys: [Key; BATCH],
    /// The lines of a table where the keys can be, or the places of what has none.
    pub(super) lines: [u32; BATCH],
    /// Where the first of them begins in its text.
    pub(super) first: u32,
    /// The ids of those that are one token.
    pub(super) single: [u32; 2 * BATCH],
    /// Which of them aren't.
    pub(super) others: u64,
    /// What these are, one after the other: the ids of each, and how many they are.
    ids: [[u32; ROOM]; BATCH],
    counts: [u8; BATCH],
}

impl Batch {
    pub(super) const EMPTY: Self = Self { keys: [Key::NONE; _], lines: [0; _], first: 0, single: [0; _], others: 0, ids: [[0; ROOM]; _], counts: [0; _] };

    /// Where the pretoken at a place lies in the text where they end.
    pub(super) fn span(&self, ends: &[u32], place: usize) -> Range<usize> {
        place.checked_sub(1).map_or(self.first, |before| ends[before]) as usize..ends[place] as usize
    }

    /// Which of the others a place is.
    pub(super) fn which(&self, place: usize) -> usize {
        (self.others & !from(place)).count_ones() as usize
    }

    /// Where one of the others has its ids, and their number.
    pub(super) fn other(&mut self, which: usize) -> (&mut [u32; ROOM], &mut u8) {
        (&mut self.ids[which], &mut self.counts[which])
    }

    /// Say what one of the others becomes, by its place.
    pub(super) fn set(&mut self, place: usize, ids: &[u32]) {
        let (room, count) = self.other(self.which(place));
        room[..ids.len()].copy_from_slice(ids);
        *count = ids.len().to_le_bytes()[0];
    }

    /// Give the ids of some pretokens, one after the other.
    pub(super) fn give(&self, some: Range<usize>, out: &mut [u32; OUT], take: &mut impl FnMut(&[u32])) {
        let count = self.put_together(some, out);
        take(&out[..count]);
    }

    fn put_together(&self, some: Range<usize>, out: &mut [u32; OUT]) -> usize {
        #[cfg(target_arch = "x86_64")]
        if let Some(count) = super::wide::put_together(self, some.clone(), out) {
            return count;
        }
        self.put_together_plain(some, out)
    }

    /// Put the ids of some pretokens side by side; says how many they are.
    #[inline(always)]
    pub(super) fn put_together_plain(&self, some: Range<usize>, out: &mut [u32; OUT]) -> usize {
        // A fixed number is copied, whatever there is: what is too much is overwritten by what comes next.
        let (mut begin, mut length, which) = (some.start, 0, self.which(some.start));
        for (which, place) in (which..).zip(places(self.others & from(begin) & !from(some.end))) {
            self.copy(begin..place, &mut out[length..]);
            length += place - begin;
            out[length..length + ROOM].copy_from_slice(&self.ids[which]);
            length += usize::from(self.counts[which]);
            begin = place + 1;
        }
        self.copy(begin..some.end, &mut out[length..]);
        length + some.end - begin
    }

    /// Copy the ids of some pretokens that are one token each.
    #[inline(always)]
    fn copy(&self, some: Range<usize>, out: &mut [u32]) {
        out[..HALF].copy_from_slice(&self.single[some.start..some.start + HALF]);
        if some.len() > HALF {
            out[HALF..BATCH].copy_from_slice(&self.single[some.start + HALF..some.start + BATCH]);
        }
    }
}

const HALF: usize = BATCH / 2;

/// The places from one on.
fn from(place: usize) -> u64 {
    if place < BATCH { u64::MAX << place } else { 0 }
}

/// The places of the bits that are set.
pub(super) fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(place)
    })
}
