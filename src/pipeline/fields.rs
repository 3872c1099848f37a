//! Fields of a file that is JSON: looked up, and refused by name where they say what toklet doesn't do.

use serde_json::{Map, Value, json};

use super::json::{Refused, read};
use crate::error::{Error, Kind, MAX_IDS, Result, quote};
use crate::threads::Pulse;

/// What one file says; every refusal names the file and the field.
pub(crate) struct Fields<'a> {
    pub(crate) name: &'a str,
}

/// Published files have up to ten.
const MAX_STEPS: usize = 32;

/// What is there where nothing is.
pub(crate) static NULL: Value = Value::Null;

/// Look up a field; null where it is missing.
pub(crate) fn get<'v>(inside: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(inside, |found, key| found.get(key).unwrap_or(&NULL))
}

impl Fields<'_> {
    /// Read JSON.
    pub(crate) fn parse(&self, data: &[u8], called: &str, pulse: &Pulse) -> Result<Value> {
        read(data, pulse).map_err(|refused| match refused {
            Refused::Stopped(error) => error,
            Refused::Twice(key) => Error::new(Kind::Format, self.name, format!("saying {} twice", quote::text(&key)), "an object whose keys are all different"),
            Refused::Objects(most) => Error::new(Kind::Format, self.name, format!("over {most} objects"), "of larger ones, or of fewer"),
            Refused::Syntax => Error::new(Kind::Format, self.name, "not JSON", called),
        })
    }

    /// The error that names a field of the file.
    pub(crate) fn refused(&self, field: &str, found: impl Into<String>, allowed: impl Into<String>) -> Error {
        Error::new(Kind::Format, format!("{field} of {}", self.name), found, allowed)
    }

    /// Refuse what doesn't fit.
    pub(crate) fn need(&self, field: &str, found: &Value, fits: bool, allowed: &str) -> Result<()> {
        if fits { Ok(()) } else { Err(self.refused(field, found.to_string().chars().take(80).collect::<String>(), allowed)) }
    }

    /// Refuse a value that isn't in the list of those allowed; give its place there.
    pub(crate) fn one_of(&self, field: &str, found: &Value, allowed: &[Value]) -> Result<usize> {
        let place = allowed.iter().position(|value| value == found);
        let written: Vec<_> = allowed.iter().map(Value::to_string).collect();
        self.need(field, found, place.is_some(), &written.join(" or "))?;
        Ok(place.unwrap_or_default())
    }

    /// Refuse a word that isn't among those allowed; give its place there.
    pub(crate) fn word(&self, field: &str, found: &Value, allowed: &[&str]) -> Result<usize> {
        self.one_of(field, found, &allowed.iter().map(|word| json!(word)).collect::<Vec<_>>())
    }

    /// Read a text.
    pub(crate) fn text<'v>(&self, field: &str, found: &'v Value) -> Result<&'v str> {
        self.need(field, found, found.is_string(), "a text")?;
        Ok(found.as_str().unwrap_or_default())
    }

    /// Read a list.
    pub(crate) fn list<'v>(&self, field: &str, found: &'v Value) -> Result<&'v [Value]> {
        self.need(field, found, found.is_array(), "a list")?;
        Ok(found.as_array().map_or(&[], Vec::as_slice))
    }

    /// Read an object.
    pub(crate) fn object<'v>(&self, field: &str, found: &'v Value) -> Result<&'v Map<String, Value>> {
        match found {
            Value::Object(map) => Ok(map),
            _ => Err(self.refused(field, found.to_string().chars().take(80).collect::<String>(), "an object")),
        }
    }

    /// Read a list of objects.
    pub(crate) fn objects<'v>(&self, field: &str, found: &'v Value) -> Result<&'v [Value]> {
        let items = self.list(field, found)?;
        for (i, item) in items.iter().enumerate() {
            self.object(&format!("{field}[{i}]"), item)?;
        }
        Ok(items)
    }

    /// Read the steps of a normalizer, a pre-tokenizer and so on: none, one, or the list that a `Sequence` has in the field `listed`.
    pub(crate) fn steps<'v>(&self, field: &str, found: &'v Value, listed: &str) -> Result<&'v [Value]> {
        if get(found, "type") == "Sequence" {
            let (field, found) = (format!("{field}.{listed}"), get(found, listed));
            let steps = self.objects(&field, found)?;
            self.need(&field, found, steps.len() <= MAX_STEPS, &format!("at most {MAX_STEPS} steps"))?;
            return Ok(steps);
        }
        if found.is_null() {
            return Ok(&[]);
        }
        self.object(field, found)?;
        Ok(std::slice::from_ref(found))
    }

    /// Read true or false; null or nothing is the default.
    pub(crate) fn flag(&self, field: &str, found: &Value, default: bool) -> Result<bool> {
        if found.is_null() {
            return Ok(default);
        }
        self.one_of(field, found, &[json!(false), json!(true)]).map(|place| place == 1)
    }

    /// Read an id.
    pub(crate) fn id(&self, token: &str, found: &Value) -> Result<u32> {
        let field = || format!("the id of {}", quote::text(token));
        let outside = |id: String| Error::new(Kind::Vocabulary, field(), id, format!("from 0 to {}", MAX_IDS - 1));
        match (found.as_i64(), found.as_f64()) {
            (Some(id), _) => u32::try_from(id).ok().filter(|id| *id < MAX_IDS).ok_or_else(|| outside(id.to_string())),
            (None, Some(wide)) if wide.abs() >= 2.0_f64.powi(63) => Err(outside(format!("{wide:.0}"))),
            _ => self.need(&field(), found, false, "an integer").map(|()| 0),
        }
    }
}
