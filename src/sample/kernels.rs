//! The few loops over blocks of 256 logits.
//!
//! Each is written once, over sixteen lanes, and compiled for every vector width that the processor may have: 512 and 256 bits on x86-64, the baseline
//! elsewhere (on aarch64 that is NEON). The three that a call spends its time in are written out for 512 bits as well, because the compiler leaves half of the
//! speed there: block maxima 9.5 -> 4.5 µs, masses 31 -> 16, rough sums 10 -> 8 (128,256 singles, Zen 5). All operations are exact or rounded in one way only, so
//! that the widths give the same bits (but the rough sums, which only bound).
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded
//! from arrays of known length, at offsets that end inside. The safe twin of each is the plain version, and a test holds them equal.
#![allow(unsafe_code)]

use std::sync::OnceLock;

use super::weight::{Scale, Value, halves, joined};

/// How many logits share a maximum.
pub const BLOCK: usize = 256;
const LANES: usize = 16;

/// The vectors that the processor has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Width {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The widest that there is, or what `TOKLET_SIMD` asks for if it is narrower: `plain` or `avx2`.
fn width() -> Width {
    static WIDTH: OnceLock<Width> = OnceLock::new();
    *WIDTH.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            let asked = std::env::var("TOKLET_SIMD").unwrap_or_default();
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && asked != "plain";
            let (f, bw) = (is_x86_feature_detected!("avx512f"), is_x86_feature_detected!("avx512bw"));
            let avx512 = f && bw && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512vl") && asked != "avx2";
            if avx2 {
                return if avx512 { Width::Avx512 } else { Width::Avx2 };
            }
        }
        Width::Plain
    })
}

/// Compile a plain loop for each width, and call the one for this processor.
macro_rules! widths {
    ($($(#[$doc:meta])* pub fn $name:ident $(<$v:ident>)? ($($arg:ident: $type:ty),*) $(-> $out:ty)? = $plain:expr $(, $widest:expr)?;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name $(<$v: Value>)? ($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512 $(<$v: Value>)? ($($arg: $type),*) $(-> $out)? { widths!(@widest $plain $(, $widest)?)($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn avx2 $(<$v: Value>)? ($($arg: $type),*) $(-> $out)? { $plain($($arg),*) }
                match width() {
                    Width::Avx512 => return unsafe { avx512($($arg),*) }, // 1
                    Width::Avx2 => return unsafe { avx2($($arg),*) }, // 1
                    Width::Plain => {}
                }
            }
            $plain($($arg),*)
        }
    )*};
    (@widest $plain:expr) => { $plain };
    (@widest $plain:expr, $widest:expr) => { $widest };
}

widths! {
    /// The maximum of each block of singles; whether there is a NaN among them.
    pub fn maxima_single(x: &[f32], out: &mut [f32]) -> bool = plain::maxima_single, avx512::maxima;
    /// The maximum of each block of doubles; whether there is a NaN among them.
    pub fn maxima_double(x: &[f64], out: &mut [f64]) -> bool = plain::maxima_double;
    /// The maximum of each block of 16-bit floats, as integers of their order, and whether one has a magnitude over that of infinity: a NaN.
    pub fn maxima_short(x: &[u16], infinity: u16, out: &mut [i16]) -> bool = plain::maxima_short;
    /// The values of float16 (or bfloat16) from the integers of their order.
    pub fn from_orders<V>(orders: &[i16], half: bool, out: &mut [V]) = plain::from_orders;
    /// The largest of some; -inf of none.
    pub fn largest<V>(x: &[V]) -> V = plain::largest;
    /// The mass of each block: the sum of the weights of what isn't under the floor.
    pub fn masses_single(x: &[f32], best: f32, scale: &Scale, floor: f32, out: &mut [u64]) = plain::masses, avx512::masses;
    /// The same for doubles.
    pub fn masses_double(x: &[f64], best: f64, scale: &Scale, floor: f64, out: &mut [u64]) = plain::masses;
    /// The weights of some logits, as whole numbers; -inf has none.
    pub fn each_mass<V>(x: &[V], best: V, scale: &Scale, out: &mut [u64]) = plain::each_mass;
    /// The weights of some logits.
    pub fn each_weight<V>(x: &[V], best: V, scale: &Scale, out: &mut [f32]) = plain::each_weight;
    /// The sum of the weights of singles, each block within one part in 100,000.
    pub fn rough(x: &[f32], best: f32, scale: &Scale) -> f64 = plain::rough, avx512::rough;
    /// Which logits of a block aren't under the floor: a bit each, the lowest first.
    pub fn at_least<V>(x: &[V; BLOCK], floor: V) -> [u64; 4] = plain::at_least;
    /// A value that at least n of some aren't under, and few more than n; none, if not so many are over the floor.
    pub fn threshold<V>(x: &[V], n: usize, floor: V, best: V) -> Option<V> = plain::threshold;
    /// e**((x - best) / T) of doubles, in place, and its sum.
    pub fn exps(x: &mut [f64]) -> f64 = plain::exps;
}

mod plain {
    use super::super::weight::exp;
    use super::{BLOCK, LANES, Scale, Value, halves, joined};

    /// The largest of sixteen.
    #[inline(always)]
    fn largest_of<T: PartialOrd + Copy>(mut lanes: [T; LANES]) -> T {
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                lanes[i] = if lanes[i + width] > lanes[i] { lanes[i + width] } else { lanes[i] };
            }
            width /= 2;
        }
        lanes[0]
    }

    macro_rules! maxima {
        ($name:ident, $float:ty, $bits:ty) => {
            #[inline(always)]
            pub fn $name(x: &[$float], out: &mut [$float]) -> bool {
                let mut magnitudes = [0 as $bits; LANES];
                for (block, out) in x.as_chunks::<BLOCK>().0.iter().zip(out) {
                    let mut lanes = [<$float>::NEG_INFINITY; LANES];
                    for x in block.as_chunks::<LANES>().0 {
                        for i in 0..LANES {
                            lanes[i] = if x[i] > lanes[i] { x[i] } else { lanes[i] };
                            let magnitude = x[i].abs().to_bits().cast_signed(); // a NaN's is over infinity's
                            magnitudes[i] = if magnitude > magnitudes[i] { magnitude } else { magnitudes[i] };
                        }
                    }
                    *out = largest_of(lanes);
                }
                largest_of(magnitudes) > <$float>::INFINITY.to_bits().cast_signed()
            }
        };
    }
    maxima!(maxima_single, f32, i32);
    maxima!(maxima_double, f64, i64);

    #[inline(always)]
    pub fn maxima_short(x: &[u16], infinity: u16, out: &mut [i16]) -> bool {
        const WIDE: usize = 32;
        let mut magnitudes = [0_i16; WIDE];
        for (block, out) in x.as_chunks::<BLOCK>().0.iter().zip(out) {
            let mut lanes = [i16::MIN; WIDE];
            for x in block.as_chunks::<WIDE>().0 {
                for i in 0..WIDE {
                    let (order, magnitude) = (short_order(x[i]), (x[i] & 0x7FFF).cast_signed());
                    lanes[i] = if order > lanes[i] { order } else { lanes[i] };
                    magnitudes[i] = if magnitude > magnitudes[i] { magnitude } else { magnitudes[i] };
                }
            }
            *out = lanes.iter().copied().fold(i16::MIN, i16::max);
        }
        magnitudes.iter().any(|magnitude| *magnitude > infinity.cast_signed())
    }

    #[inline(always)]
    pub fn from_orders<V: Value>(orders: &[i16], half: bool, out: &mut [V]) {
        for (order, out) in orders.iter().zip(out) {
            let bits = short_order(order.cast_unsigned()).cast_unsigned(); // turned round twice
            *out = if half { V::of_half(bits) } else { V::of_brain(bits) };
        }
    }

    #[inline(always)]
    pub fn largest<V: Value>(x: &[V]) -> V {
        let mut lanes = [V::NONE; LANES];
        let (chunks, rest) = x.as_chunks::<LANES>();
        for x in chunks {
            for i in 0..LANES {
                lanes[i] = if x[i] > lanes[i] { x[i] } else { lanes[i] };
            }
        }
        rest.iter().fold(largest_of(lanes), |largest, x| if *x > largest { *x } else { largest })
    }

    /// The bits of a 16-bit float as an integer of the same order: the magnitude of a negative one is turned round.
    #[inline(always)]
    fn short_order(bits: u16) -> i16 {
        let signed = bits.cast_signed();
        signed ^ ((signed >> 15) & 0x7FFF)
    }

    #[inline(always)]
    pub fn masses<V: Value>(x: &[V], best: V, scale: &Scale, floor: V, out: &mut [u64]) {
        for (block, out) in x.as_chunks::<BLOCK>().0.iter().zip(out) {
            let (mut coarse, mut fine) = ([0_i32; LANES], [0_i32; LANES]);
            for x in block.as_chunks::<LANES>().0 {
                for i in 0..LANES {
                    let power = scale.power(x[i], best);
                    let (high, low) = halves(if x[i] >= floor { power } else { 0.0 });
                    coarse[i] = coarse[i].wrapping_add(high);
                    fine[i] = fine[i].wrapping_add(low);
                }
            }
            let sum = |lanes: [i32; LANES]| lanes.iter().fold(0_i32, |sum, lane| sum.wrapping_add(*lane));
            *out = joined((sum(coarse), sum(fine)));
        }
    }

    #[inline(always)]
    pub fn each_mass<V: Value>(x: &[V], best: V, scale: &Scale, out: &mut [u64]) {
        for (x, out) in x.iter().zip(out) {
            *out = joined(halves(if *x > V::NONE { scale.power(*x, best) } else { 0.0 }));
        }
    }

    #[inline(always)]
    pub fn each_weight<V: Value>(x: &[V], best: V, scale: &Scale, out: &mut [f32]) {
        for (x, out) in x.iter().zip(out) {
            *out = scale.weight(*x, best);
        }
    }

    #[inline(always)]
    pub fn rough(x: &[f32], best: f32, scale: &Scale) -> f64 {
        let mut total = 0.0;
        for block in x.as_chunks::<BLOCK>().0 {
            let mut sums = [0.0_f32; LANES];
            for x in block.as_chunks::<LANES>().0 {
                for i in 0..LANES {
                    sums[i] += scale.power(x[i], best);
                }
            }
            total += f64::from(sums.iter().sum::<f32>());
        }
        total
    }

    #[inline(always)]
    pub fn at_least<V: Value>(x: &[V; BLOCK], floor: V) -> [u64; 4] {
        let mut found = [0; 4];
        for (x, found) in x.as_chunks::<64>().0.iter().zip(&mut found) {
            for (i, x) in x.iter().enumerate() {
                *found |= u64::from(*x >= floor) << i;
            }
        }
        found
    }

    /// Halves the range of the values until it holds about n: counting is much cheaper than sorting.
    #[inline(always)]
    pub fn threshold<V: Value>(x: &[V], n: usize, floor: V, best: V) -> Option<V> {
        let count = |floor: V| x.iter().fold(0_u32, |count, x| count.wrapping_add(u32::from(*x >= floor))) as usize;
        if count(floor) <= n {
            return None;
        }
        let (mut low, mut high) = (best, best);
        for x in x {
            let kept = if *x >= floor { *x } else { best };
            low = if kept < low { kept } else { low };
        }
        for _ in 0..20 {
            let middle = V::nearest(low.into() / 2.0 + high.into() / 2.0);
            let many = count(middle);
            if many < n {
                high = middle;
            } else {
                low = middle;
                if many <= n + n / 4 {
                    break;
                }
            }
        }
        Some(low)
    }

    #[inline(always)]
    pub fn exps(x: &mut [f64]) -> f64 {
        let mut lanes = [0.0; LANES];
        let (chunks, rest) = x.as_chunks_mut::<LANES>();
        for x in chunks {
            for i in 0..LANES {
                x[i] = exp(x[i]);
                lanes[i] += x[i];
            }
        }
        for (x, lane) in rest.iter_mut().zip(&mut lanes) {
            *x = exp(*x);
            *lane += *x;
        }
        lanes.iter().fold(0.0, |total, lane| total + lane)
    }
}

/// The same with 512-bit vectors, four at a time: a chain of dependent operations is long, and the processor looks only so far ahead.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    use super::super::weight::{COARSE, FINE, ROUNDING, TERMS};
    use super::{BLOCK, LANES, Scale, joined};

    const TOGETHER: usize = 4;
    /// 2^r for |r| <= 1/2, minimax, within 3 parts in a million: highest power first.
    const ROUGH: [f32; 5] = [0.009_570_101, 0.055_917_863, 0.240_247_44, 0.693_121_8, 0.999_999_3];

    type Four = [__m512; TOGETHER];

    /// For each of four vectors: apply an operation to all before the next one.
    macro_rules! each {
        ($j:ident => $operation:expr) => {
            [{ let $j = 0; $operation }, { let $j = 1; $operation }, { let $j = 2; $operation }, { let $j = 3; $operation }]
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
}
