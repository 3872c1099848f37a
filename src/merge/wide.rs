//! Merging several short pretokens in turn, each with its symbols side by side.
//!
//! A step looks at the two pairs that the last join made, finds the lowest number of all pairs, joins that pair, closes the gap and asks for the two new pairs,
//! without a branch that depends on what is found: what stands before the first symbol and behind the last is in no pair. While memory answers, the other
//! pretokens are stepped; one that is done makes room for the next. A number is looked up by ten bits of a hash alone, and compared with its pair when that is
//! to be joined; where they differ the pretoken is merged again, by itself.
//!
//! Symbols and pairs are read and written as whole vectors: a vector that is read right behind a part of it was written waits until all before it is done.
//!
//! Measured (cl100k, words of English that is new, 8 bytes in the mean, cycles at 2.6 GHz): 510 a word. Tried: pairs written one at a time (1,060, whether four
//! or eight are stepped in turn, and whether tables are in the nearest cache or not); plain loops over sixteen numbers, compiled for each width (910).
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded
//! from and stored to the halves of an array of sixteen, or a line of eight, or the sixteen bytes of a pretoken; 3. numbers are gathered from 256 or 65,536 by
//! one byte or two. The safe twin is the plain version, and a test holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{Found, TOGETHER, Text};
use crate::pairs::{LINE, NONE, NUMBER_BITS, Pairs};
use crate::vocab::Vocabulary;
use crate::width::{Width, width};

/// How many pretokens are stepped in turn.
const LANES: usize = 8;
/// How many symbols have room, and the bits of a place among them.
const ROOM: usize = 16;
const PLACE_BITS: i32 = 4;
/// A pair that there isn't has this number, and any place.
const NO_PAIR: u32 = NONE << PLACE_BITS;

/// Sixteen numbers.
type Symbols = [__m256i; 2];

/// A pretoken on its way to its ids.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Lane {
    ids: [u32; ROOM],
    /// The number of the pair that begins at each place, above the place.
    pairs: [u32; ROOM],
    /// How many symbols there are; none where a number was that of another pair.
    count: usize,
    /// Where the last pair was joined; what stands before, there and behind; where the numbers of the two pairs are looked for.
    joined: u32,
    three: [u32; 3],
    asked: [(usize, u32); 2],
    /// Which of all pretokens it is.
    turn: usize,
    open: bool,
}

impl Lane {
    const EMPTY: Self = Self { ids: [0; _], pairs: [0; _], count: 0, joined: 0, three: [0; _], asked: [(0, 0); _], turn: 0, open: false };

    /// Begin with the bytes of a pretoken.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn begin(&mut self, vocabulary: &Vocabulary, (bytes, length): &Text, turn: usize) {
        (self.count, self.turn) = (*length % ROOM, turn);
        let (singles, twos) = vocabulary.beginnings();
        let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }; // 2
        let (mut ids, mut pairs) = ([_mm256_set1_epi32(-1); 2], [_mm256_set1_epi32(-1); 2]);
        let count = _mm256_set1_epi32(i32::from(length.to_le_bytes()[0]));
        for half in 0..2 {
            let bytes = if half == 0 { bytes } else { _mm_bsrli_si128::<8>(bytes) };
            let (one, next) = (_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_bsrli_si128::<1>(bytes)));
            let both = _mm256_or_si256(_mm256_slli_epi32::<8>(one), next);
            let within = _mm256_cmpgt_epi32(count, places()[half]);
            let before_last = _mm256_cmpgt_epi32(_mm256_sub_epi32(count, _mm256_set1_epi32(1)), places()[half]);
            // 3
            let (id, pair) = unsafe {
                (
                    _mm256_mask_i32gather_epi32::<4>(ids[half], singles.as_ptr().cast(), one, within),
                    _mm256_mask_i32gather_epi32::<4>(pairs[half], twos.as_ptr().cast(), both, before_last),
                )
            };
            ids[half] = id;
            pairs[half] = _mm256_or_si256(_mm256_slli_epi32::<PLACE_BITS>(pair), places()[half]);
        }
        store(&mut self.ids, ids);
        store(&mut self.pairs, pairs);
    }

    /// Look at the pairs that were asked for.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn look(&mut self, pairs: &Pairs) {
        let ([before, made, behind], [one, other]) = (self.three, self.asked);
        let (one, other) = (number(pairs, one, (before, made)), number(pairs, other, (made, behind)));
        let place = self.joined;
        let mut all = load(&self.pairs);
        put(&mut all, place, other << PLACE_BITS | place);
        put(&mut all, place.wrapping_sub(1), one << PLACE_BITS | place.wrapping_sub(1)); // there is no such place behind the first symbol
        store(&mut self.pairs, all);
    }

    /// Join the least pair, if there is one, and ask for the two new ones.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn join(&mut self, pairs: &Pairs) -> bool {
        let (mut ids, mut all) = (load(&self.ids), load(&self.pairs));
        let least = least(all);
        if least >= NO_PAIR {
            return false;
        }
        let (place, number) = (least as usize % ROOM, least >> PLACE_BITS);
        let here = least % (1 << PLACE_BITS);
        let (left, right) = (self.ids[place], self.ids[(place + 1) % ROOM]);
        if pairs.pair_of(number) != Pairs::joined(left, right) {
            self.count = 0;
            return false;
        }
        let (before, behind) = (self.ids.get(place.wrapping_sub(1)).copied().unwrap_or(NONE), self.ids.get(place + 2).copied().unwrap_or(NONE));
        let made = pairs.made(number);
        let (one, other) = (pairs.place(Pairs::joined(before, made)), pairs.place(Pairs::joined(made, behind)));
        pairs.prefetch(one.0);
        pairs.prefetch(other.0);
        let moved = behind_place(here);
        close(&mut ids, moved, false);
        close(&mut all, moved, true);
        put(&mut ids, here, made);
        store(&mut self.ids, ids);
        store(&mut self.pairs, all);
        (self.joined, self.three, self.asked) = (here, [before, made, behind], [one, other]);
        self.count -= 1;
        true
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn places() -> Symbols {
    [_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)]
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(from: &[u32; ROOM]) -> Symbols {
    // 2
    unsafe { [_mm256_loadu_si256(from.as_ptr().cast()), _mm256_loadu_si256(from[8..].as_ptr().cast())] }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(to: &mut [u32; ROOM], [low, high]: Symbols) {
    // 2
    unsafe {
        _mm256_storeu_si256(to.as_mut_ptr().cast(), low);
        _mm256_storeu_si256(to[8..].as_mut_ptr().cast(), high);
    }
}

/// The least of sixteen.
#[target_feature(enable = "avx2")]
#[inline]
fn least([low, high]: Symbols) -> u32 {
    let eight = _mm256_min_epu32(low, high);
    let four = _mm_min_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
    let two = _mm_min_epu32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    let one = _mm_min_epu32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two));
    _mm_cvtsi128_si32(one).cast_unsigned()
}

/// Put a number at a place.
#[target_feature(enable = "avx2")]
#[inline]
fn put(symbols: &mut Symbols, place: u32, number: u32) {
    let (place, number) = (_mm256_set1_epi32(place.cast_signed()), _mm256_set1_epi32(number.cast_signed()));
    for (half, places) in symbols.iter_mut().zip(places()) {
        *half = _mm256_blendv_epi8(*half, number, _mm256_cmpeq_epi32(places, place));
    }
}

/// All bits of what stands behind a place.
#[target_feature(enable = "avx2")]
#[inline]
fn behind_place(place: u32) -> Symbols {
    let place = _mm256_set1_epi32(place.cast_signed());
    [_mm256_cmpgt_epi32(places()[0], place), _mm256_cmpgt_epi32(places()[1], place)]
}

/// Close the gap behind a place; what moves takes the one lower place into its lower bits, if it has such.
#[target_feature(enable = "avx2")]
#[inline]
fn close(symbols: &mut Symbols, moved: Symbols, placed: bool) {
    let turn = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
    let [low, high] = [_mm256_permutevar8x32_epi32(symbols[0], turn), _mm256_permutevar8x32_epi32(symbols[1], turn)];
    let next = [_mm256_blend_epi32::<0b1000_0000>(low, high), _mm256_blend_epi32::<0b1000_0000>(high, _mm256_set1_epi32(-1))];
    for half in 0..2 {
        let next = if placed { _mm256_add_epi32(next[half], moved[half]) } else { next[half] };
        symbols[half] = _mm256_blendv_epi8(symbols[half], next, moved[half]);
    }
}

/// The number of a pair, or `NONE`; where one pair looks like another it may be that one's.
#[target_feature(enable = "avx2")]
#[inline]
fn number(pairs: &Pairs, (place, seal): (usize, u32), (left, right): (u32, u32)) -> u32 {
    let entries = pairs.line(place);
    // 2
    let line = unsafe { _mm256_loadu_si256(entries.as_ptr().cast()) };
    let seals = _mm256_srli_epi32::<{ NUMBER_BITS.cast_signed() }>(line);
    let alike = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(seals, _mm256_set1_epi32(seal.cast_signed())))).cast_unsigned();
    if (alike & alike.wrapping_sub(1)) | entries[LINE - 1] != 0 {
        return search(pairs, left, right); // several look alike, or there may be more in the next line
    }
    let number = Pairs::number_in(entries[alike.trailing_zeros() as usize % LINE]);
    pairs.prefetch_pair(number);
    if alike == 0 { NONE } else { number }
}

#[cold]
#[inline(never)]
fn search(pairs: &Pairs, left: u32, right: u32) -> u32 {
    pairs.number(left, right)
}

/// Encode pretokens as far as it can be done here, if the processor has the vectors.
pub(super) fn several(vocabulary: &Vocabulary, pretokens: &[Text], mut found: [Found; TOGETHER]) -> [Found; TOGETHER] {
    if width() >= Width::Avx2 {
        unsafe { merge(vocabulary, pretokens, &mut found) }; // 1
    }
    found
}

#[target_feature(enable = "avx2")]
fn merge(vocabulary: &Vocabulary, pretokens: &[Text], found: &mut [Found]) {
    let (pairs, mut lanes, mut waiting) = (vocabulary.pairs(), [Lane::EMPTY; LANES], 0);
    let mut open = 0;
    for lane in &mut lanes {
        lane.open = next(lane, vocabulary, pretokens, &mut waiting, found);
        open += usize::from(lane.open);
    }
    while open > 0 {
        for lane in &mut lanes {
            if !lane.open {
                continue;
            }
            lane.look(pairs);
            if !lane.join(pairs) {
                found[lane.turn] = (lane.ids, lane.count);
                lane.open = next(lane, vocabulary, pretokens, &mut waiting, found);
                open -= usize::from(!lane.open);
            }
        }
    }
}

/// Begin with the next pretoken that has a pair to be joined.
#[target_feature(enable = "avx2")]
fn next(lane: &mut Lane, vocabulary: &Vocabulary, pretokens: &[Text], waiting: &mut usize, found: &mut [Found]) -> bool {
    while let Some(pretoken) = pretokens.get(*waiting) {
        lane.begin(vocabulary, pretoken, *waiting);
        *waiting += 1;
        if lane.join(vocabulary.pairs()) {
            return true;
        }
        found[lane.turn] = (lane.ids, lane.count);
    }
    false
}
