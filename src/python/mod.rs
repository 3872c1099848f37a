//! The Python module, and the only place that knows pyo3: convert, let the interpreter go, call the core, convert back.
//!
//! Every call into the core goes through [`call`]: it releases the interpreter for work that takes longer than releasing it, answers Ctrl-C and reports
//! progress while long work runs, turns the core's errors into the classes of `toklet.reference.error`, and a bug into `toklet.InternalError`.

mod chat;
mod convert;
mod files;
mod lists;
mod numbers;
mod prompting;
mod sampling;
mod strings;
mod tokenizer;
mod training;

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError};
use pyo3::prelude::*;

use crate::error::{Error, Kind, Result};
use crate::threads::{Pulse, watched};

/// Work on fewer bytes is over in some 20 µs at the 60 MB/s at which text is encoded, and keeps the interpreter.
const BRIEF: usize = 1 << 10;
/// Work on more bytes may take longer than a person who pressed Ctrl-C wants to wait, so it runs on a worker and this thread listens.
const LONG: usize = 1 << 17;

/// Call the core for work on about `size` bytes.
fn call<T: Send>(py: Python<'_>, size: usize, work: impl FnOnce(&Pulse) -> Result<T> + Send) -> PyResult<T> {
    reported(py, size, None, 0, work)
}

/// Call the core, and report (done, total) to a Python callable while it works.
fn reported<T: Send>(py: Python<'_>, size: usize, report: Option<&Bound<'_, PyAny>>, total: u64, work: impl FnOnce(&Pulse) -> Result<T> + Send) -> PyResult<T> {
    let report = report.map(|report| report.clone().unbind());
    let mut raised = None;
    let mut beat = |done: u64| {
        if raised.is_some() {
            return false; // the work has been told to stop, and is on its way
        }
        let told = Python::attach(|py| {
            py.check_signals()?;
            report.as_ref().map_or(Ok(()), |report| report.call1(py, (done, total)).map(drop))
        });
        raised = told.err();
        raised.is_none()
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| match size {
        ..BRIEF => work(&Pulse::asking(go_on)),
        BRIEF..LONG => py.detach(|| work(&Pulse::asking(go_on))),
        _ => py.detach(|| watched(&mut beat, work)),
    }));
    let raised = raised.or_else(|| PyErr::take(py)); // what `go_on` has left, whatever else has gone wrong
    match (raised, outcome) {
        (Some(error), _) => Err(error),
        (None, Ok(result)) => result.map_err(|error| to_python(py, error)),
        (None, Err(panic)) => {
            let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
            Err(exception(py, "InternalError", (words.unwrap_or_else(|| "a panic without words".into()),)))
        }
    }
}

/// Whether nothing has been raised in between, by Ctrl-C; it is kept where the interpreter keeps it.
fn go_on() -> bool {
    Python::attach(|py| py.check_signals().map_err(|error| error.restore(py)).is_ok())
}

/// A Python exception of a class of `toklet.reference.error`.
fn exception<'py>(py: Python<'py>, class: &str, arguments: impl pyo3::call::PyCallArgs<'py>) -> PyErr {
    let made = py.import("toklet.reference.error").and_then(|module| module.getattr(class)?.call1(arguments));
    made.map_or_else(|error| error, PyErr::from_value)
}

fn to_python(py: Python<'_>, error: Error) -> PyErr {
    let class = match error.kind {
        Kind::Argument => "ArgumentError",
        Kind::Text => "TextError",
        Kind::Token => "TokenError",
        Kind::Vocabulary => "VocabularyError",
        Kind::Format => "FormatError",
        Kind::Corpus => "CorpusError",
        Kind::Logits => "LogitsError",
        Kind::Prompt => "PromptError",
        Kind::Io(_, Some(code)) => return PyOSError::new_err((code, error.found, error.place)),
        Kind::Io(_, None) => return PyOSError::new_err(error.to_string()),
        Kind::Interrupted => return PyKeyboardInterrupt::new_err(()),
        Kind::Internal => return exception(py, "InternalError", (error.to_string(),)),
    };
    exception(py, class, (error.place, error.found, error.allowed))
}

/// A parameter of the wrong type.
fn wrong_type(py: Python<'_>, place: &str, found: impl Into<String>, allowed: &str) -> PyErr {
    exception(py, "WrongTypeError", (place, found.into(), allowed))
}

/// The Rust core of toklet; `toklet.reference` says what each name does.
#[pymodule(name = "_native", gil_used = false)]
fn native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Made now, while nothing else runs: a fork in the middle of a first use would leave the child with a table that nobody finishes.
    crate::Pattern::prepare();
    module.add("UNICODE_VERSION", crate::unicode::UNICODE_VERSION)?;
    module.add("PATTERNS", crate::Pattern::built_in().collect::<std::collections::HashMap<_, _>>())?;
    module.add_class::<tokenizer::Tokenizer>()?;
    module.add_class::<tokenizer::Stream>()?;
    module.add_class::<tokenizer::Chunks>()?;
    module.add_class::<tokenizer::Counter>()?;
    module.add_class::<training::WordCounts>()?;
    module.add_class::<sampling::Sampler>()?;
    module.add_class::<prompting::Template>()?;
    module.add_class::<chat::ChatContext>()?;
    module.add_class::<chat::ChatTemplate>()?;
    for function in [
        wrap_pyfunction!(tokenizer::split, module)?,
        wrap_pyfunction!(files::load, module)?,
        wrap_pyfunction!(files::read, module)?,
        wrap_pyfunction!(files::save, module)?,
        wrap_pyfunction!(files::text, module)?,
        wrap_pyfunction!(training::count, module)?,
        wrap_pyfunction!(training::count_files, module)?,
        wrap_pyfunction!(training::train, module)?,
        wrap_pyfunction!(sampling::softmax, module)?,
        wrap_pyfunction!(sampling::log_softmax, module)?,
        wrap_pyfunction!(sampling::top_k, module)?,
        wrap_pyfunction!(prompting::few_shot, module)?,
    ] {
        module.add_function(function)?;
    }
    Ok(())
}
