//! The few loops over blocks of 256 logits.
//!
//! Each is written once, over sixteen lanes, and compiled for every vector width that the processor may have: 512 and 256 bits on x86-64, the baseline
//! elsewhere (on aarch64 that is NEON). The three that a call spends its time in are written out for 512 bits as well, because the compiler leaves half of the
//! speed there: block maxima 9.5 -> 4.5 µs, masses 31 -> 16, rough sums 10 -> 8 (128,256 singles, AMD EPYC). All operations are exact or rounded in one way
//! only, so that the widths give the same bits (but the rough sums, which only bound).
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded
//! from arrays of known length, at offsets that end inside. The safe twin of each is the plain version, and a test holds them equal.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;

use super::mask::Mask;
use super::number::Number;
use super::weight::Scale;
#[cfg(target_arch = "x86_64")]
use crate::width::{Width, width};

/// How many logits share a maximum.
pub const BLOCK: usize = 256;
const LANES: usize = 16;

/// Compile a plain loop for each width, and call the one for this processor.
macro_rules! widths {
    ($($(#[$doc:meta])* pub fn $name:ident $(<$v:ident>)? ($($arg:ident: $type:ty),*) $(-> $out:ty)? = $plain:expr $(, $widest:expr)?;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name $(<$v: Number>)? ($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512 $(<$v: Number>)? ($($arg: $type),*) $(-> $out)? { widths!(@widest $plain $(, $widest)?)($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn avx2 $(<$v: Number>)? ($($arg: $type),*) $(-> $out)? { $plain($($arg),*) }
                match width() {
                    Width::Avx512 | Width::Avx512Bytes => return unsafe { avx512($($arg),*) }, // 1
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
    /// The maximum of what a mask of a byte for each allows in each block of singles; whether there is a NaN among that.
    pub fn maxima_of_bytes(x: &[f32], bytes: &[u8], out: &mut [f32]) -> bool = plain::maxima_of_bytes, avx512::maxima_of_bytes;
    /// The same with a mask of a bit for each.
    pub fn maxima_of_words(x: &[f32], words: &[u32], out: &mut [f32]) -> bool = plain::maxima_of_words, avx512::maxima_of_words;
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
    /// (x - best) / T, as doubles.
    pub fn scaled<V>(x: &[V], best: f64, temperature: f64, out: &mut [f64]) = plain::scaled;
    /// e**x for x <= 0, in place, and their sum.
    pub fn exps(x: &mut [f64]) -> f64 = plain::exps;
    /// The sum of e**x, for x <= 0.
    pub fn sum_of_exps(x: &[f64]) -> f64 = plain::sum_of_exps;
    /// Divided by a number, in place.
    pub fn over(x: &mut [f64], total: f64) = plain::over;
    /// Less a number, in place.
    pub fn less(x: &mut [f64], amount: f64) = plain::less;
    /// What is not allowed becomes -inf: a byte each, 0 if it isn't.
    pub fn forbid_by_bytes<V>(x: &mut [V], bytes: &[u8]) = plain::forbid_by_bytes;
    /// What is not allowed becomes -inf: a bit each, 0 if it isn't, the lowest of a word first.
    pub fn forbid_by_words<V>(x: &mut [V; BLOCK], words: &[u32]) = plain::forbid_by_words;
    /// The values of float16, by their bits.
    pub fn from_half<V>(x: &[u16], out: &mut [V]) = plain::from_half;
    /// The values of bfloat16, by their bits.
    pub fn from_brain<V>(x: &[u16], out: &mut [V]) = plain::from_brain;
}

/// A number with the loops over blocks of it.
pub trait Value: Number {
    /// The maximum of each full block, and whether there is a NaN among them.
    fn maxima(x: &[Self], out: &mut [Self]) -> bool;
    /// The same of what a mask of a byte (or a bit) for each allows, if that can be had at once.
    fn masked_maxima(x: &[Self], mask: Mask<'_>, out: &mut [Self]) -> Option<bool>;
    /// The mass of each full block: the sum of the weights of what isn't under the floor.
    fn masses(x: &[Self], best: Self, scale: &Scale, floor: Self, out: &mut [u64]);
    /// The sum of the weights of full blocks, to one part in 100,000 if it can be had for less than the exact one.
    fn rough(x: &[Self], best: Self, scale: &Scale) -> Option<f64>;
}

impl Value for f32 {
    fn maxima(x: &[Self], out: &mut [Self]) -> bool {
        maxima_single(x, out)
    }

    fn masked_maxima(x: &[Self], mask: Mask<'_>, out: &mut [Self]) -> Option<bool> {
        match mask {
            Mask::All => None,
            Mask::Bytes(bytes) => Some(maxima_of_bytes(x, bytes, out)),
            Mask::Words(words) => Some(maxima_of_words(x, words, out)),
        }
    }

    fn masses(x: &[Self], best: Self, scale: &Scale, floor: Self, out: &mut [u64]) {
        masses_single(x, best, scale, floor, out);
    }

    fn rough(x: &[Self], best: Self, scale: &Scale) -> Option<f64> {
        (scale.least > f32::MIN).then(|| rough(x, best, scale))
    }
}

impl Value for f64 {
    fn maxima(x: &[Self], out: &mut [Self]) -> bool {
        maxima_double(x, out)
    }

    fn masked_maxima(_: &[Self], _: Mask<'_>, _: &mut [Self]) -> Option<bool> {
        None
    }

    fn masses(x: &[Self], best: Self, scale: &Scale, floor: Self, out: &mut [u64]) {
        masses_double(x, best, scale, floor, out);
    }

    fn rough(_: &[Self], _: Self, _: &Scale) -> Option<f64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are hardly random, but different.
    fn row(n: u32, seed: u32) -> Vec<f32> {
        let special = [0.0, -0.0, 1.0, f32::NEG_INFINITY, f32::MIN, 3.0e38, 1e-45, -1e-40, 88.0, -60.0];
        let number = |i: u32| (i ^ seed).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
        (0..n).map(|i| if number(i) % 7 == 0 { special[(number(i) >> 8) as usize % 10] } else { (number(i) >> 8) as f32 / 500_000.0 - 20.0 }).collect()
    }

    #[test]
    fn the_widest_vectors_give_the_bits_of_the_plain_loops() {
        for seed in 0..200 {
            let (x, blocks) = (row(1_024, seed), 4);
            let best = plain::largest(&x);
            for temperature in [0.01, 0.7, 1.0, 30.0, 1e300] {
                let scale = Scale::new(temperature);
                for floor in [f32::MIN, -3.0, best] {
                    let (mut ours, mut theirs) = (vec![0; blocks], vec![0; blocks]);
                    masses_single(&x, best, &scale, floor, &mut ours);
                    plain::masses(&x, best, &scale, floor, &mut theirs);
                    assert_eq!(ours, theirs, "{seed} {temperature} {floor}");
                    let mut each = vec![0; x.len()];
                    let kept: Vec<f32> = x.iter().map(|x| if *x >= floor { *x } else { f32::NEG_INFINITY }).collect();
                    each_mass(&kept, best, &scale, &mut each);
                    assert_eq!(each.iter().sum::<u64>(), ours.iter().sum::<u64>());
                }
                let (rough, exact) = (rough(&x, best, &scale), plain::rough(&x, best, &scale));
                assert!((rough - exact).abs() <= 1e-5 * exact, "{rough} {exact}");
            }
            let (mut ours, mut theirs) = (vec![0.0; blocks], vec![0.0; blocks]);
            assert!(!maxima_single(&x, &mut ours) && !plain::maxima_single(&x, &mut theirs));
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn a_nan_is_seen_wherever_it_is() {
        for place in 0..512 {
            let mut x = row(512, 3);
            x[place] = if place % 2 == 0 { f32::NAN } else { -f32::NAN };
            let halves: Vec<u16> = (0..512).map(|i| if i == place { 0xFC01 } else { 0x3C00 }).collect();
            let doubles: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            assert!(maxima_single(&x, &mut [0.0; 2]) && maxima_double(&doubles, &mut [0.0; 2]) && maxima_short(&halves, 0x7C00, &mut [0; 2]));
        }
        assert!(!maxima_short(&[0xFC00; 256], 0x7C00, &mut [0]));
    }
}
