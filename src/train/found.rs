//! The search for the pairs that are frequent enough, with all their places.
//!
//! Most slots are of pairs whose counters in the sketch are too low. For the others the table of counters says which pair it is, unless two such pairs share a
//! counter. Slots are looked at some at a time, so that their counters come from memory at the same time.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::pairs::{Pair, number32};
use super::places::Places;
use super::sketch::Sketch;
use super::slots::{EDGE, Slots};
use crate::error::Result;
use crate::pages::Pages;
use crate::threads::Pulse;

const AHEAD: usize = 32;
const TICK_EVERY: usize = 1 << 9;
/// In the table of counters: no pair yet, or none ever.
const NONE: u32 = u32::MAX;
const NEVER: u32 = NONE - 1;

/// The pairs of a piece of the words whose counters are high enough.
pub(super) struct Found<'a> {
    sketch: &'a Sketch,
    pub(super) pairs: Vec<(Pair, u64, Places)>,
    /// The first pair found of each counter: `NONE` yet, or `NEVER`; and the others.
    first: Pages<u32>,
    others: FxHashMap<Pair, u32>,
}

impl<'a> Found<'a> {
    pub(super) fn new(sketch: &'a Sketch, threshold: u64) -> Self {
        let mut first = Pages::new(sketch.counters().len());
        first.iter_mut().zip(sketch.counters()).for_each(|(first, most)| *first = if *most < threshold { NEVER } else { NONE });
        Self { sketch, pairs: Vec::new(), first, others: FxHashMap::default() }
    }

    pub(super) fn add(&mut self, range: Range<usize>, weight: u64, slots: &Slots, pulse: &Pulse) -> Result<()> {
        let mut counters = [0; AHEAD];
        for (number, start) in range.clone().step_by(AHEAD).enumerate() {
            if number % TICK_EVERY == 0 {
                pulse.tick(0)?;
            }
            let symbols = &slots.symbols()[start - 1..range.end.min(start + AHEAD)];
            let mut wanted = 0u32;
            for (i, (pair, counter)) in symbols.windows(2).zip(&mut counters).enumerate() {
                *counter = self.sketch.counter((pair[0], pair[1]));
                let inside = pair[0] != EDGE && pair[1] != EDGE;
                wanted |= u32::from(inside & (self.first[*counter] != NEVER)) << i;
            }
            while wanted != 0 {
                let i = wanted.trailing_zeros() as usize;
                wanted &= wanted - 1;
                let number = self.number((symbols[i], symbols[i + 1]), counters[i]);
                let (_, count, places) = &mut self.pairs[number];
                *count += weight;
                places.push(number32(start + i - 1));
            }
        }
        Ok(())
    }

    /// Where a pair stands among those found.
    fn number(&mut self, pair: Pair, counter: usize) -> usize {
        let next = number32(self.pairs.len());
        let number = match self.first[counter] {
            NONE => std::mem::replace(&mut self.first[counter], next).min(next),
            first if self.pairs[first as usize].0 == pair => first,
            _ => *self.others.entry(pair).or_insert(next),
        };
        if number == next {
            self.pairs.push((pair, 0, Places::with_room(AHEAD)));
        }
        number as usize
    }
}
