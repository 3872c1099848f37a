//! Chance for tests: numbers that are the same in every run.

/// Make what gives one number after the other, each below a bound.
pub fn chance(mut seed: u64) -> impl FnMut(usize) -> usize {
    move |bound| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % bound
    }
}
