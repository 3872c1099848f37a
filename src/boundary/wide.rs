//! A block of 64 bytes at a time: its characters side by side, and for sixteen of them at once what the filters say of each with the one before it.
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded
//! from and stored to arrays that are as long or longer; 3. a filter of bits is a table of as many numbers of 32 bits as it has bits, by 32, and numbers are
//! gathered from it by a bit's place, by 32. The safe twin is the plain version, and a test holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{BITS, BLOCK, Boundaries, FACTORS, FILTER_BITS};
use crate::width::{Width, width};

/// How many bytes behind a block go on its last character at most.
const BEHIND: usize = 3;

/// The place before each.
const BEFORE: [u8; BLOCK] = {
    let (mut before, mut place) = ([0; BLOCK], 1u8);
    while (place as usize) < BLOCK {
        before[place as usize] = place - 1;
        place += 1;
    }
    before
};

/// What the plain version finds, of more bytes at a time, if the processor has the vectors.
pub(super) fn block(of: &Boundaries, text: &[u8], from: usize, end: usize) -> Option<(u64, usize)> {
    (width() >= Width::Avx512Bytes).then(|| {
        let cuts = match text[from..].first_chunk() {
            Some(block) => unsafe { cuts(of, block, end - from) }, // 1
            None => last(of, &text[from..], end - from),
        };
        match cuts {
            _ if end - from <= BLOCK => (cuts.0, end),
            (cuts, last) => (cuts, from + last),
        }
    })
}

/// Where a text ends before a block does.
#[inline(never)]
fn last(of: &Boundaries, text: &[u8], length: usize) -> (u64, usize) {
    let mut block = [0; BLOCK + BEHIND];
    block[..text.len()].copy_from_slice(text);
    unsafe { cuts(of, &block, length) } // 1
}

/// Which of a block's first bytes begin a part, and where its last character begins.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi2,popcnt")]
fn cuts(of: &Boundaries, text: &[u8; BLOCK + BEHIND], length: usize) -> (u64, usize) {
    let load = |from: &[u8]| unsafe { _mm512_loadu_si512(from[..BLOCK].as_ptr().cast()) }; // 2
    let byte = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
    let [one, two, three, four] = [load(text), load(&text[1..]), load(&text[2..]), load(&text[3..])];
    let goes_on = |bytes| _mm512_cmplt_epi8_mask(bytes, byte(0xC0)); // as signed numbers, these are the least
    let lead = |least: u8| _mm512_cmpge_epu8_mask(one, byte(least)) & _mm512_cmple_epu8_mask(one, byte(0xF4));
    let twos = lead(0xC2) & goes_on(two);
    let threes = lead(0xE0) & twos & goes_on(three);
    let fours = lead(0xF0) & threes & goes_on(four);
    let starts = !(twos << 1 | threes << 2 | fours << 3) & u64::MAX >> BLOCK.saturating_sub(length);
    let before = _mm512_permutexvar_epi8(load(&BEFORE), one);
    let parts = [one, _mm512_maskz_mov_epi8(twos, two), _mm512_maskz_mov_epi8(threes, three), _mm512_maskz_mov_epi8(fours, four), before].map(|bytes| {
        let mut closed = [0u8; BLOCK];
        unsafe { _mm512_storeu_si512(closed.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(starts, bytes)) }; // 2
        closed
    });
    let (count, mut crossed, mut last) = (starts.count_ones() as usize, 0, _mm512_setzero_si512());
    for done in (0..count).step_by(16) {
        let [one, two, three, four, before] =
            parts.each_ref().map(|part| _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(part[done..done + 16].as_ptr().cast()) })); // 2
        let low = _mm512_or_si512(one, _mm512_slli_epi32::<8>(two));
        let character = _mm512_or_si512(low, _mm512_or_si512(_mm512_slli_epi32::<16>(three), _mm512_slli_epi32::<24>(four)));
        let [left, right] = FACTORS.map(|factor| _mm512_mullo_epi32(character, _mm512_set1_epi32(factor.cast_signed())));
        let hash = _mm512_xor_si512(_mm512_alignr_epi32::<15>(left, last), right);
        last = left;
        let (pair, bytes) = (_mm512_srli_epi32::<{ 32 - FILTER_BITS }>(hash), _mm512_or_si512(_mm512_slli_epi32::<8>(before), one));
        // 3
        let (pairs, two_bytes) = unsafe {
            let gather = |bits: &[u32], bit| _mm512_i32gather_epi32::<4>(_mm512_srli_epi32::<{ BITS.ilog2() }>(bit), bits.as_ptr().cast());
            (gather(&of.characters[..], pair), gather(&of.bytes[..], bytes))
        };
        let bit = |bits, bit| _mm512_srlv_epi32(bits, _mm512_and_si512(bit, _mm512_set1_epi32(31)));
        let either = _mm512_or_si512(bit(pairs, pair), bit(two_bytes, bytes));
        crossed |= u64::from(_mm512_test_epi32_mask(either, _mm512_set1_epi32(1))) << done;
    }
    (_pdep_u64(!crossed & !1, starts), BLOCK - 1 - starts.leading_zeros() as usize)
}
