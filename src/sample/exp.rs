//! e**x for x <= 0, the same bits everywhere.
//!
//! x = k ln 2 + r with |r| <= ln 2 / 2: e**x is 2**k times the Taylor sum at r. Only +, -, * and floor, each rounded as IEEE 754 says; a library's `exp` is
//! free to round otherwise from one platform to the next.

const INVERSE_LN2: f64 = std::f64::consts::LOG2_E;
const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// 1/13!, 1/12!, … 1/0!: highest power first.
const TERMS: [f64; 14] = {
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
/// ```
/// assert_eq!(toklet::sample::exp(0.0), 1.0);
/// assert!((toklet::sample::exp(-1.0) - 0.367_879_441_171_442_3).abs() < 1e-15);
/// ```
pub fn exp(x: f64) -> f64 {
    if x < -708.0 {
        return 0.0;
    }
    let k = (x * INVERSE_LN2 + 0.5).floor();
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    TERMS.iter().fold(0.0, |total, term| total * r + term) * power_of_two(k)
}

/// 2**k for a whole k from -1022 to 1023: k + 1023 are the exponent's bits, and adding 2**52 puts a whole number into the lowest bits.
fn power_of_two(k: f64) -> f64 {
    f64::from_bits(((k + 1023.0 + 4_503_599_627_370_496.0).to_bits() & 0x7FF) << 52)
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn within_two_units_in_the_last_place() {
        for step in 0..700_000 {
            let x = -f64::from(step) / 1_000.0;
            let (ours, theirs) = (exp(x), x.exp());
            assert!(ours.to_bits().abs_diff(theirs.to_bits()) <= 2, "{x}: {ours:e} {theirs:e}");
        }
    }
}
