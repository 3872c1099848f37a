//! Sampling for Python: rows of logits, read where they lie.

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};

use super::call;
use super::convert::{Rows, numbers, raw};
use crate::error::Result;
use crate::sample::{self, Input, Logprobs, Mask, Number, Settings, Source, Step};
use crate::threads::{Pulse, parallel, workers};

/// Fewer logits in all are read faster than a thread is made.
const MANY: usize = 1 << 20;
/// Logits are read so many times faster than text is encoded, which is what `call` reckons in.
const FASTER: usize = 256;
/// The formats of logits: float16, float32, float64, and bfloat16 as unsigned 16-bit integers.
const FLOATS: &str = "efdH";

/// Do some work with a row in its own type.
macro_rules! with_row {
    ($rows:expr, $row:expr, $source:ident => $work:expr) => {
        match $rows.format() {
            b'd' => {
                let $source = Source::Plain($rows.row::<f64>($row));
                $work
            }
            b'f' => {
                let $source = Source::Plain($rows.row::<f32>($row));
                $work
            }
            b'e' => {
                let $source = Source::<f32>::Half($rows.row::<u16>($row));
                $work
            }
            _ => {
                let $source = Source::<f32>::Brain($rows.row::<u16>($row));
                $work
            }
        }
    };
}

/// A batch: rows, and what belongs to each.
struct Batch {
    rows: Rows,
    positions: Vec<u64>,
    histories: Option<Vec<Vec<u32>>>,
    masks: Option<Rows>,
}

impl Batch {
    fn take(rows: &Bound<'_, PyAny>, positions: Vec<u64>, histories: Option<Vec<Bound<'_, PyAny>>>, masks: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let histories = histories.map(|rows| rows.iter().map(numbers).collect()).transpose()?;
        let masks = masks.map(|masks| Rows::get(masks, "?IL")).transpose()?;
        Ok(Self { rows: Rows::get(rows, FLOATS)?, positions, histories, masks })
    }

    fn input<'a, V>(&'a self, row: Source<'a, V>, index: usize) -> Input<'a, V> {
        let mask = match &self.masks {
            None => Mask::All,
            Some(masks) if masks.format() == b'?' => Mask::Bytes(masks.row(index)),
            Some(masks) => Mask::Words(masks.row(index)),
        };
        let history = self.histories.as_ref().and_then(|rows| rows.get(index)).map_or(&[][..], Vec::as_slice);
        Input { row, mask, history, position: self.positions.get(index).copied().unwrap_or_default(), index }
    }

    /// Do some work for every row, on several threads where there is much of it.
    fn each<T: Send>(&self, py: Python<'_>, work: impl Fn(usize) -> Result<T> + Sync) -> PyResult<Vec<T>> {
        let size = self.rows.n * self.rows.width;
        let one = |pulse: &Pulse, index| {
            pulse.tick(1)?;
            work(index)
        };
        call(py, size / FASTER, |pulse| match size {
            ..MANY => (0..self.rows.n).map(|index| one(pulse, index)).collect(),
            _ => parallel(workers(None), self.rows.n, |index| one(pulse, index)),
        })
    }
}

/// One set of settings for all rows, or one a row.
#[pyclass(frozen, module = "toklet._native")]
pub(super) struct Sampler(Vec<sample::Sampler>);

impl Sampler {
    fn of(&self, index: usize) -> &sample::Sampler {
        &self.0[if self.0.len() > index { index } else { 0 }]
    }
}

#[pymethods]
impl Sampler {
    #[new]
    fn new(py: Python<'_>, settings: Vec<Bound<'_, PyDict>>) -> PyResult<Self> {
        let settings = settings.iter().map(settings_of).collect::<PyResult<Vec<_>>>()?;
        call(py, 0, |_| settings.into_iter().map(sample::Sampler::new).collect::<Result<_>>()).map(Self)
    }

    #[pyo3(signature = (rows, positions, histories = None, masks = None))]
    fn sample<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
        positions: &Bound<'py, PyAny>,
        histories: Option<Vec<Bound<'py, PyAny>>>,
        masks: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(position) = positions.extract::<u64>() {
            let batch = Batch::take(rows, vec![position], histories, masks)?;
            let work = |_: &Pulse| with_row!(batch.rows, 0, row => self.of(0).sample(&batch.input(row, 0)));
            return Ok(call(py, batch.rows.width / FASTER, work)?.into_pyobject(py)?.into_any());
        }
        let batch = Batch::take(rows, positions.extract()?, histories, masks)?;
        let ids = batch.each(py, |index| with_row!(batch.rows, index, row => self.of(index).sample(&batch.input(row, index))))?;
        Ok(raw(py, &ids.into_iter().map(signed).collect::<Vec<_>>())?.into_any())
    }

    #[pyo3(signature = (rows, positions, histories = None, masks = None))]
    fn distribution<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
        positions: Vec<u64>,
        histories: Option<Vec<Bound<'py, PyAny>>>,
        masks: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let batch = Batch::take(rows, positions, histories, masks)?;
        let found = batch.each(py, |index| with_row!(batch.rows, index, row => self.of(index).distribution(&batch.input(row, index))))?;
        raw(py, &found.concat())
    }

    #[pyo3(signature = (rows, positions, ids, top, processed, histories = None, masks = None))]
    #[allow(clippy::too_many_arguments)] // they are those of `toklet.Sampler.logprobs`
    fn logprobs<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
        positions: Vec<u64>,
        ids: Option<&Bound<'py, PyAny>>,
        top: usize,
        processed: bool,
        histories: Option<Vec<Bound<'py, PyAny>>>,
        masks: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<[Bound<'py, PyByteArray>; 4]> {
        let batch = Batch::take(rows, positions, histories, masks)?;
        let ids = ids.map(|ids| Rows::get(ids, "ql")).transpose()?;
        let found = batch.each(py, |index| {
            let ids = ids.as_ref().map_or(&[][..], |ids| ids.row::<i64>(index));
            let asked: Vec<usize> = ids.iter().map(|id| usize::try_from(*id).unwrap_or(usize::MAX)).collect();
            with_row!(batch.rows, index, row => match processed {
                true => self.of(index).logprobs(&batch.input(row, index), &asked, top),
                false => sample::logprobs(row, &asked, top, index),
            })
        })?;
        let padded = |found: &Logprobs| vec![(-1, f32::NEG_INFINITY); top - found.top.len()];
        let best: Vec<(i64, f32)> = found.iter().flat_map(|row| row.top.iter().map(|(id, x)| (signed(*id), f32::nearest(*x))).chain(padded(row))).collect();
        let asked: Vec<(f32, i64)> = found.iter().flat_map(|row| row.asked.iter().map(|(x, rank)| (f32::nearest(*x), signed(*rank)))).collect();
        let ((top_ids, top_logprobs), (logprobs, ranks)): ((Vec<_>, Vec<_>), (Vec<_>, Vec<_>)) = (best.into_iter().unzip(), asked.into_iter().unzip());
        Ok([raw(py, &top_ids)?, raw(py, &top_logprobs)?, raw(py, &logprobs)?, raw(py, &ranks)?])
    }

    #[pyo3(signature = (target, draft, id, index, position, history = Vec::new()))]
    #[allow(clippy::too_many_arguments)] // a row and all that belongs to it
    fn accept(
        &self,
        py: Python<'_>,
        target: &Bound<'_, PyAny>,
        draft: &Bound<'_, PyAny>,
        id: usize,
        index: usize,
        position: u64,
        history: Vec<u32>,
    ) -> PyResult<(bool, usize)> {
        let (target, draft) = (Rows::get(target, FLOATS)?, Rows::get(draft, FLOATS)?);
        call(py, target.width / FASTER, |_| {
            with_row!(target, 0, row => with_row!(draft, 0, drafted => {
                self.of(index).accept(&Input { row, mask: Mask::All, history: &history, position, index }, drafted, id)
            }))
        })
    }

    #[pyo3(signature = (rows, positions, ids, histories = None, masks = None))]
    fn observed<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
        positions: Vec<u64>,
        ids: Vec<usize>,
        histories: Option<Vec<Bound<'py, PyAny>>>,
        masks: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let batch = Batch::take(rows, positions, histories, masks)?;
        let id = |index: usize| ids.get(index).copied().unwrap_or(usize::MAX);
        let mu = batch.each(py, |index| with_row!(batch.rows, index, row => self.of(index).observed(&batch.input(row, index), id(index))))?;
        raw(py, &mu)
    }
}

/// An index as numpy's own integer.
fn signed(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

/// The settings of a dict that has all of them.
fn settings_of(given: &Bound<'_, PyDict>) -> PyResult<Settings> {
    fn get<'py, T: for<'a> FromPyObject<'a, 'py, Error = PyErr>>(given: &Bound<'py, PyDict>, name: &str) -> PyResult<T> {
        given.as_any().get_item(name)?.extract()
    }
    let length = |name: &str| get::<Option<u64>>(given, name).map(|n| n.map(|n| usize::try_from(n).unwrap_or(usize::MAX)));
    let bias: Option<Bound<'_, PyDict>> = given.as_any().get_item("logit_bias")?.extract()?;
    let steps: Vec<String> = get(given, "order")?;
    Ok(Settings {
        temperature: get(given, "temperature")?,
        top_k: length("top_k")?,
        top_p: get(given, "top_p")?,
        min_p: get(given, "min_p")?,
        seed: get(given, "seed")?,
        typical_p: get(given, "typical_p")?,
        top_n_sigma: get(given, "top_n_sigma")?,
        xtc_probability: get(given, "xtc_probability")?,
        xtc_threshold: get(given, "xtc_threshold")?,
        repetition_penalty: get(given, "repetition_penalty")?,
        presence_penalty: get(given, "presence_penalty")?,
        frequency_penalty: get(given, "frequency_penalty")?,
        penalty_last_n: length("penalty_last_n")?,
        dry_multiplier: get(given, "dry_multiplier")?,
        dry_base: get(given, "dry_base")?,
        dry_allowed_length: get(given, "dry_allowed_length")?,
        dry_last_n: length("dry_last_n")?,
        dry_sequence_breakers: get(given, "dry_sequence_breakers")?,
        mirostat: get(given, "mirostat")?,
        mirostat_tau: get(given, "mirostat_tau")?,
        mirostat_eta: get(given, "mirostat_eta")?,
        mirostat_mu: get(given, "mirostat_mu")?,
        logit_bias: bias.map(|bias| bias.iter().map(|(id, x)| Ok((id.extract()?, x.extract()?))).collect::<PyResult<_>>()).transpose()?.unwrap_or_default(),
        order: steps.iter().filter_map(|name| Step::named(name)).collect(),
    })
}

/// Do some work with one row of logits.
fn one<T: Send>(py: Python<'_>, row: &Bound<'_, PyAny>, work: impl Fn(&Rows) -> Result<T> + Sync) -> PyResult<T> {
    let row = Rows::get(row, FLOATS)?;
    call(py, row.width / FASTER, |_| work(&row))
}

#[pyfunction]
#[pyo3(signature = (row, temperature = 1.0, index = 0))]
pub(super) fn softmax<'py>(py: Python<'py>, row: &Bound<'py, PyAny>, temperature: f64, index: usize) -> PyResult<Bound<'py, PyByteArray>> {
    raw(py, &one(py, row, |rows| with_row!(rows, 0, row => sample::softmax(row, temperature, index)))?)
}

#[pyfunction]
#[pyo3(signature = (row, index = 0))]
pub(super) fn log_softmax<'py>(py: Python<'py>, row: &Bound<'py, PyAny>, index: usize) -> PyResult<Bound<'py, PyByteArray>> {
    raw(py, &one(py, row, |rows| with_row!(rows, 0, row => sample::log_softmax(row, index)))?)
}

#[pyfunction]
#[pyo3(signature = (row, k, index = 0))]
pub(super) fn top_k<'py>(py: Python<'py>, row: &Bound<'py, PyAny>, k: usize, index: usize) -> PyResult<Bound<'py, PyByteArray>> {
    let ids = one(py, row, |rows| with_row!(rows, 0, row => sample::top_k(row, k, index)))?;
    raw(py, &ids.into_iter().map(signed).collect::<Vec<_>>())
}
