//! Probabilities to read rather than to draw from: softmax and log-softmax, in double precision.

use super::kernels::{BLOCK, Value, exps, less, over, scaled as scaled_block, sum_of_exps};
use super::mask::Mask;
use super::row::{Row, Source};
use super::settings::shown;
use super::sketch::Sketch;
use super::weight::ln;
use crate::error::{Error, Kind, Result};

/// The probabilities of a row.
///
/// ```
/// use toklet::sample::{Source, softmax};
/// let p = softmax(Source::Plain(&[2.0_f32, 1.0, 0.0]), 1.0, 0)?;
/// assert_eq!(format!("{:.3} {:.3} {:.3}", p[0], p[1], p[2]), "0.665 0.245 0.090");
/// # Ok::<(), toklet::Error>(())
/// ```
pub fn softmax<V: Value>(row: Source<'_, V>, temperature: f64, index: usize) -> Result<Vec<f64>> {
    if !(0.0..=1e300).contains(&temperature) {
        return Err(Error::new(Kind::Argument, "temperature", shown(temperature), "from 0 to 1e+300"));
    }
    let mut weights = scaled(row, temperature, index)?;
    let total = exps(&mut weights);
    over(&mut weights, total);
    Ok(weights)
}

/// The log-probabilities of a row, in nats.
///
/// ```
/// use toklet::sample::{Source, log_softmax};
/// assert_eq!(log_softmax(Source::Plain(&[3.0_f32, 3.0]), 0)?, [0.5_f64.ln(); 2]);
/// # Ok::<(), toklet::Error>(())
/// ```
pub fn log_softmax<V: Value>(row: Source<'_, V>, index: usize) -> Result<Vec<f64>> {
    let mut x = scaled(row, 1.0, index)?;
    let log_total = ln(sum_of_exps(&x));
    less(&mut x, log_total);
    Ok(x)
}

/// (x - best) / T. Temperature 0, or an infinite best, leaves only the first largest.
fn scaled<V: Value>(source: Source<'_, V>, temperature: f64, index: usize) -> Result<Vec<f64>> {
    let row = Row::new(source, Mask::All, index)?;
    let best = Sketch::new(&row, index)?.best;
    let mut x = vec![0.0; row.len()];
    if temperature == 0.0 || best == V::INFINITE {
        x.fill(f64::NEG_INFINITY);
        let first = (0..row.len()).find(|id| row.get(*id) == best);
        first.into_iter().for_each(|id| x[id] = 0.0);
        return Ok(x);
    }
    let mut room = [V::NONE; BLOCK];
    for (block, x) in x.chunks_mut(BLOCK).enumerate() {
        scaled_block(row.block(block, &mut room), best.into(), temperature, x);
    }
    Ok(x)
}
