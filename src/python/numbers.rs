//! Numbers that the core has made -> memory that numpy reads in place.
//!
//! Why the `unsafe` blocks are sound: 1. the memory belongs to the object, never moves and is never touched from here again, and a buffer holds the object for
//! as long as it is used; 2. a raw pointer is all that keeps the object from being shared by threads, and nothing here reads through it.
#![allow(unsafe_code)]

use std::ffi::c_int;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Memory with numbers in it, as bytes.
#[pyclass(frozen, module = "toklet._native")]
pub(super) struct Numbers {
    first: *mut u8,
    bytes: usize,
    _owner: Box<dyn Send + Sync>,
}

// 2
unsafe impl Send for Numbers {}
unsafe impl Sync for Numbers {}

impl Numbers {
    pub(super) fn new<T: bytemuck::Pod + Send + Sync>(mut numbers: Vec<T>) -> Self {
        numbers.shrink_to_fit();
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut numbers);
        let (first, bytes) = (bytes.as_mut_ptr(), bytes.len());
        Self { first, bytes, _owner: Box::new(numbers) }
    }
}

#[pymethods]
impl Numbers {
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let this = slf.get();
        let bytes = isize::try_from(this.bytes).map_err(|_| PyBufferError::new_err("too large for a buffer"))?;
        // 1
        match unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), this.first.cast(), bytes, 0, flags) } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}
