//! Long pretokens: their pairs in the order in which they are due, in n log n.
//!
//! The pairs that are there to begin with are sorted; those that come up wait in a heap. An entry is when a pair is due, and where, in one number; one whose
//! pair is no more is passed over.

use std::cmp::Reverse;

use super::Merger;
use crate::error::Result;
use crate::pairs::{NONE, Pairs};
use crate::threads::Pulse;

/// Few enough heap entries that taking them stays well under the 20 ms in which a call must tick.
const TICK_EVERY: usize = 1 << 12;
/// How many symbols a pretoken has at most whose pairs are sorted, so that this is over before the next tick; those of others go through the heap.
const SORTED: usize = 1 << 16;

impl Merger {
    /// Join the pairs of the symbols in `ids` that have numbers.
    pub(super) fn join(&mut self, pairs: &Pairs, number: impl Fn(u32, u32) -> u32, rising: bool, pulse: &Pulse) -> Result<()> {
        let mut number = in_a_row(number);
        self.numbers.clear();
        for (at, pair) in self.ids.windows(2).enumerate() {
            self.numbers.push(number(pair[0], pair[1]));
            tick_at(at, pulse)?;
        }
        self.numbers.push(NONE);
        self.heap(pairs, number, rising, pulse)
    }

    /// Join pairs until there are none. Where every pair that a join makes is due after all of the same number (`rising`), these are joined from left to
    /// right before any new one is asked for: most of what a run of one character makes is gone again by then.
    fn heap(&mut self, pairs: &Pairs, mut number: impl FnMut(u32, u32) -> u32, rising: bool, pulse: &Pulse) -> Result<()> {
        let Self { ids, numbers, next, before, first, heap, changed } = self;
        let places = 0..u32::try_from(ids.len()).unwrap_or(NONE);
        next.clear();
        before.clear();
        first.clear();
        heap.clear();
        changed.clear();
        let few = ids.len() <= SORTED;
        if !few {
            heap.reserve_exact(ids.len());
        }
        for (at, &number) in places.zip(numbers.iter()) {
            next.push(at + 1);
            before.push(at.wrapping_sub(1));
            match due(pairs.order(number), at) {
                _ if number == NONE => {}
                due if few => first.push(due),
                due => heap.push(Reverse(due)),
            }
            tick_at(next.len(), pulse)?;
        }
        first.sort_unstable();
        let (mut first, mut taken, mut turn) = (first.iter().copied().peekable(), 0, NONE);
        loop {
            taken += 1;
            tick_at(taken, pulse)?;
            let lowest = first.peek().copied().into_iter().chain(heap.peek().map(|Reverse(due)| *due)).min();
            let goes_on = rising && lowest.is_some_and(|lowest| split(lowest).0 == turn);
            if !goes_on && !changed.is_empty() {
                for (asked, at) in changed.drain(..).enumerate() {
                    tick_at(asked, pulse)?;
                    let here = at as usize;
                    if let (true, Some(right)) = (ids[here] != NONE, ids.get(next[here] as usize)) {
                        numbers[here] = number(ids[here], *right);
                    }
                    if numbers[here] != NONE {
                        heap.push(Reverse(due(pairs.order(numbers[here]), at)));
                    }
                }
                continue;
            }
            let Some(lowest) = lowest else { break };
            if first.next_if_eq(&lowest).is_none() {
                heap.pop();
            }
            let (lowest, at) = split(lowest);
            let here = at as usize;
            if numbers[here] == NONE || pairs.order(numbers[here]) != lowest {
                continue; // the pair that this entry was made for is no more
            }
            turn = lowest;
            let right = next[here] as usize;
            ids[here] = pairs.made(numbers[here]);
            (ids[right], numbers[right]) = (NONE, NONE);
            next[here] = next[right];
            if let Some(behind) = before.get_mut(next[here] as usize) {
                *behind = at;
            }
            for place in [before[here], at] {
                if let Some(number) = numbers.get_mut(place as usize) {
                    *number = NONE;
                    changed.extend(Some(place).filter(|place| changed.last() != Some(place)));
                }
            }
        }
        ids.retain(|id| *id != NONE);
        Ok(())
    }
}

/// An entry: when a pair is due, and where.
fn due(order: u32, at: u32) -> u64 {
    u64::from(order) << 32 | u64::from(at)
}

/// When and where the pair of an entry is due.
fn split(due: u64) -> (u32, u32) {
    let [at, order] = bytemuck::cast(due.to_le());
    (u32::from_le(order), u32::from_le(at))
}

/// A function that isn't asked again for the pair that it was asked for last, and the time before.
fn in_a_row(number: impl Fn(u32, u32) -> u32) -> impl FnMut(u32, u32) -> u32 {
    let mut last = [((NONE, NONE), NONE); 2];
    move |left, right| {
        if last[0].0 != (left, right) {
            last.swap(0, 1);
            if last[0].0 != (left, right) {
                last[0] = ((left, right), number(left, right));
            }
        }
        last[0].1
    }
}

/// Tick now and then.
fn tick_at(step: usize, pulse: &Pulse) -> Result<()> {
    if step % TICK_EVERY == TICK_EVERY - 1 { pulse.tick(0) } else { Ok(()) }
}
