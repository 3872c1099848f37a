//! Chat templates for Python.

use pyo3::prelude::*;

use super::call;
use crate::chat;

#[pyclass(frozen, module = "toklet._native")]
pub(super) struct ChatTemplate(chat::ChatTemplate);

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
    fn text(&self, py: Python<'_>, context: &str, now: Time, continue_final: bool) -> PyResult<String> {
        call(py, context.len(), |_| self.0.text(context, time(now), continue_final))
    }

    #[pyo3(signature = (context, specials, now, continue_final = false))]
    fn parts(&self, py: Python<'_>, context: &str, specials: Vec<String>, now: Time, continue_final: bool) -> PyResult<Vec<Part>> {
        let parts = call(py, context.len(), |_| self.0.parts(context, &specials, time(now), continue_final))?;
        Ok(parts.into_iter().map(to_python).collect())
    }
}
