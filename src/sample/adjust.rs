//! Steps that change logits: bias and penalties. Each touches only the ids that it names, of those that may be drawn; every result is rounded to the precision
//! of the row, and nothing of the row is copied.
//!
//! A logit of -inf stays -inf, whatever is done to it: an id that a mask forbids can't come back. A result beyond the row's range is the largest in it, so that
//! a penalty never forbids; only a bias of -inf does.

use std::collections::BTreeMap;

use super::kept::{Kept, Place, sort};
use super::kernels::Value;
use super::settings::Settings;
use crate::error::Result;

impl<V: Value> Kept<'_, V> {
    /// Add to the logits of some ids.
    pub fn bias(&mut self, settings: &Settings) -> Result<()> {
        self.adjust(
            settings.logit_bias.iter().map(|(id, amount)| (*id, *amount)),
            |x, amount| if amount == f64::NEG_INFINITY { amount } else { finite(x + amount) },
        )
    }

    /// Make what came before less likely: divide positive logits and multiply negative ones (Keskar et al., 2019); then subtract something for each time that
    /// the id came, and once (OpenAI's definition).
    pub fn penalties(&mut self, settings: &Settings, history: &[u32]) -> Result<()> {
        let mut times = BTreeMap::new();
        last(history, settings.penalty_last_n).iter().for_each(|id| *times.entry(index(*id)).or_insert(0_u64) += 1);
        self.adjust(times.into_iter(), |x, times| {
            let value = if x > 0.0 { x / settings.repetition_penalty } else { x * settings.repetition_penalty };
            finite(value - times as f64 * settings.frequency_penalty - settings.presence_penalty)
        })
    }

    /// Don't repeat yourself: an id that would continue a repetition of n ids loses multiplier * base ** (n - allowed length).
    pub fn dry(&mut self, settings: &Settings, history: &[u32]) -> Result<()> {
        let repeats = repeats(last(history, settings.dry_last_n), &settings.dry_sequence_breakers);
        let long = repeats.into_iter().filter(|(_, n)| *n as u64 >= settings.dry_allowed_length);
        self.adjust(long, |x, n| finite(x - settings.dry_multiplier * power(settings.dry_base, n as u64 - settings.dry_allowed_length)))
    }

    /// Change the logits of some ids; an infinite one stays as it is, unless it is to be forbidden.
    fn adjust<T>(&mut self, ids: impl Iterator<Item = (usize, T)>, change: impl Fn(f64, T) -> f64) -> Result<()> {
        let settled = |old: V, what: T| {
            let new = change(old.into(), what);
            if new == f64::NEG_INFINITY || (old > V::NONE && old < V::INFINITE) { V::nearest(new) } else { old }
        };
        if matches!(self.place, Place::Row(_)) && self.chosen {
            self.place = Place::List(self.list()); // a changed logit stays kept, wherever the cut is
        }
        match &mut self.place {
            Place::Row(_) => {
                let changes: Vec<(usize, V)> = ids.map(|(id, what)| (id, settled(self.row.get(id), what))).collect();
                self.row.change(&changes);
                self.sketch.changed(&self.row, self.index)?;
            }
            Place::List(list) => {
                let mut changes: BTreeMap<usize, T> = ids.collect();
                for (x, id) in list.iter_mut() {
                    if let Some(what) = changes.remove(id) {
                        *x = settled(*x, what);
                    }
                }
                list.retain(|(x, _)| *x > V::NONE);
                if list.is_empty() {
                    return Err(super::sketch::nothing_left(self.index));
                }
                sort(list);
            }
        }
        Ok(())
    }
}

/// An id as an index.
pub fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

/// The last ids of a history, or all.
fn last(history: &[u32], n: Option<usize>) -> &[u32] {
    &history[history.len().saturating_sub(n.unwrap_or(usize::MAX))..]
}

/// The largest double for what is beyond it.
fn finite(x: f64) -> f64 {
    x.clamp(f64::MIN, f64::MAX)
}

/// base ** exponent by squaring: * only, and inf when it overflows.
fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut result = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        (base, exponent) = (base * base, exponent >> 1);
    }
    result
}

/// For each id that once came after what the history ends with, how long that repeated end is (the longest, if it came several times).
///
/// Linear time: `length[i]` is how much of the reversed history repeats from `i` on (the Z function), so `i - 1` is an id that would continue a repetition.
fn repeats(history: &[u32], breakers: &[u32]) -> BTreeMap<usize, usize> {
    let back: Vec<u32> = history.iter().rev().copied().collect();
    let until = back.iter().position(|id| breakers.binary_search(id).is_ok()).unwrap_or(back.len()); // no repetition reaches beyond the last breaker
    let (mut length, mut found) = (vec![0; back.len()], BTreeMap::new());
    let (mut left, mut right) = (0, 0);
    for i in 1..back.len() {
        let mut n = if i < right { length[i - left].min(right - i) } else { 0 };
        while i + n < back.len() && back[i + n] == back[n] {
            n += 1;
        }
        length[i] = n;
        if i + n > right {
            (left, right) = (i, i + n);
        }
        if n.min(until) > 0 {
            let longest = found.entry(index(back[i - 1])).or_insert(0);
            *longest = n.min(until).max(*longest);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::repeats;

    #[test]
    fn a_repeated_end_and_what_came_after_it() {
        assert_eq!(repeats(&[1, 2, 3, 9, 1, 2], &[]).into_iter().collect::<Vec<_>>(), [(3, 2)]);
        assert_eq!(repeats(&[1, 2, 3, 9, 1, 2], &[1]).into_iter().collect::<Vec<_>>(), [(3, 1)]);
        assert_eq!(repeats(&[7; 5], &[]).into_iter().collect::<Vec<_>>(), [(7, 4)]);
    }
}
