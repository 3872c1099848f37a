//! The pairs that are known, by number: what each is, how often it occurs, and where.
//!
//! A pair keeps its number to the end of the round, also when it has fallen under the threshold: so what waits to be merged is told by its number, and asking
//! whether its count still holds needs no search. A merge asks for the pairs that stood beside it: the table that finds their numbers takes 8 bytes a slot, so
//! a search for one that isn't known, as most are not, reads one line of memory, and that is fetched ahead.

use super::pairs::Pair;
use super::places::Places;
use crate::error::Result;
use crate::pages::{Pages, prefetch};
use crate::threads::Pulse;

/// A slot of the table holds a number, counted from 1, and above it some of the bits of the pair's hash.
const NUMBER: u64 = u32::MAX as u64;
const LEAST: usize = 1 << 8;

pub(super) struct Known {
    pairs: Vec<(Pair, u64)>,
    places: Vec<Places>,
    table: Pages<u64>,
}

impl Known {
    /// No pairs yet, but room for so many.
    pub(super) fn with_room(pairs: usize) -> Self {
        Self { pairs: Vec::with_capacity(pairs), places: Vec::with_capacity(pairs), table: Pages::new((2 * pairs).next_power_of_two().max(LEAST)) }
    }

    /// How many pairs have a number.
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn pair(&self, number: usize) -> Pair {
        self.pairs[number].0
    }

    pub(super) fn count(&self, number: usize) -> u64 {
        self.pairs[number].1
    }

    pub(super) fn count_mut(&mut self, number: usize) -> &mut u64 {
        &mut self.pairs[number].1
    }

    /// The slots of a pair's left symbol.
    pub(super) fn places(&mut self, number: usize) -> &mut Places {
        &mut self.places[number]
    }

    /// Add a pair that isn't known yet, and give its number.
    pub(super) fn add(&mut self, pair: Pair, count: u64, places: Places) -> usize {
        self.pairs.push((pair, count));
        self.places.push(places);
        if 2 * self.pairs.len() > self.table.len() {
            self.table = Pages::new(2 * self.table.len());
            (0..self.pairs.len()).for_each(|number| self.enter(number));
        } else {
            self.enter(self.pairs.len() - 1);
        }
        self.pairs.len() - 1
    }

    /// Only some of the pairs, by other numbers.
    pub(super) fn filtered(self, keep: impl Fn(Pair, u64) -> bool, pulse: &Pulse) -> Result<Self> {
        let mut kept = Self::with_room(self.len());
        for ((pair, count), places) in self.pairs.into_iter().zip(self.places) {
            pulse.tick(0)?;
            if keep(pair, count) {
                kept.add(pair, count, places);
            }
        }
        Ok(kept)
    }

    /// Fetch what a search for a pair will read.
    pub(super) fn foresee(&self, pair: Pair) {
        prefetch(&self.table, self.home(hash(pair)));
    }

    /// The number of a pair.
    pub(super) fn number(&self, pair: Pair) -> Option<usize> {
        let hash = hash(pair);
        let mut at = self.home(hash);
        loop {
            let slot = self.table[at];
            if slot == 0 {
                return None;
            }
            let number = usize::try_from(slot & NUMBER).unwrap_or(0) - 1;
            if (slot ^ above(hash)) <= NUMBER && self.pairs[number].0 == pair {
                return Some(number);
            }
            at = (at + 1) & (self.table.len() - 1);
        }
    }

    fn enter(&mut self, number: usize) {
        let hash = hash(self.pairs[number].0);
        let mut at = self.home(hash);
        while self.table[at] != 0 {
            at = (at + 1) & (self.table.len() - 1);
        }
        self.table[at] = above(hash) | (number as u64 + 1);
    }

    /// Where the search for a pair begins.
    fn home(&self, hash: u64) -> usize {
        usize::try_from(hash >> (u64::BITS - self.table.len().ilog2())).unwrap_or(0)
    }
}

fn hash((left, right): Pair) -> u64 {
    (u64::from(left) << 32 | u64::from(right)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Bits of a hash that say little of where its search begins, where a slot has them.
fn above(hash: u64) -> u64 {
    hash << 16 & !NUMBER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_found_by_its_number() -> Result<()> {
        let pairs: Vec<Pair> = (0..40_000u32).map(|n| (n % 200, n / 200 * 7)).collect();
        let mut known = Known::with_room(0);
        for (number, &pair) in pairs.iter().enumerate() {
            assert!(known.number(pair).is_none() && known.add(pair, number as u64, Places::default()) == number);
            known.places(number).push(pair.1);
        }
        assert!(pairs.iter().enumerate().all(|(number, pair)| known.number(*pair) == Some(number) && known.pair(number) == *pair));
        assert!(known.number((200, 0)).is_none() && known.number((0, 1)).is_none() && known.len() == pairs.len());
        let mut known = known.filtered(|(left, _), _| left % 3 == 0, &Pulse::default())?;
        for (old, &pair) in pairs.iter().enumerate() {
            let found = known.number(pair).map(|number| (known.pair(number), known.count(number), known.places(number).iter().collect::<Vec<_>>()));
            assert_eq!(found, (pair.0 % 3 == 0).then(|| (pair, old as u64, vec![pair.1])));
        }
        Ok(())
    }
}
