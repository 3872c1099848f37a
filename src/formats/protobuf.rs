//! The wire format of protocol buffers, as much of it as it takes to read a message: fields with a number and a value, one after the other.

use crate::error::{Error, Kind, Result};

/// An integer, or the bytes of anything longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Number(_) => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }

    pub(super) fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Bytes(_) => None,
        }
    }
}

/// The fields of a message, lazily.
pub(super) struct Message<'a> {
    rest: &'a [u8],
    name: &'a str,
}

impl<'a> Message<'a> {
    pub(super) fn new(data: &'a [u8], name: &'a str) -> Self {
        Self { rest: data, name }
    }

    fn refused(&self, found: impl Into<String>) -> Error {
        Error::new(Kind::Format, self.name, found, "a message of protocol buffers")
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or_else(|| self.refused("cut off"))?;
            self.rest = rest;
            value |= u128::from(byte & 0x7F) << shift;
            if *byte < 0x80 {
                return Ok(u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0));
            }
        }
        Err(self.refused("a number without an end"))
    }

    fn field(&mut self) -> Result<(u64, Value<'a>)> {
        let key = self.varint()?;
        let (number, wire) = (key >> 3, key & 7);
        if number == 0 || !matches!(wire, 0 | 1 | 2 | 5) {
            return Err(self.refused(format!("a field {number} of wire type {wire}")));
        }
        if wire == 0 {
            return Ok((number, Value::Number(self.varint()?)));
        }
        let length = match wire {
            2 => self.varint()?,
            1 => 8,
            _ => 4,
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= self.rest.len()).ok_or_else(|| self.refused("cut off"))?;
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok((number, Value::Bytes(bytes)))
    }
}

impl<'a> Iterator for Message<'a> {
    type Item = Result<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}
