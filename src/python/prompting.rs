//! Templates and few-shot prompts for Python.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::{call, convert, wrong_type};
use crate::prompt;

#[pyclass(frozen, module = "toklet._native")]
pub(super) struct Template(prompt::Template);

type Parts = Vec<(String, bool, Option<String>, Option<usize>, Option<String>)>;
type Values = Vec<(String, String)>;

/// Take the values of slots.
fn values(table: &Bound<'_, PyDict>) -> PyResult<Values> {
    let py = table.py();
    let entry = |(name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let name: String = name.extract().or_else(|_| Err(wrong_type(py, "the name of a slot", name.repr()?.to_string(), "a str")))?;
        if !value.is_instance_of::<PyString>() {
            return Err(wrong_type(py, &format!("the slot '{name}'"), format!("of type {}", value.get_type().name()?), "a str"));
        }
        let text = convert::owned(&value, || format!("the slot '{name}'"))?;
        Ok((name, text))
    };
    table.iter().map(entry).collect()
}

fn to_python(parts: Vec<prompt::Part>) -> Parts {
    parts.into_iter().map(|part| (part.text, part.trusted, part.role, part.message, part.slot)).collect()
}

#[pymethods]
impl Template {
    #[new]
    fn new(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = source.py();
        if !source.is_instance_of::<PyString>() {
            return Err(wrong_type(py, "the template", source.repr()?.to_string(), "a str"));
        }
        let text = convert::owned(source, || "the template".into())?;
        call(py, text.len(), |_| prompt::Template::new(&text)).map(Self)
    }

    #[getter]
    fn slots(&self) -> Vec<String> {
        self.0.slots().to_vec()
    }

    #[pyo3(signature = (values, stop_before = None))]
    fn parts(&self, py: Python<'_>, values: &Bound<'_, PyDict>, stop_before: Option<&str>) -> PyResult<Parts> {
        let values = self::values(values)?;
        call(py, 0, |_| self.0.parts(&values, stop_before)).map(to_python)
    }
}

#[pyfunction]
#[pyo3(signature = (template, examples, separator, query, stop_before))]
pub(super) fn few_shot(
    py: Python<'_>,
    template: &Template,
    examples: Vec<Bound<'_, PyDict>>,
    separator: &str,
    query: Option<&Bound<'_, PyDict>>,
    stop_before: Option<&str>,
) -> PyResult<Parts> {
    let examples = examples.iter().map(values).collect::<PyResult<Vec<_>>>()?;
    let query = query.map(values).transpose()?;
    call(py, 0, |_| prompt::few_shot(&template.0, &examples, separator, query.as_deref(), stop_before)).map(to_python)
}
