//! The sketch of a row: one maximum for each block of 256 logits, made in one read. Every step asks it first, and reads only the blocks that can matter.

use super::kernels::{BLOCK, Value, from_orders, largest, maxima_short, threshold};
use super::mask::Mask;
use super::row::{Row, Source};
use crate::error::{Error, Kind, Result};

/// The largest logit of each block, and of all.
#[derive(Clone, Debug)]
pub struct Sketch<V> {
    /// One a block; -inf for one in which nothing may be drawn.
    pub maxima: Vec<V>,
    /// The largest.
    pub best: V,
}

impl<V: Value> Sketch<V> {
    /// Read a row; a NaN, or a row that allows nothing, is refused.
    pub fn new(row: &Row<'_, V>, index: usize) -> Result<Self> {
        let sketch = Self::of_any(row, index)?;
        sketch.check(index).map(|()| sketch)
    }

    /// Read a row; a NaN is refused.
    pub fn of_any(row: &Row<'_, V>, index: usize) -> Result<Self> {
        let mut maxima = vec![V::NONE; row.blocks()];
        let full = row.len() / BLOCK;
        let (read, mut nan) = match (row.source, row.mask) {
            (Source::Plain(x), Mask::All) => (full, V::maxima(x, &mut maxima)),
            (Source::Half(x), Mask::All) => (full, shorts(x, true, &mut maxima)),
            (Source::Brain(x), Mask::All) => (full, shorts(x, false, &mut maxima)),
            (Source::Plain(x), mask) => V::masked_maxima(x, mask, &mut maxima).map_or((0, false), |nan| (full, nan)),
            _ => (0, false),
        };
        let mut room = [V::NONE; BLOCK];
        for (block, best) in maxima.iter_mut().enumerate().skip(read) {
            if !row.is_forbidden(block) {
                nan |= V::maxima(row.block(block, &mut room), std::slice::from_mut(best));
            }
        }
        if nan {
            let id = (0..row.len()).find(|id| row.get(*id).partial_cmp(&V::NONE).is_none()).unwrap_or(0);
            return Err(Error::new(Kind::Logits, format!("logit {id} of row {index}"), "NaN", "a number"));
        }
        Ok(Self { best: largest(&maxima), maxima })
    }

    /// Look at a row that has been changed; one that allows nothing any more is refused.
    pub fn changed(&mut self, row: &Row<'_, V>, index: usize) -> Result<()> {
        self.look_again(row);
        self.check(index)
    }

    /// Look again at the blocks in which logits were changed.
    pub fn look_again(&mut self, row: &Row<'_, V>) {
        let mut room = [V::NONE; BLOCK];
        let mut last = usize::MAX;
        for (id, _) in &row.changed {
            if id / BLOCK != last {
                last = id / BLOCK;
                V::maxima(row.block(last, &mut room), std::slice::from_mut(&mut self.maxima[last]));
            }
        }
        self.best = largest(&self.maxima);
    }

    fn check(&self, index: usize) -> Result<()> {
        if self.best > V::NONE { Ok(()) } else { Err(nothing_left(index)) }
    }

    /// A value that at least n maxima aren't under, and few more than n; none, if not so many are over the floor.
    pub fn threshold(&self, n: usize, floor: V) -> Option<V> {
        match n {
            1 => (self.best >= floor).then_some(self.best),
            _ => threshold(&self.maxima, n, floor, self.best),
        }
    }

    /// The blocks that have a logit not under a floor.
    pub fn blocks(&self, floor: V) -> impl Iterator<Item = usize> {
        self.maxima.iter().enumerate().filter(move |(_, x)| **x >= floor).map(|(block, _)| block)
    }
}

/// The refusal of a row that allows nothing.
pub fn nothing_left(index: usize) -> Error {
    let allowed = "above -inf at one id at least, or nothing can be sampled";
    Error::new(Kind::Logits, format!("row {index}"), "-inf at every id", allowed)
}

/// The maxima of float16 (or bfloat16), which compare as integers do.
fn shorts<V: Value>(x: &[u16], half: bool, maxima: &mut [V]) -> bool {
    let mut orders = vec![0; x.len() / BLOCK];
    let nan = maxima_short(x, if half { 0x7C00 } else { 0x7F80 }, &mut orders);
    from_orders(&orders, half, maxima);
    nan
}
