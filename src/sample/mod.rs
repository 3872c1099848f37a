//! Logits -> id: sketch, select, draw, adjust.
//!
//! A logit is an unnormalised log-probability. The steps go over a row in a named order ([`Settings`]): bias and penalties change the logits of a few ids
//! (`adjust`); the temperature divides all of them; top-k, top-p and their like choose which ids stay, each among those that the ones before left (`select`,
//! `nucleus`); one of these is drawn (`draw`). Every step works on (x - best) / T, so nothing overflows, and orders by value, then by the lower id.
//!
//! The row is read once, for the maximum of each block of 256 (`sketch`); what else is read are the few blocks that matter. The arithmetic (`weight`) gives the
//! same bits on every machine, in every vector width (`kernels`), and in the reference.

mod adjust;
mod draw;
mod kept;
mod kernels;
mod mask;
mod mass;
mod nucleus;
mod number;
mod row;
mod select;
mod settings;
mod sketch;
mod softmax;
mod weight;

use std::collections::HashMap;
use std::f64::consts::LN_2;

use crate::error::{Error, Kind, Result};
use crate::philox::{ACCEPT, RESIDUAL, XTC, odd_bits, uniform};
use adjust::index;
use kept::{Kept, Place};
pub use kernels::Value;
use kernels::{BLOCK, at_least, each_weight};
pub use mask::Mask;
pub use number::Number;
use row::Row;
pub use row::Source;
pub use settings::{Settings, Step};
pub use softmax::{log_softmax, softmax};
use weight::{Scale, UNIT, fraction};
pub use weight::{exp, ln};

/// The ranks of so many ids are read off the sorted row; to find one without takes a read.
const MANY: usize = 512;

/// A row of logits, and all that its id depends on but the settings.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a, V> {
    /// The logits.
    pub row: Source<'a, V>,
    /// What may be drawn.
    pub mask: Mask<'a>,
    /// The ids so far.
    pub history: &'a [u32],
    /// The place of the id in its sequence: seed and position make the random number.
    pub position: u64,
    /// What errors call the row.
    pub index: usize,
}

impl<'a, V> From<Source<'a, V>> for Input<'a, V> {
    fn from(row: Source<'a, V>) -> Self {
        Self { row, mask: Mask::All, history: &[], position: 0, index: 0 }
    }
}

/// Log-probabilities in nats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logprobs {
    /// The most probable ids and theirs, largest first.
    pub top: Vec<(usize, f64)>,
    /// Those of the ids that were asked for, with their ranks: 1 for the most probable, 0 for what can't be drawn.
    pub asked: Vec<(f64, usize)>,
}

/// The steps from logits to an id.
///
/// ```
/// use toklet::sample::{Sampler, Settings, Source};
/// let greedy = Sampler::new(Settings { temperature: 0.0, ..Settings::default() })?;
/// assert_eq!(greedy.sample(&Source::Plain(&[0.1_f32, 2.0, 2.0]).into())?, 1);
/// # Ok::<(), toklet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sampler(Settings);

impl Sampler {
    /// Check the settings.
    pub fn new(settings: Settings) -> Result<Self> {
        settings.checked().map(Self)
    }

    /// Draw an id.
    pub fn sample<V: Value>(&self, input: &Input<'_, V>) -> Result<usize> {
        Ok(self.choose(input)?.draw(self.0.seed, input.position))
    }

    /// Take a row through the steps.
    fn choose<'a, V: Value>(&self, input: &Input<'a, V>) -> Result<Kept<'a, V>> {
        let row = Row::new(input.row, input.mask, input.index)?;
        self.check_ids(&row, input)?;
        let mut kept = Kept::all(row, input.index)?;
        for step in &self.0.order {
            self.step(*step, &mut kept, input)?;
        }
        kept.settle();
        Ok(kept)
    }

    /// Refuse ids that the row has no logit for.
    fn check_ids<V: Value>(&self, row: &Row<'_, V>, input: &Input<'_, V>) -> Result<()> {
        let refuse = |place: String, id: usize| {
            let allowed = format!("below {}, the number of logits", row.len());
            Err(Error::new(Kind::Argument, place, id.to_string(), allowed))
        };
        if let Some((id, _)) = self.0.logit_bias.iter().find(|(id, _)| *id >= row.len()) {
            return refuse("an id of logit_bias".into(), *id);
        }
        match input.history.iter().map(|id| index(*id)).find(|id| *id >= row.len()) {
            Some(id) => refuse(format!("an id in the history of row {}", input.index), id),
            None => Ok(()),
        }
    }

    fn step<V: Value>(&self, step: Step, kept: &mut Kept<'_, V>, input: &Input<'_, V>) -> Result<()> {
        let settings = &self.0;
        match step {
            Step::LogitBias => return kept.bias(settings),
            Step::Penalties => return kept.penalties(settings, input.history),
            Step::Dry => return kept.dry(settings, input.history),
            Step::Temperature if settings.temperature > 0.0 => {
                kept.scale = Scale::new(settings.temperature);
                return Ok(());
            }
            Step::Temperature => kept.place = Place::List(kept.largest(1)),
            Step::TopK => kept.settle().top_k(settings.top_k.unwrap_or(usize::MAX)),
            Step::TopP => kept.settle().top_p(settings.top_p.unwrap_or(1.0)),
            Step::MinP => kept.settle().min_p(settings.min_p.unwrap_or(0.0)),
            Step::TypicalP => kept.settle().typical_p(settings.typical_p.unwrap_or(1.0)),
            Step::TopNSigma => kept.settle().top_n_sigma(settings.top_n_sigma.unwrap_or(f64::INFINITY)),
            Step::Xtc if odd_bits(settings.seed, input.position, XTC, 0) < fraction(settings.xtc_probability) => kept.settle().xtc(settings.xtc_threshold),
            Step::Xtc => drop(kept.settle()),
            Step::Mirostat if settings.mirostat == 1 => kept.settle().mirostat_1(settings.mu()),
            Step::Mirostat => kept.settle().mirostat_2(settings.mu()),
        }
        kept.chosen = true;
        Ok(())
    }

    /// The probabilities that `sample` draws from.
    ///
    /// ```
    /// use toklet::sample::{Sampler, Settings, Source};
    /// let two = Sampler::new(Settings { top_k: Some(2), ..Settings::default() })?;
    /// assert_eq!(two.distribution(&Source::Plain(&[0.0_f32, 1.0, 1.0, -1.0]).into())?, [0.0, 0.5, 0.5, 0.0]);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn distribution<V: Value>(&self, input: &Input<'_, V>) -> Result<Vec<f64>> {
        Ok(self.choose(input)?.probabilities())
    }

    /// The log-probabilities of the `top` most probable ids, and of some others: of what `sample` draws from.
    pub fn logprobs<V: Value>(&self, input: &Input<'_, V>, ids: &[usize], top: usize) -> Result<Logprobs> {
        Ok(self.choose(input)?.logprobs(ids, top))
    }

    /// Whether an id drawn from the draft may stand; where not, another, so that what stands is distributed as the target says.
    ///
    /// It stands with probability min(1, p / q); else one is drawn from the rest max(0, p - q) (Leviathan et al., 2023; Chen et al., 2023).
    pub fn accept<V: Value, W: Value>(&self, target: &Input<'_, V>, draft: Source<'_, W>, id: usize) -> Result<(bool, usize)> {
        let Input { mask, history, position, index, .. } = *target;
        let (p, q) = (self.distribution(target)?, self.distribution(&Input { row: draft, mask, history, position, index })?);
        if p.len() != q.len() {
            let place = format!("the length of draft row {index}");
            return Err(Error::new(Kind::Logits, place, q.len().to_string(), format!("{}, as long as the target's", p.len())));
        }
        if q.get(id).is_none_or(|q| *q == 0.0) {
            let allowed = "an id that the sampler can draw from its draft row";
            return Err(Error::new(Kind::Argument, format!("draft id {index}"), id.to_string(), allowed));
        }
        if uniform(self.0.seed, position, ACCEPT) * q[id] < p[id] {
            return Ok((true, id));
        }
        let units = |x: f64| weight::whole(x * (1_u64 << 60) as f64);
        let mut rest: Vec<u64> = p.iter().zip(&q).map(|(p, q)| units((p - q).max(0.0))).collect();
        if rest.iter().all(|mass| *mass == 0) {
            rest = p.into_iter().map(units).collect(); // p and q are the same but for rounding
        }
        let lengths: Vec<u64> = rest.chunks(BLOCK).map(|block| block.iter().sum()).collect();
        let weights = |block: usize, weights: &mut [u64; BLOCK]| {
            weights.iter_mut().zip(&rest[block * BLOCK..]).for_each(|(weight, mass)| *weight = *mass);
        };
        Ok((false, draw::draw(lengths.clone(), |block| lengths[block], weights, (self.0.seed, position, RESIDUAL))))
    }

    /// Mirostat's mu after an id has been drawn: mu - eta (surprise - tau), the surprise in bits.
    pub fn observed<V: Value>(&self, input: &Input<'_, V>, id: usize) -> Result<f64> {
        let found = self.logprobs(input, &[id], 0)?;
        match found.asked[..] {
            [(logprob, 1..)] => Ok(self.0.mu() - self.0.mirostat_eta * (-logprob / LN_2 - self.0.mirostat_tau)),
            _ => {
                let allowed = "an id that the sampler can draw from its row";
                Err(Error::new(Kind::Argument, format!("ids[{}]", input.index), id.to_string(), allowed))
            }
        }
    }
}

impl<V: Value> Kept<'_, V> {
    /// The probability of every id.
    fn probabilities(&self) -> Vec<f64> {
        let (mut found, total) = (vec![0.0; self.row.len()], self.total() as f64 / UNIT);
        let mut room = [V::NONE; BLOCK];
        let mut weights = [0.0; BLOCK];
        match &self.place {
            Place::List(list) if self.best() == V::INFINITE => list.iter().for_each(|(_, id)| found[*id] = 1.0),
            Place::List(list) => {
                let values: Vec<V> = list.iter().map(|(x, _)| *x).collect();
                let mut weights = vec![0.0; values.len()];
                each_weight(&values, self.best(), &self.scale, &mut weights);
                list.iter().zip(weights).for_each(|((_, id), weight)| found[*id] = f64::from(weight) / total);
            }
            Place::Row(cut) => {
                for block in self.sketch.blocks(cut.floor) {
                    let (x, floor) = self.block(block, *cut, &mut room);
                    each_weight(x, self.sketch.best, &self.scale, &mut weights);
                    let kept = x.iter().zip(weights).map(|(x, weight)| if *x >= floor { f64::from(weight) / total } else { 0.0 });
                    found[block * BLOCK..].iter_mut().zip(kept).for_each(|(found, p)| *found = p);
                }
            }
        }
        found
    }

    /// The log-probabilities of the most probable ids, and of some others with their ranks.
    fn logprobs(&self, ids: &[usize], top: usize) -> Logprobs {
        let (best, log_total) = (self.best(), ln(self.total() as f64 / UNIT));
        let logprob = |x: V| match x == V::INFINITE {
            true => 0.0,
            false => ((x.into() - best.into()) / self.scale.temperature - log_total).max(f32::MIN.into()), // finite as a single as well
        };
        let sorted = (ids.len() > MANY).then(|| self.list().into_iter().zip(1..).map(|((x, id), rank)| (id, (x, rank))).collect::<HashMap<_, _>>());
        let asked = |id: &usize| match sorted.as_ref().map_or_else(|| self.rank(*id), |sorted| sorted.get(id).copied()) {
            Some((x, rank)) => (logprob(x), rank),
            None => (f64::NEG_INFINITY, 0),
        };
        Logprobs { asked: ids.iter().map(asked).collect(), top: self.largest(top).into_iter().map(|(x, id)| (id, logprob(x))).collect() }
    }

    /// The logit of an id that is kept, and its place, 1 for the best.
    fn rank(&self, id: usize) -> Option<(V, usize)> {
        let cut = match &self.place {
            Place::List(list) => return list.iter().position(|(_, other)| *other == id).map(|place| (list[place].0, place + 1)),
            Place::Row(cut) => *cut,
        };
        let x = self.row.get(id);
        let (mut room, mut before) = ([V::NONE; BLOCK], 0);
        for block in self.sketch.blocks(x) {
            // Of the blocks before the id's, equal ones count as well; within its own block they are looked at one by one.
            let row = self.row.block(block, &mut room);
            let over = at_least(row, if block < id / BLOCK { x } else { x.next() });
            before += over.iter().map(|bits| bits.count_ones() as usize).sum::<usize>();
            if block == id / BLOCK {
                before += row[..id % BLOCK].iter().filter(|other| **other == x).count();
            }
        }
        (x > V::NONE && cut.keeps((x, id))).then_some((x, before + 1))
    }
}

/// The log-probabilities of a row as the model says, whatever the settings.
pub fn logprobs<V: Value>(row: Source<'_, V>, ids: &[usize], top: usize, index: usize) -> Result<Logprobs> {
    Ok(Kept::all(Row::new(row, Mask::All, index)?, index)?.settle().logprobs(ids, top))
}

/// The ids of the k largest of a row, largest first, the lower id first among equals; a NaN is refused.
///
/// ```
/// use toklet::sample::{Source, top_k};
/// assert_eq!(top_k(Source::Plain(&[1.0_f32, 3.0, 3.0, 2.0]), 3, 0)?, [1, 2, 3]);
/// # Ok::<(), toklet::Error>(())
/// ```
pub fn top_k<V: Value>(row: Source<'_, V>, k: usize, index: usize) -> Result<Vec<usize>> {
    select::largest(Row::new(row, Mask::All, index)?, k, index)
}
