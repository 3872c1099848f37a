//! Roughly how often each pair occurs: never too low, in a table that doesn't grow with the number of pairs.
//!
//! Pairs share counters, by a hash. Most pairs of a corpus are rare and will never be merged: the sketch tells them apart from the few that may be, before
//! anything is kept of them.

use super::pairs::Pair;
use super::slots::{EDGE, Slots};
use crate::error::Result;
use crate::pages::Pages;
use crate::threads::{Pulse, parallel};

/// The logarithms, base 2, of the least and the largest number of counters: 8 MB, which stay in a level-3 cache.
const COUNTERS: (u32, u32) = (12, 20);
const TICK_EVERY: usize = 1 << 14;

pub(super) struct Sketch {
    counters: Pages<u64>,
    shift: u32,
}

impl Sketch {
    /// Count all pairs. The sum of all counts fits into 64 bits: `train` has made sure of that.
    pub(super) fn of(slots: &Slots, threads: usize, pulse: &Pulse) -> Result<Self> {
        let bits = slots.symbols().len().ilog2().clamp(COUNTERS.0, COUNTERS.1);
        let pieces = slots.pieces(threads);
        let mut sketches = parallel(threads, threads, |piece| {
            let mut this = Self { counters: Pages::new(1 << bits), shift: 64 - bits };
            for (range, weight) in slots.weighed(pieces[piece].clone()) {
                this.add(&slots.symbols()[range], weight, pulse)?;
            }
            Ok(this)
        })?;
        let Some(mut sum) = sketches.pop() else { return Ok(Self { counters: Pages::new(2), shift: 63 }) };
        for other in sketches {
            sum.counters.iter_mut().zip(other.counters.iter()).for_each(|(one, other)| *one += other);
        }
        Ok(sum)
    }

    fn add(&mut self, symbols: &[u32], weight: u64, pulse: &Pulse) -> Result<()> {
        for start in (0..symbols.len()).step_by(TICK_EVERY) {
            pulse.tick(0)?;
            for pair in symbols[start..symbols.len().min(start + TICK_EVERY + 1)].windows(2) {
                let inside = u64::from(pair[0] != EDGE) & u64::from(pair[1] != EDGE);
                let counter = self.counter((pair[0], pair[1]));
                self.counters[counter] += weight * inside;
            }
        }
        Ok(())
    }

    /// Which counter a pair has.
    pub(super) fn counter(&self, (left, right): Pair) -> usize {
        let hash = (u64::from(left) << 32 | u64::from(right)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(hash >> self.shift).unwrap_or(0)
    }

    /// The counters: no pair occurs more often than its counter says.
    pub(super) fn counters(&self) -> &[u64] {
        &self.counters
    }

    /// About the count of the `n`-th most frequent pair: a power of two, or one and a half; 1 if there are fewer pairs.
    pub(super) fn nth(&self, n: usize) -> u64 {
        let mut sizes = [0usize; 128];
        for &count in self.counters.iter().filter(|count| **count > 0) {
            let power = count.ilog2();
            sizes[2 * power as usize + usize::from(power > 0 && count >> (power - 1) & 1 == 1)] += 1;
        }
        let mut pairs = 0;
        let found = (0..128).rev().find(|size| {
            pairs += sizes[*size];
            pairs >= n
        });
        found.map_or(1, |size| (1 << (size / 2)) + (1 << (size / 2) >> 1) * (size as u64 % 2))
    }

    /// How many pairs of neighbours there are, every occurrence.
    pub(super) fn total(&self) -> u64 {
        self.counters.iter().sum()
    }
}
