//! The random bit stream: Philox4x32-10, a function from (seed, position, purpose) to 128 bits, with no state at all.
//!
//! A counter-based generator: ten rounds mix the counter under the key, and nothing is remembered, so that the numbers of a row don't depend on what else is
//! sampled, in which order or on how many threads. The key is the seed, the counter the position and the purpose. Definition and known answers: Salmon,
//! Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The purposes: which decision at a position the bits are for. This one is the draw's.
pub const DRAW: u32 = 0;
/// Whether the top choices are excluded.
pub const XTC: u32 = 1;
/// Whether a drafted id may stand.
pub const ACCEPT: u32 = 2;
/// The draw in place of a drafted id that may not.
pub const RESIDUAL: u32 = 3;
/// Whether a merge is left out.
pub const DROPOUT: u32 = 4;

/// Mix four 32-bit words under two.
///
/// ```
/// use toklet::philox::philox;
/// assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
/// ```
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut left, mut right]) = (counter, key);
    for _ in 0..10 {
        let (first, second) = (product(MULTIPLIERS[0], a), product(MULTIPLIERS[1], c));
        [a, b, c, d] = [second.0 ^ b ^ left, second.1, first.0 ^ d ^ right, first.1];
        (left, right) = (left.wrapping_add(WEYL[0]), right.wrapping_add(WEYL[1]));
    }
    [a, b, c, d]
}

/// The high and the low half of a product.
fn product(one: u32, other: u32) -> (u32, u32) {
    halves(u64::from(one) * u64::from(other))
}

fn halves(wide: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = wide.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

/// 2^-53, by its bits: `powi` promises no exact result.
const ULP: f64 = f64::from_bits((1_023 - 53) << 52);

/// An odd number of 53 bits; `turn` counts the numbers that one decision takes.
pub fn odd_bits(seed: u64, position: u64, purpose: u32, turn: u32) -> u64 {
    let ((position_high, position_low), (seed_high, seed_low)) = (halves(position), halves(seed));
    let [high, low, _, _] = philox([position_low, position_high, purpose, turn], [seed_low, seed_high]);
    ((u64::from(high) << 32 | u64::from(low)) >> 11) | 1
}

/// A number strictly between 0 and 1: an odd multiple of 2^-53.
///
/// ```
/// use toklet::philox::{DRAW, uniform};
/// assert_eq!(uniform(0, 0, DRAW), (0x6627_e8d5_e169_c58d_u64 >> 11 | 1) as f64 / 2_f64.powi(53));
/// ```
pub fn uniform(seed: u64, position: u64, purpose: u32) -> f64 {
    odd_bits(seed, position, purpose, 0) as f64 * ULP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_answers() {
        let pi = philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    }
}
