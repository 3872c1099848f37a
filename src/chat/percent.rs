//! `'a text with %s' % values`, which Python's strings have and the engine's don't: where a text constant stands before the sign it is written as a call of a
//! filter, which does what the engine's own filter `format` does, and is bounded as that is.

use minijinja::value::{Kwargs, Tuple};
use minijinja::{Error, State, Value};

use super::bounds::refuse;
use super::source::constant_length;

/// The filter that stands in for the sign.
pub(super) const PERCENT: &str = "_percent_format";

/// Format values: a tuple has several, a dict names them.
pub(super) fn formatted(state: &mut State, text: Value, values: &Value) -> Result<Value, Error> {
    let padded = text.as_str().is_some_and(|text| text.split('%').skip(1).any(|rest| rest.starts_with(|c: char| c == '-' || c.is_ascii_digit())));
    let mut given = vec![text];
    if let Some(several) = values.downcast_object_ref::<Tuple>() {
        given.extend(several.iter().cloned());
    } else if given[0].as_str().is_some_and(|text| text.contains("%(")) {
        let pairs = values.try_iter()?.map(|key| Ok((key.to_string(), values.get_item(&key)?)));
        given.push(pairs.collect::<Result<Kwargs, Error>>()?.into());
    } else {
        given.push(values.clone());
    }
    if padded && given[1..].iter().filter_map(|value| value.as_str()).any(|text| !text.is_ascii()) {
        return refuse("a width can't be kept beside a text that isn't ASCII"); // the engine counts bytes, Python characters
    }
    state.apply_filter("format", &given)
}

/// A block with its signs behind text constants written as filters. What is inside the values of one stays as it is. Time O(n).
pub(super) fn with_percent(block: &str) -> String {
    let (mut out, mut at, mut quiet) = (String::new(), 0, 0);
    while let Some(c) = block[at..].chars().next() {
        if !matches!(c, '"' | '\'') {
            at += c.len_utf8();
            continue;
        }
        let end = (at + constant_length(&block[at + 1..], c) + 2).min(block.len());
        at = end;
        let Some(values) = block[end..].trim_start().strip_prefix('%').filter(|rest| !rest.starts_with('}')) else { continue };
        let start = block.len() - values.trim_start().len();
        let length = operand(&block[start..]);
        if length > 0 {
            at = start + length;
            out.push_str(&format!("{} | {PERCENT}({})", &block[quiet..end], &block[start..at]));
            quiet = at;
        }
    }
    out.push_str(&block[quiet..]);
    out
}

/// How long the operand is that a text begins with: a constant, a name or something in brackets, with what follows it closely, and its filters.
fn operand(text: &str) -> usize {
    let word = |at: usize| text[at..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len() - at);
    let spaces = |at: usize| text.len() - text[at..].trim_start().len();
    let mut at = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => (constant_length(&text[1..], quote) + 2).min(text.len()),
        Some('(' | '[' | '{') => bracket(text),
        _ => word(0),
    };
    let mut after = at; // where what may follow begins
    while at > 0 {
        at = after;
        let rest = &text[at..];
        let more = match rest.chars().next() {
            Some('.') => at + 1 + word(at + 1),
            Some('[' | '(') => at + bracket(rest),
            _ => match text[spaces(at)..].strip_prefix('|') {
                Some(name) => {
                    let name = text.len() - name.trim_start().len();
                    name + word(name)
                }
                None => break,
            },
        };
        if more <= at {
            break;
        }
        after = more;
    }
    at
}

/// How long the brackets are that a text begins with; 0 if they don't close.
fn bracket(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(c) = text[at..].chars().next() {
        at += match c {
            '"' | '\'' => (constant_length(&text[at + 1..], c) + 2).min(text.len() - at),
            _ => c.len_utf8(),
        };
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    0
}
