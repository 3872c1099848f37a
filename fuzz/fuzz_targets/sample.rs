//! Law: a row is refused exactly if it has a NaN or allows nothing; else what is drawn is allowed, kept by every step, and of a probability above 0.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toklet::sample::{Input, Mask, Sampler, Settings, Source, Step, log_softmax, softmax, top_k};

fuzz_target!(|input: (Vec<u32>, [u64; 8], u64, Vec<u32>)| {
    let (bits, [temperature, k, p, min_p, more, order, masked, seed], position, history) = input;
    let special = [0.0, -0.0, 1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN, f32::from_bits(1), 1e-30, -1.0, 88.0];
    let row: Vec<f32> = bits.iter().map(|bits| if bits % 3 == 0 { special[*bits as usize / 3 % 12] } else { f32::from_bits(*bits) }).collect();
    if row.is_empty() {
        return;
    }
    let unit = |bits: u64| (bits % 4 != 0).then_some((bits % 1_000) as f64 / 999.0);
    let or = |bits: u64, none: f64| unit(bits).map_or(none, |x| x * 3.0 + 0.01);
    let settings = Settings {
        temperature: if temperature % 4 == 0 { f64::from_bits(temperature) } else { (temperature % 30) as f64 / 10.0 },
        top_k: (k % 4 != 0).then_some(k as usize % 40),
        top_p: unit(p),
        min_p: unit(min_p),
        seed,
        typical_p: unit(more >> 8),
        top_n_sigma: unit(more >> 20),
        xtc_probability: unit(more >> 30).unwrap_or(0.0),
        repetition_penalty: or(more >> 3, 1.0),
        frequency_penalty: or(more >> 13, 0.0),
        dry_multiplier: or(more >> 23, 0.0),
        mirostat: (more % 3) as u8,
        order: Step::order(["hf", "vllm", "llama.cpp", "mlx", "openai"][order as usize % 5]).unwrap_or_default(),
        ..Settings::default()
    };
    let greedy = settings.temperature == 0.0;
    let Ok(sampler) = Sampler::new(settings) else { return };
    let history: Vec<u32> = history.iter().map(|id| id % row.len() as u32).collect();
    let allowed: Vec<u8> = (0..row.len()).map(|id| u8::from(masked % 2 == 0 || masked >> (id % 60) & 1 == 0)).collect();
    let input = Input { row: Source::Plain(&row), mask: Mask::Bytes(&allowed), history: &history, position, index: 0 };
    let seen: Vec<f32> = row.iter().zip(&allowed).map(|(x, allowed)| if *allowed == 0 { f32::NEG_INFINITY } else { *x }).collect();
    let refused = |row: &[f32]| row.iter().any(|x| x.is_nan()) || row.iter().all(|x| *x == f32::NEG_INFINITY);
    let (drawn, distribution) = (sampler.sample(&input), sampler.distribution(&input));
    assert_eq!((drawn.is_err(), distribution.is_err()), (refused(&seen), refused(&seen)));
    let plain = Source::Plain(&row[..]);
    assert_eq!((softmax(plain, 1.0, 0).is_err(), log_softmax(plain, 0).is_err()), (refused(&row), refused(&row)));
    if let Ok(best) = top_k(plain, row.len(), 0) {
        assert!(best.windows(2).all(|two| (-row[two[0]], two[0]) < (-row[two[1]], two[1])));
    }
    let (Ok(id), Ok(distribution)) = (drawn, distribution) else { return };
    assert!(seen[id] > f32::NEG_INFINITY && distribution[id] > 0.0, "{id} of {row:?}: {distribution:?}");
    assert!((distribution.iter().sum::<f64>() - 1.0).abs() < 1e-6 && distribution.iter().all(|p| (0.0..=1.0001).contains(p)));
    assert!(seen.iter().zip(&distribution).all(|(x, p)| *x > f32::NEG_INFINITY || *p == 0.0));
    assert!(!greedy || distribution.iter().filter(|p| **p > 0.0).count() == 1);
    assert!(k % 4 == 0 || distribution.iter().filter(|p| **p > 0.0).count() <= k as usize % 40);
});
