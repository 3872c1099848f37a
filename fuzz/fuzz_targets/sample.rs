//! Law: a row is refused exactly if it has a NaN or allows nothing; else what is drawn is allowed, kept by every step, and of a probability above 0.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toklet::sample::{Sampler, log_softmax, softmax, top_k};

fuzz_target!(|input: (Vec<u32>, [u64; 5], u64)| {
    let (bits, [temperature, k, p, min_p, seed], position) = input;
    let special = [0.0, -0.0, 1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN, f32::from_bits(1), 1e-30, -1.0, 88.0];
    let row: Vec<f32> = bits.iter().map(|bits| if bits % 3 == 0 { special[*bits as usize / 3 % 12] } else { f32::from_bits(*bits) }).collect();
    let unit = |bits: u64| (bits % 4 != 0).then_some((bits % 1_000) as f64 / 999.0);
    let temperature = if temperature % 4 == 0 { f64::from_bits(temperature) } else { (temperature % 30) as f64 / 10.0 };
    let Ok(sampler) = Sampler::new(temperature, (k % 4 != 0).then_some(k as usize % 40), unit(p), unit(min_p), seed) else { return };
    let refused = row.iter().any(|x| x.is_nan()) || row.iter().all(|x| *x == f32::NEG_INFINITY);
    let (drawn, distribution) = (sampler.sample(&row, position, 0), sampler.distribution(&row, 0));
    assert_eq!(
        (drawn.is_err(), distribution.is_err(), softmax(&row, temperature, 0).is_err(), log_softmax(&row, 0).is_err()),
        (refused, refused, refused, refused)
    );
    let (Ok(id), Ok(distribution)) = (drawn, distribution) else { return };
    assert!(row[id] > f32::NEG_INFINITY && distribution[id] > 0.0, "{id} of {row:?}: {distribution:?}");
    assert!((distribution.iter().sum::<f64>() - 1.0).abs() < 1e-9 && distribution.iter().all(|p| (0.0..=1.0).contains(p)));
    assert!(row.iter().zip(&distribution).all(|(x, p)| *x > f32::NEG_INFINITY || *p == 0.0));
    assert!(k % 4 == 0 || distribution.iter().filter(|p| **p > 0.0).count() <= k as usize % 40);
    let best = top_k(&row, row.len());
    assert!(best.windows(2).all(|two| (-row[two[0]], two[0]) < (-row[two[1]], two[1])) && (temperature > 0.0 || id == best[0]));
    let wide: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
    assert_eq!((sampler.sample(&wide, position, 0), sampler.distribution(&wide, 0)), (Ok(id), Ok(distribution)));
});
