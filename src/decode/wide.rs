//! Measuring ids, sixteen at a time.
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded
//! from arrays of sixteen numbers; 3. of the table only places that it has are read, the others are masked out. The safe twin is the plain version, and a test
//! holds them equal.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{AHEAD, COUNT, COUNT_BITS, Shape, Sum};
use crate::pages::prefetch_at;
use crate::width::{Width, width};

/// The sum over the ids of whole vectors, and the others, if the processor has the vectors.
pub(super) fn sum<'a>(shapes: &[Shape], ids: &'a [u32]) -> Option<(Sum, &'a [u32])> {
    let (vectors, rest) = ids.as_chunks();
    (width() >= Width::Avx512).then(|| (unsafe { sum_wide(shapes, vectors) }, rest)) // 1
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn sum_wide(shapes: &[Shape], vectors: &[[u32; 16]]) -> Sum {
    let size = _mm512_set1_epi32(u32::try_from(shapes.len()).unwrap_or(u32::MAX).cast_signed());
    let count = _mm512_set1_epi32(COUNT.cast_signed());
    let zero = _mm512_setzero_si512();
    let (mut bytes, mut characters, mut widths, mut unknown) = (zero, zero, zero, 0);
    for vector in vectors {
        prefetch_at(vector.as_ptr().wrapping_add(AHEAD));
        let ids = unsafe { _mm512_loadu_si512(vector.as_ptr().cast()) }; // 2
        let known = _mm512_cmplt_epu32_mask(ids, size);
        let shape = unsafe { _mm512_mask_i32gather_epi32::<4>(zero, known, ids, shapes.as_ptr().cast()) }; // 3
        bytes = _mm512_add_epi32(bytes, _mm512_and_si512(shape, count));
        characters = _mm512_add_epi32(characters, _mm512_and_si512(_mm512_srli_epi32::<COUNT_BITS>(shape), count));
        widths = _mm512_or_si512(widths, shape);
        unknown |= _mm512_testn_epi32_mask(shape, shape);
    }
    Sum {
        bytes: _mm512_reduce_add_epi32(bytes).cast_unsigned(),
        characters: _mm512_reduce_add_epi32(characters).cast_unsigned(),
        widths: _mm512_reduce_or_epi32(widths).cast_unsigned(),
        unknown: unknown != 0,
    }
}
