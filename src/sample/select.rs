//! Steps that choose which ids stay. Each sees what the ones before left, the largest logit first and the lower id first among equals, and leaves some of it:
//! the first ids, but for XTC and typical sampling. At least one always stays.

use std::f64::consts::LN_2;

use super::kept::{Cut, Item, Kept, Place, sort};
use super::kernels::{BLOCK, Value};
use super::mass::{reach, sum, within};
use super::row::Row;
use super::sketch::Sketch;
use super::weight::{Scale, UNIT, add, exp, fraction, ln};
use crate::error::Result;

impl<V: Value> Kept<'_, V> {
    /// The k largest. Time O(V + k log k).
    pub fn top_k(&mut self, k: usize) {
        match &mut self.place {
            Place::List(list) => list.truncate(k),
            Place::Row(_) if k >= self.row.len() => {}
            Place::Row(_) => self.place = Place::List(self.largest(k)),
        }
    }

    /// What is at least p times as probable as the best: no sum over the row is needed.
    pub fn min_p(&mut self, p: f64) {
        self.above(self.best().into() + self.scale.temperature * ln(p));
    }

    /// What is at most n standard deviations under the best (Tang et al., 2024).
    pub fn top_n_sigma(&mut self, n: f64) {
        let (best, count) = (self.best().into(), self.count() as f64);
        let sum_of = |term: &dyn Fn(f64) -> f64| {
            let mut lanes = [0.0; 16];
            self.each_by_id(|id, x| lanes[id % 16] += term((x.into() - best).max(-1e100)));
            lanes.iter().fold(0.0, |total, lane| total + lane)
        };
        let mean = sum_of(&|d| d) / count;
        let variance = sum_of(&|d| (d - mean) * (d - mean)) / count;
        self.above(best - n * variance.sqrt());
    }

    /// Look at each that is kept, in the order of the ids.
    fn each_by_id(&self, mut look: impl FnMut(usize, V)) {
        match &self.place {
            Place::List(list) => {
                let mut by_id: Vec<Item<V>> = list.clone();
                by_id.sort_unstable_by_key(|(_, id)| *id);
                by_id.into_iter().for_each(|(x, id)| look(id, x));
            }
            Place::Row(cut) => {
                let mut room = [V::NONE; BLOCK];
                for block in self.sketch.blocks(cut.floor) {
                    let (x, floor) = self.block(block, *cut, &mut room);
                    x.iter().enumerate().filter(|(_, x)| **x >= floor).for_each(|(place, x)| look(block * BLOCK + place, *x));
                }
            }
        }
    }

    /// Locally typical (Meister et al., 2022): of the ids whose surprise is nearest to the mean surprise, the first whose probability reaches p.
    pub fn typical_p(&mut self, p: f64) {
        let mut items = Vec::new();
        self.each_by_id(|id, x| items.push((x, id)));
        let (masses, best, temperature) = (self.masses_of(&items), self.best().into(), self.scale.temperature);
        let surprise = |x: V| (best - x.into()) / temperature; // less the best one's
        let total = sum(&masses) as f64 / UNIT;
        let terms = items.iter().zip(&masses).filter(|(_, mass)| **mass > 0).map(|((x, id), mass)| (*id, *mass as f64 / UNIT * surprise(*x)));
        let mean = add(terms) / total;
        // A distance is not negative, so its bits are in its order.
        let nearest = items.into_iter().zip(masses).map(|((x, id), mass)| (((surprise(x) - mean).abs().to_bits(), id), (x, mass)));
        let mut chosen: Vec<Item<V>> = within(nearest.collect(), |all| reach(all, p), |(_, mass)| *mass).into_iter().map(|((_, id), (x, _))| (x, id)).collect();
        sort(&mut chosen);
        self.place = Place::List(chosen);
    }

    /// Exclude top choices: leave out those that are at least as probable as the threshold, but for the last of them.
    pub fn xtc(&mut self, threshold: f64) {
        let needed = u128::from(fraction(threshold)) * self.total();
        for looked in [16, 256, usize::MAX] {
            let list = self.largest(looked);
            let n = self.masses_of(&list).iter().take_while(|mass| u128::from(**mass) << 53 >= needed).count();
            if n < list.len() || list.len() < looked {
                return self.leave_out(&list[..n.saturating_sub(1)]);
            }
        }
    }

    fn leave_out(&mut self, items: &[Item<V>]) {
        match &mut self.place {
            Place::List(list) => drop(list.drain(..items.len())),
            Place::Row(_) => {
                let changes: Vec<(usize, V)> = items.iter().map(|(_, id)| (*id, V::NONE)).collect();
                self.row.change(&changes);
                self.sketch.look_again(&self.row);
            }
        }
    }

    /// Mirostat (Basu et al., 2020): as many as have, after Zipf's law, a mean surprise of mu bits. The law's exponent is estimated from the best hundred.
    pub fn mirostat_1(&mut self, mu: f64) {
        let (head, size) = (self.largest(100), self.count());
        let (mut above, mut below) = (0.0, 0.0);
        for (i, two) in head.windows(2).enumerate() {
            let t = ln((i + 2) as f64 / (i + 1) as f64);
            let b = ((two[0].0.into() - two[1].0.into()) / self.scale.temperature).min(1_000.0);
            (above, below) = (above + t * b, below + t * t);
        }
        if above == 0.0 {
            return; // all alike, or only one
        }
        let (s, log_size) = (above / below, ln(size as f64));
        let epsilon = (s - 1.0).abs();
        let log_k = if epsilon < 1e-9 {
            (mu * LN_2 - ln(log_size)) / s
        } else {
            let mirrored = if s < 1.0 { epsilon * log_size } else { 0.0 };
            (ln(epsilon) + mu * LN_2 - ln(1.0 - exp(-epsilon * log_size)) - mirrored) / s
        };
        if log_k < log_size {
            let k = if log_k <= 0.0 { 1.0 } else { (1.0 / exp(-log_k)).floor() };
            self.top_k(usize::try_from(super::weight::whole(k)).unwrap_or(usize::MAX).max(1));
        }
    }

    /// Mirostat, second version: what has at most mu bits of surprise.
    pub fn mirostat_2(&mut self, mu: f64) {
        let log_total = ln(self.total() as f64 / UNIT);
        self.above(self.best().into() + self.scale.temperature * (log_total - mu * LN_2));
    }
}

/// The ids of the k largest of a row, -inf among them; a NaN is refused.
pub fn largest<V: Value>(row: Row<'_, V>, k: usize, index: usize) -> Result<Vec<usize>> {
    let sketch = Sketch::of_any(&row, index)?;
    let all = Cut { floor: V::NONE, last: usize::MAX };
    let kept = Kept { row, sketch, place: Place::Row(all), scale: Scale::new(1.0), chosen: false, index };
    Ok(kept.largest(k).into_iter().map(|(_, id)| id).collect())
}
