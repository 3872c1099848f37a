//! The draw: from weights to one id, exactly as often as they say, by throwing darts.
//!
//! The ids stand side by side on a line, each as long as its weight, and a random number says where the dart hits. To know how long the line is takes the
//! weight of every id: an exponential for each of a vocabulary. But the best logit of a block of 256 ids tells how long the block can be at most. So put the
//! blocks on the line, each at its greatest possible length, and measure a block only when it is hit: the dart is on an id, and that is the draw; or in the
//! gap behind the block's last id, then close the gap and throw again. Every throw hits each id with a probability proportional to its weight, so the first
//! that hits an id draws exactly; and of five hundred blocks some twenty get measured.

use super::kept::{Cut, Item, Kept, Place};
use super::kernels::{BLOCK, Value, each_mass};
use crate::philox::{DRAW, odd_bits};

/// How many blocks are looked at as one, to find the block that is hit.
const GROUP: usize = 32;

/// In which piece a point of a line lies, and how far from the piece's start; the number of pieces, if it is behind the last.
fn at(lengths: &[u64], mut point: u64) -> (usize, u64) {
    for (piece, length) in lengths.iter().enumerate() {
        if point < *length {
            return (piece, point);
        }
        point -= length;
    }
    (lengths.len(), point)
}

/// Draw an id: `lengths` says how long each block can be, `measure` how long it is, `weights` gives the weights of its ids.
pub fn draw(
    mut lengths: Vec<u64>,
    measure: impl Fn(usize) -> u64,
    weights: impl FnOnce(usize, &mut [u64; BLOCK]),
    (seed, position, purpose): (u64, u64, u32),
) -> usize {
    let mut groups: Vec<u64> = lengths.chunks(GROUP).map(|group| group.iter().sum()).collect();
    let mut total: u128 = groups.iter().map(|length| u128::from(*length)).sum();
    let mut turn = 0;
    let (block, point) = loop {
        let mut point = (u128::from(odd_bits(seed, position, purpose, turn)) * total) >> 53;
        let mut group = 0;
        while point >= u128::from(groups[group]) {
            point -= u128::from(groups[group]);
            group += 1;
        }
        let (within, point) = at(&lengths[group * GROUP..], u64::try_from(point).unwrap_or(0));
        let block = group * GROUP + within;
        let (longest, length) = (lengths[block], measure(block));
        if point < length {
            break (block, point);
        }
        // A miss closes a gap for good: there are at most as many as blocks.
        lengths[block] = length;
        groups[group] = groups[group] - longest + length;
        total = total - u128::from(longest) + u128::from(length);
        turn += 1;
    };
    let mut masses = [0; BLOCK];
    weights(block, &mut masses);
    block * BLOCK + at(&masses, point).0
}

impl<V: Value> Kept<'_, V> {
    /// Draw an id. If a step has chosen, the kept are few, or their weights known: then the blocks are measured first.
    pub fn draw(&self, seed: u64, position: u64) -> usize {
        match &self.place {
            Place::List(list) => self.draw_from(list, seed, position),
            Place::Row(cut) => {
                let lengths = if self.chosen { self.masses(*cut) } else { self.longest() };
                draw(lengths, |block| self.mass_of(block, *cut), |block, weights| self.weights(block, *cut, weights), (seed, position, DRAW))
            }
        }
    }

    /// How long each block can be.
    pub fn longest(&self) -> Vec<u64> {
        let mut longest = vec![0; self.sketch.maxima.len()];
        each_mass(&self.sketch.maxima, self.sketch.best, &self.scale, &mut longest);
        longest.iter_mut().for_each(|length| *length *= BLOCK as u64);
        longest
    }

    /// The weights of a block's ids.
    fn weights(&self, block: usize, cut: Cut<V>, weights: &mut [u64; BLOCK]) {
        let mut room = [V::NONE; BLOCK];
        let (x, floor) = self.block(block, cut, &mut room);
        let kept = x.map(|x| if x >= floor { x } else { V::NONE });
        each_mass(&kept, self.sketch.best, &self.scale, weights);
    }

    /// The draw from a list: the blocks are measured, so the first dart hits; their lengths need not be written down.
    fn draw_from(&self, list: &[Item<V>], seed: u64, position: u64) -> usize {
        let masses = self.masses_of(list);
        let mut by_id: Vec<(usize, u64)> = list.iter().map(|(_, id)| *id).zip(masses.iter().copied()).collect();
        by_id.sort_unstable();
        let lengths: Vec<u64> = by_id.iter().map(|(_, mass)| *mass).collect();
        let total: u128 = lengths.iter().map(|mass| u128::from(*mass)).sum();
        let mut point = (u128::from(odd_bits(seed, position, DRAW, 0)) * total) >> 53;
        for (id, mass) in by_id {
            if point < u128::from(mass) {
                return id;
            }
            point -= u128::from(mass);
        }
        list.first().map_or(0, |(_, id)| *id)
    }
}
