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
    use crate::chance::chance;
    use crate::train::places::Places;

    #[test]
    fn the_most_frequent_of_all_comes_first_and_of_equals_the_smallest() {
        let (mut known, mut queue, mut waiting, mut chance) = (Known::with_room(0), Queue::new(3), Vec::new(), chance(1));
        let mut turn = 40;
        for left in 0..4000 {
            let count = 1 + chance(turn) as u64;
            waiting.push(known.add((left, 0), count, Places::default()));
            queue.add(left as usize, count, || Reverse(left));
            let fallen = waiting[chance(waiting.len())];
            let left_over = chance(usize::try_from(known.count(fallen)).unwrap() + 1) as u64;
            *known.count_mut(fallen) = left_over;
            if left % 3 == 0 {
                let expected = waiting.iter().copied().filter(|number| known.count(*number) >= 3).max_by_key(|number| (known.count(*number), Reverse(*number)));
                assert_eq!(queue.pop(&known, |number| Reverse(known.pair(number).0)), expected);
                waiting.retain(|number| Some(*number) != expected);
                turn = expected.map_or(turn, |number| usize::try_from(known.count(number)).unwrap());
            }
        }
    }
}
