//! Merging many short pretokens in rounds, sixteen side by side.
//!
//! Each pretoken is a lane: its symbols are one vector, its pairs another. A round joins one pair of every lane. First the numbers of the pairs that were asked
//! for are found in their lines, and with them the gap closes that the last join has left between the pairs. Then the lowest number of every lane is found, for
//! all of them in one tree of comparisons; what the joins make, its neighbours and the lines of the new pairs follow for all lanes at once. At last the symbols
//! close up. Nothing branches on what is found: a lane that is done stands still until the round is over, and then makes room for the next pretoken. A lane's
//! part of a round compiles to 63 instructions; a step of one pretoken after the other (`wide`) takes 130.
//!
//! Measured (words of English that are no tokens, all that encoding them takes): 176 ns each one after the other, 122 in rounds. Tried: two groups of lanes, so
//! that the lines of one are on their way while the other has its round (the same for many, slower for few); pretokens of several windows or texts, looked up
//! and merged together (a tenth slower, since what is fetched ahead doesn't stay in the nearest cache while the next text is split), or only merged together
//! and put in their places afterwards (rounds take 4 % less where there were nine at a time before, all else a tenth more); for each line of the table a word
//! of bits that says what is not in it (57 % of all that is asked for isn't; a tenth slower).
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded
//! from and stored to arrays of sixteen, a line, or the sixteen bytes of a pretoken; 3. what is gathered lies in its array: a byte's id and two bytes' number
//! by their values, a lane's symbols by its place, which is under sixteen, and up to two further, which is nothing behind the last lane. The safe twin is the
//! plain version, and a test holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::symbols::{NO_PAIR, PLACE_BITS, PLACES, ROOM, Symbols, number};
use super::{Found, Text};
use crate::pairs::{ID_BITS, NONE, NUMBER_BITS, Pairs, TAKEN};
use crate::vocab::Vocabulary;

/// How many pretokens are merged side by side.
const LANES: usize = 16;
/// Where nothing is joined.
const STILL: u32 = 15;

/// How symbols close up behind a place and take in a new one there; and how pairs do, which take in two new ones, before the place and there. What stands last
/// is nothing, and stays.
const CLOSE: [[[u32; ROOM]; 2]; ROOM] = {
    let (mut close, mut place) = ([[[0; ROOM]; 2]; ROOM], 0);
    while place < ROOM {
        let (joins, mut at, mut from) = (place + 1 < ROOM, 0, 0);
        while at < ROOM {
            let one = joins && at == place;
            close[place][0][at] = if one { 16 } else { from };
            close[place][1][at] = if joins && at + 1 == place { 16 } else { close[place][0][at] + one as u32 };
            from += 1 + one as u32;
            from = if from > STILL { STILL } else { from };
            at += 1;
        }
        place += 1;
    }
    close
};

/// Sixteen pretokens on their way to their ids.
#[repr(C, align(64))]
struct Lanes {
    /// Nothing, and the symbols of a lane, of one after the other; behind the last nothing.
    symbols: [[[u32; ROOM]; 2]; LANES + 1],
    /// The numbers of a lane's pairs, above the bits of a place.
    pairs: [[u32; ROOM]; LANES],
    /// Where each lane has joined a pair, and what that made.
    places: [u32; LANES],
    made: [u32; LANES],
    /// The pairs that are asked for: those before what was made, then those behind it; and the lines where they are.
    asked: [u64; 2 * LANES],
    lines: [u32; 2 * LANES],
    /// How many symbols each lane has, and which of all pretokens it is.
    counts: [u32; LANES],
    turns: [usize; LANES],
    open: u16,
}

impl Lanes {
    const EMPTY: Self = Self {
        symbols: [[[NONE; _]; _]; _],
        pairs: [[NONE; _]; _],
        places: [STILL; _],
        made: [NONE; _],
        asked: [u64::MAX; _],
        lines: [0; _],
        counts: [0; _],
        turns: [0; _],
        open: 0,
    };

    /// Begin with the bytes of a pretoken.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
    fn begin(&mut self, lane: usize, vocabulary: &Vocabulary, (bytes, length): &Text, turn: usize) {
        let (singles, twos) = vocabulary.beginnings();
        let length = u32::try_from(*length % ROOM).unwrap_or_default();
        let (ids, pairs) = <__m512i as Symbols>::begin(bytes, length, singles, twos);
        ids.store(&mut self.symbols[lane][1]);
        pairs.store(&mut self.pairs[lane]);
        (self.places[lane], self.lines[lane], self.lines[LANES + lane]) = (STILL, 0, 0);
        (self.counts[lane], self.turns[lane]) = (length, turn);
        self.open |= 1 << lane;
    }

    /// Join a pair of every lane; says in which there was none.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
    fn round(&mut self, pairs: &Pairs) -> u16 {
        let least = self.take_in(pairs);
        let done = _mm512_cmpge_epu32_mask(least, _mm512_set1_epi32(NO_PAIR.cast_signed()));
        self.join(pairs, least, done);
        for lane in 0..LANES {
            pairs.prefetch(self.lines[lane] as usize);
            pairs.prefetch(self.lines[LANES + lane] as usize);
            let made = self.made[lane].cast_signed();
            let symbols = <__m512i as Symbols>::load(&self.symbols[lane][1]);
            let close = <__m512i as Symbols>::load(&CLOSE[self.places[lane] as usize % ROOM][0]);
            _mm512_permutex2var_epi32(symbols, close, _mm512_castsi128_si512(_mm_cvtsi32_si128(made))).store(&mut self.symbols[lane][1]);
        }
        done
    }

    /// Take in the numbers that were asked for; gives the least pair of every lane, above its place.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
    fn take_in(&mut self, pairs: &Pairs) -> __m512i {
        let mut all = [_mm512_set1_epi32(0); LANES];
        for lane in 0..LANES {
            let lines = [pairs.line(self.lines[lane] as usize), pairs.line(self.lines[LANES + lane] as usize)];
            let numbers = if lines[0].is_full() | lines[1].is_full() {
                self.search(lane, pairs)
            } else {
                _mm_unpacklo_epi32(number(lines[0], self.asked[lane]), number(lines[1], self.asked[LANES + lane]))
            };
            let numbers = _mm512_castsi128_si512(_mm_slli_epi32::<{ PLACE_BITS.cast_signed() }>(numbers));
            let before = <__m512i as Symbols>::load(&self.pairs[lane]);
            let close = <__m512i as Symbols>::load(&CLOSE[self.places[lane] as usize % ROOM][1]);
            let closed = _mm512_permutex2var_epi32(before, close, numbers);
            closed.store(&mut self.pairs[lane]);
            all[lane] = _mm512_or_si512(closed, <__m512i as Symbols>::load(&PLACES));
        }
        least(&all)
    }

    /// The numbers that were asked for, of which one can be behind a full line.
    #[cold]
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
    fn search(&self, lane: usize, pairs: &Pairs) -> __m128i {
        let [one, other] = [self.asked[lane], self.asked[LANES + lane]].map(|pair| pairs.number_of(pair));
        _mm_set_epi32(0, 0, other.cast_signed(), one.cast_signed())
    }

    /// What the least pairs become where there are any, and what is asked for next.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
    fn join(&mut self, pairs: &Pairs, least: __m512i, done: u16) {
        let still = _mm512_set1_epi32(STILL.cast_signed());
        let place = _mm512_mask_and_epi32(still, !done, least, still);
        place.store(&mut self.places);
        _mm512_srli_epi32::<PLACE_BITS>(least).store(&mut self.made);
        pairs.all_made(&mut self.made);
        let made = <__m512i as Symbols>::load(&self.made);
        // 3
        let first = _mm512_add_epi32(_mm512_slli_epi32::<{ PLACE_BITS + 1 }>(<__m512i as Symbols>::load(&PLACES)), place);
        let (before, behind) = unsafe {
            let symbols = self.symbols.as_ptr().cast::<i32>();
            (_mm512_i32gather_epi32::<4>(first, symbols.add(ROOM - 1)), _mm512_i32gather_epi32::<4>(first, symbols.add(ROOM + 2)))
        };
        let counts = <__m512i as Symbols>::load(&self.counts);
        _mm512_mask_sub_epi32(counts, !done, counts, _mm512_set1_epi32(1)).store(&mut self.counts);
        for (at, (left, right)) in (0..).step_by(LANES).zip([(before, made), (made, behind)]) {
            self.ask(at, _mm512_castsi512_si256(left), _mm512_castsi512_si256(right), !done.to_le_bytes()[0], pairs.hash());
            self.ask(at + 8, _mm512_extracti64x4_epi64::<1>(left), _mm512_extracti64x4_epi64::<1>(right), !done.to_le_bytes()[1], pairs.hash());
        }
    }

    /// Ask for eight pairs, some of them in earnest.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
    fn ask(&mut self, at: usize, left: __m256i, right: __m256i, some: u8, (factor, shift): (u64, u32)) {
        let pair = joined(_mm512_cvtepu32_epi64(left), _mm512_cvtepu32_epi64(right));
        let hash = _mm512_mullo_epi64(pair, _mm512_set1_epi64(factor.cast_signed()));
        let line = _mm512_maskz_cvtepi64_epi32(some, _mm512_srl_epi64(hash, _mm_cvtsi32_si128(shift.cast_signed())));
        // 2
        unsafe {
            _mm512_storeu_si512(self.asked[at..at + 8].as_mut_ptr().cast(), pair);
            _mm256_storeu_si256(self.lines[at..at + 8].as_mut_ptr().cast(), line);
        }
    }
}

/// Two ids as an entry has them.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn joined(left: __m512i, right: __m512i) -> __m512i {
    let both = _mm512_or_si512(_mm512_slli_epi64::<{ NUMBER_BITS + ID_BITS }>(left), _mm512_slli_epi64::<NUMBER_BITS>(right));
    _mm512_xor_si512(both, _mm512_set1_epi64(TAKEN.cast_signed()))
}

/// The least number in each of sixteen vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn least(all: &[__m512i; LANES]) -> __m512i {
    let two: [_; 8] = std::array::from_fn(|at| {
        let (one, other) = (all[2 * at], all[2 * at + 1]);
        _mm512_min_epu32(_mm512_unpacklo_epi32(one, other), _mm512_unpackhi_epi32(one, other))
    });
    let four: [_; 4] = std::array::from_fn(|at| {
        let (one, other) = (two[2 * at], two[2 * at + 1]);
        _mm512_min_epu32(_mm512_unpacklo_epi64(one, other), _mm512_unpackhi_epi64(one, other))
    });
    let halves = |one, other| _mm512_min_epu32(_mm512_shuffle_i32x4::<0b10_00_10_00>(one, other), _mm512_shuffle_i32x4::<0b11_01_11_01>(one, other));
    halves(halves(four[0], four[1]), halves(four[2], four[3]))
}

/// Encode pretokens.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
pub(super) fn merge(vocabulary: &Vocabulary, pretokens: &[Text], found: &mut [Found]) {
    let (mut lanes, mut waiting) = (Lanes::EMPTY, (0..).zip(pretokens));
    for (lane, (turn, pretoken)) in (0..LANES).zip(&mut waiting) {
        lanes.begin(lane, vocabulary, pretoken, turn);
    }
    while lanes.open != 0 {
        let mut done = lanes.round(vocabulary.pairs()) & lanes.open;
        lanes.open ^= done;
        while done != 0 {
            let lane = done.trailing_zeros() as usize % LANES;
            done &= done - 1;
            found[lanes.turns[lane]] = (lanes.symbols[lane][1], lanes.counts[lane] as usize);
            if let Some((turn, pretoken)) = waiting.next() {
                lanes.begin(lane, vocabulary, pretoken, turn);
            }
        }
    }
}
