//! Counting and training for Python.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::convert::{integer, text};
use super::tokenizer::Tokenizer;
use super::{call, exception, reported, wrong_type};
use crate::count::Counter;
use crate::error::{MAX_COUNT, quote};
use crate::train::{Options, Ties};

/// How much text is gathered from an iterable before the workers get it.
const GATHER: usize = 1 << 23;

#[pyclass(frozen, module = "toklet._native")]
pub(super) struct WordCounts(crate::WordCounts);

#[pymethods]
impl WordCounts {
    #[new]
    fn new(py: Python<'_>, words: &Bound<'_, PyDict>, pattern: &str) -> PyResult<Self> {
        let mut items = Vec::with_capacity(words.len());
        for (word, n) in words.iter() {
            let other = || {
                let shown = (&word, &n).into_pyobject(py).and_then(|pair| pair.repr()).map_or_else(|_| String::new(), |repr| repr.to_string());
                wrong_type(py, "a word count", shown, "bytes and an int")
            };
            let bytes = word.cast::<PyBytes>().map_err(|_| other())?.as_bytes();
            let allowed = || format!("from 1 to {MAX_COUNT}, of a pretoken that isn't empty");
            let outside = |number| exception(py, "CorpusError", (format!("the count of {}", quote::bytes(bytes)), number, allowed()));
            items.push((bytes.to_vec(), integer::<u64>(&n, outside, other)?));
        }
        let counted = call(py, 64 * items.len(), |pulse| {
            let mut counts = crate::WordCounts::new(crate::Pattern::new(pattern)?);
            for (word, n) in items {
                pulse.tick(0)?;
                counts.add_word(&word, n)?;
            }
            Ok(counts)
        });
        counted.map(Self)
    }

    #[getter]
    fn pattern(&self) -> &str {
        self.0.pattern().regex()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn total(&self) -> u128 {
        self.0.total()
    }

    fn items<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, u64)> {
        self.0.items().into_iter().map(|(word, n)| (PyBytes::new(py, word), n)).collect()
    }

    fn add(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        call(py, 64 * other.0.len(), |pulse| self.0.add(&other.0, pulse)).map(Self)
    }
}

#[pyfunction]
#[pyo3(signature = (texts, pattern, threads = None, progress = None))]
pub(super) fn count(texts: &Bound<'_, PyAny>, pattern: &str, threads: Option<usize>, progress: Option<&Bound<'_, PyAny>>) -> PyResult<WordCounts> {
    let py = texts.py();
    if texts.is_instance_of::<PyString>() || texts.is_instance_of::<PyBytes>() {
        let allowed = "an iterable of str or bytes, such as a list with that one text in it";
        return Err(wrong_type(py, "texts", format!("one {}", texts.get_type().name()?), allowed));
    }
    let iterator =
        texts.try_iter().or_else(|_| Err(wrong_type(py, "texts", format!("of type {}", texts.get_type().name()?), "an iterable of str or bytes")))?;
    let counter = call(py, 0, |_| Ok(Counter::new(crate::Pattern::new(pattern)?, threads)))?;
    let (mut gathered, mut bytes, mut before) = (Vec::new(), 0, 0);
    for (number, item) in iterator.enumerate() {
        let item = item?;
        bytes += text(&item, || format!("texts[{number}]"))?.as_ref().len();
        // What can change is copied now: a generator may hand out one buffer again and again.
        let fixed = item.is_instance_of::<PyString>() || item.is_instance_of::<PyBytes>();
        gathered.push(if fixed { item } else { py.get_type::<PyBytes>().call1((item,))? });
        if bytes >= GATHER {
            feed(py, &counter, &gathered, bytes)?;
            before += bytes as u64;
            gathered.clear();
            bytes = 0;
            py.check_signals()?;
            progress.map_or(Ok(()), |progress| progress.call1((before, 0)).map(drop))?;
        }
    }
    feed(py, &counter, &gathered, bytes)?;
    progress.map_or(Ok(()), |progress| progress.call1((before + bytes as u64, before + bytes as u64)).map(drop))?;
    call(py, super::LONG, |pulse| counter.finish(pulse)).map(WordCounts)
}

fn feed(py: Python<'_>, counter: &Counter, gathered: &[Bound<'_, PyAny>], bytes: usize) -> PyResult<()> {
    let texts = gathered.iter().map(|item| text(item, String::new)).collect::<PyResult<Vec<_>>>()?;
    let texts: Vec<&[u8]> = texts.iter().map(AsRef::as_ref).collect();
    call(py, bytes, |pulse| counter.count(&texts, pulse))
}

#[pyfunction]
#[pyo3(signature = (paths, pattern, separator = None, threads = None, progress = None))]
pub(super) fn count_files(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    pattern: &str,
    separator: Option<&str>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<WordCounts> {
    let total = paths.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len()).sum();
    reported(py, super::LONG, progress, total, |pulse| {
        let counter = Counter::new(crate::Pattern::new(pattern)?, threads);
        for path in &paths {
            counter.count_file(path, separator.map(str::as_bytes), pulse)?;
        }
        counter.finish(pulse)
    })
    .map(WordCounts)
    .and_then(|counts| progress.map_or(Ok(()), |progress| progress.call1((total, total)).map(drop)).map(|()| counts))
}

#[pyfunction]
#[pyo3(signature = (counts, vocab_size, special_tokens = Vec::new(), min_frequency = 1, max_token_length = None, ties = "ids", extend = None, checkpoint = None,
                    threads = None, progress = None))]
#[allow(clippy::too_many_arguments)] // they are the keyword arguments of Python
pub(super) fn train(
    py: Python<'_>,
    counts: &WordCounts,
    vocab_size: u32,
    special_tokens: Vec<String>,
    min_frequency: u64,
    max_token_length: Option<usize>,
    ties: &str,
    extend: Option<&Tokenizer>,
    checkpoint: Option<PathBuf>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Tokenizer> {
    let ties = call(py, 0, |_| Ties::named(ties))?;
    let extend = extend.map(|tokenizer| tokenizer.0.vocabulary().clone());
    let known = extend.as_ref().map_or(256, |vocabulary| vocabulary.size());
    let total = u64::from(vocab_size).saturating_sub((known + special_tokens.len()) as u64);
    let options = Options { vocab_size, special_tokens, min_frequency, max_token_length, ties, extend, checkpoint, threads };
    let mut made = 0;
    let trained = reported(py, super::LONG, progress, total, |pulse| {
        let vocabulary = crate::train::train(&counts.0, &options, pulse)?;
        made = pulse.done();
        crate::Tokenizer::new(vocabulary, counts.0.pattern().regex(), pulse)
    })?;
    progress.map_or(Ok(()), |progress| progress.call1((made, made)).map(drop))?;
    Ok(Tokenizer(trained))
}
