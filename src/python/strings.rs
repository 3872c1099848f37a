//! Python's strs, read where they lie and made in their place; and bytes, made so.
//!
//! A str holds characters of one, two or four bytes each. The interpreter's own ways to UTF-8 and back take them one by one where any of them isn't ASCII, and
//! the first keeps the UTF-8 in the str for as long as it lives.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::string::PyStringData;
use pyo3::types::{PyBytes, PyString};

use super::call;
use crate::error::Result;
use crate::pages::Untouched;
use crate::text::{self, Unit};
use crate::threads::Pulse;

/// The characters of a str.
#[derive(Clone, Copy)]
pub(super) enum Characters<'a> {
    Ascii(&'a [u8]),
    Latin1(&'a [u8]),
    Two(&'a [u16]),
    Four(&'a [u32]),
}

impl<'a> Characters<'a> {
    /// Borrow the characters.
    pub(super) fn of(string: &'a Bound<'_, PyString>) -> PyResult<Self> {
        // Sound because: 1. the characters of a str never change or move, with or without the interpreter, and it is held for as long as they are; 2. `data`
        // says how wide they are by the bits that CPython 3.11 and later keep for it, and a test reads strs of each width; 3. `PyUnicode_IS_ASCII` reads one
        // more of these bits.
        let (data, ascii) = unsafe { (string.data()?, ffi::PyUnicode_IS_ASCII(string.as_ptr()) != 0) };
        Ok(match data {
            PyStringData::Ucs1(bytes) if ascii => Self::Ascii(bytes),
            PyStringData::Ucs1(bytes) => Self::Latin1(bytes),
            PyStringData::Ucs2(units) => Self::Two(units),
            PyStringData::Ucs4(units) => Self::Four(units),
        })
    }

    /// The memory that they lie in.
    pub(super) fn memory(self) -> &'a [u8] {
        match self {
            Self::Ascii(bytes) | Self::Latin1(bytes) => bytes,
            Self::Two(units) => bytemuck::cast_slice(units),
            Self::Four(units) => bytemuck::cast_slice(units),
        }
    }

    /// Their UTF-8: where they lie, or written into `room`. `place` is what an error calls the text.
    pub(super) fn utf8<'b>(self, room: &'b mut Vec<u8>, place: &dyn Fn() -> String, pulse: &Pulse) -> Result<&'b [u8]>
    where
        'a: 'b,
    {
        match self {
            Self::Ascii(bytes) => return Ok(bytes),
            Self::Latin1(bytes) => text::write(bytes, room, place, pulse)?,
            Self::Two(units) => text::write(units, room, place, pulse)?,
            Self::Four(units) => text::write(units, room, place, pulse)?,
        }
        Ok(room)
    }
}

/// Make bytes, which are written into their place.
pub(super) fn bytes<'py>(py: Python<'py>, size: usize, fill: impl FnOnce(&mut Untouched<'_, u8>) -> PyResult<()>) -> PyResult<Bound<'py, PyBytes>> {
    let wanted = isize::try_from(size).unwrap_or(isize::MAX);
    // Sound because: 1. new bytes have place for `size`, or there are none but an error; 2. nobody else knows of them until they are returned; 3. then all of
    // them have been lent out, and are zero where nothing else was written.
    let (made, mut memory) = unsafe {
        let made = Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromStringAndSize(std::ptr::null(), wanted))?.cast_into_unchecked::<PyBytes>();
        let memory = std::slice::from_raw_parts_mut(ffi::PyBytes_AsString(made.as_ptr()).cast::<MaybeUninit<u8>>(), size);
        (made, Untouched::new(memory))
    };
    fill(&mut memory)?;
    memory.lend(0, size);
    Ok(made)
}

/// Make a str.
pub(super) fn string<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyString>> {
    match text::widest(text.as_bytes()) {
        0x7F => Ok(PyString::new(py, text)), // is copied as it is
        widest @ 0xFF => made::<u8>(py, text, widest),
        widest @ 0xFFFF => made::<u16>(py, text, widest),
        widest => made::<u32>(py, text, widest),
    }
}

/// Make a str whose characters are held in `U`.
fn made<'py, U: Unit + Send>(py: Python<'py>, text: &str, widest: u32) -> PyResult<Bound<'py, PyString>> {
    let fill = |places: &mut Untouched<'_, U>| call(py, text.len(), |pulse| text::read_all(text.as_bytes(), places, pulse));
    Ok(filled(py, text.chars().count(), widest, fill)?.unwrap_or_else(|| PyString::new(py, text)))
}

/// Make a str of so many characters, which are held in `U`: none is larger than `widest`, one not less wide. None is made where `fill` says that it hasn't
/// written them all.
pub(super) fn filled<'py, U: Unit>(
    py: Python<'py>,
    length: usize,
    widest: u32,
    fill: impl FnOnce(&mut Untouched<'_, U>) -> PyResult<bool>,
) -> PyResult<Option<Bound<'py, PyString>>> {
    let wanted = isize::try_from(length).unwrap_or(isize::MAX);
    // Sound because: 1. a new str has place for `length` characters as wide as `widest` asks for, which is as wide as a U, or there is no str but an error; 2.
    // nobody else knows of it until it is returned, and then each of its characters has been written: `fill` says so, and that none is wider than `widest`, one
    // not narrower; else it is given back unread.
    let (string, mut characters) = unsafe {
        let string = Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_New(wanted, widest))?.cast_into_unchecked::<PyString>();
        let memory = std::slice::from_raw_parts_mut(ffi::PyUnicode_DATA(string.as_ptr()).cast::<MaybeUninit<U>>(), length);
        (string, Untouched::new(memory))
    };
    let all = fill(&mut characters)?;
    characters.lend(0, length);
    Ok(all.then_some(string))
}
