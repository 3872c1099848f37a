//! The bytes of one pretoken -> its ids: join the neighbouring pair of lowest rank, the leftmost one, until no pair can be joined.
//!
//! This is all of BPE's encoding. The order matters: the merges are tried as they were learnt, never the longest first. Short pretokens look at every
//! pair at each step, in arrays of fixed size; long ones keep the pairs in a heap, in n log n. Both take the pairs in the same order, so the result is the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::Result;
use crate::pairs::NONE;
use crate::threads::Pulse;
use crate::vocab::{Parts, Vocabulary};

/// Few enough heap entries that taking them stays well under the 20 ms in which a call must tick.
const TICK_EVERY: usize = 1 << 12;
/// For how many bytes of a pretoken memory is kept when a call is over.
const KEPT: usize = 1 << 16;

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
        self.ids.clear();
        match pretoken.len() {
            _ if vocabulary.kind().characters => self.long(vocabulary, pretoken, limit, pulse)?,
            ..=16 => short::<16>(vocabulary, pretoken, limit, |id| self.ids.push(id)),
            17..=64 => short::<64>(vocabulary, pretoken, limit, |id| self.ids.push(id)),
            _ => self.long(vocabulary, pretoken, limit, pulse)?,
        }
        Ok(&self.ids)
    }

    /// Give memory back that a very long pretoken took.
    pub(crate) fn shrink(&mut self) {
        if self.ranks.capacity() > KEPT {
            *self = Self::default();
        }
    }

    /// Go on from what the lowest ranks have made of a pretoken.
    pub(crate) fn go_on(&mut self, vocabulary: &Vocabulary, ids: &[u32], pulse: &Pulse) -> Result<&[u32]> {
        self.ids.clear();
        self.ids.extend_from_slice(ids);
        self.join(vocabulary, u32::MAX, pulse)?;
        Ok(&self.ids)
    }

    fn long(&mut self, vocabulary: &Vocabulary, pretoken: &[u8], limit: u32, pulse: &Pulse) -> Result<()> {
        vocabulary.symbols(pretoken, &mut self.ids);
        self.join(vocabulary, limit, pulse)
    }

    fn join(&mut self, vocabulary: &Vocabulary, limit: u32, pulse: &Pulse) -> Result<()> {
        let rank = |left, right| Some(vocabulary.pairs().rank(left, right)).filter(|rank| vocabulary.order(*rank) < limit).unwrap_or(NONE);
        self.ranks.clear();
        for (at, pair) in self.ids.windows(2).enumerate() {
            self.ranks.push(rank(pair[0], pair[1]));
            tick_at(at, pulse)?;
        }
        self.ranks.push(NONE);
        self.heap(vocabulary, rank, pulse)
    }

    fn heap(&mut self, vocabulary: &Vocabulary, rank: impl Fn(u32, u32) -> u32, pulse: &Pulse) -> Result<()> {
        let Self { ids, ranks, next, before, heap, .. } = self;
        let places = 0..u32::try_from(ids.len()).unwrap_or(NONE);
        next.clear();
        before.clear();
        heap.clear();
        heap.reserve_exact(ids.len());
        for (at, &rank) in places.zip(ranks.iter()) {
            next.push(at + 1);
            before.push(at.wrapping_sub(1));
            if rank != NONE {
                heap.push(Reverse((vocabulary.order(rank), at)));
            }
            tick_at(next.len(), pulse)?;
        }
        let mut taken = 0;
        while let Some(Reverse((lowest, at))) = heap.pop() {
            taken += 1;
            tick_at(taken, pulse)?;
            let here = at as usize;
            if ranks[here] == NONE || vocabulary.order(ranks[here]) != lowest {
                continue; // the pair that this entry was made for is no more
            }
            let right = next[here] as usize;
            ids[here] = vocabulary.pairs().made(ranks[here]);
            (ids[right], ranks[right]) = (NONE, NONE);
            next[here] = next[right];
            if let Some(behind) = before.get_mut(next[here] as usize) {
                *behind = at;
            }
            let mut renew = |at: u32| {
                let i = at as usize;
                ranks[i] = ids.get(next[i] as usize).map_or(NONE, |right| rank(ids[i], *right));
                if ranks[i] != NONE {
                    heap.push(Reverse((vocabulary.order(ranks[i]), at)));
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

/// Encode a pretoken of at most `N` bytes, which is at most 64; what it becomes is given to `take`, id by id.
///
/// Every symbol keeps the place of its first byte. A pair's rank and the place where it begins are one number, so that the least of all is the leftmost pair of
/// lowest rank, and is found by comparing all of them, without a branch.
fn short<const N: usize>(vocabulary: &Vocabulary, pretoken: &[u8], limit: u32, mut take: impl FnMut(u32)) {
    const PLACE_BITS: u32 = 6;
    const NO_PAIR: i32 = i32::MAX;
    let pairs = vocabulary.pairs();
    let pair = |rank: u32, place: u8| if rank < limit { (rank << PLACE_BITS | u32::from(place)).cast_signed() } else { NO_PAIR };
    let (mut ids, mut found) = ([0; N], [NO_PAIR; N]);
    let (mut next, mut before) = ([0u8; N], [u8::MAX; N]);
    let mut length = 0u8;
    for byte in pretoken.iter().take(N) {
        let place = usize::from(length);
        ids[place] = vocabulary.byte(*byte);
        before[place] = length.wrapping_sub(1);
        length += 1;
        next[place] = length;
    }
    for (place, two) in (0u8..).zip(pretoken.windows(2)) {
        found[usize::from(place)] = pair(vocabulary.rank_of_bytes(two[0], two[1]), place);
    }
    loop {
        let least = found.iter().fold(NO_PAIR, |least, pair| least.min(*pair)).cast_unsigned();
        if least == NO_PAIR.cast_unsigned() {
            break;
        }
        let here = (least % (1 << PLACE_BITS)).to_le_bytes()[0];
        let place = usize::from(here);
        let right = usize::from(next[place]);
        let behind = next[right];
        ids[place] = pairs.made(least >> PLACE_BITS);
        next[place] = behind;
        (found[place], found[right]) = (NO_PAIR, NO_PAIR);
        if behind < length {
            before[usize::from(behind)] = here;
            found[place] = pair(pairs.rank(ids[place], ids[usize::from(behind)]), here);
        }
        if let Some(left) = found.get_mut(usize::from(before[place])) {
            *left = pair(pairs.rank(ids[usize::from(before[place])], ids[place]), before[place]);
        }
    }
    let mut place = 0;
    while place < length {
        take(ids[usize::from(place)]);
        place = next[usize::from(place)];
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_very_long_pretoken_took_is_given_back() -> Result<()> {
        let (quiet, mut merger) = (Pulse::default(), Merger::default());
        let vocabulary = Vocabulary::from_merges(vec![(b"a".to_vec(), b"a".to_vec())], vec![], &quiet)?;
        assert_eq!(merger.merge(&vocabulary, &[b'a'; 4 * KEPT], u32::MAX, &quiet)?.len(), 2 * KEPT);
        merger.shrink();
        assert_eq!(merger.ids.capacity() + merger.ranks.capacity() + merger.next.capacity() + merger.heap.capacity(), 0);
        Ok(())
    }
}
