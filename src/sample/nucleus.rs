//! Top-p, the nucleus (Holtzman et al., 2019): the first ids whose probability reaches p.
//!
//! The sum over the row is the work: an exponential for each logit. Most decisions need it only roughly. So it is bounded first, and the largest 48, then 384
//! are taken: if the same one of them reaches p at both bounds, that is the nucleus. Else the sum is taken exactly. A nucleus of thousands is found between two values
//! that a sample says it ends between: one pass for the mass over the upper one, then a selection by mass among what lies between.

use super::kept::{Cut, Item, Kept, Place};
use super::kernels::{BLOCK, Value, at_least};
use super::mass::{reach, reaching, sum, within};
use super::row::places;
use super::weight::{UNIT, whole};

/// How far the rough sum may be off, and more: 3 parts in a million of the polynomial, 3 of the scale, 1 of the sum.
const OFF: f64 = 2e-5;
/// How many places of the sample lie between the expected end of the nucleus and each bound: three standard deviations at the middle.
const MARGIN: usize = 48;
/// How often what lies between two values is halved before it is sorted.
const HALVINGS: usize = 8;
/// How many times the mass of the best the maxima of the blocks may have, if the nucleus is to be sought among the largest.
const PEAKED: u128 = 16;

/// What looking at the largest logits gave.
enum Head<V> {
    /// They are the nucleus.
    Is(Vec<Item<V>>),
    /// They may hold it: the bounds don't decide.
    Undecided,
    /// The nucleus is larger.
    Within(Over<V>),
}

/// The mass of what is over a value; nothing is over none.
#[derive(Clone, Copy)]
struct Over<V> {
    mass: u128,
    value: Option<V>,
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
        let head = self.head(reach(low, p), reach(high, p));
        let head = match head {
            Head::Undecided => {
                let exact = reach(self.total(), p);
                self.head(exact, exact)
            }
            decided => decided,
        };
        match head {
            Head::Is(list) => self.place = Place::List(list),
            Head::Undecided => {}
            Head::Within(over) => {
                let total = if low == high { low } else { self.total() };
                self.cut_under(over, cut, total, reach(total, p));
            }
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

    /// The first ids whose mass reaches a needed one, wherever it lies between two bounds.
    fn head(&self, at_least: u128, at_most: u128) -> Head<V> {
        let mut over = Over { mass: 0, value: None };
        for n in [48, 384] {
            if (u128::from(n as u64) * u128::from(whole(UNIT * 1.001))) << 53 < at_least {
                continue; // not even if all were as heavy as the best
            }
            let mut list = self.largest(n);
            let masses = self.masses_of(&list);
            match (reaching(&masses, at_least), reaching(&masses, at_most)) {
                (Some(one), Some(other)) if one == other => {
                    list.truncate(one);
                    return Head::Is(list);
                }
                (Some(_), _) => return Head::Undecided,
                _ if list.len() < n => return Head::Undecided,
                _ => {}
            }
            let value = list.last().map(|(x, _)| *x);
            let above = list.partition_point(|(x, _)| Some(*x) > value);
            over = Over { mass: sum(&masses[..above]), value };
        }
        Head::Within(over)
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

    /// Bring two values nearer to the one at which the rest of the mass is reached: halve what lies between them a few times, which reads only these few. Gives what
    /// of the mass is to be found between them, the lower one, and the upper one, which is no longer among them.
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
