//! Pair of ids -> what it becomes, and when: the table that defines merging.
//!
//! Pairs are numbered in the order in which they are merged, so the lowest number is what merging looks for. A line of the table has eight entries of four
//! bytes: ten bits of a pair's hash, and its number. A look-up touches one line as a rule, 1 MB of them for cl100k, and only what looks like the pair is
//! compared with the pair of that number. What a pair becomes is asked only when it is merged, and is found by its number.

use std::hash::{BuildHasher, RandomState};

use crate::pages::Pages;
#[cfg(target_arch = "x86_64")]
use crate::pages::prefetch;

/// Of a pair that can't be joined.
pub(crate) const NONE: u32 = u32::MAX;
/// Pairs are fewer than two to the power of this.
pub(crate) const NUMBER_BITS: u32 = 22;
pub(crate) const NUMBER: u32 = (1 << NUMBER_BITS) - 1;
/// How many entries a line has, and how many of them are used in the mean at most.
pub(crate) const LINE: usize = 8;
const FULL: usize = 4;

/// Entries of pairs, from the front; 0 where there is none.
#[derive(Clone, Copy, bytemuck::Zeroable)]
#[repr(C, align(32))]
struct Line([u32; LINE]);

/// The pairs of a vocabulary.
pub(crate) struct Pairs {
    lines: Pages<Line>,
    /// How far a hash is shifted to be the number of a line.
    shift: u32,
    /// The pair of each number, none of which is 0, and how many of these places are taken.
    pairs: Pages<u64>,
    taken: usize,
    /// An odd number that nobody knows, so that nobody can choose ids whose places are all the same.
    factor: u64,
    /// What the pair of each number becomes.
    made: Made,
    /// When the pair of each number is merged, where that isn't told by the number: several may be due at the same time, the leftmost first.
    order: Vec<u32>,
}

/// As a rule ids follow numbers at a fixed distance: published ranks are ids, and learnt merges make one id after the other.
enum Made {
    After(u32),
    Listed(Vec<u32>),
}

impl Pairs {
    /// A table with room for so many, to begin with.
    pub(crate) fn with_room(pairs: usize) -> Self {
        let (count, factor) = ((pairs / FULL).next_power_of_two().max(2), RandomState::new().hash_one(0) | 1);
        let (lines, mut pairs) = (Pages::new(count), Pages::new(FULL * count));
        pairs[0] = u64::MAX;
        Self { lines, shift: 64 - count.ilog2(), pairs, taken: 1, factor, made: Made::After(0), order: Vec::new() }
    }

    /// The line where the search for a pair begins, and its entry but for the number: the upper bits.
    pub(crate) fn place(&self, pair: u64) -> (usize, u32) {
        let hash = pair.wrapping_mul(self.factor);
        let seal = u32::try_from(hash >> 32 & u64::from(u32::MAX)).unwrap_or_default() << NUMBER_BITS;
        (usize::try_from(hash.wrapping_shr(self.shift)).unwrap_or_default(), seal.max(1 << NUMBER_BITS))
    }

    /// Two ids as one number.
    pub(crate) fn joined(left: u32, right: u32) -> u64 {
        u64::from(left) << 32 | u64::from(right)
    }

    /// Fetch the pair of a number ahead of its use.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn prefetch_pair(&self, number: u32) {
        prefetch(&self.pairs, number as usize);
    }

    /// The entries of a line.
    pub(crate) fn line(&self, place: usize) -> &[u32; LINE] {
        &self.lines[place].0
    }

    /// The number in an entry.
    pub(crate) fn number_in(entry: u32) -> u32 {
        entry & NUMBER
    }

    /// The pair of a number.
    pub(crate) fn pair_of(&self, number: u32) -> u64 {
        self.pairs.get(number as usize).copied().unwrap_or(u64::MAX)
    }

    /// Fetch a line ahead of its use.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn prefetch(&self, place: usize) {
        prefetch(&self.lines, place);
    }

    /// The number of a pair, or `NONE`.
    #[inline(always)]
    pub(crate) fn number(&self, left: u32, right: u32) -> u32 {
        let pair = Self::joined(left, right);
        let (mut place, seal) = self.place(pair);
        loop {
            let entries = self.line(place);
            let mut alike = alike(entries, seal);
            while alike != 0 {
                let number = Self::number_in(entries[alike.trailing_zeros() as usize / 8 % LINE]);
                if self.pair_of(number) == pair {
                    return number;
                }
                alike &= alike - 1;
            }
            if entries[LINE - 1] == 0 {
                return NONE;
            }
            place = (place + 1) & (self.lines.len() - 1);
        }
    }

    /// What the pair of a number becomes.
    pub(crate) fn made(&self, number: u32) -> u32 {
        match &self.made {
            Made::After(distance) => number.wrapping_add(*distance),
            Made::Listed(ids) => ids.get(number as usize).copied().unwrap_or(NONE),
        }
    }

    /// When the pair of a number is merged: the lower, the earlier.
    pub(crate) fn order(&self, number: u32) -> u32 {
        self.order.get(number as usize).copied().unwrap_or(number)
    }

    /// Whether the lowest number is merged first.
    pub(crate) fn in_order(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether every pair has a higher number than those that make its halves.
    pub(crate) fn never_fall(&self) -> bool {
        let numbers = || (0u32..).zip(&self.pairs[..self.taken]).skip(1);
        let mut last = vec![0; numbers().map(|(number, _)| self.made(number) as usize + 1).max().unwrap_or_default()];
        numbers().for_each(|(number, _)| last[self.made(number) as usize] = number);
        let last = |id: u64| usize::try_from(id).ok().and_then(|id| last.get(id)).copied().unwrap_or_default();
        self.in_order() && numbers().all(|(number, pair)| last(pair >> 32).max(last(pair & u64::from(u32::MAX))) < number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.taken - 1
    }

    /// Say when each pair is merged.
    pub(crate) fn set_order(&mut self, order: Vec<u32>) {
        self.order = order;
    }

    /// Give a pair the next number; gives the one that it has already, if it is there. Ids are under `MAX_IDS`, numbers under two to the power of `NUMBER_BITS`
    /// - 1.
    pub(crate) fn push(&mut self, (left, right): (u32, u32), id: u32) -> Option<u32> {
        let known = self.number(left, right);
        if known != NONE {
            return Some(known);
        }
        let number = u32::try_from(self.taken).unwrap_or(NONE);
        match &mut self.made {
            Made::After(distance) if number == 1 => *distance = id.wrapping_sub(number),
            Made::After(distance) if *distance == id.wrapping_sub(number) => {}
            Made::After(distance) => {
                self.made = Made::Listed([NONE].into_iter().chain((1..number).map(|number| number.wrapping_add(*distance))).chain([id]).collect())
            }
            Made::Listed(ids) => ids.push(id),
        }
        if self.taken == self.pairs.len() {
            self.grow();
        }
        self.pairs[self.taken] = Self::joined(left, right);
        self.taken += 1;
        self.enter(number);
        None
    }

    fn grow(&mut self) {
        let (before, count) = (std::mem::replace(&mut self.pairs, Pages::new(2 * self.taken)), 2 * self.lines.len());
        self.pairs[..self.taken].copy_from_slice(&before);
        self.lines = Pages::new(count);
        self.shift = 64 - count.ilog2();
        (1..).take(self.taken - 1).for_each(|number| self.enter(number));
    }

    fn enter(&mut self, number: u32) {
        let (mut place, seal) = self.place(self.pairs[number as usize]);
        loop {
            if let Some(free) = self.lines[place].0.iter_mut().find(|entry| **entry == 0) {
                *free = seal | number;
                return;
            }
            place = (place + 1) & (self.lines.len() - 1);
        }
    }
}

/// Which entries of a line have these upper bits: a byte of 1 for each that has.
fn alike(entries: &[u32; LINE], seal: u32) -> u64 {
    u64::from_le_bytes(entries.map(|entry| u8::from(entry & !NUMBER == seal)))
}
