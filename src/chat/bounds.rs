//! What a variable of a template may hold, and the expressions that put something into one.
//!
//! The engine's fuel counts steps, and what a step makes; not what it walks over, nor what is joined without being worked out. A list that doubles from one
//! round to the next, or nests, would have no bound. So whatever gets a name (`set`, a macro's parameter, what a loop runs over) passes a check, written into
//! the source here: it is walked over, for fuel, must be small beside what the template is given, and is worked out. Between two names there is one expression,
//! and it can't make more than its length says.

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

/// The function that checks what is put into a variable. A template that has its name is refused: it could put another in its place.
pub(super) const CHECK: &str = "_checked_value";
/// Values in variables are nested at most so deep: what the engine does with values recurses.
const MAX_DEPTH: usize = 200;
/// What is in a variable holds at most a value for each so many steps that the template may take in all: the whole conversation holds fewer. The engine
/// compares two values in one step, so it is also what bounds the time: 5 s, at worst, for a short conversation.
const STEPS_PER_VALUE: u64 = 512;

pub(super) fn refuse<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, why.into()))
}

/// Check what is put into a variable, and give it worked out. `kept` says that it goes into a namespace, which must not hold one: it could hold itself.
pub(super) fn checked(state: &State, value: Value, kept: Option<bool>) -> Result<Value, Error> {
    if !holds(&value) {
        return Ok(value);
    }
    let (taken, left) = state.fuel_levels().unwrap_or_default();
    let mut walk = Walk { state, kept: kept == Some(true), room: (taken + left) / STEPS_PER_VALUE, lazy: false };
    walk.over(&value, 0)?;
    if walk.lazy { settled(value) } else { Ok(value) }
}

/// Whether a value holds others.
fn holds(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
}

/// Whether an object of the engine's is of a type.
fn is_a(value: &Value, name: &str) -> bool {
    value.as_object().is_some_and(|object| object.type_name().contains(name))
}

/// A walk over a value and all that it holds.
struct Walk<'a> {
    state: &'a State<'a, 'a>,
    kept: bool,
    room: u64,
    /// Whether something was met that is not worked out.
    lazy: bool,
}

impl Walk<'_> {
    fn over(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if !holds(value) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            return refuse("a value is nested too deeply");
        }
        if self.kept && is_a(value, "Namespace") {
            return refuse("a namespace can't be put into a namespace");
        }
        self.lazy |= value.kind() == ValueKind::Iterable;
        let map = value.kind() == ValueKind::Map;
        for item in value.try_iter()? {
            self.state.consume_fuel(1)?;
            self.room = self.room.checked_sub(1).ok_or_else(|| Error::new(ErrorKind::OutOfFuel, "a value is too large"))?;
            self.over(&item, depth + 1)?;
            if map {
                self.over(&value.get_item(&item)?, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// A value with all that it holds worked out; objects of the engine's own stay what they are.
fn settled(value: Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Map if is_a(&value, "Map<") || value.is_kwargs() => {
            let pairs = value.try_iter()?.map(|key| Ok((key.clone(), settled(value.get_item(&key)?)?)));
            Ok(Value::from_pairs(pairs.collect::<Result<Vec<_>, Error>>()?))
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(settled).collect::<Result<Vec<_>, _>>()?;
            Ok(if value.is_tuple() { Value::from(Tuple::from(items)) } else { Value::from(items) })
        }
        _ => Ok(value),
    }
}

/// A block of a template with the checks of what it puts into variables.
pub(super) fn with_checks(block: &str) -> String {
    let inside = block.strip_prefix("{%").and_then(|block| block.strip_suffix("%}"));
    inside.and_then(|inside| in_place(inside).or_else(|| behind(inside))).unwrap_or_else(|| block.into())
}

const MARKS: [char; 2] = ['-', '+'];

/// `{% set … = … %}`: its value goes through the check.
fn in_place(inside: &str) -> Option<String> {
    let target = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || matches!(c, '_' | '.' | ',' | '(' | ')'));
    let (before, value) = inside.split_once('=')?;
    let bare = before.trim_start_matches(MARKS);
    if !target(bare) || bare.split_whitespace().next() != Some("set") {
        return None;
    }
    let trimmed = value.trim_end_matches(MARKS);
    let (end, kept) = (&value[trimmed.len()..], if before.contains('.') { ", true" } else { "" });
    Some(format!("{{%{before}= {CHECK}(({trimmed}){kept}) {end}%}}"))
}

/// `for`, `with`, `macro` and `call`: the names that they give stand at the beginning of their bodies, where each goes through the check.
fn behind(inside: &str) -> Option<String> {
    let trimmed = inside.trim_end_matches(MARKS);
    let tokens = tokens(trimmed.trim_start_matches(MARKS));
    let (&word, rest) = tokens.split_first()?;
    let names = match word {
        "for" => {
            let at = rest.iter().position(|&token| token == "in")?;
            let made = rest[at..].iter().any(|token| matches!(*token, "(" | "[" | "{" | "+" | "*" | "~" | "|" | "recursive"));
            if made { targets(&rest[..at]) } else { Vec::new() } // what is in a variable's list has been checked with it
        }
        "with" => targets(rest),
        "macro" => targets(group(rest.get(1..)?)?),
        "call" => targets(group(rest)?),
        _ => return None,
    };
    let (&last, others) = names.split_last()?;
    let end = &inside[trimmed.len()..];
    let others: String = others.iter().map(|name| format!("{{% set {name} = {CHECK}({name}) %}}")).collect();
    Some(format!("{{%{trimmed} %}}{others}{{% set {last} = {CHECK}({last}) {end}%}}"))
}

/// Words, text constants and other characters.
fn tokens(mut text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start();
        let Some(c) = text.chars().next() else { return found };
        let wordy = |c: char| c.is_alphanumeric() || c == '_';
        let length = match c {
            '"' | '\'' => (super::source::constant_length(&text[1..], c) + 2).min(text.len()),
            _ if wordy(c) => text.find(|c| !wordy(c)).unwrap_or(text.len()),
            _ => c.len_utf8(),
        };
        let (token, rest) = text.split_at(length);
        found.push(token);
        text = rest;
    }
}

/// What stands in the brackets that tokens begin with.
fn group<'a, 'b>(tokens: &'b [&'a str]) -> Option<&'b [&'a str]> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return tokens.get(1..at);
        }
    }
    None
}

/// The names of `a, (b, c), d = 1`: what follows an `=` up to the next comma is a value.
fn targets<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    let (mut found, mut depth, mut value) = (Vec::new(), 0_usize, false);
    for &token in tokens {
        match token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "=" if depth == 0 => value = true,
            "," if depth == 0 => value = false,
            _ if !value && token.starts_with(|c: char| c.is_alphabetic() || c == '_') => found.push(token),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::with_checks;

    #[test]
    fn each_name_is_checked_where_it_is_given() {
        for (block, checked) in [
            ("{%- set a = b -%}", "{%- set a = _checked_value(( b )) -%}"),
            ("{% set ns.a = '=' %}", "{% set ns.a = _checked_value(( '=' ), true) %}"),
            ("{% for m in messages -%}", "{% for m in messages -%}"),
            (
                "{% for a, (b, c) in d[1:] +%}",
                "{% for a, (b, c) in d[1:]  %}{% set a = _checked_value(a) %}{% set b = _checked_value(b) %}{% set c = _checked_value(c) +%}",
            ),
            ("{% for m in messages recursive %}", "{% for m in messages recursive  %}{% set m = _checked_value(m) %}"),
            (
                "{% macro f(a, b=')', c=[d, e]) -%}",
                "{% macro f(a, b=')', c=[d, e])  %}{% set a = _checked_value(a) %}{% set b = _checked_value(b) %}{% set c = _checked_value(c) -%}",
            ),
            ("{% macro f() %}", "{% macro f() %}"),
            ("{% call(a) f(b) %}", "{% call(a) f(b)  %}{% set a = _checked_value(a) %}"),
            ("{% call f(b) %}", "{% call f(b) %}"),
            ("{% with a = b == c, d = {'e': f} %}", "{% with a = b == c, d = {'e': f}  %}{% set a = _checked_value(a) %}{% set d = _checked_value(d) %}"),
            ("{% if a == b %}", "{% if a == b %}"),
            ("{{ a + b }}", "{{ a + b }}"),
            ("{% macro f(a", "{% macro f(a"),
        ] {
            assert_eq!(with_checks(block), checked);
        }
    }
}
