//! Pair of ids -> what it becomes, and when: the table that defines merging.
//!
//! One number a pair: forty bits of the two ids, and the rank. At least half of the table is empty, so that a look-up touches one line of memory as a rule; 4 MB hold the
//! 230,000 pairs of cl100k. Most pairs that are asked for are none; a filter of a sixteenth of that size, which stays in a nearer cache, knows nine of ten of them.
//! What a pair becomes is asked only when it is merged, and is found by its rank.

use std::hash::{BuildHasher, RandomState};

use crate::cache::Pages;
use crate::error::MAX_IDS;
use crate::vocab::Merge;

/// Of a pair that can't be joined.
pub(crate) const NONE: u32 = u32::MAX;
/// Ranks are under two to the power of this.
pub(crate) const RANK_BITS: u32 = 24;
const ID_BITS: u32 = MAX_IDS.ilog2();
/// How many bits the filter has for each slot.
const FILTER_BITS: usize = 4;

/// The pairs of a vocabulary.
pub(crate) struct Pairs {
    /// One more than a pair's number; 0 where there is none.
    slots: Pages<u64>,
    /// A bit for each pair, by its hash.
    filter: Vec<u64>,
    pairs: usize,
    /// An odd number that nobody knows, so that nobody can choose ids whose places are all the same.
    factor: u64,
    /// What the pair of each rank becomes.
    made: Made,
}

/// As a rule ids follow ranks at a fixed distance: published ranks are ids, and learnt merges make one id after the other.
enum Made {
    After(u32),
    Listed(Vec<u32>),
}

impl Pairs {
    /// A table with room for so many, to begin with.
    pub(crate) fn with_room(pairs: usize) -> Self {
        Self::with_slots((2 * pairs).max(64).next_power_of_two(), RandomState::new().hash_one(0) | 1)
    }

    fn with_slots(slots: usize, factor: u64) -> Self {
        Self { slots: Pages::new(slots), filter: vec![0; slots * FILTER_BITS / 64], pairs: 0, factor, made: Made::After(0) }
    }

    /// The hash of a pair's number.
    fn hash(&self, pair: u64) -> u64 {
        pair.wrapping_mul(self.factor)
    }

    /// Where the search for a hash begins.
    fn start(&self, hash: u64) -> usize {
        usize::try_from(hash >> (64 - self.slots.len().ilog2())).unwrap_or_default()
    }

    /// The word of the filter that a hash has a bit in, and the bit.
    fn filtered(&self, hash: u64) -> (usize, u64) {
        let bit = hash >> (64 - (self.slots.len() * FILTER_BITS).ilog2());
        (usize::try_from(bit / 64).unwrap_or_default(), 1 << (bit % 64))
    }

    /// The rank of a pair, or `NONE`.
    pub(crate) fn rank(&self, left: u32, right: u32) -> u32 {
        let pair = number(left, right);
        let hash = self.hash(pair);
        let (word, bit) = self.filtered(hash);
        if self.filter[word] & bit == 0 {
            return NONE;
        }
        let mut place = self.start(hash);
        loop {
            let Some(number) = self.slots[place].checked_sub(1) else { return NONE };
            if number >> RANK_BITS == pair {
                return u32::try_from(number & ((1 << RANK_BITS) - 1)).unwrap_or(NONE);
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    /// What the pair of a rank becomes.
    pub(crate) fn made(&self, rank: u32) -> u32 {
        match &self.made {
            Made::After(distance) => rank.wrapping_add(*distance),
            Made::Listed(ids) => ids.get(rank as usize).copied().unwrap_or(NONE),
        }
    }

    /// Note what the pair of a rank becomes; ranks come in rising order where they aren't ids.
    fn note(&mut self, Merge { rank, id }: Merge) {
        let distance = id.wrapping_sub(rank);
        match &mut self.made {
            Made::After(_) if self.pairs == 0 => self.made = Made::After(distance),
            Made::After(known) if *known == distance => {}
            Made::After(known) => {
                let before = (0..rank).map(|rank| rank.wrapping_add(*known));
                self.made = Made::Listed(before.chain([id]).collect());
            }
            Made::Listed(ids) => {
                ids.resize(ids.len().max(rank as usize + 1), NONE);
                ids[rank as usize] = id;
            }
        }
    }

    /// What a pair becomes, and when.
    pub(crate) fn get(&self, left: u32, right: u32) -> Option<Merge> {
        let rank = self.rank(left, right);
        (rank != NONE).then(|| Merge { rank, id: self.made(rank) })
    }

    /// Put a pair in; gives what it was before, if it was there. Ids are under `MAX_IDS`, ranks under 2**24.
    pub(crate) fn insert(&mut self, (left, right): (u32, u32), merge: Merge) -> Option<Merge> {
        if let Some(known) = self.get(left, right) {
            return Some(known);
        }
        if 2 * (self.pairs + 1) > self.slots.len() {
            let made = std::mem::replace(&mut self.made, Made::After(0));
            let mut larger = Self { made, ..Self::with_slots(2 * self.slots.len(), self.factor) };
            self.slots.iter().filter_map(|slot| slot.checked_sub(1)).for_each(|number| larger.put(number));
            *self = larger;
        }
        self.note(merge);
        self.put(number(left, right) << RANK_BITS | u64::from(merge.rank));
        None
    }

    fn put(&mut self, number: u64) {
        let hash = self.hash(number >> RANK_BITS);
        let (word, bit) = self.filtered(hash);
        self.filter[word] |= bit;
        let mut place = self.start(hash);
        while self.slots[place] != 0 {
            place = (place + 1) & (self.slots.len() - 1);
        }
        self.slots[place] = number + 1;
        self.pairs += 1;
    }
}

/// A pair as one number.
fn number(left: u32, right: u32) -> u64 {
    u64::from(left) << ID_BITS | u64::from(right)
}
