//! Pretokens seen before -> their ids: a table of fixed size that forgets by overwriting.
//!
//! A pretoken of up to fifteen bytes is a key of sixteen, its length in the last; a slot is such a key and up to six ids, 32 bytes, and a key has one line of two slots where it
//! can be. So a look-up touches one line of memory, which can be fetched ahead of time, and hostile text can make it forget but never search or grow. One such
//! table is made with a vocabulary and shared by all threads; what isn't in it is kept in another, private to the worker of a call.
//!
//! Random places in more than 4 MB cost ten times as much where memory comes in pages of 4 KB, so large tables ask for huge pages before they are first touched.
//!
//! Why the `unsafe` blocks are sound: 1. whole pages are mapped, given back once, and named to the system only in between; 2. a mapping is as long as its slice, begins
//! at a multiple of any alignment, belongs to the table alone, and is zero, which is a value of every T; 3. it is memory like that of
//! a Vec; 4. a prefetch changes nothing that a program can see, and may be asked for any address; 5. a function compiled for a width is called only behind the processor's own
//! word that it has it. The safe twin of a mapping is the Vec that small tables are.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod wide;

use std::hash::{BuildHasher, RandomState};
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

use crate::error::MAX_IDS;
#[cfg(target_arch = "x86_64")]
use crate::width::{Width, width};

/// The longest pretoken that is a key, in bytes.
pub(crate) const LONGEST: usize = 15;
/// How many ids a slot has room for.
pub(crate) const IDS: usize = 6;
const HUGE: usize = 1 << 21;
const ID_BITS: u32 = MAX_IDS.ilog2();
const ID: u64 = (1 << ID_BITS) - 1;
const COUNT_SHIFT: u32 = 3 * ID_BITS;

/// Memory for a table of fixed size, zero to begin with; where it is large, on Linux, it is mapped for itself and asks for huge pages.
pub(crate) struct Pages<T>(Memory<T>);

enum Memory<T> {
    Plain(Vec<T>),
    #[cfg(target_os = "linux")]
    Mapped(NonNull<T>, usize),
}

// 3
unsafe impl<T: Send> Send for Pages<T> {}
unsafe impl<T: Sync> Sync for Pages<T> {}

impl<T: bytemuck::Zeroable> Pages<T> {
    /// Memory for so many.
    pub(crate) fn new(length: usize) -> Self {
        #[cfg(target_os = "linux")]
        if length * size_of::<T>() >= HUGE
            && let Some(mapped) = Self::map(length)
        {
            return mapped;
        }
        Self(Memory::Plain(bytemuck::zeroed_vec(length)))
    }

    /// Map whole huge pages: what lies before and behind them in the mapping is given back.
    #[cfg(target_os = "linux")]
    fn map(length: usize) -> Option<Self> {
        use libc::{MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, madvise, mmap, munmap};

        let size = Self::mapped_size(length);
        // 1
        unsafe {
            let mapping = mmap(std::ptr::null_mut(), size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if mapping == MAP_FAILED {
                return None;
            }
            let before = mapping.addr().next_multiple_of(HUGE) - mapping.addr();
            let first = mapping.byte_add(before);
            if before > 0 {
                munmap(mapping, before);
            }
            munmap(first.byte_add(size), HUGE - before);
            madvise(first, size, MADV_HUGEPAGE);
            NonNull::new(first.cast()).map(|first| Self(Memory::Mapped(first, length)))
        }
    }
}

impl<T> Pages<T> {
    fn mapped_size(length: usize) -> usize {
        (length * size_of::<T>()).next_multiple_of(HUGE)
    }
}

impl<T> Drop for Pages<T> {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        if let Memory::Mapped(first, length) = self.0 {
            // 1
            unsafe { libc::munmap(first.as_ptr().cast(), Self::mapped_size(length)) };
        }
    }
}

impl<T> Deref for Pages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Memory::Plain(memory) => memory,
            // 2
            #[cfg(target_os = "linux")]
            Memory::Mapped(first, length) => unsafe { std::slice::from_raw_parts(first.as_ptr(), *length) },
        }
    }
}

impl<T> DerefMut for Pages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Memory::Plain(memory) => memory,
            // 2
            #[cfg(target_os = "linux")]
            Memory::Mapped(first, length) => unsafe { std::slice::from_raw_parts_mut(first.as_ptr(), *length) },
        }
    }
}

/// Fetch what a place of a table holds, ahead of its use.
pub(crate) fn prefetch<T>(table: &[T], place: usize) {
    #[cfg(target_arch = "x86_64")]
    // 4
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(table.as_ptr().wrapping_add(place).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (table, place);
}

/// A pretoken's bytes and their number, in sixteen bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct Key {
    low: u64,
    high: u64,
}

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
    pub(crate) const NONE: Self = Self { low: 0, high: u64::MAX };

    /// The key of a stretch of a text, unless it is longer than a key holds.
    pub(crate) fn of(data: &[u8], span: Range<usize>) -> Option<Self> {
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

    /// The key of a part of a pretoken, which may have other ids than the same bytes as a whole one.
    pub(crate) fn of_part(self) -> Self {
        Self { high: self.high | 1 << 63, ..self }
    }
}

/// A key, and the ids of its pretoken: twenty bits each, three in a number, and how many they are above those of the first number.
#[derive(Clone, Copy, Debug, Default, bytemuck::Zeroable)]
#[repr(C, align(32))]
pub(crate) struct Slot {
    key: Key,
    ids: [u64; 2],
}

impl Slot {
    fn new(key: Key, ids: &[u32]) -> Self {
        let pack = |ids: &[u32]| ids.iter().rev().fold(0, |packed, id| packed << ID_BITS | u64::from(*id));
        let (first, second) = ids.split_at(ids.len().min(3));
        Self { key, ids: [pack(first) | (ids.len() as u64) << COUNT_SHIFT, pack(second)] }
    }

    /// The ids, in front of the rest of the array, and how many they are.
    pub(crate) fn ids(&self) -> ([u32; IDS], usize) {
        let [first, second] = self.ids;
        let ids = [first, first >> ID_BITS, first >> (2 * ID_BITS), second, second >> ID_BITS, second >> (2 * ID_BITS)];
        (ids.map(|id| u32::try_from(id & ID).unwrap_or_default()), usize::try_from(first >> COUNT_SHIFT).unwrap_or_default())
    }
}

/// Two slots in one line of memory: a key is in one of the two, if it is known.
#[derive(Clone, Copy, Debug, Default, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([Slot; 2]);

/// A table of slots.
pub(crate) struct Slots {
    lines: Pages<Line>,
    /// Two odd numbers that nobody knows, so that nobody can choose pretokens whose lines are all the same.
    factors: [u64; 2],
    /// How far a hash is shifted to be the number of a line.
    shift: u32,
}

impl Slots {
    /// A table that takes at most so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let bits = (bytes / size_of::<Line>()).max(2).ilog2();
        let random = RandomState::new();
        Self { lines: Pages::new(1 << bits), factors: [random.hash_one(0) | 1, random.hash_one(1) | 1], shift: 64 - bits }
    }

    /// The number of the line that a key can be in.
    pub(crate) fn line(&self, key: Key) -> usize {
        let hash = key.low.wrapping_mul(self.factors[0]).wrapping_add(key.high.wrapping_mul(self.factors[1]));
        usize::try_from(hash >> self.shift).unwrap_or_default()
    }

    /// Fetch a line ahead of its use.
    pub(crate) fn prefetch(&self, line: usize) {
        prefetch(&self.lines, line);
    }

    /// What is known of a key, which can be in this line.
    pub(crate) fn get(&self, key: Key, line: usize) -> Option<&Slot> {
        let Line(slots) = self.lines.get(line)?;
        let [one, other] = slots.each_ref().map(|slot| (slot.key.low ^ key.low) | (slot.key.high ^ key.high) == 0); // no branch: which of the two it is can't be foreseen
        (one | other).then(|| &slots[usize::from(other)])
    }

    /// Whether a line has no place left.
    pub(crate) fn is_full(&self, line: usize) -> bool {
        self.lines[line].0.iter().all(|slot| slot.key != Key::default())
    }

    /// Keep the ids of a key in its line, if a slot has room for so many; the older of the two that were there is forgotten.
    pub(crate) fn set(&mut self, key: Key, line: usize, ids: &[u32]) {
        if let (Some(Line([newer, older])), 1..=IDS) = (self.lines.get_mut(line), ids.len()) {
            *older = std::mem::replace(newer, Slot::new(key, ids));
        }
    }
}

/// How many pretokens are fetched ahead of their use.
pub(crate) const BATCH: usize = 64;

/// Pretokens side by side: their keys, the lines where these can be, and the ids that were found.
pub(crate) struct Batch {
    pub(crate) keys: [Key; BATCH],
    pub(crate) lines: [usize; BATCH],
    pub(crate) ids: [u32; BATCH],
}

impl Slots {
    /// Make the keys of up to `BATCH` pretokens of a text, the first of which begins at a place, and fetch their lines.
    pub(crate) fn fetch(&self, batch: &mut Batch, text: &[u8], first: u32, ends: &[u32]) {
        let done = 0;
        #[cfg(target_arch = "x86_64")]
        // 5
        let done = if width() >= Width::Avx512 { unsafe { wide::fetch(self, batch, text, first, ends) } } else { done };
        let mut begin = done.checked_sub(1).map_or(first, |last| ends[last]) as usize;
        for ((key, line), end) in batch.keys.iter_mut().zip(&mut batch.lines).zip(ends).skip(done) {
            *key = Key::of(text, begin..*end as usize).unwrap_or(Key::NONE);
            *line = self.line(*key);
            self.prefetch(*line);
            begin = *end as usize;
        }
    }

    /// Find the ids of the first pretokens of a batch that are one token each; says which they are.
    pub(crate) fn find(&self, batch: &mut Batch, count: usize) -> u64 {
        #[cfg(target_arch = "x86_64")]
        if width() >= Width::Avx512 {
            return unsafe { wide::find(self, batch, count) }; // 5
        }
        let mut known = 0;
        for (place, ((key, line), id)) in batch.keys.iter().zip(&batch.lines).zip(&mut batch.ids).enumerate().take(count) {
            if let Some(slot) = self.get(*key, *line) {
                known |= 1 << place;
                *id = slot.ids().0[0];
            }
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_find_what_one_look_up_after_the_other_finds() {
        let text: Vec<u8> = (0u32..4000).map(|i| b"aab \xC3\xA9c"[(i.wrapping_mul(i) >> 3) as usize % 7]).collect();
        let mut slots = Slots::new(1 << 12);
        for length in 1..40 {
            for start in (0..text.len() - 40).step_by(97 * length) {
                if let Some(key) = Key::of(&text, start..start + length) {
                    slots.set(key, slots.line(key), &[u32::try_from(start).unwrap(), 7, 8, 9, 10, 11][..1 + start % 6]);
                }
            }
        }
        let ends: Vec<u32> = text
            .iter()
            .scan((0, 0), |(end, step), byte| (*end < 3990).then(|| (*step += 1, *end += 1 + (u32::from(*byte) + *step) % 19)).map(|_| *end))
            .collect();
        let ends: Vec<u32> = ends.into_iter().filter(|end| *end <= 4000).collect();
        let (mut first, mut found) = (0, 0);
        for ends in ends.chunks(BATCH) {
            let mut batch = Batch { keys: [Key::NONE; _], lines: [0; _], ids: [0; _] };
            slots.fetch(&mut batch, &text, first, ends);
            let known = slots.find(&mut batch, ends.len());
            for (place, end) in ends.iter().enumerate() {
                let key = Key::of(&text, first as usize..*end as usize).unwrap_or(Key::NONE);
                assert_eq!((batch.keys[place], batch.lines[place]), (key, slots.line(key)));
                let slot = slots.get(key, slots.line(key));
                assert_eq!(known >> place & 1 == 1, slot.is_some());
                if let Some(slot) = slot {
                    assert_eq!(batch.ids[place], slot.ids().0[0]);
                    found += 1;
                }
                first = *end;
            }
        }
        assert!(found > 50, "{found}");
    }

    #[test]
    fn a_line_forgets_the_older_of_two() {
        let (mut slots, keys) = (Slots::new(64), [b"a", b"b", b"c"].map(|text| Key::of(text, 0..1).unwrap()));
        for (id, key) in (1..).zip(keys) {
            slots.set(key, 0, &[id; 6]);
        }
        assert!(slots.get(keys[0], 0).is_none() && slots.is_full(0));
        assert_eq!(slots.get(keys[1], 0).map(Slot::ids), Some(([2; 6], 6)));
        slots.set(keys[0], 0, &[1; 7]); // more than a slot holds: nothing is kept
        assert!(slots.get(keys[0], 0).is_none() && slots.get(keys[2], 0).is_some());
    }
}
