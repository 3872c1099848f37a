//! What a Sampler takes, with the range of each parameter; and the order of its steps, which every library of the field has its own of.

use crate::error::{Error, Kind, Result};

/// Bounds what users multiply and divide by, so that nothing overflows silently.
const HUGE: f64 = 1e300;

/// A step from logits to an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Add to the logits of some ids.
    LogitBias,
    /// Repetition, frequency and presence penalty.
    Penalties,
    /// Penalise what would continue a repetition.
    Dry,
    /// Divide by the temperature.
    Temperature,
    /// Keep the k largest.
    TopK,
    /// Keep the nucleus.
    TopP,
    /// Keep what is probable enough beside the best.
    MinP,
    /// Keep what is as surprising as the mean.
    TypicalP,
    /// Keep what is few standard deviations under the best.
    TopNSigma,
    /// Leave out the top choices, now and then.
    Xtc,
    /// Keep the surprise near a target.
    Mirostat,
}
use Step::{Dry, LogitBias, MinP, Mirostat, Penalties, Temperature, TopK, TopNSigma, TopP, TypicalP, Xtc};

/// The steps by their names.
const NAMES: [(&str, Step); 11] = [
    ("logit_bias", LogitBias),
    ("penalties", Penalties),
    ("dry", Dry),
    ("temperature", Temperature),
    ("top_k", TopK),
    ("top_p", TopP),
    ("min_p", MinP),
    ("typical_p", TypicalP),
    ("top_n_sigma", TopNSigma),
    ("xtc", Xtc),
    ("mirostat", Mirostat),
];

/// The orders of Hugging Face's logits processors; of vLLM, which cuts at min-p first; of llama.cpp's default chain and of mlx-lm, which divide by the
/// temperature last; and of OpenAI's parameters. A step that a library doesn't have stands where it does least.
const ORDERS: [(&str, [Step; 11]); 5] = [
    ("hf", [LogitBias, Penalties, Dry, Temperature, TopK, TopP, MinP, TypicalP, TopNSigma, Xtc, Mirostat]),
    ("vllm", [LogitBias, Penalties, Dry, Temperature, MinP, TopK, TopP, TypicalP, TopNSigma, Xtc, Mirostat]),
    ("llama.cpp", [LogitBias, Penalties, Dry, TopNSigma, TopK, TypicalP, TopP, MinP, Xtc, Temperature, Mirostat]),
    ("mlx", [LogitBias, Penalties, Dry, TopNSigma, TypicalP, TopP, MinP, Xtc, TopK, Temperature, Mirostat]),
    ("openai", [LogitBias, Penalties, Dry, Temperature, TopP, TopK, MinP, TypicalP, TopNSigma, Xtc, Mirostat]),
];

impl Step {
    /// The steps of a named order.
    ///
    /// ```
    /// use toklet::sample::Step;
    /// assert_eq!(Step::order("llama.cpp").map(|steps| steps[9]), Some(Step::Temperature));
    /// ```
    pub fn order(name: &str) -> Option<Vec<Self>> {
        ORDERS.iter().find(|(known, _)| *known == name).map(|(_, steps)| steps.to_vec())
    }

    /// The step of a name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, step)| *step)
    }

    /// The name of a step.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, step)| *step == self).map_or("", |(name, _)| name)
    }
}

/// The parameters of a [`Sampler`](super::Sampler); the defaults change nothing.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // `toklet.Sampler` says what each one does
pub struct Settings {
    pub temperature: f64,
    pub top_k: Option<usize>,
    pub top_p: Option<f64>,
    pub min_p: Option<f64>,
    pub seed: u64,
    pub typical_p: Option<f64>,
    pub top_n_sigma: Option<f64>,
    pub xtc_probability: f64,
    pub xtc_threshold: f64,
    pub repetition_penalty: f64,
    pub presence_penalty: f64,
    pub frequency_penalty: f64,
    pub penalty_last_n: Option<usize>,
    pub dry_multiplier: f64,
    pub dry_base: f64,
    pub dry_allowed_length: u64,
    pub dry_last_n: Option<usize>,
    pub dry_sequence_breakers: Vec<u32>,
    pub mirostat: u8,
    pub mirostat_tau: f64,
    pub mirostat_eta: f64,
    pub mirostat_mu: Option<f64>,
    pub logit_bias: Vec<(usize, f64)>,
    pub order: Vec<Step>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: None,
            top_p: None,
            min_p: None,
            seed: 0,
            typical_p: None,
            top_n_sigma: None,
            xtc_probability: 0.0,
            xtc_threshold: 0.1,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            penalty_last_n: None,
            dry_multiplier: 0.0,
            dry_base: 1.75,
            dry_allowed_length: 2,
            dry_last_n: None,
            dry_sequence_breakers: Vec::new(),
            mirostat: 0,
            mirostat_tau: 5.0,
            mirostat_eta: 0.1,
            mirostat_mu: None,
            logit_bias: Vec::new(),
            order: ORDERS[0].1.to_vec(),
        }
    }
}

impl Settings {
    /// Refuse what is out of range, and a parameter whose step isn't in the order; sort what is looked up.
    pub(super) fn checked(mut self) -> Result<Self> {
        const TINY: f64 = f64::from_bits(1);
        let maybe = |x: Option<f64>, none: f64| x.unwrap_or(none);
        for (place, x, low, high, allowed) in [
            ("temperature", self.temperature, 0.0, HUGE, "from 0 to 1e+300"),
            ("top_p", maybe(self.top_p, 1.0), TINY, 1.0, "above 0 and at most 1, or None for all"),
            ("min_p", maybe(self.min_p, 0.0), 0.0, 1.0, "from 0 to 1, or None for all"),
            ("typical_p", maybe(self.typical_p, 1.0), TINY, 1.0, "above 0 and at most 1, or None for all"),
            ("top_n_sigma", maybe(self.top_n_sigma, 0.0), 0.0, HUGE, "from 0 to 1e+300, or None for all"),
            ("xtc_probability", self.xtc_probability, 0.0, 1.0, "from 0 to 1"),
            ("xtc_threshold", self.xtc_threshold, 0.0, 1.0, "from 0 to 1"),
            ("repetition_penalty", self.repetition_penalty, TINY, HUGE, "above 0 and at most 1e+300"),
            ("presence_penalty", self.presence_penalty, -HUGE, HUGE, "from -1e+300 to 1e+300"),
            ("frequency_penalty", self.frequency_penalty, -HUGE, HUGE, "from -1e+300 to 1e+300"),
            ("dry_multiplier", self.dry_multiplier, 0.0, HUGE, "from 0 to 1e+300"),
            ("dry_base", self.dry_base, 1.0, HUGE, "from 1 to 1e+300"),
            ("mirostat_tau", self.mirostat_tau, TINY, HUGE, "above 0 and at most 1e+300"),
            ("mirostat_eta", self.mirostat_eta, 0.0, HUGE, "from 0 to 1e+300"),
            ("mirostat_mu", maybe(self.mirostat_mu, 0.0), -HUGE, HUGE, "from -1e+300 to 1e+300"),
        ] {
            if !(low..=high).contains(&x) {
                return Err(Error::new(Kind::Argument, place, shown(x), allowed));
            }
        }
        let refuse = |place: &str, found: String, allowed: &str| Err(Error::new(Kind::Argument, place, found, allowed));
        match (self.top_k, self.dry_allowed_length, self.mirostat) {
            (Some(0), ..) => return refuse("top_k", "0".into(), "an integer, at least 1, or None for all"),
            (_, 0, _) => return refuse("dry_allowed_length", "0".into(), "an integer, at least 1"),
            (.., n @ 3..) => return refuse("mirostat", n.to_string(), "0, 1 or 2"),
            _ => {}
        }
        if let Some((id, x)) = self.logit_bias.iter().find(|(_, x)| !(f64::NEG_INFINITY..=HUGE).contains(x)) {
            return refuse(&format!("logit_bias[{id}]"), shown(*x), "a number up to 1e+300, or -inf to forbid the id");
        }
        if let Some(at) = (1..self.order.len()).find(|at| self.order[..*at].contains(&self.order[*at])) {
            return refuse(&format!("order[{at}]"), format!("'{}'", self.order[at].name()), "a step that isn't in it yet");
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, step)| self.uses(*step) && !self.order.contains(step)) {
            return refuse("order", format!("without '{name}'"), "a list with every step that a parameter asks for");
        }
        self.order.retain({
            let all = self.clone();
            move |step| all.uses(*step)
        });
        self.dry_sequence_breakers.sort_unstable();
        Ok(self)
    }

    /// Whether a step has anything to do.
    fn uses(&self, step: Step) -> bool {
        match step {
            LogitBias => !self.logit_bias.is_empty(),
            Penalties => self.repetition_penalty != 1.0 || self.presence_penalty != 0.0 || self.frequency_penalty != 0.0,
            Dry => self.dry_multiplier > 0.0,
            Temperature => self.temperature != 1.0,
            TopK => self.top_k.is_some(),
            TopP => self.top_p.is_some_and(|p| p < 1.0),
            MinP => self.min_p.is_some_and(|p| p > 0.0),
            TypicalP => self.typical_p.is_some_and(|p| p < 1.0),
            TopNSigma => self.top_n_sigma.is_some(),
            Xtc => self.xtc_probability > 0.0,
            Mirostat => self.mirostat > 0,
        }
    }

    /// Mirostat's state, at first twice its target.
    pub(super) fn mu(&self) -> f64 {
        self.mirostat_mu.unwrap_or(2.0 * self.mirostat_tau)
    }
}

/// A number as messages show it: as Python writes it, an exponent with a sign and two digits at least.
pub(super) fn shown(x: f64) -> String {
    let text = format!("{x:?}").replace("NaN", "nan");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
            format!("{digits}e{sign}{size:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_as_python_writes_them() {
        let shown = [-1.0, 1.5, f64::NAN, f64::INFINITY, -1e-5, -1e-4, 1e15, 1e16, 1.5e300].map(super::shown);
        assert_eq!(shown, ["-1.0", "1.5", "nan", "inf", "-1e-05", "-0.0001", "1000000000000000.0", "1e+16", "1.5e+300"]);
    }
}
