//! The pairs that may be merged soon: how often each occurs, and where.
//!
//! Counts only fall, but for those of the pairs that a new symbol brings, and these are all seen when it is made. So a pair under a threshold stays under it,
//! and nothing need be kept of it until everything above has been merged: of the millions of pairs of a corpus, tens of thousands ever have an entry here. An
//! entry's places are never added to; a place where the pair no longer stands is found out when it is merged. The heap's entries may say counts that are no
//! longer true, which can only be too high: one is put back with the true count when it comes up.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::hint::black_box;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::found::Found;
use super::places::Places;
use super::sketch::Sketch;
use super::slots::{EDGE, Slots};
use super::ties::Tie;
use crate::error::Result;
use crate::threads::{Pulse, parallel};

const TICK_EVERY: usize = 1 << 14;
/// How many places are looked at together, so that they come from memory at the same time.
const AHEAD: usize = 32;
/// How much of the memory for what was merged is kept from merge to merge.
const KEPT: usize = 1 << 16;
const NONE: u32 = u32::MAX;

pub(super) type Pair = (u32, u32);

/// What the pairs are found in.
pub(super) struct Words<'a> {
    pub(super) slots: &'a Slots,
    /// The bytes of each symbol.
    pub(super) spelled: &'a [Arc<[u8]>],
    /// How many bytes a token may have.
    pub(super) longest: usize,
}

/// What is known of a pair.
#[derive(Default)]
pub(super) struct Known {
    pub(super) count: u64,
    /// The slots of its left symbol.
    pub(super) places: Places,
}

/// How often a symbol stood beside those that a merge has joined, and which new pair that makes.
#[derive(Clone, Copy)]
struct Beside {
    count: u64,
    places: u32,
    fresh: u32,
}

const NOTHING: Beside = Beside { count: 0, places: 0, fresh: NONE };

pub(super) struct Pairs<T> {
    threshold: u64,
    /// How many bytes a token may have.
    longest: usize,
    known: FxHashMap<Pair, Known>,
    heap: BinaryHeap<(u64, T, Pair)>,
    /// By symbol: what stood to the left and to the right of the pair being merged.
    left: Vec<Beside>,
    right: Vec<Beside>,
    touched: (Vec<u32>, Vec<u32>),
    /// Where the pair was merged, and what stood to the left and to the right.
    merged: Vec<(u32, u32, u32)>,
}

impl<T: Tie> Pairs<T> {
    /// Find the pairs that occur at least `threshold` times.
    pub(super) fn of(words: &Words<'_>, sketch: Sketch, threshold: u64, threads: usize, pulse: &Pulse) -> Result<Self> {
        let pieces = words.slots.pieces(threads);
        let found = parallel(threads, threads, |piece| {
            let mut found = Found::new(&sketch, threshold);
            for (range, weight) in words.slots.weighed(pieces[piece].clone()) {
                found.add(range, weight, words.slots, pulse)?;
            }
            Ok(found.pairs)
        })?;
        let fits = |(left, right): Pair| words.spelled[left as usize].len() + words.spelled[right as usize].len() <= words.longest;
        let mut found = found.into_iter();
        let mut known: FxHashMap<Pair, Known> = found.next().unwrap_or_default().into_iter().filter(|(pair, _)| fits(*pair)).collect();
        for (pair, more) in found.flatten().filter(|(pair, _)| fits(*pair)) {
            pulse.tick(0)?;
            let known = known.entry(pair).or_default();
            known.count += more.count;
            known.places.append(more.places);
        }
        known.retain(|_, known| known.count >= threshold);
        let heap = known.iter().map(|(pair, known)| (known.count, T::of(*pair, words.spelled), *pair)).collect();
        Ok(Self { threshold, longest: words.longest, known, heap, left: Vec::new(), right: Vec::new(), touched: Default::default(), merged: Vec::new() })
    }

    /// Take the most frequent pair off the heap; none if all are under the threshold.
    pub(super) fn most_frequent(&mut self) -> Option<Pair> {
        loop {
            let mut top = self.heap.peek_mut()?;
            let pair = top.2;
            match self.known.get(&pair) {
                Some(known) if known.count < top.0 => top.0 = known.count,
                found => {
                    let found = found.is_some();
                    PeekMut::pop(top);
                    if found {
                        return Some(pair);
                    }
                }
            }
        }
    }

    /// Forget a pair that mustn't be merged.
    pub(super) fn forget(&mut self, pair: Pair) {
        self.known.remove(&pair);
    }

    /// Put the newest symbol in the place of every `pair`, from the left, and count the pairs that this makes and ends.
    pub(super) fn merge(&mut self, pair: Pair, slots: &mut Slots, spelled: &[Arc<[u8]>], pulse: &Pulse) -> Result<()> {
        let new = number32(spelled.len() - 1);
        let places = self.known.remove(&pair).unwrap_or_default().places;
        self.left.resize(spelled.len(), NOTHING);
        self.right.resize(spelled.len(), NOTHING);
        self.replace(pair, new, &places, slots, pulse)?;
        let mut fresh = self.recount(pair, new, spelled);
        if !fresh.is_empty() {
            self.locate(&mut fresh, slots, pulse)?;
        }
        for symbol in self.touched.0.drain(..) {
            self.left[symbol as usize] = NOTHING;
        }
        for symbol in self.touched.1.drain(..) {
            self.right[symbol as usize] = NOTHING;
        }
        self.merged.clear();
        self.merged.shrink_to(KEPT);
        for (pair, known) in fresh {
            self.heap.push((known.count, T::of(pair, spelled), pair));
            self.known.insert(pair, known);
        }
        Ok(())
    }

    /// Merge at each place where the pair still stands, and count what stands beside it.
    fn replace(&mut self, pair: Pair, new: u32, places: &Places, slots: &mut Slots, pulse: &Pulse) -> Result<()> {
        let lengths = (slots.length(pair.0), slots.length(pair.1));
        let (mut places, mut ahead) = (places.iter(), [0; AHEAD]);
        loop {
            let mut some = 0;
            for (next, place) in ahead.iter_mut().zip(&mut places) {
                *next = place;
                some += 1;
            }
            black_box(ahead[..some].iter().fold(0, |sum: u32, place| sum ^ slots.symbols()[*place as usize]));
            for &place in &ahead[..some] {
                let Some((left, right)) = slots.merge(place as usize, pair, lengths, new) else { continue };
                self.merged.push((place, left, right));
                let weight = slots.weight(place as usize);
                beside(&mut self.left, &mut self.touched.0, left, weight);
                beside(&mut self.right, &mut self.touched.1, right, weight);
            }
            pulse.tick(0)?;
            if some < AHEAD {
                return Ok(());
            }
        }
    }

    /// Take what the merge has ended off the counts, and give the new pairs that are frequent enough, without their places yet.
    ///
    /// In `l r l r` the second merge ends what the first one has just made, `new l`: it is counted as standing right of the first and `new` as standing left of the second.
    fn recount(&mut self, (left, right): Pair, new: u32, spelled: &[Arc<[u8]>]) -> Vec<(Pair, Known)> {
        let mut fresh = Vec::new();
        let room = self.longest.saturating_sub(spelled[new as usize].len());
        let mut born = |beside: &mut Beside, symbol: u32, pair: Pair, count: u64, threshold: u64| {
            if count >= threshold && spelled[symbol as usize].len() <= room {
                beside.fresh = number32(fresh.len());
                fresh.push((pair, Known { count, places: Places::with_room(beside.places as usize) }));
            }
        };
        let ended = self.left[new as usize].count;
        for i in 0..self.touched.1.len() {
            let symbol = self.touched.1[i];
            let count = self.right[symbol as usize].count;
            self.take((right, symbol), count);
            let count = if symbol == left { count.saturating_sub(ended) } else { count };
            born(&mut self.right[symbol as usize], symbol, (new, symbol), count, self.threshold);
        }
        for i in 0..self.touched.0.len() {
            let symbol = self.touched.0[i];
            let count = self.left[symbol as usize].count;
            self.take((symbol, left), count);
            born(&mut self.left[symbol as usize], symbol, (symbol, new), count, self.threshold);
        }
        fresh
    }

    /// Take some off a pair's count.
    fn take(&mut self, pair: Pair, count: u64) {
        if let Some(known) = self.known.get_mut(&pair) {
            known.count = known.count.saturating_sub(count);
            if known.count < self.threshold {
                self.known.remove(&pair);
            }
        }
    }

    /// Find the places of the new pairs.
    fn locate(&self, fresh: &mut [(Pair, Known)], slots: &Slots, pulse: &Pulse) -> Result<()> {
        for (i, &(place, left, right)) in self.merged.iter().enumerate() {
            if i % TICK_EVERY == 0 {
                pulse.tick(0)?;
            }
            if left != EDGE
                && let Some((_, known)) = fresh.get_mut(self.left[left as usize].fresh as usize)
            {
                known.places.push(place - number32(slots.length(left)));
            }
            if right != EDGE
                && let Some((_, known)) = fresh.get_mut(self.right[right as usize].fresh as usize)
            {
                known.places.push(place);
            }
        }
        Ok(())
    }
}

/// Count a symbol that stands beside a merged pair.
fn beside(side: &mut [Beside], touched: &mut Vec<u32>, symbol: u32, weight: u64) {
    if symbol != EDGE {
        let beside = &mut side[symbol as usize];
        if beside.count == 0 {
            touched.push(symbol);
        }
        beside.count += weight;
        beside.places += 1;
    }
}

/// A number of slots, pairs or symbols as it is stored: there are fewer than 2**32 of each.
pub(super) fn number32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}
