//! Lists of Python's ints, for programs that want lists: each int is made once in a process and then handed out again.
//!
//! Making an int for each id and freeing it again costs more than finding the id.
//! Ids are small numbers, so a table holds them; it grows by pages of 4,096 as ids are met, and never above one for each possible id (40 bytes each). They lie
//! here and there in memory, so each is fetched ahead.
//!
//! Many lists are made known to the collector when all of them are made: it would go through all their ints again and again meanwhile, and nobody else gets a turn
//! while it does.
//!
//! Why the `unsafe` blocks are sound: 1. a new list has as many places as asked for, or there is none but an error; 2. until all of them are filled it isn't
//! among the lists that the collector knows, so that nobody who gets a turn meanwhile can find it; 3. each place is filled once, with a reference of its own; 4.
//! a list that is full may stay unknown to the collector for as long as it likes, and is made known once.
#![allow(unsafe_code)]

use std::thread::sleep;
use std::time::Duration;

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
const SLICE: usize = 1 << 18;
/// How long they get to take it. One that waits is told when the interpreter is free, and comes too late if it is taken again at once, time after time.
const TURN: Duration = Duration::from_micros(1);
/// How many of them a list counts as, beside its own.
const A_LIST: usize = 1 << 4;
/// How many ids ahead an int is fetched.
const AHEAD: usize = 32;

/// Give ids as a list.
pub(super) fn list<'py>(py: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
    let made = unknown(py, ids)?;
    known(&made);
    Ok(made)
}

/// Give rows of ids, which end at these places, as a list of lists.
pub(super) fn rows<'py>(py: Python<'py>, ids: &[u32], offsets: &[u64]) -> PyResult<Bound<'py, PyList>> {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let mut made = Vec::with_capacity(offsets.len().saturating_sub(1));
    let mut turn = Turn(0);
    for ends in offsets.windows(2) {
        let row = ids.get(place(ends[0])..place(ends[1])).unwrap_or_default();
        made.push(unknown(py, row)?);
        turn.after(py, A_LIST + row.len());
    }
    for row in &made {
        known(row);
        turn.after(py, A_LIST);
    }
    PyList::new(py, made)
}

/// When others get their turn.
struct Turn(usize);

impl Turn {
    /// After so many ids more.
    fn after(&mut self, py: Python<'_>, ids: usize) {
        self.0 += ids;
        if self.0 > SLICE {
            py.detach(|| sleep(TURN));
            self.0 = 0;
        }
    }
}

/// Give ids as a list that the collector doesn't know.
fn unknown<'py>(py: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
    let length = isize::try_from(ids.len()).unwrap_or(isize::MAX);
    // 1
    let made = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyList_New(length))? };
    // 2
    unsafe { ffi::PyObject_GC_UnTrack(made.as_ptr().cast()) };
    for ((place, id), ahead) in (0..).zip(ids).zip(AHEAD..) {
        if ahead % SLICE == 0 {
            py.detach(|| sleep(TURN));
        }
        ids.get(ahead).into_iter().for_each(|id| pages::prefetch_at(ready(py, *id).as_ptr()));
        // 3
        unsafe { ffi::PyList_SET_ITEM(made.as_ptr(), place, ready(py, *id).clone().into_ptr()) };
    }
    Ok(made.cast_into()?)
}

/// Let the collector know a list that is full.
fn known(list: &Bound<'_, PyList>) {
    // 4
    unsafe { ffi::PyObject_GC_Track(list.as_ptr().cast()) };
}

fn ready(py: Python<'_>, id: u32) -> &Bound<'_, PyInt> {
    let (page, place) = (id as usize / PAGE, id as usize % PAGE);
    INTS[page].get_or_init(py, || page_of(py, page))[place].bind(py)
}

fn page_of(py: Python<'_>, page: usize) -> Page {
    (page * PAGE..(page + 1) * PAGE).map(|id| PyInt::new(py, id).unbind()).collect()
}
