//! Sixteen symbols, or their pairs, as one vector of 512 bits or two of 256.
//!
//! Why the `unsafe` blocks are sound: 1. what calls this runs only behind the processor's own word that it has the vectors (`wide`); 2. vectors are loaded from
//! and stored to an array of sixteen, a line of eight, or the sixteen bytes of a pretoken; 3. numbers are gathered from 256 or 65,536 by one byte or two. The
//! safe twin of all is the plain version of merging, and a test holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use crate::pairs::{Line, NUMBER, NUMBER_BITS};

/// How many symbols have room, and the bits of a place among them.
pub(super) const ROOM: usize = 16;
pub(super) const PLACE_BITS: u32 = 4;
/// From here on the number of a pair, above its place, is that of none.
pub(super) const NO_PAIR: u32 = u32::MAX << PLACE_BITS;

/// What merging does with sixteen numbers at once. The functions are inlined where the vectors are known to be there.
pub(super) trait Symbols: Copy {
    fn load(from: &[u32; ROOM]) -> Self;
    fn store(self, to: &mut [u32; ROOM]);

    /// The ids of a pretoken's bytes, and its pairs above their places; all bits where there is none.
    fn begin(bytes: &[u8; ROOM], length: u32, ids: &[u32; 1 << 8], pairs: &[u32; 1 << 16]) -> (Self, Self);

    /// The least of pairs, above its place.
    fn least(self) -> u32;

    /// Close the gap behind a place.
    fn close(self, place: u32) -> Self;

    /// Put a number at a place.
    fn put(self, place: u32, number: u32) -> Self;

    /// Put the pairs before a place and at it, by the numbers of their entries in two lines of the table.
    fn ask(self, place: u32, lines: [&Line; 2], asked: [u64; 2]) -> Self;
}

pub(super) const PLACES: [u32; ROOM] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// With AVX2.
impl Symbols for [__m256i; 2] {
    #[inline(always)]
    fn load(from: &[u32; ROOM]) -> Self {
        unsafe { [_mm256_loadu_si256(from.as_ptr().cast()), _mm256_loadu_si256(from[8..].as_ptr().cast())] } // 1, 2
    }

    #[inline(always)]
    fn store(self, to: &mut [u32; ROOM]) {
        // 1, 2
        unsafe {
            _mm256_storeu_si256(to.as_mut_ptr().cast(), self[0]);
            _mm256_storeu_si256(to[8..].as_mut_ptr().cast(), self[1]);
        }
    }

    #[inline(always)]
    fn begin(bytes: &[u8; ROOM], length: u32, ids: &[u32; 1 << 8], pairs: &[u32; 1 << 16]) -> (Self, Self) {
        let half = |half: usize| {
            // 1, 2, 3
            unsafe {
                let (all, some) = (_mm256_set1_epi32(-1), _mm_loadu_si128(bytes.as_ptr().cast()));
                let some = if half == 0 { some } else { _mm_bsrli_si128::<8>(some) };
                let (one, next) = (_mm256_cvtepu8_epi32(some), _mm256_cvtepu8_epi32(_mm_bsrli_si128::<1>(some)));
                let both = _mm256_or_si256(_mm256_slli_epi32::<8>(one), next);
                let places = Self::load(&PLACES)[half];
                let within = |count: u32| _mm256_cmpgt_epi32(_mm256_set1_epi32(count.cast_signed()), places);
                let id = _mm256_mask_i32gather_epi32::<4>(all, ids.as_ptr().cast(), one, within(length));
                let pair = _mm256_mask_i32gather_epi32::<4>(all, pairs.as_ptr().cast(), both, within(length.saturating_sub(1)));
                (id, _mm256_slli_epi32::<{ PLACE_BITS.cast_signed() }>(pair))
            }
        };
        let ((low, low_pairs), (high, high_pairs)) = (half(0), half(1));
        ([low, high], [low_pairs, high_pairs])
    }

    #[inline(always)]
    fn least(self) -> u32 {
        let places = Self::load(&PLACES);
        // 1
        unsafe {
            let eight = _mm256_min_epu32(_mm256_or_si256(self[0], places[0]), _mm256_or_si256(self[1], places[1]));
            _mm_cvtsi128_si32(_mm256_castsi256_si128(least_of_eight(eight))).cast_unsigned()
        }
    }

    #[inline(always)]
    fn close(self, place: u32) -> Self {
        let places = Self::load(&PLACES);
        // 1
        unsafe {
            let turn = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
            let [low, high] = self.map(|half| _mm256_permutevar8x32_epi32(half, turn));
            let next = [_mm256_blend_epi32::<0b1000_0000>(low, high), _mm256_blend_epi32::<0b1000_0000>(high, _mm256_set1_epi32(-1))];
            let place = _mm256_set1_epi32(place.cast_signed());
            std::array::from_fn(|half| _mm256_blendv_epi8(self[half], next[half], _mm256_cmpgt_epi32(places[half], place)))
        }
    }

    #[inline(always)]
    fn put(self, place: u32, number: u32) -> Self {
        unsafe { put(self, place, _mm256_set1_epi32(number.cast_signed())) } // 1
    }

    #[inline(always)]
    fn ask(self, place: u32, lines: [&Line; 2], asked: [u64; 2]) -> Self {
        let number = |which: usize| {
            // 1, 2
            unsafe {
                let pair = _mm256_set1_epi64x(asked[which].cast_signed());
                let number = |half: usize| {
                    let beside = _mm256_xor_si256(_mm256_loadu_si256(lines[which].0[4 * half..].as_ptr().cast()), pair);
                    // Where something is left above the number, it is that of another pair: all bits then.
                    _mm256_or_si256(beside, _mm256_cmpgt_epi64(_mm256_srli_epi64::<{ NUMBER_BITS.cast_signed() }>(beside), _mm256_setzero_si256()))
                };
                let four = _mm256_and_si256(number(0), number(1));
                let two = _mm_and_si128(_mm256_castsi256_si128(four), _mm256_extracti128_si256::<1>(four));
                let one = _mm256_broadcastd_epi32(_mm_and_si128(two, _mm_bsrli_si128::<8>(two)));
                _mm256_slli_epi32::<{ PLACE_BITS.cast_signed() }>(one)
            }
        };
        unsafe { put(put(self, place, number(1)), place.wrapping_sub(1), number(0)) } // 1; there is no such place before the first symbol
    }
}

/// The least of eight, at each place.
#[target_feature(enable = "avx2")]
#[inline]
fn least_of_eight(all: __m256i) -> __m256i {
    let all = _mm256_min_epu32(all, _mm256_shuffle_epi32::<0b01_00_11_10>(all));
    let all = _mm256_min_epu32(all, _mm256_shuffle_epi32::<0b10_11_00_01>(all));
    _mm256_min_epu32(all, _mm256_permute4x64_epi64::<0b01_00_11_10>(all))
}

/// Put numbers at a place.
#[target_feature(enable = "avx2")]
#[inline]
fn put(symbols: [__m256i; 2], place: u32, numbers: __m256i) -> [__m256i; 2] {
    let (place, places) = (_mm256_set1_epi32(place.cast_signed()), <[__m256i; 2]>::load(&PLACES));
    std::array::from_fn(|half| _mm256_blendv_epi8(symbols[half], numbers, _mm256_cmpeq_epi32(places[half], place)))
}

/// With AVX-512 F.
impl Symbols for __m512i {
    #[inline(always)]
    fn load(from: &[u32; ROOM]) -> Self {
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) } // 1, 2
    }

    #[inline(always)]
    fn store(self, to: &mut [u32; ROOM]) {
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), self) } // 1, 2
    }

    #[inline(always)]
    fn begin(bytes: &[u8; ROOM], length: u32, ids: &[u32; 1 << 8], pairs: &[u32; 1 << 16]) -> (Self, Self) {
        // 1, 2, 3
        unsafe {
            let all = _mm512_set1_epi32(-1);
            let bytes = _mm_loadu_si128(bytes.as_ptr().cast());
            let (one, next) = (_mm512_cvtepu8_epi32(bytes), _mm512_cvtepu8_epi32(_mm_bsrli_si128::<1>(bytes)));
            let both = _mm512_or_si512(_mm512_slli_epi32::<8>(one), next);
            let within = (1u16 << length) - 1;
            let id = _mm512_mask_i32gather_epi32::<4>(all, within, one, ids.as_ptr().cast());
            let pair = _mm512_mask_i32gather_epi32::<4>(all, within >> 1, both, pairs.as_ptr().cast());
            (id, _mm512_slli_epi32::<PLACE_BITS>(pair))
        }
    }

    #[inline(always)]
    fn least(self) -> u32 {
        unsafe { _mm512_reduce_min_epu32(_mm512_or_si512(self, Self::load(&PLACES))) } // 1
    }

    #[inline(always)]
    fn close(self, place: u32) -> Self {
        unsafe { _mm512_mask_compress_epi32(_mm512_set1_epi32(-1), !(2u16 << place), self) } // 1
    }

    #[inline(always)]
    fn put(self, place: u32, number: u32) -> Self {
        unsafe { _mm512_mask_set1_epi32(self, 1 << place, number.cast_signed()) } // 1
    }

    #[inline(always)]
    fn ask(self, place: u32, lines: [&Line; 2], asked: [u64; 2]) -> Self {
        let number = |which: usize| unsafe { _mm_slli_epi32::<{ PLACE_BITS.cast_signed() }>(number(lines[which], asked[which])) }; // 1
        let at = 1u16 << place;
        // 1
        unsafe { _mm512_mask_broadcastd_epi32(_mm512_mask_broadcastd_epi32(self, at, number(1)), at >> 1, number(0)) }
    }
}

/// The number of a pair in its line, as the first of four; all bits if it isn't there.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
#[inline]
pub(super) fn number(line: &Line, pair: u64) -> __m128i {
    let line = unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }; // 2
    let beside = _mm512_xor_si512(line, _mm512_set1_epi64(pair.cast_signed()));
    let that = _mm512_cmple_epu64_mask(beside, _mm512_set1_epi64(NUMBER.cast_signed())); // nothing is left above its number
    _mm512_castsi512_si128(_mm512_mask_compress_epi64(_mm512_set1_epi64(-1), that, beside))
}
