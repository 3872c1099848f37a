//! Pretokens seen before -> their ids: a worker's table, of fixed size, that forgets by overwriting.
//!
//! A slot is a key and up to six ids, 32 bytes, and a key has one line of two slots where it can be. So a look-up touches one line of memory, which can be
//! fetched ahead of time, and hostile text can make the table forget but never search or grow. What has more ids has further slots, under keys that no pretoken
//! has. Tried: to move what is forgotten to the neighbour of its line, and to look there before it is merged again (new text 5 to 10 % slower).

use super::batch::{Batch, ROOM, places};
use super::key::{ID_BITS, IDS, Key, factors};
use crate::pages::{Pages, prefetch};

/// The bits of an id, and where the number of ids stands above them.
const ID: u64 = (1 << ID_BITS) - 1;
const COUNT_SHIFT: u32 = 3 * ID_BITS;

/// A key, and ids: twenty bits each, three in a number, and above those of the first number how many ids the pretoken has.
#[derive(Clone, Copy, bytemuck::Zeroable)]
#[repr(C, align(32))]
struct Slot {
    key: Key,
    ids: [u64; 2],
}

impl Slot {
    fn new(key: Key, ids: &[u32], count: usize) -> Self {
        let pack = |ids: &[u32]| ids.iter().rev().fold(0, |packed, id| packed << ID_BITS | u64::from(*id));
        let (first, second) = ids.split_at(ids.len().min(3));
        Self { key, ids: [pack(first) | (count as u64) << COUNT_SHIFT, pack(second)] }
    }

    /// The ids that stand here, and how many the pretoken has.
    fn ids(&self) -> ([u32; IDS], u8) {
        let [first, second] = self.ids;
        let ids = [first, first >> ID_BITS, first >> (2 * ID_BITS), second, second >> ID_BITS, second >> (2 * ID_BITS)];
        (ids.map(|id| u32::try_from(id & ID).unwrap_or_default()), u8::try_from(first >> COUNT_SHIFT).unwrap_or_default())
    }
}

/// Two slots in one line of memory: a key is in one of the two, if it is known.
#[derive(Clone, Copy, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([Slot; 2]);

/// The table.
pub(super) struct Seen {
    lines: Pages<Line>,
    factors: [u64; 2],
}

impl Seen {
    /// A table of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self { lines: Pages::new((bytes / size_of::<Line>()).max(1)), factors: factors() }
    }

    /// The line where a key can be.
    pub(super) fn line(&self, key: Key) -> u32 {
        let hash = key.hash(self.factors) >> 32;
        u32::try_from((hash * self.lines.len() as u64) >> 32).unwrap_or_default()
    }

    /// Fetch a line ahead of its use.
    pub(super) fn prefetch(&self, line: u32) {
        prefetch(&self.lines, line as usize);
    }

    /// The slot of a key, and whether it is there.
    fn look(&self, key: Key, line: u32) -> (&Slot, bool) {
        let Line(slots) = &self.lines[line as usize];
        // No branch: which of the two it is can't be foreseen.
        let [one, other] = slots.each_ref().map(|slot| (slot.key.low ^ key.low) | (slot.key.high ^ key.high) == 0);
        (&slots[usize::from(other)], one | other)
    }

    /// Find the ids of some of the others of a batch, one after the other; says of which there are none.
    pub(super) fn recall(&self, batch: &mut Batch, some: u64) -> u64 {
        let mut missing = some;
        let first = batch.which(some.trailing_zeros() as usize);
        for (which, place) in (first..).zip(places(some)) {
            let key = batch.keys[place];
            let (slot, found) = self.look(key, batch.lines[place]);
            let (ids, number) = batch.other(which);
            let (first, count) = slot.ids();
            ids[..IDS].copy_from_slice(&first);
            *number = count;
            let found = found && (usize::from(count) <= IDS || self.recall_more(key, usize::from(count), ids));
            missing ^= u64::from(found) << place;
        }
        missing
    }

    fn recall_more(&self, key: Key, count: usize, ids: &mut [u32; ROOM]) -> bool {
        (1..).zip(ids[..count.min(ROOM)].chunks_mut(IDS).skip(1)).all(|(times, ids)| {
            let key = key.more(times);
            let (slot, found) = self.look(key, self.line(key));
            ids.copy_from_slice(&slot.ids().0[..ids.len()]);
            found
        })
    }

    /// Keep the ids of a key in its line; the older of the two that were there is forgotten.
    pub(super) fn set(&mut self, key: Key, line: u32, ids: &[u32]) {
        for (times, some) in (0..).zip(ids.chunks(IDS)) {
            let key = key.more(times);
            let line = if times == 0 { line } else { self.line(key) };
            let Line([newer, older]) = &mut self.lines[line as usize];
            let before = std::mem::replace(newer, Slot::new(key, some, ids.len()));
            if before.key != key {
                *older = before;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_forgets_the_older_of_two() {
        let (mut seen, mut batch) = (Seen::new(1), Batch::EMPTY);
        for (place, text) in [b"a", b"b", b"c"].into_iter().enumerate() {
            batch.keys[place] = Key::of(text, 0..1).unwrap();
            seen.set(batch.keys[place], 0, &[7, 8]);
        }
        batch.others = 0b111;
        assert_eq!(seen.recall(&mut batch, 0b111), 0b001);
        let (ids, count) = batch.other(1);
        assert_eq!((*count, &ids[..2]), (2, &[7, 8][..]));
    }

    #[test]
    fn any_number_of_ids_comes_back_or_none_does() {
        let (mut seen, mut batch, mut known) = (Seen::new(1 << 18), Batch::EMPTY, 0);
        let texts: Vec<[u8; 3]> = (0u8..200).map(|i| [b'x', i, i / 3]).collect();
        let ids = |i: usize| (0..1 + i % 15).map(|at| u32::try_from(1000 * at + i).unwrap()).collect::<Vec<_>>();
        for (i, text) in texts.iter().enumerate() {
            let key = Key::of(text, 0..3).unwrap();
            seen.set(key, seen.line(key), &ids(i));
        }
        for (i, text) in texts.iter().enumerate() {
            batch.keys[0] = Key::of(text, 0..3).unwrap();
            batch.lines[0] = seen.line(batch.keys[0]);
            batch.others = 1;
            if seen.recall(&mut batch, 1) == 0 {
                known += 1;
                let (found, count) = batch.other(0);
                assert_eq!(found[..usize::from(*count)], ids(i));
            }
        }
        assert!(known > 150, "{known}");
    }
}
