//! The numbers that logits are: singles, which also hold every 16-bit float, and doubles; their bounds, their order, and how they are rounded.

/// A logit as it is compared: a single (which also holds 16-bit floats) or a double.
pub trait Number: Copy + PartialOrd + Into<f64> + Send + Sync + 'static {
    /// -inf.
    const NONE: Self;
    /// inf.
    const INFINITE: Self;
    /// The least finite value.
    const LEAST: Self;
    /// The difference to the best, as a single.
    fn difference(self, best: Self) -> f32;
    /// The nearest value, a finite one where `x` is finite.
    fn nearest(x: f64) -> Self;
    /// The smallest value that isn't under `x`.
    fn not_under(x: f64) -> Self;
    /// The next larger value.
    fn next(self) -> Self;
    /// The value of a float16, by its bits.
    fn of_half(bits: u16) -> Self;
    /// The value of a bfloat16, by its bits.
    fn of_brain(bits: u16) -> Self;
    /// What sorts values into falling order, and equal ones (the two zeros are equal) by id.
    type Order: Ord + Copy;
    /// The place of a value and an id in that order.
    fn order(self, id: usize) -> Self::Order;
}

impl Number for f32 {
    const NONE: Self = f32::NEG_INFINITY;
    const INFINITE: Self = f32::INFINITY;
    const LEAST: Self = f32::MIN;

    #[inline(always)]
    fn difference(self, best: Self) -> f32 {
        self - best
    }

    #[allow(clippy::cast_possible_truncation)] // rounding is what it is for
    fn nearest(x: f64) -> Self {
        if x.is_finite() { (x as f32).clamp(f32::MIN, f32::MAX) } else { x as f32 }
    }

    fn not_under(x: f64) -> Self {
        let near = Self::nearest(x);
        if f64::from(near) < x { near.next_up() } else { near }
    }

    fn next(self) -> Self {
        self.next_up()
    }

    #[inline(always)]
    fn of_half(bits: u16) -> Self {
        // The exponent and the fraction in a single's place, made small; a multiplication brings the exponent to where it belongs, also that of a subnormal.
        let (sign, magnitude) = (u32::from(bits & 0x8000) << 16, u32::from(bits & 0x7FFF) << 13);
        let x = f32::from_bits(magnitude) * f32::from_bits((254 - 15) << 23);
        let infinite = if bits & 0x7C00 == 0x7C00 { 0xFF << 23 } else { 0 };
        f32::from_bits(x.to_bits() | infinite | sign)
    }

    #[inline(always)]
    fn of_brain(bits: u16) -> Self {
        f32::from_bits(u32::from(bits) << 16)
    }

    type Order = u64;

    #[inline(always)]
    fn order(self, id: usize) -> u64 {
        let bits = (self + 0.0).to_bits();
        let falling = if bits >> 31 == 0 { !bits & 0x7FFF_FFFF } else { bits };
        u64::from(falling) << 32 | id as u64 // an id has 24 bits
    }
}

impl Number for f64 {
    const NONE: Self = f64::NEG_INFINITY;
    const INFINITE: Self = f64::INFINITY;
    const LEAST: Self = f64::MIN;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // rounding is what it is for
    fn difference(self, best: Self) -> f32 {
        (self - best) as f32
    }

    fn nearest(x: f64) -> Self {
        x
    }

    fn not_under(x: f64) -> Self {
        x
    }

    fn next(self) -> Self {
        self.next_up()
    }

    fn of_half(bits: u16) -> Self {
        f32::of_half(bits).into()
    }

    fn of_brain(bits: u16) -> Self {
        f32::of_brain(bits).into()
    }

    type Order = (u64, usize);

    fn order(self, id: usize) -> (u64, usize) {
        let bits = (self + 0.0).to_bits();
        (if bits >> 63 == 0 { !bits & (u64::MAX >> 1) } else { bits }, id)
    }
}
