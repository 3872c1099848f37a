//! What may still be drawn from a row: all of it down to a cut, or a list. The other files ask it for values, masses and the largest.

use super::kernels::{BLOCK, Value, each_mass};
use super::mass::sum;
use super::row::Row;
use super::sketch::Sketch;
use super::weight::Scale;
use crate::error::Result;

/// A logit and its id.
pub type Item<V> = (V, usize);

/// How long a list may get; more stay in their row, behind a cut, which from here on is cheaper: a list is sorted.
pub const LIST: usize = 512;

/// How many logits a sample has.
pub const SAMPLE: usize = 1_024;

/// A place in the order of value, then id: kept is what comes before it, or at it.
#[derive(Clone, Copy, Debug)]
pub struct Cut<V> {
    /// The smallest value that is kept,
    pub floor: V,
    /// and the last id among those of that value.
    pub last: usize,
}

impl<V: Value> Cut<V> {
    /// Everything finite.
    pub const NOWHERE: Self = Self { floor: V::LEAST, last: usize::MAX };

    /// The floor for a block whose ids lie all on one side of the last one; `None` for the block that the cut goes through.
    fn floor_of(&self, block: usize) -> Option<V> {
        match self.last {
            last if last >= block * BLOCK + (BLOCK - 1) => Some(self.floor),
            last if last < block * BLOCK => Some(self.floor.next()),
            _ => None,
        }
    }

    /// Whether an item is kept.
    pub fn keeps(&self, (x, id): Item<V>) -> bool {
        x > self.floor || (x == self.floor && id <= self.last)
    }
}

/// Where what may be drawn is.
#[derive(Clone, Debug)]
pub enum Place<V> {
    /// In the row, down to the cut.
    Row(Cut<V>),
    /// Here, in falling order.
    List(Vec<Item<V>>),
}

/// A row on its way through the steps.
#[derive(Clone, Debug)]
pub struct Kept<'a, V> {
    pub(super) row: Row<'a, V>,
    pub(super) sketch: Sketch<V>,
    pub(super) place: Place<V>,
    pub(super) scale: Scale,
    /// Whether a step has chosen among the ids.
    pub(super) chosen: bool,
    pub(super) index: usize,
}

impl<'a, V: Value> Kept<'a, V> {
    /// All of a row.
    pub fn all(row: Row<'a, V>, index: usize) -> Result<Self> {
        let sketch = Sketch::new(&row, index)?;
        Ok(Self { row, sketch, place: Place::Row(Cut::NOWHERE), scale: Scale::new(1.0), chosen: false, index })
    }

    /// Where the best is infinite, it alone is left.
    pub fn settle(&mut self) -> &mut Self {
        if self.best() == V::INFINITE {
            self.place = Place::List(self.largest(1));
        }
        self
    }

    /// The largest logit.
    pub fn best(&self) -> V {
        match &self.place {
            Place::Row(_) => self.sketch.best,
            Place::List(list) => list.first().map_or(self.sketch.best, |(x, _)| *x),
        }
    }

    /// A block of the row and the floor that divides it: what is under it isn't kept.
    pub fn block<'b>(&'b self, block: usize, cut: Cut<V>, room: &'b mut [V; BLOCK]) -> (&'b [V; BLOCK], V) {
        if let Some(floor) = cut.floor_of(block) {
            return (self.row.block(block, room), floor);
        }
        let mut copy = *self.row.block(block, room);
        for (place, x) in copy.iter_mut().enumerate() {
            if !cut.keeps((*x, block * BLOCK + place)) {
                *x = V::NONE;
            }
        }
        *room = copy;
        (room, cut.floor)
    }

    /// The mass of a block.
    pub fn mass_of(&self, block: usize, cut: Cut<V>) -> u64 {
        if self.sketch.maxima[block] < cut.floor {
            return 0;
        }
        let (mut room, mut mass) = ([V::NONE; BLOCK], [0]);
        let (x, floor) = self.block(block, cut, &mut room);
        V::masses(x, self.sketch.best, &self.scale, floor, &mut mass);
        mass[0]
    }

    /// The mass of every block.
    pub fn masses(&self, cut: Cut<V>) -> Vec<u64> {
        let mut masses = vec![0; self.row.blocks()];
        let mut read = 0;
        if let (Some(x), usize::MAX) = (self.row.in_place(), cut.last) {
            V::masses(x, self.sketch.best, &self.scale, cut.floor, &mut masses);
            read = self.row.len() / BLOCK;
        }
        masses.iter_mut().enumerate().skip(read).for_each(|(block, mass)| *mass = self.mass_of(block, cut));
        masses
    }

    /// The masses of items.
    pub fn masses_of(&self, items: &[Item<V>]) -> Vec<u64> {
        let (values, mut masses): (Vec<V>, _) = (items.iter().map(|(x, _)| *x).collect(), vec![0; items.len()]);
        match self.best() == V::INFINITE {
            true => masses.fill(1 << 44), // it is alone
            false => each_mass(&values, self.best(), &self.scale, &mut masses),
        }
        masses
    }

    /// The mass of all that is kept.
    pub fn total(&self) -> u128 {
        match &self.place {
            Place::Row(cut) => sum(&self.masses(*cut)),
            Place::List(list) => sum(&self.masses_of(list)),
        }
    }

    /// How many are kept.
    pub fn count(&self) -> usize {
        match &self.place {
            Place::List(list) => list.len(),
            Place::Row(cut) => {
                let mut n = 0;
                self.sketch.blocks(cut.floor).for_each(|block| self.row.not_under(block, cut.floor, |id, x| n += usize::from(cut.keeps((x, id)))));
                n
            }
        }
    }

    /// All that are kept, in falling order.
    pub fn list(&self) -> Vec<Item<V>> {
        match &self.place {
            Place::List(list) => list.clone(),
            Place::Row(cut) => {
                let mut found = self.collect(*cut, usize::MAX).unwrap_or_default();
                sort(&mut found);
                found
            }
        }
    }

    /// What a cut keeps, in the order of the ids, unless it is more than `most`.
    pub fn collect(&self, cut: Cut<V>, most: usize) -> Option<Vec<Item<V>>> {
        let mut found = Vec::new();
        for block in self.sketch.blocks(cut.floor) {
            self.row.not_under(block, cut.floor, |id, x| {
                if cut.keeps((x, id)) {
                    found.push((x, id));
                }
            });
            if found.len() > most {
                return None;
            }
        }
        Some(found)
    }

    /// The n largest, in falling order.
    pub fn largest(&self, n: usize) -> Vec<Item<V>> {
        let cut = match &self.place {
            Place::List(list) => return list.iter().take(n).copied().collect(),
            Place::Row(cut) => *cut,
        };
        let n = n.min(self.row.len());
        let mut found = self.candidates(n, cut);
        if found.len() > 2 * n {
            found.select_nth_unstable_by_key(n, order);
            found.truncate(n);
        }
        sort(&mut found);
        found.truncate(n);
        found
    }

    /// At least the n largest, if there are so many, and few more.
    ///
    /// If n blocks have a maximum over t, n logits are over t. In a row that is sorted, so are many more: then a sample says where to look.
    fn candidates(&self, n: usize, cut: Cut<V>) -> Vec<Item<V>> {
        let threshold = self.sketch.threshold(n, cut.floor);
        let over = threshold.map_or(cut, |threshold| Cut { floor: threshold.next(), last: usize::MAX });
        let few = self.collect(over, 4 * n + 1_024).or_else(|| {
            let floor = self.sampled(n, cut).filter(|floor| *floor > over.floor)?;
            self.collect(Cut { floor, last: usize::MAX }, usize::MAX).filter(|found| found.len() >= n)
        });
        let mut found = few.unwrap_or_else(|| self.collect(over, usize::MAX).unwrap_or_default());
        let Some(threshold) = threshold else { return found };
        for block in self.sketch.blocks(threshold) {
            if found.len() >= n {
                break; // else the ids decide among those at t, which are taken as they come
            }
            self.row.between(block, threshold, Some(threshold.next()), |id, x| {
                if cut.keeps((x, id)) {
                    found.push((x, id));
                }
            });
        }
        found
    }

    /// A value that, as a sample says, a few more than n logits are over; nothing, if n is too large a part of them.
    fn sampled(&self, n: usize, cut: Cut<V>) -> Option<V> {
        let sample = self.sample(cut);
        let expected = n * SAMPLE / self.row.len();
        let place = expected + 4 * expected.isqrt() + 8; // four standard deviations
        sample.get(place).map(|(x, _)| *x).filter(|x| *x > cut.floor)
    }

    /// A thousand logits of the row from all over it, in falling order, those of them that a cut keeps; nothing of a short row.
    pub fn sample(&self, cut: Cut<V>) -> Vec<Item<V>> {
        let step = self.row.len() / SAMPLE;
        if step < 8 {
            return Vec::new();
        }
        let ids = (0..SAMPLE).map(|n| n * step + n * 7_919 % step);
        let mut sample: Vec<Item<V>> = ids.map(|id| (self.row.get(id), id)).filter(|item| cut.keeps(*item)).collect();
        sort(&mut sample);
        sample
    }

    /// Keep what isn't under a floor; at least one.
    pub fn above(&mut self, floor: f64) {
        let (floor, best) = (V::not_under(floor), self.best());
        if floor > best || floor.partial_cmp(&best).is_none() {
            return self.place = Place::List(self.largest(1)); // a floor under an infinite best may be no number
        }
        match &mut self.place {
            Place::List(list) => list.truncate(list.partition_point(|(x, _)| *x >= floor)),
            Place::Row(cut) if floor > cut.floor => {
                let cut = Cut { floor, last: usize::MAX };
                self.cut(cut);
            }
            Place::Row(_) => {}
        }
    }

    /// Keep what a cut of the row keeps; as a list, if it is short.
    pub fn cut(&mut self, cut: Cut<V>) {
        self.place = match self.collect(cut, LIST) {
            Some(mut list) => {
                sort(&mut list);
                Place::List(list)
            }
            None => Place::Row(cut),
        };
    }
}

/// What sorts into falling order.
fn order<V: Value>((x, id): &Item<V>) -> V::Order {
    x.order(*id)
}

/// Bring items into falling order.
pub fn sort<V: Value>(items: &mut [Item<V>]) {
    match items.len() {
        ..4_096 => items.sort_by_cached_key(order),
        _ => items.sort_unstable_by_key(order), // moves less; the order has no equals
    }
}
