//! The two loops over a batch of pretokens, for eight keys or for a whole line at once.
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. of a pretoken only
//! its own bytes are loaded, and it lies in the text: no end is taken for more than the text's, and where one lies before the one before it there are none; 3.
//! vectors are loaded from and stored to arrays of eight or 64 numbers, of keys, or of bytes that fill them; 4. a line is 64 bytes at a multiple of 64. The
//! safe twin of each is the plain version, and a test holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::ops::Range;

use super::batch::{BATCH, Batch, OUT};
use super::key::{Key, LONGEST};
use super::tokens::Tokens;
use crate::pages::prefetch;
use crate::width::{Width, width};

/// Make keys and fetch lines as the plain version does, eight pretokens at a time; says whether it did, as the processor has the vectors.
pub(super) fn fetch(tokens: &Tokens, batch: &mut Batch, text: &[u8], first: u32, ends: &[u32]) -> bool {
    let wide = width() >= Width::Avx512 && first as usize <= text.len();
    if wide {
        unsafe { fetch_eights(tokens, batch, text, first, ends) }; // 1, 2
    }
    wide
}

/// Find ids as the plain version does, the three keys of a line in one comparison, if the processor has the vectors.
pub(super) fn find(tokens: &Tokens, batch: &mut Batch, count: usize) -> Option<u64> {
    (width() >= Width::Avx512).then(|| unsafe { find_lines(tokens, batch, count) }) // 1
}

/// Which bytes of sixteen a pretoken of each length has; one that is too long has none.
const BYTES: [u16; LONGEST + 2] = {
    let (mut bytes, mut length) = ([0; LONGEST + 2], 0);
    while length <= LONGEST {
        bytes[length] = (1 << length) - 1;
        length += 1;
    }
    bytes
};

/// What a key has beside them: the length; of one that is too long, what no other has.
const BESIDE: [Key; LONGEST + 2] = {
    let (mut beside, mut length) = ([Key::NONE; LONGEST + 2], 0);
    while length <= LONGEST {
        beside[length] = Key { low: 0, high: (length as u64) << 56 };
        length += 1;
    }
    beside
};

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn fetch_eights(tokens: &Tokens, batch: &mut Batch, text: &[u8], first: u32, ends: &[u32]) {
    let factors = tokens.factors.map(|factor| _mm512_set1_epi64(factor.cast_signed()));
    let shift = _mm_cvtsi32_si128(tokens.shift.cast_signed());
    let (mut begin, lines) = (first as usize, &tokens.lines[..]);
    for ((some, keys), places) in ends.chunks(8).zip(batch.keys.as_chunks_mut::<8>().0).zip(batch.lines.as_chunks_mut::<8>().0) {
        let eight: [u32; 8] = some.first_chunk().copied().unwrap_or_else(|| std::array::from_fn(|at| some[at.min(some.len() - 1)])); // behind the last, nothing
        let mut key = |end: u32| {
            let end = (end as usize).min(text.len());
            let length = end.wrapping_sub(begin).min(LONGEST + 1);
            // 2, 3
            let (bytes, beside) =
                unsafe { (_mm_maskz_loadu_epi8(BYTES[length], text.as_ptr().add(begin).cast()), _mm_loadu_si128(std::ptr::from_ref(&BESIDE[length]).cast())) };
            begin = end;
            _mm_or_si128(bytes, beside)
        };
        let mut four = |ends: &[u32]| {
            let [one, two, three, four] = [key(ends[0]), key(ends[1]), key(ends[2]), key(ends[3])];
            let all = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(one), two);
            _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(all, three), four)
        };
        let (front, back) = (four(&eight[..4]), four(&eight[4..]));
        let (low, high) = (_mm512_unpacklo_epi64(front, back), _mm512_unpackhi_epi64(front, back));
        let hash = _mm512_add_epi64(_mm512_mullo_epi64(low, factors[0]), _mm512_mullo_epi64(high, factors[1]));
        let hash = _mm512_permutexvar_epi64(_mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0), _mm512_srl_epi64(hash, shift));
        // 3
        unsafe {
            let keys = keys.as_mut_ptr().cast::<__m512i>();
            _mm512_storeu_si512(keys, front);
            _mm512_storeu_si512(keys.add(1), back);
            _mm256_storeu_si256(places.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(hash));
        }
        for line in places {
            prefetch(lines, *line as usize);
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn find_lines(tokens: &Tokens, batch: &mut Batch, count: usize) -> u64 {
    let (lines, mut which) = (&tokens.lines[..], [0u8; BATCH]);
    for (place, which) in which.iter_mut().enumerate().take(count) {
        let Some(line) = lines.get(batch.lines[place] as usize) else { continue };
        // 4
        let (keys, key) = unsafe { (_mm512_load_si512(std::ptr::from_ref(line).cast()), _mm_loadu_si128(std::ptr::from_ref(&batch.keys[place]).cast())) };
        let equal = _mm512_cmpeq_epi64_mask(keys, _mm512_broadcast_i64x2(key));
        *which = equal & (equal >> 1) & 0b1_0101; // both halves of the first key, of the second, or of the third
        batch.single[place] = line.ids[(u32::from(*which) | 1 << 6).trailing_zeros() as usize / 2];
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
