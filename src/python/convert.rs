//! Python objects -> what the core takes, and back. Text and logits are borrowed where they can be, arrays go out as raw bytes that numpy reads in place.
#![allow(unsafe_code)]

use pyo3::buffer::{PyBuffer, PyUntypedBuffer};
use pyo3::exceptions::{PyBufferError, PyOverflowError};
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFrozenSet, PyList, PyMemoryView, PySet, PyString, PyTuple};

use super::strings::Characters;
use super::{call, exception, lists, wrong_type};
use crate::error::Result;
use crate::pages;
use crate::special::Special;
use crate::text::Text as _;
use crate::threads::Pulse;

/// A text of Python's, and what errors call it.
pub(super) struct Text<'a, P> {
    held: Held<'a>,
    place: P,
}

/// Borrowed from a str or bytes, which can't change, or copied from anything that can.
enum Held<'a> {
    Str(Characters<'a>),
    Bytes(&'a [u8]),
    Copied(Vec<u8>),
}

impl<P: Fn() -> String + Sync> crate::text::Text for Text<'_, P> {
    fn memory(&self) -> &[u8] {
        match &self.held {
            Held::Str(characters) => characters.memory(),
            Held::Bytes(bytes) => bytes,
            Held::Copied(bytes) => bytes,
        }
    }

    fn utf8<'a>(&'a self, room: &'a mut Vec<u8>, pulse: &Pulse) -> Result<&'a [u8]> {
        match &self.held {
            Held::Str(characters) => characters.utf8(room, &self.place, pulse),
            _ => Ok(self.memory()),
        }
    }
}

/// Take a str or bytes.
pub(super) fn text<'a, P: Fn() -> String + Sync>(object: &'a Bound<'_, PyAny>, place: P) -> PyResult<Text<'a, P>> {
    let held = if let Ok(string) = object.cast::<PyString>() {
        Held::Str(Characters::of(string)?)
    } else if let Ok(bytes) = object.cast::<PyBytes>() {
        Held::Bytes(bytes.as_bytes())
    } else if object.is_instance_of::<PyByteArray>() || object.is_instance_of::<PyMemoryView>() {
        Held::Copied(object.py().get_type::<PyBytes>().call1((object,))?.extract()?)
    } else {
        return Err(wrong_type(object.py(), &place(), format!("of type {}", object.get_type().name()?), "str or bytes"));
    };
    Ok(Text { held, place })
}

/// Take a str as Rust has it, or bytes, in which what isn't UTF-8 becomes U+FFFD.
pub(super) fn owned(object: &Bound<'_, PyAny>, place: impl Fn() -> String + Sync) -> PyResult<String> {
    let (text, mut room) = (text(object, place)?, Vec::new());
    call(object.py(), text.memory().len(), |pulse| Ok(String::from_utf8_lossy(text.utf8(&mut room, pulse)?).into_owned()))
}

/// Take an integer that must lie between 0 and what `T` holds: `outside` makes the error for one that doesn't, `other` the error for what isn't one.
pub(super) fn integer<T: TryFrom<i64>>(object: &Bound<'_, PyAny>, outside: impl FnOnce(String) -> PyErr, other: impl FnOnce() -> PyErr) -> PyResult<T> {
    if object.is_instance_of::<PyBool>() {
        return Err(other());
    }
    match object.extract::<i64>() {
        Ok(number) => T::try_from(number).map_err(|_| outside(number.to_string())),
        Err(error) if error.is_instance_of::<PyOverflowError>(object.py()) => Err(outside(object.str()?.to_string())),
        Err(_) => Err(other()),
    }
}

/// Take a policy for special tokens.
pub(super) fn special(object: &Bound<'_, PyAny>) -> PyResult<Special> {
    const ALLOWED: &str = "'text', 'allow', 'error' or a set of special tokens";
    let py = object.py();
    if let Ok(name) = object.cast::<PyString>() {
        return match &*name.to_string_lossy() {
            "text" => Ok(Special::Text),
            "allow" => Ok(Special::Allow),
            "error" => Ok(Special::Error),
            _ => Err(exception(py, "ArgumentError", ("special", object.repr()?, ALLOWED))),
        };
    }
    let named =
        object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>() || object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>();
    if !named {
        return Err(wrong_type(py, "special", object.repr()?.to_string(), ALLOWED));
    }
    let names = object.try_iter()?.map(|name| name?.extract::<String>()).collect::<PyResult<Vec<_>>>();
    names.map(Special::Only).map_err(|_| wrong_type(py, "special", object.repr().map_or_else(|_| String::new(), |repr| repr.to_string()), ALLOWED))
}

/// Ids: read where an array lies, or copied from anything else.
pub(super) enum Ids {
    Lent(Rows),
    Copied(Vec<u32>),
}

impl AsRef<[u32]> for Ids {
    fn as_ref(&self) -> &[u32] {
        match self {
            Self::Lent(rows) => rows.row(0),
            Self::Copied(ids) => ids,
        }
    }
}

impl Ids {
    /// The same as a copy, where nobody else can write them between two looks.
    pub(super) fn kept(self) -> Vec<u32> {
        match self {
            Self::Lent(rows) => {
                let lent: &[u32] = rows.row(0);
                let mut ids = pages::room(lent.len());
                ids.extend_from_slice(lent);
                ids
            }
            Self::Copied(ids) => ids,
        }
    }
}

/// Take ids: from a list, from a buffer of 32-bit integers without a sign, or from any sequence.
pub(super) fn ids(object: &Bound<'_, PyAny>) -> PyResult<Ids> {
    if let Ok(list) = object.cast::<PyList>() {
        return with_critical_section(list, || lists::ids(list)).map(Ids::Copied);
    }
    match Rows::get(object, "IL") {
        Ok(rows) if rows.is_flat::<u32>() => Ok(Ids::Lent(rows)),
        _ => numbers(object).map(Ids::Copied),
    }
}

/// Take numbers: from a buffer of that type, or from any sequence.
pub(super) fn numbers<'py, T>(object: &Bound<'py, PyAny>) -> PyResult<Vec<T>>
where
    T: pyo3::buffer::Element,
    Vec<T>: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    PyBuffer::<T>::get(object).and_then(|buffer| buffer.to_vec(object.py())).or_else(|_| object.extract())
}

/// How many bytes are copied before other threads of the interpreter get their turn: a few milliseconds.
const SLICE: usize = 1 << 23;

/// Give numbers as raw bytes.
pub(super) fn raw<'py, T: bytemuck::Pod>(py: Python<'py>, numbers: &[T]) -> PyResult<Bound<'py, PyByteArray>> {
    let bytes: &[u8] = bytemuck::cast_slice(numbers);
    let (first, rest) = bytes.split_at(bytes.len().min(SLICE));
    let array = PyByteArray::new(py, first);
    for slice in rest.chunks(SLICE) {
        py.detach(|| ());
        array.call_method1("extend", (PyBytes::new(py, slice),))?;
    }
    Ok(array)
}

/// The format of a buffer's items, if it is one letter and their bytes are in this machine's order.
fn item(buffer: &PyUntypedBuffer) -> Option<u8> {
    match buffer.format().to_bytes() {
        [format] | [b'@' | b'=' | b'^', format] => Some(*format),
        [b'<', format] if cfg!(target_endian = "little") => Some(*format),
        _ => None,
    }
}

/// The rows of a buffer of one or two dimensions, read where they lie; put together in a copy where the items of a row don't lie side by side.
pub(super) struct Rows {
    buffer: PyUntypedBuffer,
    /// How many rows there are.
    pub(super) n: usize,
    /// How many items a row has.
    pub(super) width: usize,
    /// How many bytes from one row to the next.
    stride: isize,
    /// The items of all rows, where they had to be copied; of eight bytes each, so that any item is aligned in it.
    copied: Option<Vec<u64>>,
}

impl Rows {
    /// Take a buffer whose items have one of some formats.
    pub(super) fn get(object: &Bound<'_, PyAny>, formats: &str) -> PyResult<Self> {
        let buffer = PyUntypedBuffer::get(object)?;
        let (n, width, stride) = match *buffer.shape() {
            [width] => (1, width, 0),
            [n, width] => (n, width, buffer.strides()[0]),
            _ => return Err(PyBufferError::new_err("one or two dimensions are needed")),
        };
        if !matches!(item(&buffer), Some(format) if formats.as_bytes().contains(&format)) {
            return Err(PyBufferError::new_err(format!("a format among {formats} is needed")));
        }
        let (size, step) = (buffer.item_size(), buffer.strides().last().copied().unwrap_or_default());
        let together = width < 2 || usize::try_from(step) == Ok(size);
        let aligned = buffer.buf_ptr().addr().is_multiple_of(size.max(1)) && stride.unsigned_abs().is_multiple_of(size.max(1));
        let mut rows = Self { buffer, n, width, stride, copied: None };
        if !(together && aligned) {
            rows.copied = Some(rows.gathered(size));
            rows.stride = isize::try_from(size * width).unwrap_or_default();
        }
        Ok(rows)
    }

    /// Whether there is one row, of items of this size.
    fn is_flat<T>(&self) -> bool {
        self.buffer.dimensions() == 1 && self.buffer.item_size() == size_of::<T>()
    }

    /// The format of an item, as the module `struct` names it.
    pub(super) fn format(&self) -> u8 {
        item(&self.buffer).unwrap_or_default()
    }

    fn gathered(&self, size: usize) -> Vec<u64> {
        let mut bytes = Vec::with_capacity(self.n * self.width * size);
        for row in 0..self.n {
            for column in 0..self.width {
                let indices = [row, column];
                let item = self.buffer.get_ptr(if self.buffer.dimensions() == 1 { &indices[1..] } else { &indices });
                // Sound because: `get_ptr` gives the place of an item of the buffer, which is held, and a byte needs no alignment.
                bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(item.cast::<u8>(), size) });
            }
        }
        bytes.chunks(8).map(|eight| u64::from_ne_bytes(std::array::from_fn(|i| eight.get(i).copied().unwrap_or_default()))).collect()
    }

    /// A row, of items as wide as the format says.
    pub(super) fn row<T: bytemuck::Pod>(&self, row: usize) -> &[T] {
        if size_of::<T>() != self.buffer.item_size() || row >= self.n || self.width == 0 {
            return &[];
        }
        let start = match &self.copied {
            Some(copied) => copied.as_ptr().cast::<u8>(),
            None => self.buffer.buf_ptr().cast::<u8>().cast_const(),
        };
        // Sound because: 1. the row lies in the buffer, which is held as long as `self` is, or in the copy; 2. `get` has checked that its items lie side by
        // side and are aligned; 3. any bits are a T; 4. another thread that writes into an array while it is read changes what the numbers are: the answer may
        // be wrong then, or an error, but no place is read that isn't in the row. (numpy reads arrays under the same condition.)
        unsafe { std::slice::from_raw_parts(start.offset(self.stride * row.cast_signed()).cast::<T>(), self.width) }
    }
}
