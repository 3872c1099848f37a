//! Lists of Python's ints, for programs that want lists: each int is made once in a process and then handed out again.
//!
//! Making an int for each id and freeing it again costs more than finding the id. Ids are small numbers, so a table holds them; it grows by pages of 4,096 as ids are
//! met, and never above one for each possible id (40 bytes each).

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
const AHEAD: usize = 16;

/// Give ids as a list.
///
/// A short one is made at once. While a long one is made others get their turn, and could find it (`gc.get_objects`): it is a list of zeros that become ids. The ints lie
/// here and there in memory, so each is fetched ahead.
pub(super) fn list<'py>(py: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
    if ids.len() <= SLICE {
        return PyList::new(py, ids.iter().map(|id| ready(py, *id)));
    }
    let made = PyList::new(py, [ready(py, 0)])?.as_sequence().repeat(ids.len())?.cast_into::<PyList>()?;
    for (place, id) in ids.iter().enumerate() {
        if place % SLICE == 0 {
            py.detach(|| ());
        }
        if let Some(later) = ids.get(place + AHEAD) {
            pages::prefetch_at(ready(py, *later).as_ptr());
        }
        made.set_item(place, ready(py, *id))?;
    }
    Ok(made)
}

/// Give rows of ids, which end at these places, as a list of lists.
pub(super) fn rows<'py>(py: Python<'py>, ids: &[u32], offsets: &[u64]) -> PyResult<Bound<'py, PyList>> {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let made = PyList::empty(py);
    for ends in offsets.windows(2) {
        made.append(list(py, ids.get(place(ends[0])..place(ends[1])).unwrap_or_default())?)?;
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
