//! The bytes of one pretoken -> its ids: join the neighbouring pair of lowest rank, the leftmost one, until no pair can be joined.
//!
//! This is all of BPE's encoding. The order matters: the merges are tried as they were learnt, never the longest first. Short pretokens look at every
//! pair at each step, in a few cache lines; long ones keep the pairs in a heap, in n log n. Both take the pairs in the same order, so the result is the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::Result;
use crate::threads::Pulse;
use crate::vocab::{Parts, Vocabulary};

/// Above this many bytes the heap takes over, which keeps long pretokens from costing the square of their length. Not tuned yet.
const SHORT: usize = 128;
/// Few enough heap entries that taking them stays well under the 20 ms in which a call must tick.
const TICK_EVERY: usize = 1 << 12;
const NONE: u32 = u32::MAX;

/// The memory that merging works in, kept from one pretoken to the next.
#[derive(Default)]
pub struct Merger {
    ids: Vec<u32>,
    /// The rank of the pair that begins at each place; `NONE` where it can't be joined.
    ranks: Vec<u32>,
    next: Vec<u32>,
    before: Vec<u32>,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
}

impl Merger {
    /// Encode one pretoken, joining only ranks under `limit` (`u32::MAX` for all).
    ///
    /// ```
    /// use toklet::{Vocabulary, merge::Merger, threads::Pulse};
    /// let v = Vocabulary::from_merges(vec![(b"b".to_vec(), b"c".to_vec()), (b"a".to_vec(), b"b".to_vec())], vec![], &Pulse::default())?;
    /// assert_eq!(Merger::default().merge(&v, b"abcab", u32::MAX, &Pulse::default())?, [97, 256, 257]);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn merge(&mut self, vocabulary: &Vocabulary, pretoken: &[u8], limit: u32, pulse: &Pulse) -> Result<&[u32]> {
        let rank = |left, right| vocabulary.merge_of(left, right).map(|merge| merge.rank).filter(|rank| *rank < limit).unwrap_or(NONE);
        self.ids.clear();
        self.ranks.clear();
        vocabulary.symbols(pretoken, &mut self.ids);
        for (at, pair) in self.ids.windows(2).enumerate() {
            self.ranks.push(rank(pair[0], pair[1]));
            tick_at(at, pulse)?;
        }
        self.ranks.push(NONE);
        if self.ids.len() <= SHORT {
            self.scan(vocabulary, rank);
        } else {
            self.heap(vocabulary, rank, pulse)?;
        }
        Ok(&self.ids)
    }

    fn scan(&mut self, vocabulary: &Vocabulary, rank: impl Fn(u32, u32) -> u32) {
        let Self { ids, ranks, .. } = self;
        while let Some((at, lowest)) = ranks.iter().copied().enumerate().min_by_key(|(_, rank)| *rank) {
            if lowest == NONE {
                return;
            }
            if let Some(merge) = vocabulary.merge_of(ids[at], ids[at + 1]) {
                ids[at] = merge.id;
            }
            ids.remove(at + 1);
            ranks.remove(at + 1);
            ranks[at] = ids.get(at + 1).map_or(NONE, |right| rank(ids[at], *right));
            if at > 0 {
                ranks[at - 1] = rank(ids[at - 1], ids[at]);
            }
        }
    }

    fn heap(&mut self, vocabulary: &Vocabulary, rank: impl Fn(u32, u32) -> u32, pulse: &Pulse) -> Result<()> {
        let Self { ids, ranks, next, before, heap, .. } = self;
        let places = 0..u32::try_from(ids.len()).unwrap_or(NONE);
        next.clear();
        before.clear();
        heap.clear();
        for (at, &rank) in places.zip(ranks.iter()) {
            next.push(at + 1);
            before.push(at.wrapping_sub(1));
            if rank != NONE {
                heap.push(Reverse((rank, at)));
            }
            tick_at(next.len(), pulse)?;
        }
        let mut taken = 0;
        while let Some(Reverse((lowest, at))) = heap.pop() {
            taken += 1;
            tick_at(taken, pulse)?;
            let here = at as usize;
            if ranks[here] != lowest {
                continue; // the pair that this entry was made for is no more
            }
            let right = next[here] as usize;
            if let Some(merge) = vocabulary.merge_of(ids[here], ids[right]) {
                ids[here] = merge.id;
            }
            (ids[right], ranks[right]) = (NONE, NONE);
            next[here] = next[right];
            if let Some(behind) = before.get_mut(next[here] as usize) {
                *behind = at;
            }
            let mut renew = |at: u32| {
                let i = at as usize;
                ranks[i] = ids.get(next[i] as usize).map_or(NONE, |right| rank(ids[i], *right));
                if ranks[i] != NONE {
                    heap.push(Reverse((ranks[i], at)));
                }
            };
            renew(at);
            if before[here] != NONE {
                renew(before[here]);
            }
        }
        ids.retain(|id| *id != NONE);
        Ok(())
    }
}

/// Tick now and then.
fn tick_at(step: usize, pulse: &Pulse) -> Result<()> {
    if step % TICK_EVERY == TICK_EVERY - 1 { pulse.tick(0) } else { Ok(()) }
}

/// For each id, whether its bytes are that id when they are a pretoken: where they are, one look-up takes the place of the merging. All tokens are, where
/// the vocabulary says so; else those that their own merges lead to.
pub(crate) fn whole_pretokens(vocabulary: &Vocabulary, pulse: &Pulse) -> Result<Vec<bool>> {
    let mut merger = Merger::default();
    let mut whole = vec![false; vocabulary.size()];
    for (token, id) in vocabulary.tokens() {
        pulse.tick(0)?;
        whole[id as usize] = vocabulary.whole() || merger.merge(vocabulary, token, NONE, pulse)? == [id];
    }
    Ok(whole)
}

/// The merges in order; for a vocabulary of ranks those that make its tokens: what is left of a token when only lower ranks are joined, if that is two parts.
pub fn merges(vocabulary: &Vocabulary, pulse: &Pulse) -> Result<Vec<Parts>> {
    if let Some(listed) = vocabulary.listed() {
        return Ok(listed.to_vec());
    }
    let (mut merger, mut found) = (Merger::default(), Vec::new());
    for (token, id) in vocabulary.tokens() {
        pulse.tick(0)?;
        if let [left, right] = merger.merge(vocabulary, token, vocabulary.rank(id), pulse)? {
            found.push((vocabulary.token(*left)?.to_vec(), vocabulary.token(*right)?.to_vec()));
        }
    }
    Ok(found)
}
