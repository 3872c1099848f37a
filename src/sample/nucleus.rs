//! Top-p, the nucleus (Holtzman et al., 2019): the first ids whose probability reaches p.
//!
//! The sum over the row is the work: an exponential for each logit. Most decisions need it only roughly. So it is bounded first, and the largest few are taken,
//! then more: if the same one of them reaches p at both bounds, they are the nucleus down to it. Else the sum is taken exactly. A nucleus of thousands is found
//! between two values that a sample says it ends between: one pass for the mass over the upper one, then a selection by mass among what lies between.

use super::kept::{Cut, Item, Kept, Place};
use super::kernels::{BLOCK, Value, at_least};
use super::mass::{reach, reaching, sum, within};
use super::row::places;
use super::weight::{UNIT, whole};

/// How many of the largest logits are looked at, one after the other. The mean over 32 peaked rows of 128,256, in microseconds: 48 and 384 33.7; 32, 128 and
/// 480 28.9; these 27.6.
const HEADS: [usize; 3] = [40, 224, 500];
/// How far the rough sum may be off, and more: 3 parts in a million of the polynomial, 3 of the scale, 1 of the sum.
const OFF: f64 = 2e-5;
/// How many places of the sample lie between the expected end of the nucleus and each bound: three standard deviations at the middle.
const MARGIN: usize = 48;
/// How often what lies between two values is halved before it is sorted.
const HALVINGS: usize = 8;
/// How many times the mass of the best the maxima of the blocks may have, if the nucleus is to be sought among the largest.
const PEAKED: u128 = 16;

/// The mass of what is over a value; nothing is over none.
#[derive(Clone, Copy)]
struct Over<V> {
    mass: u128,
    value: Option<V>,
}

impl<V: Value> Over<V> {
    /// What is over the last of the largest.
    fn last_of(list: &[Item<V>], masses: &[u64]) -> Self {
        let value = list.last().map(|(x, _)| *x);
        let above = list.partition_point(|(x, _)| Some(*x) > value);
        Self { mass: sum(&masses[..above]), value }
    }
}

impl<V: Value> Kept<'_, V> {
    /// Keep the nucleus.
    pub fn top_p(&mut self, p: f64) {
        let cut = match &self.place {
            Place::Row(cut) => *cut,
            Place::List(list) => {
                let masses = self.masses_of(list);
                let n = reaching(&masses, reach(sum(&masses), p)).unwrap_or(list.len());
                return self.place = Place::List(self.largest(n));
            }
        };
        let (low, high) = self.bounds(cut);
        let (mut list, masses) = self.head(reach(low, p));
        let reached = |total| reaching(&masses, reach(total, p));
        let (total, n) = match reached(low) {
            n if n == reached(high) && (n.is_some() || low == high) => (low, n),
            _ => {
                let total = self.total();
                (total, reached(total))
            }
        };
        match n {
            Some(n) => {
                list.truncate(n);
                self.place = Place::List(list);
            }
            None => self.cut_under(Over::last_of(&list, &masses), cut, total, reach(total, p)),
        }
    }

    /// Bounds of the mass of what a cut keeps.
    fn bounds(&self, cut: Cut<V>) -> (u128, u128) {
        let blocks = self.row.len() / BLOCK;
        let peaked = sum(&self.longest()) < PEAKED * BLOCK as u128 * u128::from(whole(UNIT));
        if let (Some(x), true, true) = (self.row.in_place(), peaked, cut.floor == V::LEAST)
            && let Some(rough) = V::rough(x, self.sketch.best, &self.scale)
        {
            let rest: u128 = (blocks..self.row.blocks()).map(|block| u128::from(self.mass_of(block, cut))).sum();
            let scaled = |part: f64| u128::from(whole((rough * part * UNIT).min(u64::MAX as f64)));
            let rounding = x.len() as u128;
            return ((scaled(1.0 - OFF) + rest).saturating_sub(rounding), scaled(1.0 + OFF) + rest + rounding);
        }
        let exact = sum(&self.masses(cut));
        (exact, exact)
    }

    /// The largest logits and their masses: enough of them to reach the needed one, or as many as are worth a look.
    fn head(&self, needed: u128) -> (Vec<Item<V>>, Vec<u64>) {
        let (mut list, mut masses) = (Vec::new(), Vec::new());
        let (mut mass, mut heaviest) = (0, whole(UNIT * 1.001)); // of what has been looked at; of what hasn't
        for n in HEADS {
            if (mass + u128::from((n - list.len()) as u64) * u128::from(heaviest)) << 53 < needed {
                continue; // not even if all the others were as heavy
            }
            list = self.largest(n);
            masses = self.masses_of(&list);
            (mass, heaviest) = (sum(&masses), masses.last().copied().unwrap_or(0));
            if mass << 53 >= needed || list.len() < n {
                break;
            }
        }
        (list, masses)
    }

    /// Cut the row where the needed mass is reached, which is under what has been looked at.
    fn cut_under(&mut self, over: Over<V>, cut: Cut<V>, total: u128, needed: u128) {
        let part = ((needed - (over.mass << 53)) as f64 / (total - over.mass) as f64).min((1_u64 << 53) as f64); // of what is under
        let (upper, lower) = self.around(over, cut, whole(part));
        if !self.cut_between(upper, lower, cut, needed) && !self.cut_between(over, cut.floor, cut, needed) {
            self.place = Place::Row(cut);
        }
    }

    /// Two values between which, as a sample says, a part of the mass under what has been looked at ends.
    fn around(&self, over: Over<V>, cut: Cut<V>, part: u64) -> (Over<V>, V) {
        let mut sample = self.sample(cut);
        sample.retain(|(x, _)| over.value.is_none_or(|value| *x <= value));
        let masses = self.masses_of(&sample);
        let end = reaching(&masses, u128::from(part) * sum(&masses));
        let end = end.unwrap_or(sample.len());
        let lower = sample.get(end + MARGIN).map_or(cut.floor, |(x, _)| *x);
        match end.checked_sub(MARGIN).and_then(|place| sample.get(place)) {
            Some((value, _)) => (Over { mass: sum(&self.masses(Cut { floor: value.next(), last: usize::MAX })), value: Some(*value) }, lower),
            None => (over, lower),
        }
    }

    /// Cut where the mass is reached, if that isn't over the upper value nor under the lower one.
    fn cut_between(&mut self, upper: Over<V>, lower: V, cut: Cut<V>, needed: u128) -> bool {
        let Some(rest) = needed.checked_sub(upper.mass << 53).filter(|rest| *rest > 0) else { return false };
        if upper.value == Some(lower) {
            return self.cut_among_equals(lower, rest);
        }
        let (mut values, mut ids) = (Vec::new(), Vec::new());
        for block in self.sketch.blocks(lower) {
            self.row.between(block, lower, upper.value.map(V::next), |id, x| {
                if cut.keeps((x, id)) {
                    values.push(x);
                    ids.push(id);
                }
            });
        }
        let Some((rest, floor, ceiling)) = self.narrowed(&mut values, rest, lower, upper.value) else { return false };
        let mut band = Vec::new();
        for (block, x) in values.as_chunks().0.iter().enumerate() {
            places(x, floor, ceiling, |place| band.push((x[place], ids[block * BLOCK + place])));
        }
        let keyed = band.iter().zip(self.masses_of(&band)).map(|((x, id), mass)| (x.order(*id), ((*x, *id), mass))).collect();
        let Some((_, ((floor, last), _))) = within(keyed, |_| rest, |(_, mass)| *mass).pop() else { return false };
        self.place = Place::Row(Cut { floor, last });
        true
    }

    /// Bring two values nearer to the one at which the rest of the mass is reached: halve what lies between them a few times, which reads only these few. Gives
    /// what of the mass is to be found between them, the lower one, and the upper one, which is no longer among them.
    fn narrowed(&self, values: &mut Vec<V>, rest: u128, lower: V, upper: Option<V>) -> Option<(u128, V, Option<V>)> {
        let length = values.len();
        values.resize(length.next_multiple_of(BLOCK), V::NONE);
        let mut masses = vec![0; values.len() / BLOCK];
        let mut mass_from = |floor: V| {
            V::masses(values, self.sketch.best, &self.scale, floor, &mut masses);
            sum(&masses)
        };
        if mass_from(lower) << 53 < rest {
            return None;
        }
        let (mut low, mut high, mut over) = (lower, None, 0);
        for _ in 0..HALVINGS {
            let top: V = high.or(upper).unwrap_or(self.sketch.best);
            let middle = V::nearest(low.into() / 2.0 + top.into() / 2.0);
            let mass = mass_from(middle);
            if mass << 53 >= rest {
                low = middle;
            } else {
                (high, over) = (Some(middle), mass);
            }
        }
        Some((rest - (over << 53), low, high))
    }

    /// Cut among ids of one value.
    fn cut_among_equals(&mut self, value: V, rest: u128) -> bool {
        let mass = self.masses_of(&[(value, 0)])[0];
        if mass == 0 {
            return false;
        }
        let wanted = rest.div_ceil(u128::from(mass) << 53);
        let (mut seen, mut room) = (0, [V::NONE; BLOCK]);
        let ones = |bits: [u64; 4]| bits.map(|bits| u128::from(bits.count_ones())).iter().sum::<u128>();
        for block in self.sketch.blocks(value) {
            let x = self.row.block(block, &mut room);
            let here = ones(at_least(x, value)) - ones(at_least(x, value.next()));
            if seen + here >= wanted {
                let mut equals = x.iter().enumerate().filter(|(_, x)| **x == value).map(|(place, _)| place);
                let place = equals.nth(usize::try_from(wanted - seen - 1).unwrap_or_default()).unwrap_or_default();
                self.place = Place::Row(Cut { floor: value, last: block * BLOCK + place });
                return true;
            }
            seen += here;
        }
        false
    }
}
