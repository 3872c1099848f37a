//! Counting and training for Python.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::convert::{integer, text};
use super::tokenizer::Tokenizer;
use super::{call, exception, reported, wrong_type};
use crate::count::Counter;
use crate::error::{Error, Kind, MAX_COUNT, Result, quote};
use crate::text::Text as _;
use crate::threads::Pulse;
use crate::train::{Options, Ties};

/// How much text is gathered from an iterable before the workers get it.
const GATHER: usize = 1 << 23;
/// How many rows a chunk of columns has.
const ROWS: usize = 1 << 20;

#[pyclass(frozen, module = "toklet._native")]
pub(super) struct WordCounts(Mutex<Arc<crate::WordCounts>>);

impl WordCounts {
    fn of(counts: crate::WordCounts) -> Self {
        Self(Mutex::new(Arc::new(counts)))
    }

    fn held(&self) -> Arc<crate::WordCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Give the counts away, and be empty from then on.
    fn spent(&self) -> Arc<crate::WordCounts> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = Arc::new(crate::WordCounts::new(held.pattern().clone()));
        std::mem::replace(&mut held, empty)
    }
}

#[pymethods]
impl WordCounts {
    #[new]
    #[pyo3(signature = (words, pattern, error_bound = 0))]
    fn new(py: Python<'_>, words: &Bound<'_, PyDict>, pattern: &str, error_bound: u64) -> PyResult<Self> {
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
                counts.add_word(&word, n, pulse)?;
            }
            Ok(counts.with_error_bound(error_bound))
        });
        counted.map(Self::of)
    }

    #[getter]
    fn pattern(&self) -> String {
        self.held().pattern().regex().to_owned()
    }

    fn __len__(&self) -> usize {
        self.held().len()
    }

    fn total(&self) -> u128 {
        self.held().total()
    }

    /// The items as columns, a million rows at a time.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Vec<Columns<'py>>> {
        let counts = self.held();
        let chunks = call(py, 64 * counts.len(), |pulse| {
            let items = counts.items(pulse)?;
            items.chunks(ROWS).map(|rows| columns_of(rows, pulse)).collect::<Result<Vec<_>>>()
        })?;
        let bytes = |data: Vec<u8>| PyBytes::new(py, &data);
        let numbers = |numbers: Vec<u64>| PyBytes::new(py, bytemuck::cast_slice(&numbers));
        Ok(chunks.into_iter().map(|(data, ends, counts)| (bytes(data), numbers(ends), numbers(counts))).collect())
    }

    /// Make counts of such columns; no pretoken may come twice.
    #[staticmethod]
    fn from_columns(py: Python<'_>, chunks: Vec<(PyBuffer<u8>, PyBuffer<u8>, PyBuffer<u8>)>, pattern: &str, error_bound: u64) -> PyResult<Self> {
        let mut counts = call(py, 0, |_| Ok(crate::WordCounts::new(crate::Pattern::new(pattern)?).with_error_bound(error_bound)))?;
        for (data, ends, numbers) in chunks {
            let (data, ends, numbers) = (data.to_vec(py)?, words_of(&ends.to_vec(py)?), words_of(&numbers.to_vec(py)?));
            call(py, super::LONG, |pulse| add_columns(&mut counts, &data, &ends, &numbers, pulse))?;
        }
        Ok(Self::of(counts))
    }

    fn error_bound(&self) -> u64 {
        self.held().error_bound()
    }

    fn memory(&self) -> (usize, usize) {
        self.held().memory()
    }

    fn times(&self, py: Python<'_>, n: u64) -> PyResult<Self> {
        let counts = self.held();
        call(py, 64 * counts.len(), |pulse| counts.times(n, pulse)).map(Self::of)
    }

    fn items<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyBytes>, u64)>> {
        let counts = self.held();
        let items = call(py, 64 * counts.len(), |pulse| counts.items(pulse))?;
        Ok(items.into_iter().map(|(word, n)| (PyBytes::new(py, word), n)).collect())
    }

    fn add(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        let (one, other) = (self.held(), other.held());
        call(py, 64 * other.len(), |pulse| one.add(&other, pulse)).map(Self::of)
    }
}

type Columns<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

fn columns_of(rows: &[(&[u8], u64)], pulse: &Pulse) -> Result<(Vec<u8>, Vec<u64>, Vec<u64>)> {
    let (mut data, mut ends, mut counts) = (Vec::new(), vec![0], Vec::new());
    for (word, n) in rows {
        pulse.tick(0)?;
        data.extend_from_slice(word);
        ends.push(data.len() as u64);
        counts.push(*n);
    }
    Ok((data, ends, counts))
}

fn add_columns(counts: &mut crate::WordCounts, data: &[u8], ends: &[u64], numbers: &[u64], pulse: &Pulse) -> Result<()> {
    let refuse = |place: String, found: String, allowed: &str| Err(Error::new(Kind::Corpus, place, found, allowed));
    if ends.len() != numbers.len() + 1 {
        return refuse(
            "the columns of word counts".into(),
            format!("{} pretokens and {} counts", ends.len().saturating_sub(1), numbers.len()),
            "as many of both",
        );
    }
    for (span, n) in ends.windows(2).zip(numbers) {
        pulse.tick(0)?;
        let range = usize::try_from(span[0]).ok().zip(usize::try_from(span[1]).ok());
        let Some(word) = range.and_then(|(start, end)| data.get(start..end)) else {
            return refuse("a pretoken in the columns of word counts".into(), format!("{span:?}"), "a part of the text");
        };
        if counts.get(word) > 0 {
            return refuse(format!("the pretoken {}", quote::bytes(word)), "there twice".into(), "there once");
        }
        counts.add_word(word, *n, pulse)?;
    }
    Ok(())
}

fn words_of(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|eight| eight.try_into().map_or(0, u64::from_ne_bytes)).collect()
}

#[pyfunction]
#[pyo3(signature = (texts, pattern, max_words = None, threads = None, progress = None))]
pub(super) fn count(
    texts: &Bound<'_, PyAny>,
    pattern: &str,
    max_words: Option<usize>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<WordCounts> {
    let py = texts.py();
    if texts.is_instance_of::<PyString>() || texts.is_instance_of::<PyBytes>() {
        let allowed = "an iterable of str or bytes, such as a list with that one text in it";
        return Err(wrong_type(py, "texts", format!("one {}", texts.get_type().name()?), allowed));
    }
    let iterator =
        texts.try_iter().or_else(|_| Err(wrong_type(py, "texts", format!("of type {}", texts.get_type().name()?), "an iterable of str or bytes")))?;
    let mut counter = call(py, 0, |_| Ok(Counter::new(crate::Pattern::new(pattern)?, threads, max_words)))?;
    let (mut gathered, mut bytes, mut first, mut before) = (Vec::new(), 0, 0, 0);
    for (number, item) in iterator.enumerate() {
        let item = item?;
        bytes += text(&item, || format!("texts[{number}]"))?.memory().len();
        // What can change is copied now: a generator may hand out one buffer again and again.
        let fixed = item.is_instance_of::<PyString>() || item.is_instance_of::<PyBytes>();
        gathered.push(if fixed { item } else { py.get_type::<PyBytes>().call1((item,))? });
        if bytes >= GATHER {
            feed(py, &mut counter, &gathered, bytes, first)?;
            before += bytes as u64;
            gathered.clear();
            (bytes, first) = (0, number + 1);
            py.check_signals()?;
            progress.map_or(Ok(()), |progress| progress.call1((before, 0)).map(drop))?;
        }
    }
    feed(py, &mut counter, &gathered, bytes, first)?;
    progress.map_or(Ok(()), |progress| progress.call1((before + bytes as u64, before + bytes as u64)).map(drop))?;
    call(py, super::LONG, |pulse| counter.finish(pulse)).map(WordCounts::of)
}

/// Count some texts, the first of which errors call by this number.
fn feed(py: Python<'_>, counter: &mut Counter, gathered: &[Bound<'_, PyAny>], bytes: usize, first: usize) -> PyResult<()> {
    let texts = gathered.iter().zip(first..).map(|(item, number)| text(item, move || format!("texts[{number}]"))).collect::<PyResult<Vec<_>>>()?;
    call(py, bytes, |pulse| {
        let mut rooms = vec![Vec::new(); texts.len()];
        let texts = texts.iter().zip(&mut rooms).map(|(text, room)| text.utf8(room, pulse)).collect::<Result<Vec<_>>>()?;
        counter.count(&texts, pulse)
    })
}

#[pyfunction]
#[pyo3(signature = (paths, pattern, separator = None, max_words = None, threads = None, progress = None))]
pub(super) fn count_files(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    pattern: &str,
    separator: Option<&str>,
    max_words: Option<usize>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<WordCounts> {
    let total = paths.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len()).sum();
    reported(py, super::LONG, progress, total, |pulse| {
        let mut counter = Counter::new(crate::Pattern::new(pattern)?, threads, max_words);
        counter.count_files(&paths, separator.map(str::as_bytes), pulse)?;
        counter.finish(pulse)
    })
    .map(WordCounts::of)
    .and_then(|counts| progress.map_or(Ok(()), |progress| progress.call1((total, total)).map(drop)).map(|()| counts))
}

#[pyfunction]
#[pyo3(signature = (counts, vocab_size, special_tokens = Vec::new(), min_frequency = 1, max_token_length = None, ties = "ids", extend = None, checkpoint = None,
                    superwords = None, threads = None, progress = None, spend = false))]
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
    superwords: Option<(u32, String)>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    spend: bool,
) -> PyResult<Tokenizer> {
    let superwords = call(py, 0, |_| superwords.map(|(size, pattern)| Ok((size, crate::Pattern::new(&pattern)?))).transpose())?;
    let ties = call(py, 0, |_| Ties::named(ties))?;
    let extend = extend.map(|tokenizer| tokenizer.0.vocabulary().clone());
    let known = extend.as_ref().map_or(256, |vocabulary| vocabulary.size());
    let total = u64::from(vocab_size).saturating_sub((known + special_tokens.len()) as u64);
    let options = Options { vocab_size, special_tokens, min_frequency, max_token_length, ties, extend, checkpoint, superwords, threads };
    let counts = if spend { counts.spent() } else { counts.held() };
    let (mut made, pattern) = (0, counts.pattern().regex().to_owned());
    let trained = reported(py, super::LONG, progress, total, |pulse| {
        let vocabulary = crate::train::train(counts, &options, pulse)?;
        made = pulse.done();
        crate::Tokenizer::new(vocabulary, &pattern, pulse)
    })?;
    progress.map_or(Ok(()), |progress| progress.call1((made, made)).map(drop))?;
    Ok(Tokenizer(trained))
}
