//! The bytes of one pretoken -> its ids: join the neighbouring pair of lowest rank, the leftmost one, until no pair can be joined.
//!
//! This is all of BPE's encoding. The order matters: the merges are tried as they were learnt, never the longest first. Short pretokens look at every pair at
//! each step, in arrays of fixed size, where the processor allows it several pretokens side by side (`wide`, `rounds`); long ones sort the pairs, and keep
//! those that come up in a heap, in n log n; very long ones are merged in `pieces`. All take the pairs in the same order, so the result is the same.

mod long;
mod pieces;
#[cfg(target_arch = "x86_64")]
mod rounds;
#[cfg(target_arch = "x86_64")]
mod symbols;
#[cfg(target_arch = "x86_64")]
mod wide;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::Result;
use crate::pairs::{NONE, Pairs};
use crate::threads::Pulse;
use crate::vocab::{Parts, Vocabulary};
use pieces::LONG;

/// How many pretokens are merged at a time.
pub(crate) const TOGETHER: usize = 32;
/// As many bytes are merged without a heap.
const SHORT: usize = 64;
/// How long a pretoken is at least for which it is asked whether ranks never fall.
const RISING: usize = 1 << 8;
/// For how many bytes of a pretoken memory is kept when a call is over.
const KEPT: usize = 1 << 16;

/// The memory that merging works in, kept from one pretoken to the next.
#[derive(Default)]
pub struct Merger {
    ids: Vec<u32>,
    /// The number of the pair that begins at each place; `NONE` where it can't be joined.
    numbers: Vec<u32>,
    next: Vec<u32>,
    before: Vec<u32>,
    /// When the pairs are due, above where: those that are there to begin with, in order, and those that come up.
    first: Vec<u64>,
    heap: BinaryHeap<Reverse<u64>>,
    /// Where pairs have changed whose numbers aren't asked for yet.
    changed: Vec<u32>,
}

impl Merger {
    /// Encode one pretoken.
    ///
    /// ```
    /// use toklet::{Vocabulary, merge::Merger, threads::Pulse};
    /// let v = Vocabulary::from_merges(vec![(b"b".to_vec(), b"c".to_vec()), (b"a".to_vec(), b"b".to_vec())], vec![], &Pulse::default())?;
    /// assert_eq!(Merger::default().merge(&v, b"abcab", &Pulse::default())?, [97, 256, 257]);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn merge(&mut self, vocabulary: &Vocabulary, pretoken: &[u8], pulse: &Pulse) -> Result<&[u32]> {
        if vocabulary.kind().characters || !vocabulary.pairs().in_order() {
            self.long(vocabulary, pretoken, pulse)?;
        } else if pretoken.len() < LONG || !vocabulary.ranks_never_fall() || !self.in_some_pieces(vocabulary, pretoken, pulse)? {
            self.at_once(vocabulary, pretoken, pulse)?;
        }
        Ok(&self.ids)
    }

    /// Give memory back that a very long pretoken took.
    pub(crate) fn shrink(&mut self) {
        if self.numbers.capacity().max(self.ids.capacity()) > KEPT {
            *self = Self::default();
        }
    }

    /// Encode a pretoken that begins as bytes, in a vocabulary whose pairs are numbered in their order.
    fn at_once(&mut self, vocabulary: &Vocabulary, pretoken: &[u8], pulse: &Pulse) -> Result<()> {
        self.ids.clear();
        match pretoken.len() {
            ..=16 => self.short::<16>(vocabulary, pretoken),
            17..=SHORT => self.short::<SHORT>(vocabulary, pretoken),
            _ => self.long(vocabulary, pretoken, pulse)?,
        }
        Ok(())
    }

    fn short<const N: usize>(&mut self, vocabulary: &Vocabulary, pretoken: &[u8]) {
        let numbers = pretoken.windows(2).map(|two| vocabulary.pair_of_bytes(two[0], two[1]));
        let mut one = Short::<N>::new(pretoken.iter().map(|byte| vocabulary.byte(*byte)), numbers);
        while one.step(vocabulary.pairs()) {}
        self.ids.extend(one.ids());
    }

    fn long(&mut self, vocabulary: &Vocabulary, pretoken: &[u8], pulse: &Pulse) -> Result<()> {
        let (pairs, rising) = (vocabulary.pairs(), pretoken.len() >= RISING && vocabulary.ranks_never_fall());
        self.ids.clear();
        vocabulary.symbols(pretoken, &mut self.ids, pulse)?;
        self.join(pairs, |left, right| pairs.number(left, right), rising, pulse)
    }

    /// Join only the pairs of some numbers.
    fn only(&mut self, vocabulary: &Vocabulary, pretoken: &[u8], some: impl Fn(u32) -> bool, pulse: &Pulse) -> Result<()> {
        let pairs = vocabulary.pairs();
        let number = |left, right| Some(pairs.number(left, right)).filter(|number| *number == NONE || some(*number)).unwrap_or(NONE);
        self.ids.clear();
        vocabulary.symbols(pretoken, &mut self.ids, pulse)?;
        self.join(pairs, number, false, pulse)
    }

    /// Go on from what the first pairs have made of a pretoken, in a vocabulary whose pairs are numbered in their order.
    pub(crate) fn go_on(&mut self, vocabulary: &Vocabulary, ids: &[u32], pulse: &Pulse) -> Result<&[u32]> {
        let pairs = vocabulary.pairs();
        self.ids.clear();
        if ids.len() <= 16 {
            let mut one = Short::<16>::new(ids.iter().copied(), ids.windows(2).map(|pair| pairs.number(pair[0], pair[1])));
            while one.step(pairs) {}
            self.ids.extend(one.ids());
        } else {
            self.ids.extend_from_slice(ids);
            self.join(pairs, |left, right| pairs.number(left, right), false, pulse)?;
        }
        Ok(&self.ids)
    }
}

/// A pretoken of at most `N` bytes or ids, which is at most 64, on its way to its ids.
///
/// Every symbol keeps the place of its first byte. A pair's number and the place where it begins are one number, so that the least of all is the leftmost pair
/// of lowest number, and is found by comparing all of them, without a branch.
struct Short<const N: usize> {
    ids: [u32; N],
    pairs: [i32; N],
    next: [u8; N],
    before: [u8; N],
    length: u8,
}

const PLACE_BITS: u32 = 6;
const NO_PAIR: i32 = i32::MAX;

/// A pair's number with its place.
fn placed(number: u32, place: u8) -> i32 {
    if number == NONE { NO_PAIR } else { (number << PLACE_BITS | u32::from(place)).cast_signed() }
}

impl<const N: usize> Short<N> {
    /// Begin with ids, and the numbers of their pairs.
    fn new(ids: impl Iterator<Item = u32>, numbers: impl Iterator<Item = u32>) -> Self {
        let mut this = Self { ids: [0; N], pairs: [NO_PAIR; N], next: [0; N], before: [u8::MAX; N], length: 0 };
        for id in ids.take(N) {
            let place = usize::from(this.length);
            this.ids[place] = id;
            this.before[place] = this.length.wrapping_sub(1);
            this.length += 1;
            this.next[place] = this.length;
        }
        for (place, number) in (0u8..).zip(numbers) {
            this.pairs[usize::from(place)] = placed(number, place);
        }
        this
    }

    /// Join the least pair; says whether there was one.
    fn step(&mut self, pairs: &Pairs) -> bool {
        let least = self.pairs.iter().fold(NO_PAIR, |least, pair| least.min(*pair)).cast_unsigned();
        if least == NO_PAIR.cast_unsigned() {
            return false;
        }
        let (here, number) = ((least % (1 << PLACE_BITS)).to_le_bytes()[0], least >> PLACE_BITS);
        let place = usize::from(here);
        let right = usize::from(self.next[place]);
        let behind = self.next[right];
        self.ids[place] = pairs.made(number);
        self.next[place] = behind;
        (self.pairs[place], self.pairs[right]) = (NO_PAIR, NO_PAIR);
        if behind < self.length {
            self.before[usize::from(behind)] = here;
            self.pairs[place] = placed(pairs.number(self.ids[place], self.ids[usize::from(behind)]), here);
        }
        let before = self.before[place];
        if let Some(left) = self.pairs.get_mut(usize::from(before)) {
            *left = placed(pairs.number(self.ids[usize::from(before)], self.ids[place]), before);
        }
        true
    }

    /// The ids, one after the other.
    fn ids(&self) -> impl Iterator<Item = u32> {
        let mut place = 0;
        std::iter::from_fn(move || {
            let here = (place < self.length).then_some(usize::from(place))?;
            place = self.next[here];
            Some(self.ids[here])
        })
    }
}

/// The bytes of a pretoken of at most fifteen, and how many they are; what stands behind them doesn't matter.
pub(crate) type Text = ([u8; 16], usize);
/// The ids of a pretoken, and how many they are; none where it is still to be merged.
pub(crate) type Found = ([u32; 16], usize);
pub(crate) const NOT_FOUND: Found = ([0; 16], 0);

/// Encode short pretokens side by side, as far as that is faster.
pub(crate) fn several(vocabulary: &Vocabulary, pretokens: &[Text], found: &mut [Found]) {
    #[cfg(target_arch = "x86_64")]
    if vocabulary.pairs().in_order() && !vocabulary.kind().characters && wide::several(vocabulary, pretokens, found) {
        return;
    }
    let _ = vocabulary;
    found[..pretokens.len()].fill(NOT_FOUND);
}

/// Merge the bytes of up to `TOGETHER` tokens side by side, as far as that is faster.
pub(crate) fn several_tokens(vocabulary: &Vocabulary, ids: &[u32]) -> [Found; TOGETHER] {
    let texts: [Text; TOGETHER] = std::array::from_fn(|at| ids.get(at).and_then(|id| vocabulary.sixteen(*id)).unwrap_or_default());
    let mut found = [NOT_FOUND; TOGETHER];
    several(vocabulary, &texts[..ids.len().min(TOGETHER)], &mut found);
    found
}

/// The tokens that merging does not lead to, in the order of their ids: no pretoken becomes one of them, unless the vocabulary takes pretokens whole.
pub(crate) fn unreached(vocabulary: &Vocabulary, pulse: &Pulse) -> Result<Vec<u32>> {
    let (mut merger, mut found) = (Merger::default(), Vec::new());
    for some in vocabulary.doubtful().chunks(TOGETHER) {
        for (id, (ids, count)) in some.iter().zip(several_tokens(vocabulary, some)) {
            pulse.tick(0)?;
            let merged = if count > 0 { &ids[..count] } else { merger.merge(vocabulary, vocabulary.token(*id)?, pulse)? };
            if merged != [*id] {
                found.push(*id);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The merges in order; for a vocabulary of ranks those that make its tokens: what is left of a token when only lower ranks are joined, if that is two parts.
pub fn merges(vocabulary: &Vocabulary, pulse: &Pulse) -> Result<Vec<Parts>> {
    if let Some(listed) = vocabulary.listed() {
        return Ok(listed.to_vec());
    }
    let (mut merger, mut found) = (Merger::default(), Vec::new());
    for (token, id) in vocabulary.tokens() {
        pulse.tick(0)?;
        merger.only(vocabulary, token, |number| vocabulary.rank_of(number) < vocabulary.rank(id), pulse)?;
        if let [left, right] = merger.ids[..] {
            found.push((vocabulary.token(left)?.to_vec(), vocabulary.token(right)?.to_vec()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;

    #[test]
    fn what_a_very_long_pretoken_took_is_given_back() -> Result<()> {
        let (quiet, mut merger) = (Pulse::default(), Merger::default());
        let vocabulary = Vocabulary::from_merges(vec![(b"a".to_vec(), b"a".to_vec())], vec![], &quiet)?;
        assert_eq!(merger.merge(&vocabulary, &[b'a'; 4 * KEPT], &quiet)?.len(), 2 * KEPT);
        merger.shrink();
        assert_eq!(merger.ids.capacity() + merger.numbers.capacity() + merger.next.capacity() + merger.heap.capacity(), 0);
        Ok(())
    }

    #[test]
    fn several_become_what_each_becomes() -> Result<()> {
        let quiet = Pulse::default();
        let (mut next, mut merges) = (chance(1), Vec::<Parts>::new());
        let mut tokens: Vec<Vec<u8>> = b"abcd".iter().map(|byte| vec![*byte]).collect();
        while merges.len() < 3000 {
            let (left, right) = (tokens[next(tokens.len())].clone(), tokens[next(tokens.len())].clone());
            let whole = [&left[..], &right].concat();
            if whole.len() <= 12 && !tokens.contains(&whole) {
                tokens.push(whole);
                merges.push((left, right));
            }
        }
        let tokens = || tokens.iter().skip(4).cloned().chain((0..=255u8).map(|byte| vec![byte]));
        let few = || std::iter::once(b"ab".to_vec()).chain((0..=255u8).map(|byte| vec![byte]));
        let count = u32::try_from(tokens().count()).unwrap_or_default();
        // The ids of what merges make begin with 0, one after the other, or end with it, or are far up; 0 is the only one.
        let vocabularies = [
            Vocabulary::from_merges(merges.clone(), vec![], &quiet)?,
            Vocabulary::new(tokens().zip(0..).collect(), Some(merges.clone()), vec![], false, &quiet)?,
            Vocabulary::new(tokens().zip((0..count).rev()).collect(), Some(merges.clone()), vec![], false, &quiet)?,
            Vocabulary::new(tokens().zip(crate::error::MAX_IDS - count..).collect(), Some(merges), vec![], false, &quiet)?,
            Vocabulary::new(few().zip(0..).collect(), Some(vec![(b"a".to_vec(), b"b".to_vec())]), vec![], false, &quiet)?,
        ];
        let mut merger = Merger::default();
        for vocabulary in &vocabularies {
            let mut found = 0;
            for _ in 0..400 {
                let texts: [Vec<u8>; TOGETHER] = std::array::from_fn(|_| (0..1 + next(15)).map(|_| b"abcde"[next(5)]).collect());
                let keys = texts.each_ref().map(|text| (std::array::from_fn(|at| text.get(at).copied().unwrap_or(0xFF)), text.len()));
                let (mut some, count) = ([NOT_FOUND; TOGETHER], 1 + next(TOGETHER));
                several(vocabulary, &keys[..count], &mut some);
                for (text, (ids, count)) in texts.iter().zip(&some[..count]) {
                    if *count > 0 {
                        assert_eq!(&ids[..*count], merger.merge(vocabulary, text, &quiet)?);
                        found += 1;
                    }
                }
            }
            #[cfg(target_arch = "x86_64")]
            assert_eq!(found > 6_000, crate::width::width() > crate::width::Width::Plain, "{found}");
        }
        Ok(())
    }
}
