//! What waits to be merged: of the pairs that are known, the most frequent one comes first.
//!
//! Pairs wait by their counts, and only those of the count whose turn it is are put in order, by the rule for ties. A count may have fallen since a pair began
//! to wait, and never has risen: a pair whose turn comes too early waits on at its true count, or is forgotten if that is under the threshold. Nothing that
//! begins to wait is more frequent than what was merged last, because a new pair needs a place of the new symbol for each of its own.

use std::collections::{BTreeMap, BinaryHeap};

use super::known::Known;

pub(super) struct Queue<T> {
    threshold: u64,
    /// The count whose turn it is, and its pairs, some of which may have fallen.
    turn: u64,
    now: BinaryHeap<(T, usize)>,
    later: BTreeMap<u64, Vec<usize>>,
}

impl<T: Ord> Queue<T> {
    /// No pairs yet; none that occurs less often than `threshold` is ever wanted.
    pub(super) fn new(threshold: u64) -> Self {
        Self { threshold, turn: u64::MAX, now: BinaryHeap::new(), later: BTreeMap::new() }
    }

    /// A pair begins to wait.
    pub(super) fn add(&mut self, number: usize, count: u64, tie: impl FnOnce() -> T) {
        if count == self.turn {
            self.now.push((tie(), number));
        } else if count >= self.threshold {
            self.later.entry(count).or_default().push(number);
        }
    }

    /// Take the most frequent pair; none if all are under the threshold.
    pub(super) fn pop(&mut self, known: &Known, tie: impl Fn(usize) -> T) -> Option<usize> {
        loop {
            while let Some((_, number)) = self.now.pop() {
                match known.count(number) {
                    count if count == self.turn => return Some(number),
                    count => self.add(number, count, || tie(number)),
                }
            }
            let (turn, numbers) = self.later.pop_last()?;
            self.turn = turn;
            for number in numbers {
                self.add(number, known.count(number), || tie(number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::*;
    use crate::train::places::Places;

    #[test]
    fn the_most_frequent_of_all_comes_first_and_of_equals_the_smallest() {
        let (mut known, mut queue, mut waiting, mut seed) = (Known::with_room(0), Queue::new(3), Vec::new(), 1u64);
        let mut chance = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        let mut turn = 40;
        for left in 0..4000 {
            let count = 1 + chance(turn);
            waiting.push(known.add((left, 0), count, Places::default()));
            queue.add(left as usize, count, || Reverse(left));
            let fallen = waiting[usize::try_from(chance(waiting.len() as u64)).unwrap_or(0)];
            *known.count_mut(fallen) -= chance(known.count(fallen) + 1);
            if left % 3 == 0 {
                let expected = waiting.iter().copied().filter(|number| known.count(*number) >= 3).max_by_key(|number| (known.count(*number), Reverse(*number)));
                assert_eq!(queue.pop(&known, |number| Reverse(known.pair(number).0)), expected);
                waiting.retain(|number| Some(*number) != expected);
                turn = expected.map_or(turn, |number| known.count(number));
            }
        }
    }
}
