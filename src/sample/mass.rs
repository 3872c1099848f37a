//! Sums of weights: what a part of all is, and how many of the first reach it. A needed mass is counted in units of 2^-53 of a mass, as probabilities are.

use super::weight::fraction;

/// The sum of masses.
pub fn sum(masses: &[u64]) -> u128 {
    masses.iter().map(|mass| u128::from(*mass)).sum()
}

/// The mass that a part p of all is, in units of 2^-53 of a mass; more than nothing.
pub fn reach(all: u128, p: f64) -> u128 {
    (u128::from(fraction(p)) * all).max(1)
}

/// How many of the first masses reach a needed one, in units of 2^-53; `None`, if all of them don't.
pub fn reaching(masses: &[u64], needed: u128) -> Option<usize> {
    let mut mass = 0;
    masses
        .iter()
        .position(|one| {
            mass += u128::from(*one);
            mass << 53 >= needed
        })
        .map(|last| last + 1)
}

/// Of items with a key, the first ones by key whose mass reaches the needed one (a function of all their mass), the last of them last; all, if they don't.
/// Time O(n) on average.
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
