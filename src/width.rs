//! The vectors that the processor has, asked once: the few loops that are written for several widths choose by it.

use std::sync::OnceLock;

/// The widths, each of which has what the one before it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    /// What every processor of this kind has.
    Plain,
    /// 256 bits, with FMA.
    Avx2,
    /// 512 bits: AVX-512 F, BW, DQ and VL.
    Avx512,
    /// With permutations of bytes (VBMI and VBMI2), and bits drawn out of and counted in a number (BMI2, POPCNT).
    Avx512Bytes,
}

/// The widest that there is, or what `TOKLET_SIMD` asks for if it is narrower: `plain`, `avx2` or `avx512`.
pub(crate) fn width() -> Width {
    static WIDTH: OnceLock<Width> = OnceLock::new();
    *WIDTH.get_or_init(|| {
        let asked = match std::env::var("TOKLET_SIMD").unwrap_or_default().as_str() {
            "plain" => Width::Plain,
            "avx2" => Width::Avx2,
            "avx512" => Width::Avx512,
            _ => Width::Avx512Bytes,
        };
        asked.min(widest())
    })
}

fn widest() -> Width {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let (f, bw) = (is_x86_feature_detected!("avx512f"), is_x86_feature_detected!("avx512bw"));
    let avx512 = avx2 && f && bw && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512vl");
    let bits = is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("popcnt");
    let bytes = avx512 && bits && is_x86_feature_detected!("avx512vbmi") && is_x86_feature_detected!("avx512vbmi2");
    [(bytes, Width::Avx512Bytes), (avx512, Width::Avx512), (avx2, Width::Avx2)].iter().find(|(has, _)| *has).map_or(Width::Plain, |(_, width)| *width)
}
