//! Merging several short pretokens in turn, each with its symbols side by side.
//!
//! A step looks at the two pairs that the last join made, finds the lowest number of all pairs, joins that pair, closes the gap and asks for the two new pairs,
//! without a branch that depends on what is found: what stands before the first symbol and behind the last is in no pair. While memory answers, the other
//! pretokens are stepped; one that is done makes room for the next. Where the processor has AVX-512 and there are more than a few, they are merged in `rounds`.
//!
//! Symbols and pairs are read and written as whole vectors (`symbols`): a vector that is read right behind a part of it was written waits until all before it
//! is done.
//!
//! Tried: sixteen or 64 pretokens that wait for their turn (the same); looking for the pair of what stands before the first symbol in a line that is at hand
//! (the same); to find out in the next turn only that a pretoken is done, so that no branch waits for a step's last instruction (a tenth slower).
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it. The safe twin is the
//! plain version, and a test holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::{__m256i, __m512i};

use super::symbols::{NO_PAIR, PLACE_BITS, ROOM, Symbols};
use super::{Found, Text, rounds};
use crate::pairs::{NONE, Pairs};
use crate::vocab::Vocabulary;
use crate::width::{Width, width};

/// How many pretokens are too few for rounds.
const FEW: usize = 4;
/// How many pretokens are stepped in turn.
const LANES: usize = 8;

/// A pretoken on its way to its ids.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Lane {
    /// Nothing, and the symbols.
    ids: [[u32; ROOM]; 2],
    /// The number of the pair that begins at each place, above the bits of a place.
    pairs: [u32; ROOM],
    /// Where the last pair was joined, the two new pairs, and the lines where they are looked for.
    joined: u32,
    asked: [u64; 2],
    lines: [usize; 2],
    /// How many symbols there are.
    count: usize,
    /// Which of all pretokens it is.
    turn: usize,
    open: bool,
}

impl Lane {
    const EMPTY: Self = Self { ids: [[NONE; _]; 2], pairs: [0; _], count: 0, joined: 0, asked: [0; _], lines: [0; _], turn: 0, open: false };

    /// The symbol at a place, counted from the one before the first.
    #[inline(always)]
    fn symbol(&self, place: usize) -> u32 {
        self.ids.as_flattened()[(ROOM - 1 + place) % (2 * ROOM)]
    }

    /// Begin with the bytes of a pretoken.
    #[inline(always)]
    fn begin<S: Symbols>(&mut self, vocabulary: &Vocabulary, (bytes, length): &Text, turn: usize) -> bool {
        (self.count, self.turn) = (*length % ROOM, turn);
        let (singles, twos) = vocabulary.beginnings();
        let (ids, pairs) = S::begin(bytes, u32::from(self.count.to_le_bytes()[0]), singles, twos);
        ids.store(&mut self.ids[1]);
        self.join(vocabulary.pairs(), pairs)
    }

    /// Look at the pairs that were asked for, and join the next.
    #[inline(always)]
    fn step<S: Symbols>(&mut self, pairs: &Pairs) -> bool {
        let all = S::load(&self.pairs);
        let lines = [pairs.line(self.lines[0]), pairs.line(self.lines[1])];
        let all = if lines[0].is_full() | lines[1].is_full() {
            self.search(pairs, all) // there may be more in the next line
        } else {
            all.ask(self.joined, lines, self.asked)
        };
        self.join(pairs, all)
    }

    #[inline(always)]
    fn search<S: Symbols>(&self, pairs: &Pairs, all: S) -> S {
        let [one, other] = searched(pairs, self.asked);
        let all = all.put(self.joined, other << PLACE_BITS);
        if self.joined == 0 { all } else { all.put(self.joined - 1, one << PLACE_BITS) }
    }

    /// Join the least pair, if there is one, and ask for the two new ones.
    #[inline(always)]
    fn join<S: Symbols>(&mut self, pairs: &Pairs, all: S) -> bool {
        let least = all.least();
        if least >= NO_PAIR {
            return false;
        }
        let (place, number) = (least as usize % ROOM, least >> PLACE_BITS);
        let here = least % (1 << PLACE_BITS);
        let made = pairs.made(number);
        self.asked = [Pairs::joined(self.symbol(place), made), Pairs::joined(made, self.symbol(place + 3))];
        self.lines = [pairs.place(self.asked[0]), pairs.place(self.asked[1])];
        self.lines.iter().for_each(|line| pairs.prefetch(*line));
        S::load(&self.ids[1]).close(here).put(here, made).store(&mut self.ids[1]);
        all.close(here).store(&mut self.pairs);
        self.joined = here;
        self.count -= 1;
        true
    }
}

#[cold]
#[inline(never)]
fn searched(pairs: &Pairs, asked: [u64; 2]) -> [u32; 2] {
    asked.map(|pair| pairs.number_of(pair))
}

/// Encode pretokens as far as it can be done here; says whether the processor has the vectors.
pub(super) fn several(vocabulary: &Vocabulary, pretokens: &[Text], found: &mut [Found]) -> bool {
    let width = width();
    match width {
        Width::Plain => {}
        Width::Avx2 => unsafe { merge_avx2(vocabulary, pretokens, found) }, // 1
        _ if pretokens.len() <= FEW => unsafe { merge_avx512(vocabulary, pretokens, found) }, // 1
        _ => unsafe { rounds::merge(vocabulary, pretokens, found) },        // 1
    }
    width > Width::Plain
}

#[target_feature(enable = "avx2")]
fn merge_avx2(vocabulary: &Vocabulary, pretokens: &[Text], found: &mut [Found]) {
    merge::<[__m256i; 2]>(vocabulary, pretokens, found);
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn merge_avx512(vocabulary: &Vocabulary, pretokens: &[Text], found: &mut [Found]) {
    merge::<__m512i>(vocabulary, pretokens, found);
}

#[inline(always)]
fn merge<S: Symbols>(vocabulary: &Vocabulary, pretokens: &[Text], found: &mut [Found]) {
    let (pairs, mut lanes, mut waiting) = (vocabulary.pairs(), [Lane::EMPTY; LANES], 0);
    let mut open = 0;
    for lane in &mut lanes {
        lane.open = next::<S>(lane, vocabulary, pretokens, &mut waiting, found);
        open += usize::from(lane.open);
    }
    while open > 0 {
        for lane in &mut lanes {
            if !lane.open {
                continue;
            }
            if !lane.step::<S>(pairs) {
                found[lane.turn] = (lane.ids[1], lane.count);
                lane.open = next::<S>(lane, vocabulary, pretokens, &mut waiting, found);
                open -= usize::from(!lane.open);
            }
        }
    }
}

/// Begin with the next pretoken that has a pair to be joined.
#[inline(always)]
fn next<S: Symbols>(lane: &mut Lane, vocabulary: &Vocabulary, pretokens: &[Text], waiting: &mut usize, found: &mut [Found]) -> bool {
    while let Some(pretoken) = pretokens.get(*waiting) {
        let begun = lane.begin::<S>(vocabulary, pretoken, *waiting);
        *waiting += 1;
        if begun {
            return true;
        }
        found[lane.turn] = (lane.ids[1], lane.count);
    }
    false
}
