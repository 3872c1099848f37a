//! The two loops over a batch of pretokens, for eight keys or for a whole line at once.
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. eight pretokens are
//! gathered only where sixteen bytes from the last one's beginning lie in the text, and none begins behind that one; 3. a vector is loaded from or stored to
//! eight or sixteen neighbours in an array of `BATCH`, which is a multiple of both; 4. a line is 64 bytes at a multiple of 64. The safe twin of each is the
//! plain version, and a test holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::ops::Range;

use super::batch::{BATCH, Batch, OUT};
use super::tokens::Tokens;
use crate::pages::prefetch;
use crate::width::{Width, width};

/// Make keys and fetch lines as the plain version does, eight pretokens at a time; says how many it has done, if the processor has the vectors.
pub(super) fn fetch(tokens: &Tokens, batch: &mut Batch, text: &[u8], first: u32, ends: &[u32]) -> Option<usize> {
    (width() >= Width::Avx512).then(|| unsafe { fetch_eights(tokens, batch, text, first, ends) }) // 1
}

/// Find ids as the plain version does, the three keys of a line in one comparison, if the processor has the vectors.
pub(super) fn find(tokens: &Tokens, batch: &mut Batch, count: usize) -> Option<u64> {
    (width() >= Width::Avx512).then(|| unsafe { find_lines(tokens, batch, count) }) // 1
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn fetch_eights(tokens: &Tokens, batch: &mut Batch, text: &[u8], first: u32, ends: &[u32]) -> usize {
    let mut begins = [first; BATCH + 8];
    begins[1..=ends.len()].copy_from_slice(ends);
    let (eight, all) = (_mm512_set1_epi64(8), _mm512_set1_epi64(-1));
    let factors = tokens.factors.map(|factor| _mm512_set1_epi64(factor.cast_signed()));
    let shift = _mm_cvtsi32_si128(tokens.shift.cast_signed());
    let mut done = 0;
    while done + 8 <= ends.len() && begins[done + 7] as usize + 16 <= text.len() {
        // 3
        let (begin, end) = unsafe {
            let load = |place: usize| _mm512_cvtepu32_epi64(_mm256_loadu_si256(begins[place..place + 8].as_ptr().cast()));
            (load(done), load(done + 1))
        };
        let bits = _mm512_slli_epi64::<3>(_mm512_sub_epi64(end, begin));
        // 2
        let (low, high) = unsafe {
            (_mm512_i64gather_epi64::<1>(begin, text.as_ptr().cast()), _mm512_i64gather_epi64::<1>(_mm512_add_epi64(begin, eight), text.as_ptr().cast()))
        };
        // A shift by 64 or more gives zero.
        let low_mask = _mm512_srlv_epi64(all, _mm512_max_epi64(_mm512_sub_epi64(_mm512_set1_epi64(64), bits), _mm512_setzero_si512()));
        let high_mask = _mm512_srlv_epi64(all, _mm512_sub_epi64(_mm512_set1_epi64(128), bits));
        let length = _mm512_slli_epi64::<53>(bits);
        let long = _mm512_cmpgt_epi64_mask(bits, _mm512_set1_epi64(8 * 15));
        let low = _mm512_maskz_and_epi64(!long, low, low_mask);
        let high = _mm512_mask_mov_epi64(_mm512_or_si512(_mm512_and_si512(high, high_mask), length), long, all);
        let hash = _mm512_add_epi64(_mm512_mullo_epi64(low, factors[0]), _mm512_mullo_epi64(high, factors[1]));
        let lines = _mm512_srl_epi64(hash, shift);
        let (front, back) = (_mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4));
        // 3
        unsafe {
            let keys = batch.keys[done..done + 8].as_mut_ptr().cast::<__m512i>();
            _mm512_storeu_si512(keys, _mm512_permutex2var_epi64(low, front, high));
            _mm512_storeu_si512(keys.add(1), _mm512_permutex2var_epi64(low, back, high));
            _mm256_storeu_si256(batch.lines[done..done + 8].as_mut_ptr().cast(), _mm512_cvtepi64_epi32(lines));
        }
        for line in &batch.lines[done..done + 8] {
            prefetch(&tokens.lines, *line as usize);
        }
        done += 8;
    }
    done
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn find_lines(tokens: &Tokens, batch: &mut Batch, count: usize) -> u64 {
    let (lines, mut which) = (&tokens.lines[..], [0u8; BATCH]);
    for place in 0..count.min(BATCH) {
        let Some(line) = lines.get(batch.lines[place] as usize) else { continue };
        // 4
        let (keys, key) = unsafe { (_mm512_load_si512(std::ptr::from_ref(line).cast()), _mm_loadu_si128(std::ptr::from_ref(&batch.keys[place]).cast())) };
        let equal = _mm512_cmpeq_epi64_mask(keys, _mm512_broadcast_i64x2(key));
        which[place] = equal & (equal >> 1) & 0b1_0101; // both halves of the first key, of the second, or of the third
        batch.single[place] = line.ids[(u32::from(which[place]) | 1 << 6).trailing_zeros() as usize / 2];
    }
    let which = unsafe { _mm512_loadu_si512(which.as_ptr().cast()) }; // 3
    _mm512_test_epi8_mask(which, which)
}

/// Put ids together as the plain version does, in vectors, if the processor has them.
pub(super) fn put_together(batch: &Batch, some: Range<usize>, out: &mut [u32; OUT]) -> Option<usize> {
    (width() >= Width::Avx512).then(|| unsafe { put_together_wide(batch, some, out) }) // 1
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn put_together_wide(batch: &Batch, some: Range<usize>, out: &mut [u32; OUT]) -> usize {
    batch.put_together_plain(some, out)
}

/// Whether a pretoken is longer than a key, of some that begin at a place and end at these; if the processor has the vectors.
pub(super) fn any_long(begin: u32, ends: &[u32]) -> Option<bool> {
    (width() >= Width::Avx512).then(|| unsafe { any_long_of_sixteens(begin, ends) }) // 1
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn any_long_of_sixteens(begin: u32, ends: &[u32]) -> bool {
    super::any_long_plain(begin, ends)
}
