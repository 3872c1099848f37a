//! The pairs that may be merged soon: how often each occurs, and where.
//!
//! Counts only fall, but for those of the pairs that a new symbol brings, and these are all seen when it is made. So a pair under a threshold stays under it,
//! and nothing need be kept of it until everything above has been merged: of the millions of pairs of a corpus, tens of thousands are ever `known`, and wait in
//! a `queue`. A pair's places are never added to once it waits; a place where it no longer stands is found out when it is merged.

use std::array::from_fn;
use std::sync::Arc;

use super::found::Found;
use super::known::Known;
use super::places::Places;
use super::queue::Queue;
use super::sketch::Sketch;
use super::slots::{EDGE, Slots};
use super::ties::Tie;
use crate::error::Result;
use crate::pages::prefetch;
use crate::threads::{Pulse, parallel};

const TICK_EVERY: usize = 1 << 14;
/// How many places are on their way from memory at the same time.
const AHEAD: usize = 16;
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

/// How often a symbol stood beside those that a merge has joined, and the number of the new pair that this makes.
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
    known: Known,
    queue: Queue<T>,
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
        let mut known = Known::with_room(found.iter().map(Vec::len).max().unwrap_or(0));
        for (pair, count, places) in found.into_iter().flatten() {
            pulse.tick(0)?;
            match known.number(pair) {
                Some(number) => {
                    *known.count_mut(number) += count;
                    known.places(number).append(places);
                }
                None => {
                    known.add(pair, count, places);
                }
            }
        }
        let fits = |(left, right): Pair| words.spelled[left as usize].len() + words.spelled[right as usize].len() <= words.longest;
        let known = known.filtered(|pair, count| count >= threshold && fits(pair), pulse)?;
        let mut queue = Queue::new(threshold);
        for number in 0..known.len() {
            queue.add(number, known.count(number), || T::of(known.pair(number), words.spelled));
        }
        let (left, right, touched, merged) = Default::default();
        Ok(Self { threshold, longest: words.longest, known, queue, left, right, touched, merged })
    }

    /// Take the most frequent pair, and give its number and what it is; none if all are under the threshold.
    pub(super) fn most_frequent(&mut self, spelled: &[Arc<[u8]>]) -> Option<(usize, Pair)> {
        let number = self.queue.pop(&self.known, |number| T::of(self.known.pair(number), spelled))?;
        Some((number, self.known.pair(number)))
    }

    /// Put the newest symbol in the place of every `pair`, from the left, and count the pairs that this makes and ends.
    pub(super) fn merge(&mut self, number: usize, slots: &mut Slots, spelled: &[Arc<[u8]>], pulse: &Pulse) -> Result<()> {
        let (pair, new) = (self.known.pair(number), number32(spelled.len() - 1));
        let places = std::mem::take(self.known.places(number));
        self.left.resize(spelled.len(), NOTHING);
        self.right.resize(spelled.len(), NOTHING);
        self.replace(pair, new, &places, slots, pulse)?;
        let before = self.known.len();
        let touched = std::mem::take(&mut self.touched);
        self.recount(pair, new, &touched, spelled);
        if self.known.len() > before {
            self.locate(slots, pulse)?;
        }
        self.touched = touched;
        for symbol in self.touched.0.drain(..) {
            self.left[symbol as usize] = NOTHING;
        }
        for symbol in self.touched.1.drain(..) {
            self.right[symbol as usize] = NOTHING;
        }
        self.merged.clear();
        self.merged.shrink_to(KEPT);
        Ok(())
    }

    /// Merge at each place where the pair still stands, and count what stands beside it.
    fn replace(&mut self, pair: Pair, new: u32, places: &Places, slots: &mut Slots, pulse: &Pulse) -> Result<()> {
        let lengths = (slots.length(pair.0), slots.length(pair.1));
        let mut places = places.iter();
        let mut foresee = |slots: &Slots| places.next().inspect(|place| prefetch(slots.symbols(), *place as usize));
        let mut ahead: [Option<u32>; AHEAD] = from_fn(|_| foresee(slots));
        for turn in (0..AHEAD).cycle() {
            if turn == 0 {
                pulse.tick(0)?;
            }
            let Some(place) = std::mem::replace(&mut ahead[turn], foresee(slots)) else { break };
            let Some((left, right)) = slots.merge(place as usize, pair, lengths, new) else { continue };
            self.merged.push((place, left, right));
            let weight = slots.weight(place as usize);
            beside(&mut self.left, &mut self.touched.0, left, weight);
            beside(&mut self.right, &mut self.touched.1, right, weight);
        }
        Ok(())
    }

    /// Take what the merge has ended off the counts, and then know the new pairs that are frequent enough, without their places yet.
    ///
    /// In `l r l r` the second merge ends what the first one has just made, `new l`: it is counted as standing right of the first and `new` as standing left of
    /// the second.
    fn recount(&mut self, (left, right): Pair, new: u32, (lefts, rights): &(Vec<u32>, Vec<u32>), spelled: &[Arc<[u8]>]) {
        for some in rights.chunks(AHEAD) {
            some.iter().for_each(|symbol| self.known.foresee((right, *symbol)));
            some.iter().for_each(|symbol| self.take((right, *symbol), self.right[*symbol as usize].count));
        }
        for some in lefts.chunks(AHEAD) {
            some.iter().for_each(|symbol| self.known.foresee((*symbol, left)));
            some.iter().for_each(|symbol| self.take((*symbol, left), self.left[*symbol as usize].count));
        }
        let ended = self.left[new as usize].count;
        for &symbol in rights {
            let Beside { count, places, .. } = self.right[symbol as usize];
            let count = if symbol == left { count.saturating_sub(ended) } else { count };
            self.right[symbol as usize].fresh = self.born((new, symbol), count, places, spelled);
        }
        for &symbol in lefts {
            let Beside { count, places, .. } = self.left[symbol as usize];
            self.left[symbol as usize].fresh = self.born((symbol, new), count, places, spelled);
        }
    }

    /// Take some off a pair's count.
    fn take(&mut self, pair: Pair, count: u64) {
        if let Some(number) = self.known.number(pair) {
            let left = self.known.count(number).saturating_sub(count);
            *self.known.count_mut(number) = left;
            if left < self.threshold {
                *self.known.places(number) = Places::default();
            }
        }
    }

    /// Know a new pair, if it is frequent enough and fits: its number, or `NONE`.
    fn born(&mut self, pair: Pair, count: u64, places: u32, spelled: &[Arc<[u8]>]) -> u32 {
        if count < self.threshold || spelled[pair.0 as usize].len() + spelled[pair.1 as usize].len() > self.longest {
            return NONE;
        }
        let number = self.known.add(pair, count, Places::with_room(places as usize));
        self.queue.add(number, count, || T::of(pair, spelled));
        number32(number)
    }

    /// Find the places of the new pairs.
    fn locate(&mut self, slots: &Slots, pulse: &Pulse) -> Result<()> {
        for (i, &(place, left, right)) in self.merged.iter().enumerate() {
            if i % TICK_EVERY == 0 {
                pulse.tick(0)?;
            }
            if left != EDGE && self.left[left as usize].fresh != NONE {
                self.known.places(self.left[left as usize].fresh as usize).push(place - number32(slots.length(left)));
            }
            if right != EDGE && self.right[right as usize].fresh != NONE {
                self.known.places(self.right[right as usize].fresh as usize).push(place);
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
