//! Top-p, the nucleus (Holtzman et al., 2019): the first ids whose probability reaches p.
//!
//! The sum over the row is the work: an exponential for each logit. Most decisions need it only roughly. So it is bounded first, and the largest 64, then 512
//! are taken: if the same one of them reaches p at both bounds, that is the nucleus. Else the sum is taken exactly. A nucleus of thousands is found between two values
//! that a sample says it ends between: one pass for the mass over the upper one, then a selection by mass among what lies between.

use super::kept::{Cut, Item, Kept, Place, order, sum};
use super::kernels::BLOCK;
use super::select::reach;
use super::weight::{UNIT, Value, whole};

/// How far the rough sum may be off, and more: 3 parts in a million of the polynomial, 3 of the scale, 1 of the sum.
const OFF: f64 = 2e-5;
/// How many logits the sample has.
const SAMPLE: usize = 1_024;
/// How many places of the sample lie between the expected end of the nucleus and each bound: four standard deviations at the middle.
const MARGIN: usize = 64;

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
        match self.head(reach(low, p), reach(high, p)) {
            Some(head) => self.place = Place::List(head),
            None => {
                let masses = self.masses(cut);
                let needed = reach(sum(&masses), p);
                match self.head(needed, needed) {
                    Some(head) => self.place = Place::List(head),
                    None => self.cut_at_mass(cut, needed, &masses),
                }
            }
        }
    }

    /// Bounds of the mass of what a cut keeps.
    fn bounds(&self, cut: Cut<V>) -> (u128, u128) {
        let blocks = self.row.len() / BLOCK;
        if let (Some(x), true) = (self.row.in_place(), cut.floor == V::LEAST)
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

    /// The first ids whose mass reaches a needed one, wherever it lies between two bounds; nothing, if the bounds don't decide, or if these ids are many.
    fn head(&self, at_least: u128, at_most: u128) -> Option<Vec<Item<V>>> {
        for n in [64, 512] {
            if (u128::from(n as u64) * whole(UNIT * 1.001) as u128) << 53 < at_most {
                continue; // not even if all were as heavy as the best
            }
            let mut list = self.largest(n);
            let masses = self.masses_of(&list);
            match (reaching(&masses, at_least), reaching(&masses, at_most)) {
                (Some(one), Some(other)) if one == other => {
                    list.truncate(one);
                    return Some(list);
                }
                (Some(_), _) => return None, // between the bounds
                _ if list.len() < n => return None,
                _ => {}
            }
        }
        None
    }

    /// Cut the row where the mass of what comes before reaches a needed one.
    fn cut_at_mass(&mut self, cut: Cut<V>, needed: u128, masses: &[u64]) {
        let (upper, lower) = self.around(cut, needed, sum(masses)).unwrap_or((V::INFINITE, cut.floor));
        if !self.cut_between(cut, upper, lower, needed) {
            self.cut_between(cut, V::INFINITE, cut.floor, needed);
        }
    }

    /// Two values between which a sample of the row says that the mass is reached.
    fn around(&self, cut: Cut<V>, needed: u128, total: u128) -> Option<(V, V)> {
        let step = self.row.len() / SAMPLE;
        let mut sample: Vec<Item<V>> = (0..if step < 4 { 0 } else { SAMPLE }).map(|n| n * step + n * 7_919 % step).map(|id| (self.row.get(id), id)).collect();
        sample.retain(|item| cut.keeps(*item));
        sample.sort_unstable_by_key(order);
        let masses = self.masses_of(&sample);
        let part = needed as f64 / total as f64; // of 2^53
        let end = reaching(&masses, u128::from(whole(part)) * sum(&masses))?;
        let upper = if end > MARGIN { sample[end - MARGIN].0 } else { V::INFINITE };
        let lower = sample.get(end + MARGIN).map_or(cut.floor, |(x, _)| *x);
        Some((upper, lower))
    }

    /// Cut where the mass is reached, if that is at or under the upper value, and not under the lower one.
    fn cut_between(&mut self, cut: Cut<V>, upper: V, lower: V, needed: u128) -> bool {
        let above = if upper == V::INFINITE { 0 } else { sum(&self.masses(Cut { floor: upper.next(), last: usize::MAX })) };
        if above << 53 >= needed {
            return false;
        }
        let rest = needed - (above << 53);
        let Some(band) = self.band(cut, upper, lower) else { return self.cut_among_equals(upper, rest) };
        let masses = self.masses_of(&band);
        if sum(&masses) << 53 < rest {
            return false;
        }
        let keyed: Vec<_> = band.into_iter().zip(masses).map(|(item, mass)| (order(&item), (item, mass))).collect();
        let kept = within(keyed, |_| rest, |(_, mass)| *mass);
        let Some((_, ((floor, last), _))) = kept.into_iter().max_by_key(|(key, _)| *key) else { return false };
        self.cut(Cut { floor, last });
        true
    }

    /// What lies between two values; nothing, if they are one.
    fn band(&self, cut: Cut<V>, upper: V, lower: V) -> Option<Vec<Item<V>>> {
        if upper == lower {
            return None;
        }
        let mut band = Vec::new();
        for block in self.sketch.blocks(lower) {
            self.row.not_under(block, lower, |id, x| {
                if x <= upper && cut.keeps((x, id)) {
                    band.push((x, id));
                }
            });
        }
        Some(band)
    }

    /// Cut among ids of one value.
    fn cut_among_equals(&mut self, value: V, rest: u128) -> bool {
        let mass = self.masses_of(&[(value, 0)])[0];
        if mass == 0 {
            return false;
        }
        let wanted = rest.div_ceil(u128::from(mass) << 53);
        let (mut seen, mut last) = (0, None);
        for block in self.sketch.blocks(value) {
            self.row.not_under(block, value, |id, x| {
                seen += u128::from(x == value);
                last = last.or((x == value && seen == wanted).then_some(id));
            });
            if last.is_some() {
                break;
            }
        }
        last.map(|last| self.cut(Cut { floor: value, last })).is_some()
    }
}

/// How many of the first masses reach a needed one, in units of 2^-53; `None`, if all of them don't.
fn reaching(masses: &[u64], needed: u128) -> Option<usize> {
    let mut mass = 0;
    masses.iter().position(|one| {
        mass += u128::from(*one);
        mass << 53 >= needed
    }).map(|last| last + 1)
}

/// Of items with a key, the first ones by key whose mass reaches the needed one (a function of all their mass); all, if they don't. Time O(n) on average.
pub fn within<K: Ord + Copy, T>(mut items: Vec<(K, T)>, needed: impl FnOnce(u128) -> u128, mass: impl Fn(&T) -> u64) -> Vec<(K, T)> {
    let mut needed = needed(items.iter().map(|(_, item)| u128::from(mass(item))).sum());
    let (mut from, mut to) = (0, items.len());
    while to - from > 1 {
        let middle = from + (to - from) / 2;
        items[from..to].select_nth_unstable_by_key(middle - from, |(key, _)| *key);
        let first: u128 = items[from..middle].iter().map(|(_, item)| u128::from(mass(item))).sum();
        if first << 53 >= needed {
            to = middle;
        } else {
            needed -= first << 53;
            from = middle;
        }
    }
    items.truncate(to);
    items
}
