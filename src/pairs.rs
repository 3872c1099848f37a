//! Pair of ids -> what it becomes, and when: the table that defines merging.
//!
//! Pairs are numbered in the order in which they are merged, so the lowest number is what merging looks for. An entry of eight bytes is a pair and its number;
//! a line of memory has eight, and a look-up touches one as a rule: 2 MB of them for cl100k. What a pair becomes is asked only when it is merged, and is found
//! by its number.

use std::hash::{BuildHasher, RandomState};
use std::hint::select_unpredictable;

use crate::error::MAX_IDS;
use crate::pages::Pages;

/// Of a pair that can't be joined; and an id of none, which is in no pair.
pub(crate) const NONE: u32 = u32::MAX;
/// Pairs are fewer than two to the power of this.
pub(crate) const NUMBER_BITS: u32 = 22;
pub(crate) const NUMBER: u64 = (1 << NUMBER_BITS) - 1;
/// Above a number an entry has two ids, with one bit more than any id needs: all bits are those of none.
pub(crate) const ID_BITS: u32 = 21;
const _: () = assert!(MAX_IDS < 1 << ID_BITS && 2 * ID_BITS + NUMBER_BITS == u64::BITS);
/// No entry is 0, not even that of the first id twice: what stands in an entry has its highest bit turned.
pub(crate) const TAKEN: u64 = 1 << 63;
/// How many entries a line has, and how many of them are used in the mean at most.
const LINE: usize = 8;
const FULL: usize = 4;

/// Entries of pairs, from the front; 0 where there is none.
#[derive(Clone, Copy, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u64; LINE]);

impl Line {
    /// The number of a pair whose entry is here, or `NONE`: told without a branch, since what is found can't be foreseen and the line may be far.
    fn number(&self, pair: u64) -> u32 {
        let least = self.0.iter().fold(u64::MAX, |least, entry| least.min(entry ^ pair));
        select_unpredictable(least <= NUMBER, u32::try_from(least & NUMBER).unwrap_or(NONE), NONE)
    }

    /// Whether more may stand in the next line.
    pub(crate) fn is_full(&self) -> bool {
        self.0[LINE - 1] != 0
    }
}

/// The pairs of a vocabulary.
pub(crate) struct Pairs {
    lines: Pages<Line>,
    /// How far a hash is shifted to be the number of a line.
    shift: u32,
    len: usize,
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
        Self { lines: Pages::new(count), shift: u64::BITS - count.ilog2(), len: 0, factor, made: Made::After(0), order: Vec::new() }
    }

    /// Two ids as an entry has them.
    pub(crate) fn joined(left: u32, right: u32) -> u64 {
        (u64::from(left) << (NUMBER_BITS + ID_BITS) | u64::from(right) << NUMBER_BITS) ^ TAKEN
    }

    /// The line where the search for a pair begins.
    pub(crate) fn place(&self, pair: u64) -> usize {
        usize::try_from(pair.wrapping_mul(self.factor).wrapping_shr(self.shift)).unwrap_or_default()
    }

    /// The entries of a line.
    pub(crate) fn line(&self, place: usize) -> &Line {
        &self.lines[place]
    }

    /// The number of a pair, or `NONE`.
    pub(crate) fn number(&self, left: u32, right: u32) -> u32 {
        self.number_of(Self::joined(left, right))
    }

    /// The number of two ids as an entry has them, or `NONE`.
    pub(crate) fn number_of(&self, pair: u64) -> u32 {
        let place = self.place(pair);
        let line = self.line(place);
        if line.is_full() { self.search(pair, place) } else { line.number(pair) }
    }

    /// The same where it may stand in a line behind.
    #[cold]
    fn search(&self, pair: u64, mut place: usize) -> u32 {
        loop {
            let line = self.line(place);
            match line.number(pair) {
                NONE if line.is_full() => place = (place + 1) & (self.lines.len() - 1),
                number => return number,
            }
        }
    }

    /// What the pair of a number becomes.
    #[inline]
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
        let entries = || self.lines.iter().flat_map(|line| line.0).filter(|entry| *entry != 0).map(taken_apart);
        let mut last = vec![0; entries().map(|(_, number)| self.made(number) as usize + 1).max().unwrap_or_default()];
        for (_, number) in entries() {
            let last = &mut last[self.made(number) as usize];
            *last = number.max(*last);
        }
        let last = |id: u32| last.get(id as usize).copied().unwrap_or_default();
        self.in_order() && entries().all(|([left, right], number)| last(left).max(last(right)) < number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
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
        self.len += 1;
        let number = u32::try_from(self.len).unwrap_or(NONE);
        match &mut self.made {
            Made::After(distance) if number == 1 => *distance = id.wrapping_sub(number),
            Made::After(distance) if *distance == id.wrapping_sub(number) => {}
            Made::After(distance) => {
                self.made = Made::Listed([NONE].into_iter().chain((1..number).map(|number| number.wrapping_add(*distance))).chain([id]).collect())
            }
            Made::Listed(ids) => ids.push(id),
        }
        if self.len > FULL * self.lines.len() {
            self.grow();
        }
        self.enter(Self::joined(left, right) | u64::from(number));
        None
    }

    fn grow(&mut self) {
        let count = 2 * self.lines.len();
        let before = std::mem::replace(&mut self.lines, Pages::new(count));
        self.shift -= 1;
        before.iter().flat_map(|line| line.0).filter(|entry| *entry != 0).for_each(|entry| self.enter(entry));
    }

    fn enter(&mut self, entry: u64) {
        let mut place = self.place(entry & !NUMBER);
        loop {
            if let Some(free) = self.lines[place].0.iter_mut().find(|entry| **entry == 0) {
                *free = entry;
                return;
            }
            place = (place + 1) & (self.lines.len() - 1);
        }
    }
}

/// What merging side by side asks.
#[cfg(target_arch = "x86_64")]
impl Pairs {
    /// What a pair is multiplied by to be a hash, and how far that is shifted to be the number of a line.
    pub(crate) fn hash(&self) -> (u64, u32) {
        (self.factor, self.shift)
    }

    /// Fetch a line ahead of its use.
    pub(crate) fn prefetch(&self, place: usize) {
        crate::pages::prefetch(&self.lines, place);
    }

    /// What the pairs of numbers become, in their place.
    #[inline(always)]
    pub(crate) fn all_made(&self, numbers: &mut [u32]) {
        numbers.iter_mut().for_each(|number| *number = self.made(*number));
    }
}

/// The ids in an entry, and the number.
fn taken_apart(entry: u64) -> ([u32; 2], u32) {
    let id = |shift: u32| u32::try_from((entry ^ TAKEN) >> shift & ((1 << ID_BITS) - 1)).unwrap_or(NONE);
    ([id(NUMBER_BITS + ID_BITS), id(NUMBER_BITS)], u32::try_from(entry & NUMBER).unwrap_or(NONE))
}
