//! Logits -> id: softmax, temperature, top-k, top-p, min-p, and the draw.
//!
//! A logit is an unnormalised log-probability. In this order (the one of Hugging Face): the logits are divided by the temperature; top-k keeps the k largest;
//! top-p keeps the smallest set of the largest whose probability reaches p; min-p keeps what is at least min_p times as probable as the best; the rest is
//! drawn from. Every step works on (x - max) / T, so nothing overflows, and orders by value, then by the lower id. Temperature 0 takes the largest. All
//! arithmetic is double precision with an exponential of our own, in a fixed order, so that both backends give the same bits.

mod exp;
mod select;

use crate::error::{Error, Kind, MAX_LOGITS, Result};
use crate::philox::{DRAW, uniform};
pub use exp::exp;
pub use select::top_k;

/// The logits of one row, of any width.
pub trait Logit: Copy + PartialOrd + Into<f64> {}
impl<T: Copy + PartialOrd + Into<f64>> Logit for T {}

/// The steps from logits to an id, with their settings.
///
/// ```
/// use toklet::sample::Sampler;
/// let greedy = Sampler::new(0.0, None, None, None, 7)?;
/// assert_eq!(greedy.sample(&[0.1_f32, 2.0, 2.0], 0, 0)?, 1);
/// # Ok::<(), toklet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sampler {
    temperature: f64,
    top_k: Option<usize>,
    top_p: Option<f64>,
    min_p: Option<f64>,
    seed: u64,
}

impl Sampler {
    /// Check the settings.
    pub fn new(temperature: f64, top_k: Option<usize>, top_p: Option<f64>, min_p: Option<f64>, seed: u64) -> Result<Self> {
        let refuse = |place: &str, found: String, allowed: &str| Err(Error::new(Kind::Argument, place, found, allowed));
        check_temperature(temperature)?;
        if top_k == Some(0) {
            return refuse("top_k", "0".into(), "an integer, at least 1, or None for all");
        }
        if let Some(p) = top_p.filter(|p| !(f64::from_bits(1)..=1.0).contains(p)) {
            return refuse("top_p", shown(p), "above 0 and at most 1, or None for all");
        }
        if let Some(p) = min_p.filter(|p| !(0.0..=1.0).contains(p)) {
            return refuse("min_p", shown(p), "from 0 to 1, or None for all");
        }
        Ok(Self { temperature, top_k, top_p, min_p, seed })
    }

    /// Draw an id: the first at which the running sum of the weights passes u times their total. `index` names the row in errors.
    pub fn sample<T: Logit>(&self, row: &[T], position: u64, index: usize) -> Result<usize> {
        let x = scaled(row, self.temperature, index)?;
        let kept = self.keep(&x);
        let weights: Vec<f64> = kept.iter().map(|id| exp(x[*id])).collect();
        let target = uniform(self.seed, position, DRAW) * add(&weights);
        let mut mass = 0.0;
        let passes = |weight: &f64| {
            mass += weight;
            mass > target
        };
        let drawn = weights.iter().position(passes).unwrap_or(kept.len() - 1);
        Ok(kept[drawn])
    }

    /// The probabilities that `sample` draws from.
    ///
    /// ```
    /// let two = toklet::sample::Sampler::new(1.0, Some(2), None, None, 7)?;
    /// assert_eq!(two.distribution(&[0.0_f32, 1.0, 1.0, -1.0], 0)?, [0.0, 0.5, 0.5, 0.0]);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn distribution<T: Logit>(&self, row: &[T], index: usize) -> Result<Vec<f64>> {
        let x = scaled(row, self.temperature, index)?;
        let kept = self.keep(&x);
        let weights: Vec<f64> = kept.iter().map(|id| exp(x[*id])).collect();
        let total = add(&weights);
        let mut probabilities = vec![0.0; x.len()];
        for (id, weight) in kept.into_iter().zip(weights) {
            probabilities[id] = weight / total;
        }
        Ok(probabilities)
    }

    /// The ids that may be drawn, in the order of the ids; `x` is a scaled row.
    fn keep(&self, x: &[f64]) -> Vec<usize> {
        let mut ids = match (self.top_k, self.top_p) {
            (None, None | Some(1.0)) => (0..x.len()).collect(),
            (k, p) => {
                let ids = top_k(x, k.unwrap_or(x.len()));
                select::top_p(x, ids, p.unwrap_or(1.0))
            }
        };
        let floor = self.min_p.filter(|p| *p > 0.0).map_or(f64::NEG_INFINITY, f64::ln);
        ids.retain(|id| x[*id] >= floor && x[*id] > f64::NEG_INFINITY);
        ids.sort_unstable();
        ids
    }
}

/// The probabilities of a row.
///
/// ```
/// let p = toklet::sample::softmax(&[2.0_f32, 1.0, 0.0], 1.0, 0)?;
/// assert_eq!(format!("{:.3} {:.3} {:.3}", p[0], p[1], p[2]), "0.665 0.245 0.090");
/// # Ok::<(), toklet::Error>(())
/// ```
pub fn softmax<T: Logit>(row: &[T], temperature: f64, index: usize) -> Result<Vec<f64>> {
    check_temperature(temperature)?;
    let mut weights = scaled(row, temperature, index)?;
    weights.iter_mut().for_each(|x| *x = exp(*x));
    let total = add(&weights);
    weights.iter_mut().for_each(|weight| *weight /= total);
    Ok(weights)
}

/// The log-probabilities of a row, in nats.
///
/// ```
/// assert_eq!(toklet::sample::log_softmax(&[3.0_f32, 3.0], 0)?, [0.5_f64.ln(); 2]);
/// # Ok::<(), toklet::Error>(())
/// ```
pub fn log_softmax<T: Logit>(row: &[T], index: usize) -> Result<Vec<f64>> {
    let mut x = scaled(row, 1.0, index)?;
    let log_total = x.iter().fold(0.0, |total, value| total + exp(*value)).ln();
    x.iter_mut().for_each(|value| *value -= log_total);
    Ok(x)
}

fn check_temperature(temperature: f64) -> Result<()> {
    if (0.0..=1e300).contains(&temperature) {
        return Ok(());
    }
    Err(Error::new(Kind::Argument, "temperature", shown(temperature), "a finite number, at least 0"))
}

/// (x - max) / T, once the row is known to be one: a NaN, or a row that allows nothing, is refused. Temperature 0, or an infinite maximum, leaves only the
/// first largest.
fn scaled<T: Logit>(row: &[T], temperature: f64, index: usize) -> Result<Vec<f64>> {
    let refuse = |place: String, found: String, allowed: &str| Err(Error::new(Kind::Logits, place, found, allowed));
    if row.is_empty() || row.len() > MAX_LOGITS {
        return refuse(format!("the length of row {index}"), row.len().to_string(), &format!("from 1 to {MAX_LOGITS} logits"));
    }
    let mut x: Vec<f64> = row.iter().map(|logit| (*logit).into()).collect();
    if let Some(id) = x.iter().position(|logit| logit.is_nan()) {
        return refuse(format!("logit {id} of row {index}"), "NaN".into(), "a number");
    }
    let best = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if best == f64::NEG_INFINITY {
        let allowed = "above -inf at one id at least, or nothing can be sampled";
        return refuse(format!("row {index}"), "-inf at every id".into(), allowed);
    }
    if temperature == 0.0 || best == f64::INFINITY {
        let first = x.iter().position(|logit| *logit == best);
        x.iter_mut().enumerate().for_each(|(id, logit)| *logit = if Some(id) == first { 0.0 } else { f64::NEG_INFINITY });
    } else {
        x.iter_mut().for_each(|logit| *logit = (*logit - best) / temperature);
    }
    Ok(x)
}

/// A number as messages show it: as Python writes it, an exponent with a sign and two digits at least.
fn shown(x: f64) -> String {
    let text = format!("{x:?}").replace("NaN", "nan");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
            format!("{digits}e{sign}{size:0>2}")
        }
        None => text,
    }
}

/// Add from the left.
fn add(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |total, value| total + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_row_may_be() {
        for row in [&[][..], &[0.0, f32::NAN], &[f32::NEG_INFINITY; 3]] {
            assert_eq!(softmax(row, 1.0, 4).map_err(|error| error.kind), Err(Kind::Logits));
        }
    }

    #[test]
    fn numbers_as_python_writes_them() {
        let shown = [-1.0, 1.5, f64::NAN, f64::INFINITY, -1e-5, -1e-4, 1e15, 1e16, 1.5e300].map(super::shown);
        assert_eq!(shown, ["-1.0", "1.5", "nan", "inf", "-1e-05", "-0.0001", "1000000000000000.0", "1e+16", "1.5e+300"]);
    }

    #[test]
    fn extreme_rows() {
        let sampler = Sampler::new(1.0, None, None, None, 1).unwrap();
        assert_eq!(sampler.distribution(&[f32::MAX, f32::MAX, -f32::MAX], 0), Ok(vec![0.5, 0.5, 0.0]));
        assert_eq!(sampler.distribution(&[1.0, f32::INFINITY, f32::INFINITY], 0), Ok(vec![0.0, 1.0, 0.0]));
        assert_eq!(sampler.distribution(&[-0.0, 0.0, f32::NEG_INFINITY], 0), Ok(vec![0.5, 0.5, 0.0]));
        assert_eq!(top_k(&[-0.0_f32, 0.0, 1e-45], 3), [2, 0, 1]);
    }
}
