//! What the searches of a regular expression in a text may cost, all together, and what each of them is paid with before it is done.

use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;

use fancy_regex::{Error as Failure, RuntimeError};

use super::ahead::{Ahead, BLOCK};
use super::walk::Walk;
use crate::error::Error;
use crate::threads::Pulse;

/// The steps of a text: so many for each byte, and before that as many as are soon done. A short text has fewer of these, for there may be many.
const A_BYTE: usize = 1 << 8;
const MOST: usize = 1 << 24;
pub(super) const FIRST: usize = 1 << 18;
const A_FIRST_BYTE: usize = 1 << 14;
/// How many of them one search may cost, which can't be told to stop.
const A_SEARCH: usize = 1 << 23;
/// One place of so many is drawn; and how many bytes are hashed between two looks at whether to stop.
const DRAWN: u64 = 8;
const HASHED: usize = 1 << 16;

/// The steps that a text has left, beyond what every search may take.
pub(crate) struct Left<'p> {
    pub(super) steps: usize,
    walk: Walk<'p>,
    /// The block of a text, by its address, that was asked about last, and whether all reading ahead in it is short.
    block: (usize, Range<usize>, bool),
    /// What the places are drawn by at which reading a short way ahead is paid for: what has gone over all of a text, by its address.
    lot: (usize, DefaultHasher),
}

/// Why a search has no result.
pub(super) enum Ended {
    Failed(Failure),
    Stopped(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Stopped(error)
    }
}

pub(super) type Found<T> = std::result::Result<T, Ended>;

impl<'p> Left<'p> {
    /// Of a text of so many bytes.
    pub(crate) fn of(bytes: usize, pulse: &'p Pulse) -> Self {
        let few = A_FIRST_BYTE.saturating_mul(bytes).saturating_add(FIRST).min(MOST);
        Self { steps: A_BYTE.saturating_mul(bytes).saturating_add(few), walk: Walk::new(pulse), block: (0, 0..0, false), lot: (0, DefaultHasher::new()) }
    }

    pub(super) fn pay(&mut self, steps: usize) -> Found<()> {
        let left = self.steps.checked_sub(steps).filter(|_| steps <= A_SEARCH);
        self.steps = left.ok_or_else(given_up)?;
        Ok(self.walk.count(steps)?)
    }

    /// Pay for all that may be read from a place on, once; gives what it costs.
    pub(super) fn pay_ahead(&mut self, ahead: &Ahead, text: &str, from: usize) -> Found<usize> {
        let cost = ahead.cost(text, from, self.steps.min(A_SEARCH), &mut self.walk)?;
        self.pay(cost)?;
        Ok(cost)
    }

    /// The same of a search that reads it no more than once. What reads no further than the next block is paid for at one place of several, and for all of them
    /// there: that is as much on average, whatever the text, for it can't be made so that its own hash draws the cheap ones.
    pub(super) fn pay_once(&mut self, ahead: &Ahead, text: &str, from: usize) -> Found<()> {
        let address = text.as_ptr().addr();
        if self.block.0 != address || !self.block.1.contains(&from) {
            let block = from / BLOCK * BLOCK..(from / BLOCK + 1) * BLOCK;
            let (thin, cost) = ahead.is_thin(text, block.end, &mut self.walk)?;
            self.pay(cost)?;
            self.block = (address, block, thin);
        }
        if !self.block.2 {
            return self.pay_ahead(ahead, text, from).map(drop);
        }
        if self.is_drawn(text, from)? {
            let cost = self.pay_ahead(ahead, text, from)?;
            (1..DRAWN).try_for_each(|_| self.pay(cost))?;
        }
        Ok(())
    }

    fn is_drawn(&mut self, text: &str, place: usize) -> Found<bool> {
        if self.lot.0 != text.as_ptr().addr() {
            let mut hasher = DefaultHasher::new();
            for some in text.as_bytes().chunks(HASHED) {
                hasher.write(some);
                self.walk.count(HASHED)?;
            }
            self.lot = (text.as_ptr().addr(), hasher);
        }
        let mut hasher = self.lot.1.clone();
        hasher.write_u64(place as u64);
        Ok(hasher.finish().is_multiple_of(DRAWN))
    }
}

/// What ends a search that can't be paid for.
pub(super) fn given_up() -> Ended {
    Ended::Failed(Failure::RuntimeError(RuntimeError::BacktrackLimitExceeded))
}
