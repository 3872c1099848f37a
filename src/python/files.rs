//! Files of tokenizers for Python.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::call;
use super::tokenizer::{Tokenizer, id_table, special_name};

#[pyfunction]
#[pyo3(signature = (path, pattern = None, special_tokens = None))]
pub(super) fn load(py: Python<'_>, path: PathBuf, pattern: Option<&str>, special_tokens: Option<&Bound<'_, PyDict>>) -> PyResult<Tokenizer> {
    let specials = special_tokens.map(|table| id_table(table, special_name)).transpose()?;
    call(py, super::LONG, |pulse| crate::formats::load(path, pattern, specials, pulse)).map(Tokenizer)
}

#[pyfunction]
pub(super) fn save(py: Python<'_>, tokenizer: &Tokenizer, path: PathBuf) -> PyResult<()> {
    call(py, super::LONG, |pulse| crate::formats::save(&tokenizer.0, path, pulse))
}

#[pyfunction]
#[pyo3(signature = (data, name, pattern = None, special_tokens = None))]
pub(super) fn read(py: Python<'_>, data: &[u8], name: &str, pattern: Option<&str>, special_tokens: Option<&Bound<'_, PyDict>>) -> PyResult<Tokenizer> {
    let specials = special_tokens.map(|table| id_table(table, special_name)).transpose()?;
    call(py, super::LONG, |pulse| crate::formats::read(data, name, pattern, specials, pulse)).map(Tokenizer)
}

#[pyfunction]
pub(super) fn text<'py>(py: Python<'py>, tokenizer: &Tokenizer, name: &str) -> PyResult<Bound<'py, PyBytes>> {
    let text = call(py, super::LONG, |pulse| crate::formats::text(&tokenizer.0, name, pulse))?;
    Ok(PyBytes::new(py, &text))
}
