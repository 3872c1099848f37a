//! Reading UTF-8, 64 bytes in one step.
//!
//! The three vectors of 64 bytes from the place, the one behind it and the next on hold, side by side, the bytes of any character of up to three. Where a
//! character begins they are drawn together, checked and read with the same few operations for all of them. What has a character of four bytes in it, or isn't
//! UTF-8, is left to the plain way.
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded
//! from slices that have as many bytes from each of the three places on; 3. they are stored to arrays of 64 units, each half of them as whole vectors, or
//! as parts of half the size; the size of a unit says which. The safe twin is the plain way, and a test holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Unit;
use crate::width::{Width, width};

/// How many bytes are read in one step, and how many are looked at.
const STEP: usize = 64;
pub(super) const SEEN: usize = STEP + 2;

/// Read characters of up to three bytes as long as there are bytes and places for a step, before `end`, if the processor has the vectors; gives how many bytes
/// were read, and how many characters. Places behind the last character may be overwritten.
pub(super) fn read<U: Unit>(data: &[u8], end: usize, out: &mut [U]) -> (usize, usize) {
    if width() < Width::Avx512Bytes {
        return (0, 0);
    }
    unsafe { read_wide(data, end, out) } // 1
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi2,popcnt")]
fn read_wide<U: Unit>(data: &[u8], end: usize, out: &mut [U]) -> (usize, usize) {
    let (mut at, mut count) = (0, 0);
    let byte = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
    while at < end
        && let Some(seen) = data.get(at..).and_then(<[u8]>::first_chunk::<SEEN>)
        && let Some(places) = out.get_mut(count..).and_then(<[U]>::first_chunk_mut::<STEP>)
    {
        let from = |place: usize| unsafe { _mm512_loadu_si512(seen[place..place + STEP].as_ptr().cast()) }; // 2
        let one = from(0);
        let others = _mm512_movepi8_mask(one);
        if others == 0 {
            put(places, [_mm512_cvtepu8_epi16(_mm512_castsi512_si256(one)), _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64::<1>(one))]);
            (at, count) = (at + STEP, count + STEP);
            continue;
        }
        let (two, three) = (from(1), from(2));
        let longer = _mm512_cmpge_epu8_mask(one, byte(0xC2));
        let longest = _mm512_cmpge_epu8_mask(one, byte(0xE0));
        let on = others & !_mm512_cmpge_epu8_mask(one, byte(0xC0));
        let goes_on = |bytes| _mm512_cmplt_epi8_mask(bytes, byte(0xC0)); // from 0x80 to 0xBF, as numbers with a sign
        let high = _mm512_cmpge_epu8_mask(two, byte(0xA0));
        let wrong = others & !on & !longer // 0xC0 and 0xC1
            | _mm512_cmpge_epu8_mask(one, byte(0xF0))
            | on & !(longer << 1 | longest << 2)
            | longer & !goes_on(two)
            | longest & !goes_on(three)
            | _mm512_cmpeq_epi8_mask(one, byte(0xE0)) & !high // has less than three
            | _mm512_cmpeq_epi8_mask(one, byte(0xED)) & high; // a surrogate
        if wrong != 0 {
            break;
        }
        let drawn = [one, two, three].map(|bytes| _mm512_maskz_compress_epi8(!on, bytes));
        let front = drawn.map(|bytes| _mm512_cvtepu8_epi16(_mm512_castsi512_si256(bytes)));
        let back = drawn.map(|bytes| _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64::<1>(bytes)));
        put(places, [characters(front), characters(back)]);
        // What the last character has behind the step.
        let behind = usize::from(longer >> 63 == 1) + usize::from(longest >> 63 == 1) + usize::from(longest >> 62 & 1 == 1);
        (at, count) = (at + STEP + behind, count + (!on).count_ones() as usize);
    }
    (at, count)
}

/// The characters whose first, second and third bytes these are, where they have as many.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi2,popcnt")]
fn characters([one, two, three]: [__m512i; 3]) -> __m512i {
    let low = _mm512_set1_epi16(0x3F);
    let of_two = _mm512_or_si512(_mm512_and_si512(_mm512_slli_epi16::<6>(one), _mm512_set1_epi16(0x7C0)), _mm512_and_si512(two, low));
    let middle = _mm512_slli_epi16::<6>(_mm512_and_si512(two, low));
    let of_three = _mm512_or_si512(_mm512_or_si512(_mm512_slli_epi16::<12>(one), middle), _mm512_and_si512(three, low));
    let longer = _mm512_cmpge_epu16_mask(one, _mm512_set1_epi16(0xC0));
    let longest = _mm512_cmpge_epu16_mask(one, _mm512_set1_epi16(0xE0));
    _mm512_mask_mov_epi16(_mm512_mask_mov_epi16(one, longer, of_two), longest, of_three)
}

/// Write characters into units of their size.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi2,popcnt")]
fn put<U: Unit>(places: &mut [U; STEP], halves: [__m512i; 2]) {
    for (places, half) in places.as_chunks_mut::<{ STEP / 2 }>().0.iter_mut().zip(halves) {
        let place = places.as_mut_ptr();
        // 3
        unsafe {
            match size_of::<U>() {
                1 => _mm256_storeu_si256(place.cast(), _mm512_cvtepi16_epi8(half)),
                2 => _mm512_storeu_si512(place.cast(), half),
                _ => {
                    _mm512_storeu_si512(place.cast(), _mm512_cvtepu16_epi32(_mm512_castsi512_si256(half)));
                    _mm512_storeu_si512(place.cast::<__m512i>().add(1).cast(), _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64::<1>(half)));
                }
            }
        }
    }
}
