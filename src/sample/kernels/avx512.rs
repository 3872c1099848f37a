//! The loops that a call spends its time in, with 512-bit vectors, four at a time: a chain of dependent operations is long, and the processor looks only so far
//! ahead. What is in `plain` is the same, and its bits are.

use std::arch::x86_64::*;

use super::{BLOCK, LANES};
use crate::sample::weight::{COARSE, FINE, ROUNDING, Scale, TERMS, joined};

const TOGETHER: usize = 4;
/// 2^r for |r| <= 1/2, minimax, within 3 parts in a million: highest power first.
const ROUGH: [f32; 5] = [0.009_570_101, 0.055_917_863, 0.240_247_44, 0.693_121_8, 0.999_999_3];

type Four = [__m512; TOGETHER];

/// For each of four vectors: apply an operation to all before the next one.
macro_rules! each {
    ($j:ident => $operation:expr) => {
        [
            {
                let $j = 0;
                $operation
            },
            {
                let $j = 1;
                $operation
            },
            {
                let $j = 2;
                $operation
            },
            {
                let $j = 3;
                $operation
            },
        ]
    };
}

#[inline]
#[target_feature(enable = "avx512f")]
fn four(block: &[f32; BLOCK], group: usize) -> Four {
    each!(j => unsafe { _mm512_loadu_ps(block.as_chunks::<LANES>().0[group * TOGETHER + j].as_ptr()) }) // 2
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub fn maxima(x: &[f32], out: &mut [f32]) -> bool {
    let mut nan = 0;
    for (block, out) in x.as_chunks::<BLOCK>().0.iter().zip(out) {
        let mut best = [_mm512_set1_ps(f32::NEG_INFINITY); TOGETHER];
        for group in 0..BLOCK / LANES / TOGETHER {
            let x = four(block, group);
            nan |= _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x[0], x[1]) | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x[2], x[3]);
            best = each!(j => _mm512_max_ps(x[j], best[j]));
        }
        *out = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(best[0], best[1]), _mm512_max_ps(best[2], best[3])));
    }
    nan != 0
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub fn maxima_of_bytes(x: &[f32], bytes: &[u8], out: &mut [f32]) -> bool {
    let mut nan = 0;
    for ((block, bytes), out) in x.as_chunks::<BLOCK>().0.iter().zip(bytes.as_chunks::<BLOCK>().0).zip(out) {
        let masks = |place: usize| {
            let sixteen = unsafe { _mm_loadu_si128(bytes.as_chunks::<LANES>().0[place].as_ptr().cast()) }; // 2
            _mm_test_epi8_mask(sixteen, sixteen)
        };
        *out = masked_maximum(block, masks, &mut nan);
    }
    nan != 0
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub fn maxima_of_words(x: &[f32], words: &[u32], out: &mut [f32]) -> bool {
    let mut nan = 0;
    for ((block, words), out) in x.as_chunks::<BLOCK>().0.iter().zip(words.as_chunks::<8>().0).zip(out) {
        if *words == [0; 8] {
            *out = f32::NEG_INFINITY; // nothing of it need be read
            continue;
        }
        #[allow(clippy::cast_possible_truncation)] // the lower half is what is wanted
        let masks = |place: usize| (words[place / 2] >> (place % 2 * LANES)) as u16;
        *out = masked_maximum(block, masks, &mut nan);
    }
    nan != 0
}

/// The maximum of what is allowed in a block; what isn't is not read.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn masked_maximum(block: &[f32; BLOCK], masks: impl Fn(usize) -> u16, nan: &mut u16) -> f32 {
    let none = _mm512_set1_ps(f32::NEG_INFINITY);
    let mut best = [none; TOGETHER];
    for group in 0..BLOCK / LANES / TOGETHER {
        let x = each!(j => unsafe {
            let place = group * TOGETHER + j;
            _mm512_mask_loadu_ps(none, masks(place), block.as_chunks::<LANES>().0[place].as_ptr()) // 2
        });
        *nan |= _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x[0], x[1]) | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x[2], x[3]);
        best = each!(j => _mm512_max_ps(x[j], best[j]));
    }
    _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(best[0], best[1]), _mm512_max_ps(best[2], best[3])))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub fn masses(x: &[f32], best: f32, scale: &Scale, floor: f32, out: &mut [u64]) {
    let set = |x: f32| _mm512_set1_ps(x);
    let (best, high, low, least, floor) = (set(best), set(scale.high), set(scale.low), set(scale.least), set(floor));
    let (rounding, coarse, fine, terms) = (set(ROUNDING), set(COARSE), set(FINE), TERMS.map(set));
    let bits = |x: __m512| _mm512_castps_si512(x);
    for (block, out) in x.as_chunks::<BLOCK>().0.iter().zip(out) {
        let (mut coarse_sum, mut fine_sum) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for group in 0..BLOCK / LANES / TOGETHER {
            let x = four(block, group);
            let kept = each!(j => _mm512_cmp_ps_mask::<_CMP_GE_OQ>(x[j], floor));
            let d = each!(j => _mm512_max_ps(_mm512_sub_ps(x[j], best), least));
            let shifted = each!(j => _mm512_fmadd_ps(d[j], high, rounding));
            let r = each!(j => _mm512_fmadd_ps(d[j], high, _mm512_sub_ps(rounding, shifted[j])));
            let r = each!(j => _mm512_fmadd_ps(d[j], low, r[j]));
            let mut power = [terms[0]; TOGETHER];
            for term in &terms[1..] {
                power = each!(j => _mm512_fmadd_ps(power[j], r[j], *term));
            }
            let power = each!(j => _mm512_maskz_add_epi32(kept[j], bits(power[j]), _mm512_slli_epi32::<23>(bits(shifted[j]))));
            let power = each!(j => _mm512_castsi512_ps(power[j]));
            let high = each!(j => _mm512_add_ps(power[j], coarse));
            let rest = each!(j => _mm512_sub_ps(power[j], _mm512_sub_ps(high[j], coarse)));
            let low = each!(j => _mm512_add_ps(rest[j], fine));
            high.iter().for_each(|high| coarse_sum = _mm512_add_epi32(coarse_sum, bits(*high)));
            low.iter().for_each(|low| fine_sum = _mm512_add_epi32(fine_sum, bits(*low)));
        }
        let sum = |lanes, zero: f32| _mm512_reduce_add_epi32(lanes).wrapping_sub(zero.to_bits().cast_signed().wrapping_mul(256));
        *out = joined((sum(coarse_sum, COARSE), sum(fine_sum, FINE)));
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub fn rough(x: &[f32], best: f32, scale: &Scale) -> f64 {
    let set = |x: f32| _mm512_set1_ps(x);
    let (best, high, least, rounding, terms) = (set(best), set(scale.high), set(scale.least), set(ROUNDING), ROUGH.map(set));
    let bits = |x: __m512| _mm512_castps_si512(x);
    let mut total = 0.0;
    for block in x.as_chunks::<BLOCK>().0 {
        let mut sums = [_mm512_setzero_ps(); TOGETHER];
        for group in 0..BLOCK / LANES / TOGETHER {
            let x = four(block, group);
            let d = each!(j => _mm512_max_ps(_mm512_sub_ps(x[j], best), least));
            let shifted = each!(j => _mm512_fmadd_ps(d[j], high, rounding));
            let r = each!(j => _mm512_fmadd_ps(d[j], high, _mm512_sub_ps(rounding, shifted[j])));
            let mut power = [terms[0]; TOGETHER];
            for term in &terms[1..] {
                power = each!(j => _mm512_fmadd_ps(power[j], r[j], *term));
            }
            let power = each!(j => _mm512_castsi512_ps(_mm512_add_epi32(bits(power[j]), _mm512_slli_epi32::<23>(bits(shifted[j])))));
            sums = each!(j => _mm512_add_ps(sums[j], power[j]));
        }
        total += f64::from(_mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3]))));
    }
    total
}
