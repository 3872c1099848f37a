//! Word -> count: one open table, 24 bytes a slot, nothing allocated for a word of up to 15 bytes.
//!
//! Such a word stands in the slot itself: its bytes and its length are the key. A longer one stands in an arena, and the key holds its hash and its place
//! there. The words are what strangers wrote, so each table hashes with secrets of its own; that also keeps pouring one table into another from filling it in
//! the order of its slots, which would make every search in it long.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;

use crate::error::{Error, Kind, MAX_COUNT, Result, quote};
use crate::pages::prefetch;
use crate::split::spans;
use crate::threads::Pulse;

/// Words up to this length stand in their slots.
const INLINE: usize = 15;
/// The last byte of the key of a word in the arena.
const LONG: u8 = 0xff;
/// How many words are looked up together: enough that their slots come from memory at the same time.
const AT_ONCE: usize = 32;
const LEAST: usize = 1 << 10;
/// How many slots are worked on between two ticks.
const TICK_EVERY: usize = 1 << 15;

type Key = [u8; 16];

/// A word and its count; the count is 0 where there is none.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: Key,
    count: u64,
}

/// What is added to a table.
#[derive(Clone, Copy, Default)]
struct Entry<'a> {
    key: Key,
    home: usize,
    word: &'a [u8],
    n: u64,
}

#[derive(Clone)]
pub(super) struct Table {
    slots: Vec<Slot>,
    words: usize,
    arena: Vec<u8>,
    secrets: (u64, u64),
    long: RandomState,
}

impl Default for Table {
    fn default() -> Self {
        let long = RandomState::new();
        Self { slots: vec![Slot::default(); LEAST], words: 0, arena: Vec::new(), secrets: (long.hash_one(0), long.hash_one(1)), long }
    }
}

impl Table {
    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.words
    }

    /// The bytes of memory that it takes.
    pub(super) fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>() + self.arena.capacity()
    }

    /// The words and their counts, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> + Clone {
        self.part(0, 1)
    }

    /// One of so many parts of them.
    pub(super) fn part(&self, part: usize, parts: usize) -> impl Iterator<Item = (&[u8], u64)> + Clone {
        let [start, end] = [part, part + 1].map(|part| self.slots.len() * part / parts);
        self.slots[start..end].iter().filter(|slot| slot.count > 0).map(|slot| (self.word(&slot.key), slot.count))
    }

    /// How often a word occurs.
    pub(super) fn get(&self, word: &[u8]) -> u64 {
        let key = self.key(word);
        self.slots[self.find(&key, word)].count
    }

    /// Add `n` occurrences; an error where the sum can't be held, never a wrap.
    pub(super) fn add(&mut self, word: &[u8], n: u64, pulse: &Pulse) -> Result<()> {
        self.make_room(1, pulse)?;
        let key = self.key(word);
        self.add_some(&[Entry { key, home: self.home(&key), word, n }])
    }

    /// Add `n` occurrences of each pretoken of a window. This is where counting spends its time.
    pub(super) fn add_window(&mut self, data: &[u8], start: usize, ends: &[u32], n: u64, pulse: &Pulse) -> Result<()> {
        let keys = |table: &Self, span: Range<usize>| {
            let key = if span.len() <= INLINE { inline_at(data, span.start, span.len()) } else { table.long_key(&data[span.clone()]) };
            (key, &data[span], n)
        };
        self.add_all(spans(start, ends), keys, pulse)
    }

    /// Add all counts of another table.
    pub(super) fn absorb<'a>(&mut self, other: &'a Self, pulse: &Pulse) -> Result<()> {
        self.make_room(other.words / 4, pulse)?; // two halves of a text have most of their words in common
        let keys = |table: &Self, slot: &'a Slot| {
            let word = other.word(&slot.key);
            (if slot.key[INLINE] == LONG { table.long_key(word) } else { slot.key }, word, slot.count)
        };
        self.add_all(other.slots.iter().filter(|slot| slot.count > 0), keys, pulse)
    }

    /// Add what `entry` makes of each item, some at a time.
    fn add_all<'a, T>(&mut self, mut items: impl Iterator<Item = T>, entry: impl Fn(&Self, T) -> (Key, &'a [u8], u64), pulse: &Pulse) -> Result<()> {
        let mut entries = [Entry::default(); AT_ONCE];
        loop {
            pulse.tick(0)?;
            self.make_room(AT_ONCE, pulse)?;
            let mut some = 0;
            for (place, item) in entries.iter_mut().zip(&mut items) {
                let (key, word, n) = entry(self, item);
                *place = Entry { key, home: self.home(&key), word, n };
                prefetch(&self.slots, place.home);
                some += 1;
            }
            self.add_some(&entries[..some])?;
            if some < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Add entries that there is room for.
    fn add_some(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        for entry in entries {
            let at = self.find_from(entry.home, &entry.key, entry.word);
            let sum = self.slots[at].count.saturating_add(entry.n);
            if sum > MAX_COUNT || entry.n == 0 || entry.word.is_empty() {
                let found = u128::from(self.slots[at].count) + u128::from(entry.n);
                let allowed = format!("from 1 to {MAX_COUNT}, of a pretoken that isn't empty");
                return Err(Error::new(Kind::Corpus, format!("the count of {}", quote::bytes(entry.word)), found.to_string(), allowed));
            }
            self.put(at, entry.key, entry.word, sum);
        }
        Ok(())
    }

    /// The same words, each `n` times as often.
    pub(super) fn times(&self, n: u64, pulse: &Pulse) -> Result<Self> {
        let (mut slots, mut arena) = (Vec::with_capacity(self.slots.len()), Vec::with_capacity(self.arena.len()));
        for some in self.slots.chunks(TICK_EVERY) {
            pulse.tick(0)?;
            for &Slot { key, count } in some {
                let product = u128::from(count) * u128::from(n);
                let Some(count) = u64::try_from(product).ok().filter(|count| *count <= MAX_COUNT) else {
                    let place = format!("the count of {}", quote::bytes(self.word(&key)));
                    return Err(Error::new(Kind::Corpus, place, product.to_string(), format!("at most {MAX_COUNT}")));
                };
                slots.push(Slot { key, count });
            }
        }
        for some in self.arena.chunks(TICK_EVERY) {
            pulse.tick(0)?;
            arena.extend_from_slice(some);
        }
        Ok(Self { slots, words: self.words, arena, secrets: self.secrets, long: self.long.clone() })
    }

    /// Take as much off every count that at most `most` words are left; and say how much.
    pub(super) fn prune(&mut self, most: usize, pulse: &Pulse) -> Result<u64> {
        if self.words <= most {
            return Ok(0);
        }
        let mut counts: Vec<u64> = self.slots.iter().map(|slot| slot.count).filter(|count| *count > 0).collect();
        let (_, off, _) = counts.select_nth_unstable_by(most, |one, other| other.cmp(one));
        let (off, mut kept) = (*off, Self::default());
        for (word, n) in self.iter().filter(|(_, n)| *n > off) {
            pulse.tick(0)?;
            kept.add(word, n - off, pulse)?;
        }
        *self = kept;
        Ok(off)
    }

    fn put(&mut self, at: usize, mut key: Key, word: &[u8], count: u64) {
        let slot = &mut self.slots[at];
        if slot.count == 0 {
            self.words += 1;
            if key[INLINE] == LONG {
                key[8..INLINE].copy_from_slice(&(self.arena.len() as u64).to_le_bytes()[..7]);
                self.arena.extend_from_slice(&(word.len() as u64).to_le_bytes());
                self.arena.extend_from_slice(word);
            }
            slot.key = key;
        }
        slot.count = count;
    }

    /// Where a key stands, or would.
    fn find(&self, key: &Key, word: &[u8]) -> usize {
        self.find_from(self.home(key), key, word)
    }

    fn find_from(&self, home: usize, key: &Key, word: &[u8]) -> usize {
        let mut at = home;
        loop {
            let slot = &self.slots[at];
            if slot.count == 0 || slot.key == *key && key[INLINE] != LONG {
                return at;
            }
            if key[INLINE] == LONG && slot.key[INLINE] == LONG && slot.key[..8] == key[..8] && self.word(&slot.key) == word {
                return at;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// The slot where the search for a key begins.
    fn home(&self, key: &Key) -> usize {
        let (low, high) = if key[INLINE] == LONG { (eight(key, 0), 0) } else { (eight(key, 0), eight(key, 8)) };
        let product = u128::from(low ^ self.secrets.0) * u128::from(high ^ self.secrets.1);
        let [low, high] = bytemuck::cast::<u128, [u64; 2]>(product);
        usize::try_from((low ^ high) & (self.slots.len() as u64 - 1)).unwrap_or(0)
    }

    fn key(&self, word: &[u8]) -> Key {
        if word.len() <= INLINE { inline_at(word, 0, word.len()) } else { self.long_key(word) }
    }

    /// The key of a word in the arena; its place there is filled in when it is put there.
    fn long_key(&self, word: &[u8]) -> Key {
        (u128::from(self.long.hash_one(word)) | u128::from(LONG) << (8 * INLINE)).to_le_bytes()
    }

    fn word<'a>(&'a self, key: &'a Key) -> &'a [u8] {
        if key[INLINE] != LONG {
            return &key[..usize::from(key[INLINE])];
        }
        let place = usize::try_from(eight(key, 8) & (u64::MAX >> 8)).unwrap_or(usize::MAX);
        let (length, words) = self.arena[place..].split_at(8);
        &words[..usize::try_from(eight(length, 0)).unwrap_or(usize::MAX)]
    }

    /// Grow, where `more` words would fill over four fifths of the slots. Where that is interrupted nothing is left: the call that counts ends with it.
    fn make_room(&mut self, more: usize, pulse: &Pulse) -> Result<()> {
        let wanted = (self.words + more) * 5 / 4;
        if wanted < self.slots.len() {
            return Ok(());
        }
        self.grow((wanted + 1).next_power_of_two(), pulse).inspect_err(|_| *self = Self::default())
    }

    /// The slots stay where they are and others come behind them: no second table stands beside the first. A word's new home is its old one, or lies behind the
    /// old slots. So if words are taken out and put back in the order of their slots, from a free slot on, one whose home stays finds only words that are in
    /// their place between its home and the slot that it had. Words in front of that free slot, whose homes may be at the old end, wait until all others are in
    /// place.
    #[cold]
    fn grow(&mut self, size: usize, pulse: &Pulse) -> Result<()> {
        let (begins, old) = (self.free_from(0), self.slots.len());
        self.slots.reserve_exact(size - old);
        while self.slots.len() < size {
            pulse.tick(0)?;
            self.slots.resize(size.min(self.slots.len() + TICK_EVERY), Slot::default());
        }
        let wrapped: Vec<Slot> = self.slots[..begins].iter_mut().map(std::mem::take).collect();
        for at in begins..old {
            if at % TICK_EVERY == 0 {
                pulse.tick(0)?;
            }
            let slot = std::mem::take(&mut self.slots[at]);
            self.place(slot);
        }
        wrapped.into_iter().for_each(|slot| self.place(slot));
        Ok(())
    }

    /// Put what a slot holds where a search for it ends.
    fn place(&mut self, slot: Slot) {
        if slot.count > 0 {
            let at = self.free_from(self.home(&slot.key));
            self.slots[at] = slot;
        }
    }

    /// The first slot from `at` on that holds nothing.
    fn free_from(&self, mut at: usize) -> usize {
        while self.slots[at].count > 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }
}

/// The key of the short word at a place of a text.
fn inline_at(data: &[u8], start: usize, length: usize) -> Key {
    let read = data.get(start..start + 16).and_then(|bytes| bytes.try_into().ok()).unwrap_or_else(|| {
        let mut bytes = Key::default();
        bytes[..length].copy_from_slice(&data[start..start + length]);
        bytes
    });
    // Made as one number: a key whose last byte is written by itself is read back slowly, because the processor waits until both are in the cache (a third of
    // all counting, of code).
    (u128::from_le_bytes(read) & !(u128::MAX << (8 * length)) | (length as u128) << (8 * INLINE)).to_le_bytes()
}

fn eight(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn it_counts_as_the_standard_library_does() -> Result<()> {
        let data: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).map(|byte| byte % 3).collect();
        let ends: Vec<u32> =
            (1u32..).scan(0, |end, n| Some((*end += n.wrapping_mul(7) % 40 + 1, *end).1)).take_while(|end| (*end as usize) < data.len()).collect();
        let (mut table, mut plain) = (Table::default(), HashMap::new());
        for span in spans(0, &ends) {
            *plain.entry(data[span].to_vec()).or_insert(0) += 1;
        }
        table.add_window(&data, 0, &ends, 1, &Pulse::default())?;
        let mut found: Vec<_> = table.iter().map(|(word, n)| (word.to_vec(), n)).collect();
        found.sort_unstable();
        let mut plain: Vec<_> = plain.into_iter().collect();
        plain.sort_unstable();
        assert_eq!(found, plain);
        assert_eq!(table.len(), plain.len());
        assert!(plain.iter().all(|(word, n)| table.get(word) == *n) && table.get(b"absent") == 0 && table.get(&[7; 99]) == 0);
        Ok(())
    }

    #[test]
    fn a_table_that_grows_keeps_its_words() -> Result<()> {
        for round in 0..50 {
            let mut table = Table::default(); // each with secrets, and so with homes, of its own
            let number = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            for n in 1..=4000 {
                table.add(&number(n), n, &Pulse::default())?;
                if n % 97 == round % 97 {
                    table.make_room(if n > 3900 { 60_000 } else { 700 }, &Pulse::default())?;
                    assert!((1..=n).all(|n| table.get(&number(n)) == n) && table.get(&number(n + 1)) == 0 && table.len() as u64 == n);
                }
            }
        }
        Ok(())
    }
}
