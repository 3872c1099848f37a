//! Lists of Python's ints, for programs that want lists: each int is made once in a process and then handed out again.
//!
//! Making an int for each id and freeing it again costs more than finding the id.
//! Ids are small numbers, so a table holds them; it grows by pages of 4,096 as ids are met, and never above one for each possible id (40 bytes each). They lie
//! here and there in memory, so each is fetched ahead.
//!
//! Why the `unsafe` blocks are sound: 1. a new list has as many places as asked for, or there is none but an error; 2. until all of them are filled it isn't
//! among the lists that the collector knows, so that nobody who gets a turn meanwhile can find it; 3. each place is filled once, with a reference of its own.
#![allow(unsafe_code)]

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyInt, PyList};

use crate::error::MAX_IDS;
use crate::pages;

const PAGE: usize = 1 << 12;
const PAGES: usize = MAX_IDS as usize / PAGE;

type Page = Vec<Py<PyInt>>;

static INTS: [PyOnceLock<Page>; PAGES] = [const { PyOnceLock::new() }; PAGES];

/// How many ids are listed before other threads of the interpreter get their turn: a few milliseconds.
const SLICE: usize = 1 << 19;
/// How many ids ahead an int is fetched.
const AHEAD: usize = 32;

/// Give ids as a list.
pub(super) fn list<'py>(py: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
    let length = isize::try_from(ids.len()).unwrap_or(isize::MAX);
    // 1
    let made = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyList_New(length))? };
    // 2
    unsafe { ffi::PyObject_GC_UnTrack(made.as_ptr().cast()) };
    for ((place, id), ahead) in (0..).zip(ids).zip(AHEAD..) {
        if ahead % SLICE == 0 {
            py.detach(|| ());
        }
        ids.get(ahead).into_iter().for_each(|id| pages::prefetch_at(ready(py, *id).as_ptr()));
        // 3
        unsafe { ffi::PyList_SET_ITEM(made.as_ptr(), place, ready(py, *id).clone().into_ptr()) };
    }
    // 2
    unsafe { ffi::PyObject_GC_Track(made.as_ptr().cast()) };
    Ok(made.cast_into()?)
}

/// Give rows of ids, which end at these places, as a list of lists.
pub(super) fn rows<'py>(py: Python<'py>, ids: &[u32], offsets: &[u64]) -> PyResult<Bound<'py, PyList>> {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let (made, mut since) = (PyList::empty(py), 0);
    for ends in offsets.windows(2) {
        let row = ids.get(place(ends[0])..place(ends[1])).unwrap_or_default();
        made.append(list(py, row)?)?;
        since += 1 + row.len();
        if since > SLICE {
            py.detach(|| ());
            since = 0;
        }
    }
    Ok(made)
}

fn ready(py: Python<'_>, id: u32) -> &Bound<'_, PyInt> {
    let (page, place) = (id as usize / PAGE, id as usize % PAGE);
    INTS[page].get_or_init(py, || page_of(py, page))[place].bind(py)
}

fn page_of(py: Python<'_>, page: usize) -> Page {
    (page * PAGE..(page + 1) * PAGE).map(|id| PyInt::new(py, id).unbind()).collect()
}
