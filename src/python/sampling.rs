//! Sampling for Python: a row of logits at a time.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

use super::call;
use super::convert::raw;
use crate::sample;

/// A row of logits, as wide as it came.
enum Row {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Row {
    fn take(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        if let Ok(single) = PyBuffer::<f32>::get(object) {
            return single.to_vec(py).map(Self::Single);
        }
        PyBuffer::<f64>::get(object).and_then(|double| double.to_vec(py)).or_else(|_| object.extract()).map(Self::Double)
    }

    fn size(&self) -> usize {
        match self {
            Self::Single(row) => size_of_val(row.as_slice()),
            Self::Double(row) => size_of_val(row.as_slice()),
        }
    }
}

/// Call a function of the core that is written for both widths.
macro_rules! with_row {
    ($py:expr, $row:expr, $slice:ident => $work:expr) => {{
        let row = Row::take($row)?;
        call($py, row.size(), |_| match &row {
            Row::Single($slice) => $work,
            Row::Double($slice) => $work,
        })
    }};
}

#[pyclass(frozen, module = "toklet._native")]
pub(super) struct Sampler(sample::Sampler);

#[pymethods]
impl Sampler {
    #[new]
    fn new(py: Python<'_>, temperature: f64, top_k: Option<u64>, top_p: Option<f64>, min_p: Option<f64>, seed: u64) -> PyResult<Self> {
        let top_k = top_k.map(|k| usize::try_from(k).unwrap_or(usize::MAX));
        call(py, 0, |_| sample::Sampler::new(temperature, top_k, top_p, min_p, seed)).map(Self)
    }

    #[pyo3(signature = (row, position, index = 0))]
    fn sample(&self, py: Python<'_>, row: &Bound<'_, PyAny>, position: u64, index: usize) -> PyResult<usize> {
        with_row!(py, row, row => self.0.sample(row, position, index))
    }

    #[pyo3(signature = (row, index = 0))]
    fn distribution<'py>(&self, py: Python<'py>, row: &Bound<'py, PyAny>, index: usize) -> PyResult<Bound<'py, PyByteArray>> {
        raw(py, &with_row!(py, row, row => self.0.distribution(row, index))?)
    }
}

#[pyfunction]
#[pyo3(signature = (row, temperature = 1.0, index = 0))]
pub(super) fn softmax<'py>(py: Python<'py>, row: &Bound<'py, PyAny>, temperature: f64, index: usize) -> PyResult<Bound<'py, PyByteArray>> {
    raw(py, &with_row!(py, row, row => sample::softmax(row, temperature, index))?)
}

#[pyfunction]
#[pyo3(signature = (row, index = 0))]
pub(super) fn log_softmax<'py>(py: Python<'py>, row: &Bound<'py, PyAny>, index: usize) -> PyResult<Bound<'py, PyByteArray>> {
    raw(py, &with_row!(py, row, row => sample::log_softmax(row, index))?)
}

#[pyfunction]
pub(super) fn top_k<'py>(py: Python<'py>, logits: &Bound<'py, PyAny>, k: usize) -> PyResult<Bound<'py, PyByteArray>> {
    let ids = with_row!(py, logits, row => Ok(sample::top_k(row, k)))?;
    let ids: Vec<i64> = ids.into_iter().map(|id| i64::try_from(id).unwrap_or(i64::MAX)).collect();
    raw(py, &ids)
}
