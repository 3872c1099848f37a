//! Lists of Python's ints, for programs that want lists: each int is made once in a process and then handed out again. And such lists read, where the ints lie.
//!
//! Making an int for each id and freeing it again costs more than finding the id.
//! Ids are small numbers, so a table holds them; it grows by pages of 4,096 as ids are met, and never above one for each possible id (40 bytes each). They lie
//! here and there in memory, so each is fetched ahead.
//!
//! Many lists are made known to the collector when all of them are made: it would go through all their ints again and again meanwhile, and nobody else gets a
//! turn while it does.
//!
//! Why the `unsafe` blocks are sound: 1. a new list has as many places as asked for, or there is none but an error; 2. until all of them are filled it isn't
//! among the lists that the collector knows, so that nobody who gets a turn meanwhile can find it; 3. each place is filled once, with a reference of its own;
//! 4. a list that is full may stay unknown to the collector for as long as it likes, and is made known once.
#![allow(unsafe_code)]

use std::thread::sleep;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyInt, PyList};

use crate::error::MAX_IDS;
use crate::pages;

const PAGE: usize = 1 << 12;
const PAGES: usize = MAX_IDS as usize / PAGE;

type Page = Vec<Py<PyInt>>;

static INTS: [PyOnceLock<Page>; PAGES] = [const { PyOnceLock::new() }; PAGES];

/// How many ids are listed, or read, before other threads of the interpreter get their turn: a few milliseconds.
const SLICE: usize = 1 << 18;
/// How long they get to take it. One that waits is told when the interpreter is free, and comes too late if it is taken again at once, time after time.
const TURN: Duration = Duration::from_micros(1);
/// How many ids a list counts as, beside its own.
const A_LIST: usize = 1 << 4;
/// How many ids ahead an int is fetched that goes into a list.
const AHEAD: usize = 32;
/// How many are read from a list in one step; how many ahead they are fetched, and how many ahead what says where they lie.
const BLOCK: usize = 8;
const INTS_AHEAD: usize = 64;
const ITEMS_AHEAD: usize = 512;

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
        turn.after(py, A_LIST + row.len())?;
    }
    for row in &made {
        known(row);
        turn.after(py, A_LIST)?;
    }
    PyList::new(py, made)
}

/// When others get their turn.
struct Turn(usize);

impl Turn {
    /// After so many ids more.
    fn after(&mut self, py: Python<'_>, ids: usize) -> PyResult<()> {
        self.0 += ids;
        if self.0 > SLICE {
            others(py)?;
            self.0 = 0;
        }
        Ok(())
    }
}

/// Let others have their turn, and Ctrl-C its answer.
fn others(py: Python<'_>) -> PyResult<()> {
    py.detach(|| sleep(TURN));
    py.check_signals()
}

/// Give ids as a list that the collector doesn't know.
fn unknown<'py>(py: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
    let length = isize::try_from(ids.len()).unwrap_or(isize::MAX);
    // 1
    let made = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyList_New(length))? };
    // 2
    unsafe { ffi::PyObject_GC_UnTrack(made.as_ptr().cast()) };
    if !ids.is_empty() {
        // 1
        pages::untouched(unsafe { std::slice::from_raw_parts_mut((*made.as_ptr().cast::<ffi::PyListObject>()).ob_item, ids.len()) });
    }
    for ((place, id), ahead) in (0..).zip(ids).zip(AHEAD..) {
        if ahead % SLICE == 0 {
            others(py)?;
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

/// An int as CPython 3.11 and later keep it: how many digits it has, its sign and more in `about`, then digits of 30 bits, the lowest first.
#[repr(C)]
struct Int {
    object: ffi::PyObject,
    about: usize,
    digit: u32,
}

/// What says of an int that it is positive and has one digit.
#[derive(Clone, Copy)]
struct Short {
    about: usize,
    /// The bits that say so: one of the others, from 3.14 on, says that an int lives forever.
    mask: usize,
}

static SHORT: PyOnceLock<Option<Short>> = PyOnceLock::new();

impl Short {
    /// Learn it from some ints, and see that it is said of them alone that are so.
    fn learn(py: Python<'_>) -> Option<Self> {
        const LARGEST: i64 = (1 << 30) - 1;
        let int = |number: i64| PyInt::new(py, number);
        // Sound because an int has place for a digit at least. (The first that is asked has two of those of 15 bits that some interpreters have.)
        let about = |number: i64| unsafe { (*int(number).as_ptr().cast::<Int>()).about };
        let digit = |number: i64| unsafe { i64::from((*int(number).as_ptr().cast::<Int>()).digit) };
        let this = Self { about: about(LARGEST) & about(1), mask: !(about(LARGEST) ^ about(1)) };
        let is_so = |number: i64| about(number) & this.mask == this.about && digit(number) == number;
        let so = [LARGEST, 1, 256, 257, 100_000].into_iter().all(is_so);
        let others = [0, -1, -LARGEST, LARGEST + 1, i64::MAX, i64::MIN];
        (so && others.into_iter().all(|number| about(number) & this.mask != this.about)).then_some(this)
    }

    /// The number of an int of this kind.
    ///
    /// Sound because: 1. the item is an object that somebody holds; 2. an exact int is laid out as `Int`, of which `learn` has made sure, and has a digit where
    /// `about` says so.
    unsafe fn number(self, item: *mut ffi::PyObject) -> Option<u32> {
        unsafe {
            let exact = ffi::Py_IS_TYPE(item, &raw mut ffi::PyLong_Type) != 0;
            (exact && (*item.cast::<Int>()).about & self.mask == self.about).then(|| (*item.cast::<Int>()).digit)
        }
    }
}

/// Take the ids of a list that nobody else may change now.
pub(super) fn ids(list: &Bound<'_, PyList>) -> PyResult<Vec<u32>> {
    let (py, length) = (list.py(), list.len());
    let (mut ids, mut turn, short) = (pages::room(length), SLICE, *SHORT.get_or_init(py, || Short::learn(py)));
    while ids.len() < length {
        if ids.len() >= turn {
            others(py)?; // what they do to the list meanwhile is seen at the next place
            turn += SLICE;
        }
        if let Some(short) = short {
            let end = length.min(list.len()).min(turn);
            // Sound because: 1. the places of a list lie side by side, and `end` is no more than there are; 2. the list keeps them, and its items, for as long
            // as they are read: this thread has the interpreter, or the lock of the list where there are several that have it, and reading ints runs no code
            // of anybody's that could change the list.
            unsafe {
                let first = (*list.as_ptr().cast::<ffi::PyListObject>()).ob_item;
                let items = if end > ids.len() { std::slice::from_raw_parts(first, end) } else { &[] };
                for place in (ids.len()..end).step_by(BLOCK) {
                    pages::prefetch(items, place + ITEMS_AHEAD);
                    items.iter().skip(place + INTS_AHEAD).take(BLOCK).for_each(|item| pages::prefetch_at(*item));
                    let mut some = [0; BLOCK];
                    let numbers = items[place..].iter().map_while(|item| short.number(*item));
                    let found = some.iter_mut().zip(numbers).map(|(place, number)| *place = number).count();
                    if found == BLOCK {
                        ids.extend_from_slice(&some); // a copy of a fixed size calls nothing
                        continue;
                    }
                    ids.extend_from_slice(&some[..found]);
                    break;
                }
            }
        }
        if ids.len() < length.min(turn) {
            let item = list.get_item(ids.len())?;
            if item.is_instance_of::<PyBool>() {
                return Err(PyTypeError::new_err("a bool is no id"));
            }
            ids.push(item.extract()?);
        }
    }
    Ok(ids)
}
