//! Values as Python writes them: `json.dumps` with its arguments, and `str` of what a template prints.

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use crate::error::quote;

/// Values nested deeper than this are refused: the writers recurse.
const MAX_DEPTH: usize = 200;

fn refuse<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, why.into()))
}

/// A float as Python writes it: the shortest digits that read back as it, with an exponent below 1e-4 and from 1e16.
pub(super) fn float(value: f64, names: [&str; 3]) -> String {
    if value.is_nan() {
        return names[0].into();
    }
    if value.is_infinite() {
        return names[if value > 0.0 { 1 } else { 2 }].into();
    }
    let size = value.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) {
        return format!("{value:?}");
    }
    let short = format!("{value:e}");
    let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

/// Whether a number is a float rather than a whole number.
fn as_float(value: &Value) -> Option<f64> {
    (value.kind() == ValueKind::Number && !value.is_integer()).then(|| f64::try_from(value.clone()).ok()).flatten()
}

/// What `{{ value }}` prints, if it isn't what minijinja would print.
pub(super) fn printed(value: &Value) -> Result<Option<String>, Error> {
    match value.kind() {
        ValueKind::Number => Ok(as_float(value).map(|number| float(number, ["nan", "inf", "-inf"]))),
        // A macro's or a loop's object is a map or a sequence only if it was made from one.
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            let mut out = String::new();
            repr(value, &mut out, 0)?;
            Ok(Some(out))
        }
        _ => Ok(None),
    }
}

fn repr(value: &Value, out: &mut String, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return refuse("a value is nested too deeply to be printed");
    }
    match value.kind() {
        ValueKind::String => out.push_str(&quote::text(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => {
            let tuple = value.is_tuple();
            out.push(if tuple { '(' } else { '[' });
            let mut count = 0;
            for item in value.try_iter()? {
                out.push_str(if count > 0 { ", " } else { "" });
                repr(&item, out, depth + 1)?;
                count += 1;
            }
            out.push_str(if tuple && count == 1 {
                ",)"
            } else if tuple {
                ")"
            } else {
                "]"
            });
        }
        ValueKind::Map => {
            out.push('{');
            for (number, key) in value.try_iter()?.enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                repr(&key, out, depth + 1)?;
                out.push_str(": ");
                repr(&value.get_item(&key)?, out, depth + 1)?;
            }
            out.push('}');
        }
        _ => match as_float(value) {
            Some(number) => out.push_str(&float(number, ["nan", "inf", "-inf"])),
            None => out.push_str(&value.to_string()),
        },
    }
    Ok(())
}

/// How `tojson` writes.
struct Style {
    ascii: bool,
    indent: Option<String>,
    item: String,
    key: String,
    sorted: bool,
}

/// The filter `tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
pub(super) fn tojson(state: &State, value: &Value, places: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let given = |at: usize, name: &str| -> Result<Option<Value>, Error> {
        let value = if kwargs.has(name) { Some(kwargs.get::<Value>(name)?) } else { places.get(at).cloned() };
        Ok(value.filter(|value| !value.is_none()))
    };
    let indent = match given(1, "indent")? {
        None => None,
        Some(value) if value.as_str().is_some() => value.as_str().map(str::to_owned),
        Some(value) => Some(" ".repeat(usize::try_from(i64::try_from(value)?.clamp(0, 1_000)).unwrap_or(0))),
    };
    let (mut item, mut key) = (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned());
    if let Some(separators) = given(2, "separators")? {
        let [first, second] = [separators.get_item_by_index(0)?, separators.get_item_by_index(1)?];
        (item, key) = (first.to_string(), second.to_string());
    }
    let is = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let style = Style { ascii: is(given(0, "ensure_ascii")?), indent, item, key, sorted: is(given(3, "sort_keys")?) };
    kwargs.assert_all_used()?;
    let mut out = String::new();
    write(state, value, &style, &mut out, 0)?;
    Ok(Value::from(out))
}

fn text(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if ascii && c > '~' => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write(state: &State, value: &Value, style: &Style, out: &mut String, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return refuse("a value is nested too deeply for tojson");
    }
    state.consume_fuel(1)?;
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = &style.indent {
            out.push('\n');
            (0..depth).for_each(|_| out.push_str(indent));
        }
    };
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => match as_float(value) {
            Some(number) => out.push_str(&float(number, ["NaN", "Infinity", "-Infinity"])),
            None => out.push_str(&value.to_string()),
        },
        ValueKind::String => text(value.as_str().unwrap_or_default(), style.ascii, out),
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            let mut count = 0;
            for item in value.try_iter()? {
                out.push_str(if count > 0 { &style.item } else { "" });
                line(out, depth + 1);
                write(state, &item, style, out, depth + 1)?;
                count += 1;
            }
            if count > 0 {
                line(out, depth);
            }
            out.push(']');
        }
        ValueKind::Map => {
            let mut keys: Vec<Value> = value.try_iter()?.collect();
            if style.sorted {
                keys.sort();
            }
            out.push('{');
            for (number, key) in keys.iter().enumerate() {
                out.push_str(if number > 0 { &style.item } else { "" });
                line(out, depth + 1);
                match key.as_str() {
                    Some(key) => text(key, style.ascii, out),
                    None => text(&key.to_string(), style.ascii, out),
                }
                out.push_str(&style.key);
                write(state, &value.get_item(key)?, style, out, depth + 1)?;
            }
            if !keys.is_empty() {
                line(out, depth);
            }
            out.push('}');
        }
        kind => return refuse(format!("tojson can't write a value that is {kind}")),
    }
    state.consume_fuel(u64::try_from(out.len() / (1 << 20)).unwrap_or(u64::MAX))
}
