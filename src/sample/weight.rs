//! The arithmetic of sampling: the same bits on every machine, and sums that don't depend on their order.
//!
//! A logit's weight is `2**((x - best) * log2(e) / T)`: the best one's is 1. It is computed in single precision from operations that IEEE 754 rounds in one
//! way only (subtraction, multiplication, fused multiply-add), and then written as a whole number of 2^-44. Whole numbers add up the same in every order, so
//! a sum over a vocabulary can be taken 16 at a time, on two threads, or from the left; there is no summation tree to agree on.
//!
//! What is read as a number rather than drawn from (softmax, log-probabilities) uses `exp` and `ln`, in double precision, by the same few operations.
//! Tried and left: the product by hand, split into halves, instead of the fused one, so that the reference needs no `fma`: 36 operations in place of 24.

use std::f64::consts::LOG2_E;

use super::number::Number;

/// The weight of the best logit, as a whole number.
pub(super) const UNIT: f64 = 17_592_186_044_416.0; // 2^44

/// Under this power of two a weight counts as 0.
const LOWEST: f64 = -125.0;
/// 2^r for |r| <= 1/2, minimax, within 1e-7: highest power first.
#[allow(clippy::approx_constant)] // the last but one is near ln 2, and isn't it
pub(super) const TERMS: [f32; 6] = [0.001_327_406_7, 0.009_671_497, 0.055_507_008, 0.240_222_42, 0.693_147, 1.0];
/// Adding it rounds to a whole number, half to even, whose bits are then the lowest.
pub(super) const ROUNDING: f32 = 12_582_912.0; // 1.5 * 2^23
/// Adding it rounds to a multiple of 2^-22.
pub(super) const COARSE: f32 = 3.0;
/// Adding it rounds a rest of at most 2^-22 to a multiple of 2^-44.
pub(super) const FINE: f32 = 7.152_557_4e-7; // 1.5 * 2^-21

/// 1/T in base 2, as two singles whose sum is exact enough, and the difference of logits under which a weight is 0.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The temperature.
    pub temperature: f64,
    pub(super) high: f32,
    pub(super) low: f32,
    pub(super) least: f32,
}

impl Scale {
    /// The scale of a temperature above 0.
    pub fn new(temperature: f64) -> Self {
        let exact = (LOG2_E / temperature).min(f64::from_bits((1_023 + 100) << 52));
        let high = f32::nearest(exact);
        Self { temperature, high, low: f32::nearest(exact - f64::from(high)), least: f32::nearest((LOWEST / exact).max(f64::from(f32::MIN))) }
    }

    /// The power of two that a logit's weight is, but nothing under 2^-125; for x <= best.
    #[inline(always)]
    pub fn power<V: Number>(&self, x: V, best: V) -> f32 {
        let difference = x.difference(best);
        let d = if difference > self.least { difference } else { self.least };
        let shifted = d.mul_add(self.high, ROUNDING);
        let r = d.mul_add(self.low, d.mul_add(self.high, ROUNDING - shifted));
        let mut power = TERMS[0];
        for term in &TERMS[1..] {
            power = power.mul_add(r, *term);
        }
        f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
    }

    /// e**((x - best) / T) for x <= best.
    #[inline(always)]
    pub fn weight<V: Number>(&self, x: V, best: V) -> f32 {
        let clamped = x.difference(best) <= self.least && self.least > f32::MIN;
        if clamped || x == V::NONE { 0.0 } else { self.power(x, best) }
    }
}

/// A weight rounded to a multiple of 2^-44, in two whole numbers: of 2^-22, and the rest of 2^-44, which may be negative. Their sums over 256 fit 32 bits.
#[inline(always)]
pub fn halves(weight: f32) -> (i32, i32) {
    let coarse = weight + COARSE;
    let fine = (weight - (coarse - COARSE)) + FINE;
    (coarse.to_bits().wrapping_sub(COARSE.to_bits()).cast_signed(), fine.to_bits().wrapping_sub(FINE.to_bits()).cast_signed())
}

/// The whole number of 2^-44 that two halves, or their sums, make.
#[inline(always)]
pub fn joined((coarse, fine): (i32, i32)) -> u64 {
    (i64::from(coarse) << 22).wrapping_add(i64::from(fine)).cast_unsigned()
}

/// A probability as a whole number of 2^-53, the unit of the random numbers.
pub fn fraction(p: f64) -> u64 {
    whole((p * (1_u64 << 53) as f64).round_ties_even())
}

/// A whole number from 0 to 2^64 as an integer.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // no other numbers come here, and if they did they would saturate
pub fn whole(x: f64) -> u64 {
    x as u64
}

const INVERSE_LN2: f64 = LOG2_E;
const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// 1/13!, 1/12!, … 1/0!: highest power first.
const TAYLOR: [f64; 14] = {
    let (mut terms, mut factorial, mut n) = ([0.0; 14], 1.0, 0);
    while n < 14 {
        factorial *= if n == 0 { 1.0 } else { n as f64 };
        terms[13 - n] = 1.0 / factorial;
        n += 1;
    }
    terms
};

/// e**x for x <= 0, within one unit in the last place or two; 0 under -708.
///
/// x = k ln 2 + r with |r| <= ln 2 / 2: e**x is 2**k times the Taylor sum at r.
///
/// ```
/// assert_eq!(toklet::sample::exp(0.0), 1.0);
/// assert!((toklet::sample::exp(-1.0) - 0.367_879_441_171_442_3).abs() < 1e-15);
/// ```
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let clamped = if x < -708.0 { -708.0 } else { x };
    let k = (clamped * INVERSE_LN2 + 0.5).floor();
    let r = (clamped - k * LN2_HIGH) - k * LN2_LOW;
    let power = TAYLOR.iter().fold(0.0, |total, term| total * r + term) * power_of_two(k);
    if x < -708.0 { 0.0 } else { power }
}

/// 2**k for a whole k from -1022 to 1023: k + 1023 are the exponent's bits, and adding 2**52 puts a whole number into the lowest bits.
#[inline(always)]
fn power_of_two(k: f64) -> f64 {
    f64::from_bits(((k + 1023.0 + 4_503_599_627_370_496.0).to_bits() & 0x7FF) << 52)
}

/// The natural logarithm of x > 0, within one unit in the last place or two.
///
/// x = m 2**k with m around 1: ln m is twice the area tangent of z = (m - 1) / (m + 1), a series in odd powers.
///
/// ```
/// assert_eq!(toklet::sample::ln(1.0), 0.0);
/// assert!((toklet::sample::ln(10.0) - 10_f64.ln()).abs() < 1e-15);
/// ```
pub fn ln(x: f64) -> f64 {
    let (scaled, shift) = if x < f64::MIN_POSITIVE { (x * 18_014_398_509_481_984.0, -54.0) } else { (x, 0.0) }; // 2^54 lifts a subnormal
    let bits = scaled.to_bits();
    let (mut m, mut k) = (f64::from_bits((bits & !(0x7FF << 52)) | (1_022 << 52)), (bits >> 52) as f64 - 1_022.0 + shift); // m from 1/2 to 1
    if m < std::f64::consts::FRAC_1_SQRT_2 {
        (m, k) = (m * 2.0, k - 1.0);
    }
    let z = (m - 1.0) / (m + 1.0);
    let series = (0..11).rev().fold(0.0, |total, n| total * (z * z) + 1.0 / f64::from(2 * n + 1));
    k * LN2_HIGH + (k * LN2_LOW + 2.0 * z * series)
}

/// The sum of doubles by id: sixteen sums, of the ids that leave the same remainder, in the order of the ids; then those from the left.
pub fn add(values: impl Iterator<Item = (usize, f64)>) -> f64 {
    let mut lanes = [0.0; 16];
    values.for_each(|(id, value)| lanes[id % 16] += value);
    lanes.iter().fold(0.0, |total, lane| total + lane)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_two_units_in_the_last_place() {
        for step in 0..700_000 {
            let x = -f64::from(step) / 1_000.0;
            let (ours, theirs) = (exp(x), x.exp());
            assert!(ours.to_bits().abs_diff(theirs.to_bits()) <= 2, "{x}: {ours:e} {theirs:e}");
        }
        for step in 1..100_000 {
            let x = f64::from(step) * 0.37 + f64::from(step).powi(7) * 1e-30;
            assert!((ln(x) - x.ln()).abs() <= 2.0 * f64::EPSILON * x.ln().abs(), "{x}");
        }
        assert!([5e-324, 1e-310, f64::MAX].iter().all(|x: &f64| (ln(*x) - x.ln()).abs() <= 2e-13));
    }

    #[test]
    fn a_weight_is_within_two_parts_in_ten_million() {
        for temperature in [0.05, 0.7, 1.0, 3.0] {
            let scale = Scale::new(temperature);
            for step in 0..200_000 {
                let x = -(step as f32) / 5_000.0;
                let (ours, theirs) = (f64::from(scale.weight(x, 0.0)), (f64::from(x) / temperature).exp());
                assert!((ours - theirs).abs() <= 2e-7 * theirs + 1e-36, "{x}: {ours:e} {theirs:e}");
                let mass = joined(halves(scale.weight(x, 0.0)));
                assert_eq!(mass as f64, (ours * UNIT).round_ties_even());
            }
        }
    }
}
