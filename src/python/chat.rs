//! Chat templates for Python.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value as Json};

use super::{BRIEF, call};
use crate::chat;

#[pyclass(frozen, module = "toklet._native")]
pub(super) struct ChatTemplate(chat::ChatTemplate);

/// Lists and dicts nested deeper than this are left to Python's own check: 100 in a message, which stands in a list in a dict.
const MAX_DEPTH: usize = 102;

/// What a chat template is rendered with.
#[pyclass(frozen, module = "toklet._native")]
pub(super) struct ChatContext(chat::Context);

#[pymethods]
impl ChatContext {
    /// Take a dict of what JSON has; of anything else nothing comes, and Python says what it is.
    #[staticmethod]
    fn read(py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<Option<Self>> {
        let mut size = 0;
        match json(given, 0, &mut size) {
            Some(Json::Object(given)) => call(py, 0, |_| chat::Context::new(given, size)).map(|context| Some(Self(context))),
            _ => Ok(None),
        }
    }
}

/// A value as JSON, if it is made of dicts with str keys, lists, tuples, and what JSON has. `size` grows by about its bytes.
fn json(value: &Bound<'_, PyAny>, depth: usize, size: &mut usize) -> Option<Json> {
    *size += 8;
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str().ok()?;
        *size += text.len();
        return Some(Json::String(text.into()));
    }
    if depth > MAX_DEPTH {
        return None;
    }
    if let Ok(table) = value.cast::<PyDict>() {
        let mut found = Map::with_capacity(table.len());
        for (key, item) in table.items().iter().map(|pair| pair.extract::<(Bound<'_, PyString>, Bound<'_, PyAny>)>().ok()).collect::<Option<Vec<_>>>()? {
            let key = key.to_str().ok()?.to_owned();
            *size += key.len();
            found.insert(key, json(&item, depth + 1, size)?);
        }
        return Some(Json::Object(found));
    }
    if let Ok(items) = value.cast::<PyList>() {
        return items.iter().map(|item| json(&item, depth + 1, size)).collect::<Option<_>>().map(Json::Array);
    }
    if let Ok(items) = value.cast::<PyTuple>() {
        return items.iter().map(|item| json(&item, depth + 1, size)).collect::<Option<_>>().map(Json::Array);
    }
    match value {
        value if value.is_none() => Some(Json::Null),
        value if value.is_instance_of::<PyBool>() => value.is_truthy().ok().map(Json::Bool),
        value if value.is_instance_of::<PyInt>() => {
            let number = value.extract::<i64>().map(Number::from).or_else(|_| value.extract::<u64>().map(Number::from));
            number.ok().map(Json::Number)
        }
        value if value.is_instance_of::<PyFloat>() => Number::from_f64(value.extract().ok()?).map(Json::Number),
        _ => None,
    }
}

type Part = (String, bool, Option<String>, Option<usize>, Option<&'static str>);
type Time = (u32, u32, u32, u32, u32, u32, u32);

fn time((year, month, day, hour, minute, second, microsecond): Time) -> chat::Now {
    chat::Now { year, month, day, hour, minute, second, microsecond }
}

fn to_python(part: chat::ChatPart) -> Part {
    let slot = part.slot.map(|slot| match slot {
        chat::Slot::Content => "content",
        chat::Slot::Close => "close",
    });
    (part.text, part.trusted, part.role, part.message, slot)
}

#[pymethods]
impl ChatTemplate {
    #[new]
    fn new(py: Python<'_>, source: &str, variables: Vec<(String, String)>) -> PyResult<Self> {
        call(py, source.len(), |_| chat::ChatTemplate::new(source, &variables)).map(Self)
    }

    #[pyo3(signature = (context, now, continue_final = false))]
    fn text(&self, py: Python<'_>, context: &ChatContext, now: Time, continue_final: bool) -> PyResult<String> {
        call(py, BRIEF, |_| self.0.text(&context.0, time(now), continue_final))
    }

    #[pyo3(signature = (context, specials, now, continue_final = false))]
    fn parts(&self, py: Python<'_>, context: &ChatContext, specials: Vec<String>, now: Time, continue_final: bool) -> PyResult<Vec<Part>> {
        let parts = call(py, BRIEF, |_| self.0.parts(&context.0, &specials, time(now), continue_final))?;
        Ok(parts.into_iter().map(to_python).collect())
    }
}
