//! JSON in which no object says a key twice: of two values for one token, neither can be believed. And in which there are no more objects than a tokenizer has
//! use for: small ones take fifty times as much memory as room in the file.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::Error as Ours;
use crate::threads::Pulse;

/// So many objects may be there, and one more for so many bytes: a token of a tekken.json has 50.
const OBJECTS: usize = 1 << 16;
const BYTES_AN_OBJECT: usize = 24;

/// Why something isn't read.
pub(super) enum Refused {
    /// It is no JSON.
    Syntax,
    /// An object says this key twice.
    Twice(String),
    /// It has more objects than this.
    Objects(usize),
    /// The caller wanted to stop.
    Stopped(Ours),
}

/// Reads a value.
struct Unique<'p> {
    pulse: &'p Pulse,
    objects: usize,
    most: usize,
    refused: Option<Refused>,
}

/// Read all of some JSON.
pub(super) fn read(data: &[u8], pulse: &Pulse) -> Result<Value, Refused> {
    let mut reader = Unique { pulse, objects: 0, most: OBJECTS + data.len() / BYTES_AN_OBJECT, refused: None };
    let mut json = serde_json::Deserializer::from_slice(data);
    let read = reader.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    read.map_err(|_| reader.refused.unwrap_or(Refused::Syntax))
}

impl Unique<'_> {
    /// Stop reading.
    fn refuse<T, E: Error>(&mut self, why: Refused) -> Result<T, E> {
        self.refused = Some(why);
        Err(E::custom(""))
    }

    fn tick<E: Error>(&mut self) -> Result<(), E> {
        self.pulse.tick(0).or_else(|stopped| self.refuse(Refused::Stopped(stopped)))
    }
}

impl<'de> DeserializeSeed<'de> for &mut Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Unique<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(&mut *self)? {
            list.push(item);
            self.tick()?;
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.objects += 1;
        if self.objects > self.most {
            return self.refuse(Refused::Objects(self.most));
        }
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.tick()?;
            if map.contains_key(&key) {
                return self.refuse(Refused::Twice(key));
            }
            map.insert(key, entries.next_value_seed(&mut *self)?);
        }
        Ok(Value::Object(map))
    }
}
