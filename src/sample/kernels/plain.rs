//! Every loop as plain code over sixteen lanes, which the compiler makes vectors of.

use super::{BLOCK, LANES};
use crate::sample::number::Number;
use crate::sample::weight::{Scale, exp, halves, joined};

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
pub fn maxima_of_bytes(x: &[f32], bytes: &[u8], out: &mut [f32]) -> bool {
    let mut nan = false;
    for ((block, bytes), out) in x.as_chunks::<BLOCK>().0.iter().zip(bytes.chunks(BLOCK)).zip(out.chunks_mut(1)) {
        let mut block = *block;
        forbid_by_bytes(&mut block, bytes);
        nan |= maxima_single(&block, out);
    }
    nan
}

#[inline(always)]
pub fn maxima_of_words(x: &[f32], words: &[u32], out: &mut [f32]) -> bool {
    let mut nan = false;
    for ((block, words), out) in x.as_chunks::<BLOCK>().0.iter().zip(words.chunks(BLOCK / 32)).zip(out.chunks_mut(1)) {
        let mut block = *block;
        forbid_by_words(&mut block, words);
        nan |= maxima_single(&block, out);
    }
    nan
}

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
pub fn from_orders<V: Number>(orders: &[i16], half: bool, out: &mut [V]) {
    for (order, out) in orders.iter().zip(out) {
        let bits = short_order(order.cast_unsigned()).cast_unsigned(); // turned round twice
        *out = if half { V::of_half(bits) } else { V::of_brain(bits) };
    }
}

#[inline(always)]
pub fn largest<V: Number>(x: &[V]) -> V {
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
pub fn masses<V: Number>(x: &[V], best: V, scale: &Scale, floor: V, out: &mut [u64]) {
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
pub fn each_mass<V: Number>(x: &[V], best: V, scale: &Scale, out: &mut [u64]) {
    for (x, out) in x.iter().zip(out) {
        *out = joined(halves(if *x > V::NONE { scale.power(*x, best) } else { 0.0 }));
    }
}

#[inline(always)]
pub fn each_weight<V: Number>(x: &[V], best: V, scale: &Scale, out: &mut [f32]) {
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
pub fn at_least<V: Number>(x: &[V; BLOCK], floor: V) -> [u64; 4] {
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
pub fn threshold<V: Number>(x: &[V], n: usize, floor: V, best: V) -> Option<V> {
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
pub fn scaled<V: Number>(x: &[V], best: f64, temperature: f64, out: &mut [f64]) {
    x.iter().zip(out).for_each(|(x, out)| *out = ((*x).into() - best) / temperature);
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

#[inline(always)]
pub fn sum_of_exps(x: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for x in chunks {
        for i in 0..LANES {
            lanes[i] += exp(x[i]);
        }
    }
    rest.iter().zip(&mut lanes).for_each(|(x, lane)| *lane += exp(*x));
    lanes.iter().fold(0.0, |total, lane| total + lane)
}

#[inline(always)]
pub fn over(x: &mut [f64], total: f64) {
    x.iter_mut().for_each(|x| *x /= total);
}

#[inline(always)]
pub fn less(x: &mut [f64], amount: f64) {
    x.iter_mut().for_each(|x| *x -= amount);
}

#[inline(always)]
pub fn forbid_by_bytes<V: Number>(x: &mut [V], bytes: &[u8]) {
    x.iter_mut().zip(bytes).for_each(|(x, byte)| *x = if *byte == 0 { V::NONE } else { *x });
}

#[inline(always)]
pub fn forbid_by_words<V: Number>(x: &mut [V; BLOCK], words: &[u32]) {
    for (x, word) in x.as_chunks_mut::<32>().0.iter_mut().zip(words) {
        for (bit, x) in x.iter_mut().enumerate() {
            *x = if word & (1 << bit) == 0 { V::NONE } else { *x };
        }
    }
}

#[inline(always)]
pub fn from_half<V: Number>(x: &[u16], out: &mut [V]) {
    x.iter().zip(out).for_each(|(x, out)| *out = V::of_half(*x));
}

#[inline(always)]
pub fn from_brain<V: Number>(x: &[u16], out: &mut [V]) {
    x.iter().zip(out).for_each(|(x, out)| *out = V::of_brain(*x));
}
