//! The steps of a machine -> where pretokens end.
//!
//! A step says that a pretoken begins with its character, or that one began before: with the last character, or at the last mark. All that is asked of steps is
//! found as bits, 64 at a time; those that say that one began before are looked at one by one, and each becomes one more bit. A mark is looked for backwards,
//! over white space or letters that belong to one pretoken so far, and once for each such run, so time stays linear.

use super::class::{BLOCK, Class, SHORT, SPARE, WINDOW, classify};
use super::machine::blocks::{Flags, flags, places};
use super::machine::{AT_MARK, BEFORE, HERE, Machine};
use crate::error::{Error, Kind, Result};
use crate::threads::Pulse;

/// What is known of some bytes of a text, in blocks.
struct Window<const BLOCKS: usize> {
    classes: [[u8; BLOCK]; BLOCKS],
    steps: [[u8; BLOCK]; BLOCKS],
    flags: [Flags; BLOCKS],
    /// Where they begin in the text.
    at: usize,
    /// Where the pretoken begins that isn't ended yet.
    start: usize,
    /// The last character before the window, and the last mark.
    before: usize,
    mark: usize,
    /// Where pretokens end, counted from `start`.
    ends: Vec<u32>,
}

/// Cut a text with a machine: `take` is told where a pretoken begins, and where it and those behind it end, counted from there.
pub(super) fn windows(machine: &Machine, data: &[u8], pulse: &Pulse, take: impl FnMut(usize, &[u32]) -> Result<()>) -> Result<()> {
    match data.len() {
        ..=SHORT => windows_of::<{ (SHORT + SPARE) / BLOCK }>(machine, data, pulse, take),
        _ => windows_of::<{ (WINDOW + SPARE) / BLOCK }>(machine, data, pulse, take),
    }
}

fn windows_of<const BLOCKS: usize>(machine: &Machine, data: &[u8], pulse: &Pulse, mut take: impl FnMut(usize, &[u32]) -> Result<()>) -> Result<()> {
    let (bytes, flags) = ([[0; BLOCK]; BLOCKS], [Flags::default(); BLOCKS]);
    let mut window = Window { classes: bytes, steps: bytes, flags, at: 0, start: 0, before: 0, mark: 0, ends: Vec::new() };
    let mut state = Machine::START;
    while window.at < data.len() {
        let length = classify(&data[window.at..], window.classes.as_flattened_mut());
        state = machine.run_window(state, window.classes.as_flattened(), window.steps.as_flattened_mut(), length);
        narrow(window.at + 2 * WINDOW - window.start)?; // so that nothing below is cut short
        if window.at == 0 {
            window.steps[0][0] &= !HERE; // nothing ends there
        }
        window.find(length);
        let last = window.at + length == data.len();
        if last {
            window.begin_late(length, machine.next(state, Class::End as u8));
        }
        places(&window.flags[..length.div_ceil(BLOCK)], narrow(window.at - window.start)?, &mut window.ends);
        if last {
            window.ends.push(narrow(data.len() - window.start)?);
        }
        window.pass(length, machine.is_open(state));
        if let Some(end) = window.ends.last().copied() {
            take(window.start, &window.ends)?;
            window.start += end as usize;
            window.ends.clear();
        } else {
            pulse.tick(0)?; // nothing that a caller could tick at
        }
    }
    Ok(())
}

/// A length as 32 bits, or the error for a pretoken that is longer.
pub(super) fn narrow(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Error::new(Kind::Text, "the length of a pretoken", format!("about {length} bytes"), "under 2**32"))
}

impl<const BLOCKS: usize> Window<BLOCKS> {
    /// Find where pretokens begin in the window's first bytes.
    fn find(&mut self, length: usize) {
        let blocks = length.div_ceil(BLOCK);
        self.steps.as_flattened_mut()[length..blocks * BLOCK].fill(0);
        flags(&self.classes[..blocks], &self.steps[..blocks], &mut self.flags);
        for block in 0..blocks {
            let mut late = self.flags[block].late;
            while late != 0 {
                let byte = late.trailing_zeros() as usize;
                self.begin_late(block * BLOCK + byte, self.steps[block][byte]);
                late &= late - 1;
            }
        }
    }

    /// Begin the pretokens that the step at a place of the window says to have begun before it.
    fn begin_late(&mut self, place: usize, step: u8) {
        if step & AT_MARK != 0 {
            self.begin(self.last_mark(place));
        }
        if step & BEFORE != 0 {
            self.begin(self.last_character(place));
        }
    }

    /// A pretoken begins at a place of the text: one more bit, or, before the window, where the first of its pretokens ends.
    fn begin(&mut self, place: usize) {
        match place.checked_sub(self.at) {
            Some(byte) => self.flags[byte / BLOCK].here |= 1 << (byte % BLOCK),
            None => self.ends.extend(u32::try_from(place - self.start)),
        }
    }

    /// Where the last character, and the last mark, before a byte of the window lies in the text.
    fn last_character(&self, place: usize) -> usize {
        self.last(place, |flags| flags.first).unwrap_or(self.before)
    }

    fn last_mark(&self, place: usize) -> usize {
        self.last(place, |flags| flags.marks & flags.first).unwrap_or(self.mark)
    }

    /// Where the last of some bits before a byte of the window lies in the text.
    fn last(&self, place: usize, bits: impl Fn(&Flags) -> u64) -> Option<usize> {
        let (mut block, mut found) = (place / BLOCK, bits(&self.flags[place / BLOCK]) & !(u64::MAX << (place % BLOCK)));
        while found == 0 {
            block = block.checked_sub(1)?;
            found = bits(&self.flags[block]);
        }
        Some(self.at + block * BLOCK + found.ilog2() as usize)
    }

    /// Go on behind the window's first bytes; the mark is kept if it can still matter.
    fn pass(&mut self, length: usize, open: bool) {
        self.before = self.last_character(length);
        if open {
            self.mark = self.last_mark(length);
        }
        self.at += length;
    }
}
