//! The tokenizer for Python.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use super::convert::{self, integer, numbers, special, text};
use super::lists;
use super::numbers::Numbers;
use super::strings::{bytes, filled, string};
use super::{call, exception, wrong_type};
use crate::decode::Size;
use crate::error::{MAX_IDS, Result};
use crate::pages::Untouched;
use crate::pipeline::Pipeline;
use crate::prompt::Part;
use crate::text::{Text as _, Unit};
use crate::threads::Pulse;
use crate::vocab::{Parts, Vocabulary};

type Tables<'py> = (Bound<'py, PyDict>, Option<Bound<'py, PyList>>, Bound<'py, PyDict>, String, bool, Option<String>);

#[pyclass(frozen, module = "toklet._native")]
pub(super) struct Tokenizer(pub(super) crate::Tokenizer);

/// Take the entries of a dict whose values are ids.
pub(super) fn id_table<K>(table: &Bound<'_, PyDict>, key: impl Fn(&Bound<'_, PyAny>) -> PyResult<K>) -> PyResult<Vec<(K, u32)>> {
    let py = table.py();
    let entry = |(name, id): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let found = key(&name)?;
        let shown = |object: &Bound<'_, PyAny>| object.repr().map_or_else(|_| String::new(), |repr| repr.to_string());
        let place = || format!("the id of {}", shown(&name));
        let outside = |number| exception(py, "VocabularyError", (place(), number, format!("from 0 to {}", MAX_IDS - 1)));
        Ok((found, integer::<u32>(&id, outside, || wrong_type(py, &place(), shown(&id), "an int"))?))
    };
    table.iter().map(entry).collect()
}

pub(super) fn special_name(name: &Bound<'_, PyAny>) -> PyResult<String> {
    name.extract().or_else(|_| Err(wrong_type(name.py(), "the special token", name.repr()?.to_string(), "a str")))
}

fn merge_list(merges: &Bound<'_, PyList>) -> PyResult<Vec<Parts>> {
    let pair = |(number, merge): (usize, Bound<'_, PyAny>)| {
        let found: PyResult<(Bound<'_, PyBytes>, Bound<'_, PyBytes>)> = merge.extract();
        let (left, right) = found.or_else(|_| Err(wrong_type(merge.py(), &format!("merge {number}"), merge.repr()?.to_string(), "a pair of bytes")))?;
        Ok((left.as_bytes().to_vec(), right.as_bytes().to_vec()))
    };
    merges.iter().enumerate().map(pair).collect()
}

fn merges_to_python<'py>(py: Python<'py>, merges: &[Parts]) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, merges.iter().map(|(left, right)| (PyBytes::new(py, left), PyBytes::new(py, right))))
}

/// Call the core for one text.
fn of_text<T: Send>(text: &Bound<'_, PyAny>, work: impl FnOnce(&[u8], &Pulse) -> Result<T> + Send) -> PyResult<T> {
    let given = self::text(text, || "text".into())?;
    call(text.py(), given.memory().len(), |pulse| work(given.utf8(&mut Vec::new(), pulse)?, pulse))
}

impl Tokenizer {
    /// Encode texts, the first of which errors call by some number.
    fn batch(&self, texts: &Bound<'_, PyList>, special: &Bound<'_, PyAny>, threads: Option<usize>, first: usize) -> PyResult<(Vec<u32>, Vec<u64>)> {
        let items: Vec<_> = texts.iter().collect();
        let found = items.iter().zip(first..).map(|(item, i)| text(item, move || format!("texts[{i}]"))).collect::<PyResult<Vec<_>>>()?;
        let special = self::special(special)?;
        let size = found.iter().map(|text| text.memory().len()).sum();
        call(texts.py(), size, |pulse| self.0.encode_batch(&found, &special, threads, pulse))
    }

    /// Decode rows of ids, which end at these places.
    fn strings<'py>(&self, py: Python<'py>, ids: &[u32], offsets: &[u64], errors: &str) -> PyResult<Vec<Bound<'py, PyString>>> {
        let texts = call(py, 4 * ids.len(), |pulse| self.0.decoder().rows(ids, offsets, errors == "strict", pulse))?;
        texts.iter().map(|text| string(py, text)).collect()
    }

    /// Decode ids of whose characters some aren't ASCII, if the bytes are UTF-8.
    fn wide<'py, U: Unit + Send>(&self, py: Python<'py>, ids: &[u32], size: Size) -> PyResult<Option<Bound<'py, PyString>>> {
        let read = |places: &mut Untouched<'_, U>| call(py, 4 * ids.len(), |pulse| self.0.decoder().read(ids, places, pulse));
        filled(py, size.characters, size.widest, read)
    }

    /// Encode one text.
    fn ids(&self, text: &Bound<'_, PyAny>, special: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
        let special = self::special(special)?;
        of_text(text, |text, pulse| self.0.encode(text, &special, pulse))
    }
}

#[pymethods]
impl Tokenizer {
    #[new]
    #[pyo3(signature = (tokens, merges, special_tokens, pattern, whole, pipeline = None))]
    fn new(
        py: Python<'_>,
        tokens: &Bound<'_, PyDict>,
        merges: Option<&Bound<'_, PyList>>,
        special_tokens: &Bound<'_, PyDict>,
        pattern: &str,
        whole: bool,
        pipeline: Option<&str>,
    ) -> PyResult<Self> {
        let bytes = |name: &Bound<'_, PyAny>| {
            let found = name.cast::<PyBytes>().map(|bytes| bytes.as_bytes().to_vec());
            found.or_else(|_| Err(wrong_type(py, "the token", name.repr()?.to_string(), "bytes")))
        };
        let tokens = id_table(tokens, bytes)?;
        let merges = merges.map(merge_list).transpose()?;
        let specials = id_table(special_tokens, special_name)?;
        let made = call(py, 16 * tokens.len(), |pulse| match pipeline {
            None => crate::Tokenizer::new(Vocabulary::new(tokens, merges, specials, whole, pulse)?, pattern, pulse),
            Some(said) => crate::Tokenizer::of_tables(tokens, merges, specials, whole, said, pulse),
        });
        made.map(Self)
    }

    #[staticmethod]
    fn from_merges(py: Python<'_>, merges: &Bound<'_, PyList>, special_tokens: &Bound<'_, PyList>, pattern: &str) -> PyResult<Self> {
        let merges = merge_list(merges)?;
        let specials = special_tokens.iter().map(|name| special_name(&name)).collect::<PyResult<Vec<_>>>()?;
        call(py, 16 * merges.len(), |pulse| crate::Tokenizer::from_merges(merges, specials, pattern, pulse)).map(Self)
    }

    #[getter]
    fn pattern(&self) -> String {
        self.0.pipeline().map_or_else(|| self.0.pattern().regex().to_owned(), Pipeline::pattern)
    }

    fn size(&self) -> usize {
        self.0.vocabulary().size()
    }

    fn special_tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let specials = PyDict::new(py);
        for (name, id) in self.0.vocabulary().specials() {
            specials.set_item(name, id)?;
        }
        Ok(specials)
    }

    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Tables<'py>> {
        let vocabulary = self.0.vocabulary();
        let tokens = PyDict::new(py);
        for (token, id) in vocabulary.tokens() {
            tokens.set_item(PyBytes::new(py, token), id)?;
        }
        let merges = vocabulary.listed().map(|merges| merges_to_python(py, merges)).transpose()?;
        Ok((tokens, merges, self.special_tokens(py)?, self.pattern(), vocabulary.whole(), self.0.pipeline().map(Pipeline::text)))
    }

    fn merges<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let merges = call(py, 16 * self.size(), |pulse| crate::merge::merges(self.0.vocabulary(), pulse))?;
        merges_to_python(py, &merges)
    }

    fn token<'py>(&self, py: Python<'py>, id: u32) -> PyResult<Bound<'py, PyBytes>> {
        call(py, 0, |_| self.0.vocabulary().token(id)).map(|token| PyBytes::new(py, token))
    }

    fn id(&self, py: Python<'_>, token: &[u8]) -> PyResult<u32> {
        call(py, 0, |_| self.0.vocabulary().id(token))
    }

    #[pyo3(signature = (text, special))]
    fn encode<'py>(&self, text: &Bound<'py, PyAny>, special: &Bound<'py, PyAny>) -> PyResult<Numbers> {
        self.ids(text, special).map(Numbers::new)
    }

    fn encode_list<'py>(&self, text: &Bound<'py, PyAny>, special: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        lists::list(text.py(), &self.ids(text, special)?)
    }

    /// The ids of one pretoken.
    fn merge<'py>(&self, py: Python<'py>, pretoken: &[u8]) -> PyResult<Numbers> {
        let ids = call(py, pretoken.len(), |pulse| self.0.pretoken(pretoken, pulse))?;
        Ok(Numbers::new(ids))
    }

    fn encode_parts<'py>(&self, py: Python<'py>, parts: Vec<(Bound<'py, PyAny>, bool)>) -> PyResult<Numbers> {
        let mut owned = Vec::with_capacity(parts.len());
        for (i, (part, trusted)) in parts.iter().enumerate() {
            owned.push(Part { text: convert::owned(part, move || format!("part {i}"))?, trusted: *trusted, ..Part::default() });
        }
        let size = owned.iter().map(|part| part.text.len()).sum();
        let ids = call(py, size, |pulse| self.0.encode_parts(&owned, pulse))?;
        Ok(Numbers::new(ids))
    }

    #[pyo3(signature = (ids, pair = None))]
    fn post_process<'py>(&self, ids: &Bound<'py, PyAny>, pair: Option<&Bound<'py, PyAny>>) -> PyResult<Numbers> {
        let (first, second) = (numbers::<u32>(ids)?, pair.map(numbers::<u32>).transpose()?);
        let made = call(ids.py(), 4 * first.len(), |_| self.0.post_process(&first, second.as_deref()))?;
        Ok(Numbers::new(made))
    }

    #[pyo3(signature = (texts, special, threads, first = 0))]
    fn encode_batch<'py>(&self, texts: &Bound<'py, PyList>, special: &Bound<'py, PyAny>, threads: Option<usize>, first: usize) -> PyResult<(Numbers, Numbers)> {
        let (ids, offsets) = self.batch(texts, special, threads, first)?;
        Ok((Numbers::new(ids), Numbers::new(offsets)))
    }

    fn encode_batch_lists<'py>(&self, texts: &Bound<'py, PyList>, special: &Bound<'py, PyAny>, threads: Option<usize>) -> PyResult<Bound<'py, PyList>> {
        let (ids, offsets) = self.batch(texts, special, threads, 0)?;
        lists::rows(texts.py(), &ids, &offsets)
    }

    fn encode_with_offsets<'py>(&self, text: &Bound<'py, PyAny>, special: &Bound<'py, PyAny>, unit: &str) -> PyResult<(Numbers, Numbers)> {
        let special = self::special(special)?;
        let (ids, offsets) = of_text(text, |text, pulse| self.0.encode_with_offsets(text, &special, unit == "characters", pulse))?;
        Ok((Numbers::new(ids), Numbers::new(offsets)))
    }

    fn ends<'py>(&self, ids: &Bound<'py, PyAny>) -> PyResult<Numbers> {
        let ends: Vec<u64> = self.0.ends(&numbers::<u32>(ids)?).into_iter().map(|end| end as u64).collect();
        Ok(Numbers::new(ends))
    }

    fn count(&self, text: &Bound<'_, PyAny>, special: &Bound<'_, PyAny>) -> PyResult<usize> {
        let special = self::special(special)?;
        of_text(text, |text, pulse| self.0.count(text, &special, pulse))
    }

    fn count_up_to(&self, text: &Bound<'_, PyAny>, special: &Bound<'_, PyAny>, limit: usize) -> PyResult<usize> {
        let special = self::special(special)?;
        of_text(text, |text, pulse| self.0.count_up_to(text, &special, limit, pulse))
    }

    fn encode_with_dropout<'py>(&self, text: &Bound<'py, PyAny>, special: &Bound<'py, PyAny>, dropout: f64, seed: u64) -> PyResult<Numbers> {
        let special = self::special(special)?;
        of_text(text, |text, pulse| self.0.encode_with_dropout(text, &special, dropout, seed, pulse)).map(Numbers::new)
    }

    fn chunks(slf: &Bound<'_, Self>, text: &Bound<'_, PyAny>, max_tokens: usize, overlap: usize) -> PyResult<Chunks> {
        let text = of_text(text, |text, _| Ok(text.to_vec()))?;
        Ok(Chunks { tokenizer: slf.clone().unbind(), text, state: Mutex::new((crate::chunks::Chunks::new(max_tokens, overlap), VecDeque::new())) })
    }

    fn safe_cut(&self, py: Python<'_>, text: &[u8], limit: usize) -> PyResult<Option<usize>> {
        call(py, 0, |_| Ok(self.0.safe_cut(text, limit)))
    }

    fn truncate<'py>(&self, text: &Bound<'py, PyAny>, max_tokens: usize, keep: &str) -> PyResult<Bound<'py, PyBytes>> {
        let kept = of_text(text, |text, pulse| Ok(self.0.truncate(text, max_tokens, keep, pulse)?.to_vec()))?;
        Ok(PyBytes::new(text.py(), &kept))
    }

    fn decode<'py>(&self, ids: &Bound<'py, PyAny>, errors: &str) -> PyResult<Bound<'py, PyString>> {
        let found = convert::ids(ids)?.kept();
        let (py, found, decoder) = (ids.py(), &found[..], self.0.decoder());
        let size = call(py, found.len(), |pulse| decoder.measure(found, pulse))?;
        let made = match size.widest {
            0x7F => filled(py, size.characters, size.widest, |places| call(py, 4 * found.len(), |pulse| decoder.fill(found, places, pulse).map(|()| true))),
            0xFF => self.wide::<u8>(py, found, size),
            0xFFFF => self.wide::<u16>(py, found, size),
            _ => self.wide::<u32>(py, found, size),
        };
        match made? {
            Some(made) => Ok(made),
            None => string(py, &call(py, 4 * found.len(), |pulse| decoder.text(found, errors == "strict", pulse))?),
        }
    }

    fn decode_bytes<'py>(&self, ids: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let found = convert::ids(ids)?;
        let found = found.as_ref();
        let decoder = self.0.decoder();
        let size = call(ids.py(), found.len(), |pulse| decoder.measure(found, pulse))?.bytes;
        bytes(ids.py(), size, |out| call(ids.py(), 4 * found.len(), |pulse| decoder.fill(found, out, pulse)))
    }

    fn decode_batch<'py>(&self, ids: &Bound<'py, PyAny>, offsets: &Bound<'_, PyAny>, errors: &str) -> PyResult<Vec<Bound<'py, PyString>>> {
        let (found, offsets) = (convert::ids(ids)?, numbers::<u64>(offsets)?);
        self.strings(ids.py(), found.as_ref(), &offsets, errors)
    }

    fn decode_rows<'py>(&self, rows: &Bound<'py, PyList>, errors: &str) -> PyResult<Vec<Bound<'py, PyString>>> {
        let (mut ids, mut offsets) = (Vec::new(), vec![0]);
        for row in rows {
            ids.extend_from_slice(convert::ids(&row)?.as_ref());
            offsets.push(ids.len() as u64);
        }
        self.strings(rows.py(), &ids, &offsets, errors)
    }

    fn with_memory(&self, py: Python<'_>, bytes: usize) -> PyResult<Self> {
        call(py, 16 * self.size(), |pulse| self.0.with_memory(bytes, pulse)).map(Self)
    }

    fn counter(slf: &Bound<'_, Self>) -> Counter {
        Counter { tokenizer: slf.clone().unbind(), state: Mutex::default() }
    }

    fn stream(&self) -> Stream {
        Stream(Mutex::new(crate::decode::Stream::new(self.0.vocabulary().clone())))
    }
}

/// An iterator over where the pieces of a text begin and end.
#[pyclass(frozen, module = "toklet._native")]
pub(super) struct Chunks {
    tokenizer: Py<Tokenizer>,
    text: Vec<u8>,
    state: Mutex<(crate::chunks::Chunks, VecDeque<Range<usize>>)>,
}

#[pymethods]
impl Chunks {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<(usize, usize)>> {
        let state = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = state().1.pop_front();
        let next = match ready {
            Some(span) => Some(span),
            None => {
                let mut chunks = state().0.clone(); // an interrupted call changes nothing
                let found = call(py, self.text.len(), |pulse| chunks.next(&self.tokenizer.get().0, &self.text, pulse))?;
                let mut state = state();
                *state = (chunks, found.into());
                state.1.pop_front()
            }
        };
        Ok(next.map(|span| (span.start, span.end)))
    }
}

#[pyclass(frozen, module = "toklet._native")]
pub(super) struct Counter {
    tokenizer: Py<Tokenizer>,
    state: Mutex<crate::counter::Counter>,
}

#[pymethods]
impl Counter {
    fn append(&self, text: &Bound<'_, PyAny>) -> PyResult<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone(); // an interrupted call changes nothing
        let count = of_text(text, |text, pulse| state.append(&self.tokenizer.get().0, text, pulse))?;
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(count)
    }

    fn count(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).count()
    }

    fn copy(&self, py: Python<'_>) -> Self {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { tokenizer: self.tokenizer.clone_ref(py), state: Mutex::new(state) }
    }
}

#[pyclass(frozen, module = "toklet._native")]
pub(super) struct Stream(Mutex<crate::decode::Stream>);

#[pymethods]
impl Stream {
    fn push(&self, py: Python<'_>, id: u32) -> PyResult<String> {
        call(py, 0, |_| self.0.lock().unwrap_or_else(PoisonError::into_inner).push(id))
    }

    fn end(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).end()
    }
}

#[pyfunction]
pub(super) fn split<'py>(py: Python<'py>, data: &[u8], pattern: &str) -> PyResult<Bound<'py, PyList>> {
    let pretokens = call(py, data.len(), |pulse| crate::Pattern::new(pattern)?.split_watched(data, pulse))?;
    PyList::new(py, pretokens.into_iter().map(|pretoken| PyBytes::new(py, pretoken)))
}
