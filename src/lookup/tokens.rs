//! Pretokens that are tokens -> their ids: a table that is made with a vocabulary and shared by all threads.
//!
//! A key has one line of 64 bytes where it can be, with room for three keys and their ids. So a look-up touches one line of memory, which can be fetched ahead
//! of time. 4 MB have room for 94 % of cl100k's tokens that have a key (counted with hashes by chance), the lower ids where a line can't hold all; the others
//! are merged when they are first seen.

use super::batch::{BATCH, Batch};
use super::key::{Key, factors};
use crate::pages::{Pages, prefetch};

/// Three keys, and the id of each.
#[derive(Clone, Copy, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub(super) struct Line {
    keys: [Key; 3],
    pub(super) ids: [u32; 4],
}

/// The tokens.
pub(super) struct Tokens {
    pub(super) lines: Pages<Line>,
    pub(super) factors: [u64; 2],
    /// How far a hash is shifted to be the number of a line.
    pub(super) shift: u32,
}

impl Tokens {
    /// A table for so many tokens.
    pub(super) fn new(tokens: usize) -> Self {
        let bits = (tokens / 2).next_power_of_two().max(2).ilog2();
        Self { lines: Pages::new(1 << bits), factors: factors(), shift: 64 - bits }
    }

    /// A table of at most so many tokens: those of a line that come first have room. Some are put in together, for their lines lie far apart.
    pub(super) fn of(tokens: usize, mut keys: impl Iterator<Item = (Key, u32)>) -> Self {
        let (mut this, mut some) = (Self::new(tokens), Vec::with_capacity(BATCH));
        loop {
            some.extend(keys.by_ref().take(BATCH));
            if some.is_empty() {
                return this;
            }
            some.iter().for_each(|(key, _)| prefetch(&this.lines, this.line(*key) as usize));
            some.drain(..).for_each(|(key, id)| this.insert(key, id));
        }
    }

    /// The line where a key can be.
    pub(super) fn line(&self, key: Key) -> u32 {
        u32::try_from(key.hash(self.factors) >> self.shift).unwrap_or_default()
    }

    /// Put a token in, if its line has room.
    pub(super) fn insert(&mut self, key: Key, id: u32) {
        let line = self.line(key);
        let Line { keys, ids } = &mut self.lines[line as usize];
        if let Some(free) = keys.iter().position(|key| *key == Key::default()) {
            (keys[free], ids[free]) = (key, id);
        }
    }

    /// Whether a key is one token.
    pub(super) fn has(&self, key: Key) -> bool {
        self.lines[self.line(key) as usize].keys.contains(&key)
    }

    /// Make the keys of up to `BATCH` pretokens of a text, the first of which begins at a place, and fetch their lines.
    pub(super) fn fetch(&self, batch: &mut Batch, text: &[u8], first: u32, ends: &[u32]) {
        #[cfg(target_arch = "x86_64")]
        if super::wide::fetch(self, batch, text, first, ends) {
            return;
        }
        let mut begin = first as usize;
        for ((key, line), end) in batch.keys.iter_mut().zip(&mut batch.lines).zip(ends) {
            *key = Key::of(text, begin..*end as usize).unwrap_or(Key::NONE);
            *line = self.line(*key);
            prefetch(&self.lines, *line as usize);
            begin = *end as usize;
        }
    }

    /// Find the ids of the first pretokens of a batch; says which of them are tokens.
    pub(super) fn find(&self, batch: &mut Batch, count: usize) -> u64 {
        #[cfg(target_arch = "x86_64")]
        if let Some(known) = super::wide::find(self, batch, count) {
            return known;
        }
        let mut known = 0;
        for (place, ((key, line), found)) in batch.keys.iter().zip(&batch.lines).zip(&mut batch.single).enumerate().take(count) {
            let Line { keys, ids } = &self.lines[*line as usize];
            let [one, two, three] = keys.map(|other| (other.low ^ key.low) | (other.high ^ key.high) == 0); // no branch: which of them it is can't be foreseen
            *found = ids[usize::from(two) + 2 * usize::from(three)];
            known |= u64::from(one | two | three) << place;
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
        let mut tokens = Tokens::new(200);
        for length in 1..40 {
            for start in (0..text.len() - 40).step_by(97 * length) {
                let key = Key::of(&text, start..start + length);
                if let Some(key) = key.filter(|key| !tokens.has(*key)) {
                    tokens.insert(key, u32::try_from(start).unwrap());
                }
            }
        }
        let ends: Vec<u32> = text
            .iter()
            .scan((0, 0), |(end, step), byte| (*end < 3980).then(|| (*step += 1, *end += 1 + (u32::from(*byte) + *step) % 19)).map(|_| *end))
            .collect();
        let (mut first, mut found, mut batch) = (0, 0, Batch::EMPTY);
        for ends in ends.chunks(BATCH) {
            tokens.fetch(&mut batch, &text, first, ends);
            let known = tokens.find(&mut batch, ends.len());
            for (place, end) in ends.iter().enumerate() {
                let key = Key::of(&text, first as usize..*end as usize).unwrap_or(Key::NONE);
                assert_eq!((batch.keys[place], batch.lines[place]), (key, tokens.line(key)));
                let Line { keys, ids } = &tokens.lines[tokens.line(key) as usize];
                let id = keys.iter().position(|other| *other == key).map(|place| ids[place]);
                assert_eq!((known >> place & 1 == 1).then_some(batch.single[place]), id);
                found += usize::from(id.is_some());
                first = *end;
            }
        }
        assert!(found > 50, "{found}");
    }
}
