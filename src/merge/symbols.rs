//! Sixteen symbols, or their pairs, as one vector of 512 bits or two of 256.
//!
//! Why the `unsafe` blocks are sound: 1. what calls this runs only behind the processor's own word that it has the vectors (`wide`); 2. vectors are loaded from
//! and stored to an array of sixteen, a line of eight, or the sixteen bytes of a pretoken; 3. numbers are gathered from 256 or 65,536 by one byte or two. The
//! safe twin of all is the plain version of merging, and a test holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use crate::pairs::{LINE, NUMBER};

/// How many symbols have room, and the bits of a place among them.
pub(super) const ROOM: usize = 16;
pub(super) const PLACE_BITS: u32 = 4;
/// From here on the number of a pair, above its place, is that of none.
pub(super) const NO_PAIR: u32 = NUMBER << PLACE_BITS;

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

    /// Put the pairs before a place and at it, as two lines of the table say: the number of the entry that has the upper bits of the one that is asked for.
    fn ask(self, place: u32, lines: [&[u32; LINE]; 2], seals: [u32; 2]) -> Self;
}

const PLACES: [u32; ROOM] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// AVX-512 F, BW, DQ, VL.
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
            let within = _bzhi_u32(0xFFFF, length) as u16;
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
    fn ask(self, place: u32, lines: [&[u32; LINE]; 2], seals: [u32; 2]) -> Self {
        // 1, 2
        unsafe {
            let line = |line: &[u32; LINE]| _mm256_loadu_si256(line.as_ptr().cast());
            let lines = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(line(lines[0])), line(lines[1]));
            let seals = _mm512_mask_set1_epi32(_mm512_set1_epi32(seals[0].cast_signed()), 0xFF00, seals[1].cast_signed());
            // Where the upper bits are those, only the number is left.
            let numbers = _mm512_min_epu32(_mm512_xor_si512(lines, seals), _mm512_set1_epi32(NUMBER.cast_signed()));
            let numbers = _mm512_min_epu32(numbers, _mm512_shuffle_epi32::<0b01_00_11_10>(numbers));
            let numbers = _mm512_min_epu32(numbers, _mm512_shuffle_epi32::<0b10_11_00_01>(numbers));
            let numbers = _mm512_min_epu32(numbers, _mm512_shuffle_i64x2::<0b10_11_00_01>(numbers, numbers));
            let numbers = _mm512_slli_epi32::<PLACE_BITS>(numbers);
            let at = 1u16 << place;
            let pairs = _mm512_mask_shuffle_i32x4::<0b11_11_11_11>(self, at, numbers, numbers);
            _mm512_mask_shuffle_i32x4::<0>(pairs, at >> 1, numbers, numbers)
        }
    }
}
