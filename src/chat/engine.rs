//! A compiled chat template: minijinja, set up as the field sets up Jinja, with bounds on time, memory and stack.

use std::{error, fmt, thread};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest, ValueOrKwargs};
use minijinja::{Environment, ErrorKind, State, Value, escape_formatter};

use super::bounds::{CHECK, checked, refuse};
use super::clock::Now;
use super::json;
use super::percent::{PERCENT, formatted};
use super::source::SPAN;
use crate::error::{Error, Kind, Result, quote};

/// A template that isn't done after this many steps, and some for each byte of what it is given, doesn't end. A step makes at most some 64 bytes.
const FUEL: u64 = 500_000;
const FUEL_PER_BYTE: u64 = 64;
/// The stack of the thread that compiles, and renders what may recurse: the engine does so up to a limit, whatever stack its caller has.
const STACK: usize = 64 << 20;
const NAME: &str = "chat";
/// At most so much of a template is shown in an error.
const SHOWN: usize = 60;
/// No number in what `str.format` is given may have more digits: it could be a width.
const WIDTH_DIGITS: usize = 4;
/// The variables that the shims read; no template or caller can set one by this name.
const CLOCK: &str = " now";
const MARKS: &str = " marks";

/// What `raise_exception` says.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for Refusal {}

/// A compiled template.
pub(super) struct Engine {
    engine: Environment<'static>,
    source: String,
}

/// Run work that recurses on a thread with room for it.
pub(super) fn with_room<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let worker =
            worker.map_err(|error| Error::new(Kind::Prompt, "a thread for the chat template", format!("refused: {error}"), "granted by the system"))?;
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A text without the white space at its ends, which in Python has the four separators of ASCII as well.
fn stripped<'a>(text: &'a str, method: &str) -> &'a str {
    let space = |c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}');
    match method {
        "lstrip" => text.trim_start_matches(space),
        "rstrip" => text.trim_end_matches(space),
        _ => text.trim_matches(space),
    }
}

/// An error of the engine as one of ours.
fn explained(error: &minijinja::Error, template: &str) -> Error {
    let mut source: Option<&(dyn error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(Refusal(words)) = inner.downcast_ref() {
            return Error::new(Kind::Prompt, "the conversation", format!("refused by its template: {}", quote::text(words)), "what the template takes");
        }
        source = inner.source();
    }
    if error.kind() == ErrorKind::OutOfFuel {
        return Error::new(Kind::Prompt, "the chat template", "still running after very many steps", "done sooner: it may loop, or build a huge text");
    }
    let line = error.line().map_or_else(String::new, |line| format!(" in line {line}"));
    let at = error.range().and_then(|range| template.get(range)).filter(|at| at.len() <= SHOWN && !at.contains(CHECK));
    let at = at.map_or_else(String::new, |at| format!(", at {}", quote::text(at)));
    let words = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let shown: String = words.chars().take(300).collect();
    let allowed = match words.contains("undefined") {
        true => "given all that it reads: a message without its 'content', say, can't be shown",
        false => "one that Jinja can render with this conversation",
    };
    Error::new(Kind::Prompt, "the chat template", format!("failing{line}{at}: {shown}"), allowed)
}

impl Engine {
    /// Compile a source.
    pub fn new(source: &str) -> Result<Self> {
        let mut engine = Environment::new();
        for filter in ["chain", "zip"] {
            engine.remove_filter(filter); // Jinja has none, and what they give grows without being worked out
        }
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        engine.set_syntax(syntax.map_err(|error| explained(&error, source))?);
        engine.set_unknown_method_callback(|state, value, method, args| match (value.as_str(), method, args) {
            (Some(text), "strip" | "lstrip" | "rstrip", []) => Ok(Value::from(stripped(text, method))),
            (Some(text), "format", _) if text.split(|c: char| !c.is_ascii_digit()).any(|number| number.len() > WIDTH_DIGITS) => {
                refuse("a number in what is formatted is too large")
            }
            _ => minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args),
        });
        engine.add_filter("trim", |value: &Value, characters: Option<String>| -> std::result::Result<String, minijinja::Error> {
            let text = json::printed(value)?.unwrap_or_else(|| value.to_string());
            Ok(match characters {
                Some(characters) => text.trim_matches(|c| characters.contains(c)).to_owned(),
                None => stripped(&text, "strip").to_owned(),
            })
        });
        engine.set_formatter(|out, state, value| match json::printed(value)? {
            Some(text) => out.write_str(&text).map_err(minijinja::Error::from),
            None => escape_formatter(out, state, value),
        });
        engine.add_filter(PERCENT, formatted);
        engine.add_filter("tojson", json::tojson);
        let fromjson = |text: &str| {
            let value = serde_json::from_str(text).map_err(|error| minijinja::Error::new(ErrorKind::InvalidOperation, format!("fromjson: {error}")))?;
            Ok::<_, minijinja::Error>(value_of(&value))
        };
        engine.add_filter("fromjson", fromjson);
        engine.add_function("fromjson", fromjson);
        engine.add_function("raise_exception", |words: Value| -> std::result::Result<Value, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, "refused").with_source(Refusal(words.to_string())))
        });
        engine.add_function("strftime_now", |state: &State, format: &str| {
            let now = state.lookup(CLOCK).and_then(|value| value.downcast_object_ref::<Clock>().map(|clock| clock.0));
            now.map(|now| now.format(format)).ok_or_else(|| minijinja::Error::new(ErrorKind::InvalidOperation, "there is no clock"))
        });
        engine.add_function(CHECK, checked);
        engine.add_function("namespace", |state: &State, defaults: Option<ValueOrKwargs>| {
            let checked = defaults.map(|given| checked(state, given.into_value(), None)).transpose()?;
            minijinja::functions::namespace(checked.map(ValueOrKwargs::from))
        });
        engine.add_function(SPAN, |state: &mut State, _: Rest<Value>, kwargs: Kwargs| -> std::result::Result<String, minijinja::Error> {
            let caller: Value = kwargs.get("caller")?;
            let body = caller.call(state, &[])?.to_string();
            let marks = state.lookup(MARKS).map(|marks| marks.to_string());
            let [open, close] = marks.as_deref().and_then(|marks| marks.split_once(' ')).map_or(["", ""], |(open, close)| [open, close]);
            Ok(format!("{open}{body}{close}"))
        });
        engine.add_template_owned(NAME, source.to_owned()).map_err(|error| explained(&error, source))?;
        Ok(Self { engine, source: source.to_owned() })
    }

    /// Render with variables, on a stack with room. `size` is about how many bytes they hold; `marks` are put around what `{% generation %}` encloses.
    pub fn render(&self, variables: Vec<(String, Value)>, now: Now, marks: Option<[char; 2]>, size: usize) -> Result<String> {
        let mut variables = variables;
        variables.push((CLOCK.into(), Value::from_object(Clock(now))));
        if let Some([open, close]) = marks {
            variables.push((MARKS.into(), Value::from(format!("{open} {close}"))));
        }
        let mut engine = self.engine.clone();
        engine.set_fuel(Some(FUEL + FUEL_PER_BYTE * u64::try_from(size).unwrap_or(u64::MAX / 128)));
        let template = engine.get_template(NAME).map_err(|error| explained(&error, &self.source))?;
        template.render(Value::from_pairs(variables)).map_err(|error| explained(&error, &self.source))
    }
}

#[derive(Debug)]
struct Clock(Now);

impl minijinja::value::Object for Clock {}

/// JSON as a value of the engine.
pub(super) fn value_of(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Value::from(value),
            (None, Some(value)) => Value::from(value),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::from(items.iter().map(value_of).collect::<Vec<_>>()),
        serde_json::Value::Object(table) => Value::from_pairs(table.iter().map(|(key, value)| (key.as_str(), value_of(value)))),
    }
}
