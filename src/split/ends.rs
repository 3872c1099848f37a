//! The steps of a machine -> where pretokens end.
//!
//! A step says that a pretoken begins with its character, or that one began before: with the last character, or at the last mark. The first is found for 64
//! steps at a time, as bits; each of the others is looked at by itself, and becomes one more bit where it means a place among the same 64. A mark is looked for
//! backwards, over white space or letters that belong to one pretoken so far, and once for each such run, so time stays linear.

use super::class::{BLOCK, Class, SHORT, SPARE, WINDOW, classify};
use super::machine::blocks::{flags, places};
use super::machine::{AT_MARK, BEFORE, HERE, Machine, marks};
use crate::error::{Error, Kind, Result};

/// What is known of some bytes of a text.
struct Window<const ROOM: usize> {
    classes: [u8; ROOM],
    steps: [u8; ROOM],
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
pub(super) fn windows(machine: &Machine, data: &[u8], take: impl FnMut(usize, &[u32]) -> Result<()>) -> Result<()> {
    if data.len() > SHORT { windows_of::<{ WINDOW + SPARE }>(machine, data, take) } else { windows_of::<{ SHORT + SPARE }>(machine, data, take) }
}

fn windows_of<const ROOM: usize>(machine: &Machine, data: &[u8], mut take: impl FnMut(usize, &[u32]) -> Result<()>) -> Result<()> {
    let ends = Vec::with_capacity((ROOM - SPARE).min(data.len()) / 2);
    let mut window = Window::<ROOM> { classes: [0; _], steps: [0; _], at: 0, start: 0, before: 0, mark: 0, ends };
    let mut state = Machine::START;
    while window.at < data.len() {
        let length = classify(&data[window.at..], &mut window.classes);
        state = machine.run(state, &window.classes[..length], &mut window.steps[..length]);
        narrow(window.at + 2 * WINDOW - window.start)?; // so that nothing below is cut short
        if window.at == 0 {
            window.steps[0] &= !HERE; // nothing ends there
        }
        window.find(length);
        if window.at + length == data.len() {
            window.begun(length, machine.next(state, Class::End as u8)).for_each(|begun| window.begins(begun));
            window.begins(data.len());
        }
        window.pass(length, machine.is_open(state));
        if let Some(end) = window.ends.last().copied() {
            take(window.start, &window.ends)?;
            window.start += end as usize;
            window.ends.clear();
        }
    }
    Ok(())
}

/// A length as 32 bits, or the error for a pretoken that is longer.
pub(super) fn narrow(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Error::new(Kind::Text, "the length of a pretoken", format!("about {length} bytes"), "under 2**32"))
}

impl<const ROOM: usize> Window<ROOM> {
    /// Find where pretokens end in the window's first bytes.
    fn find(&mut self, length: usize) {
        self.steps[length..length.next_multiple_of(BLOCK)].fill(0);
        for block in (0..length).step_by(BLOCK) {
            let Some(steps) = self.steps[block..].first_chunk() else { return };
            let (mut here, mut late) = flags(steps);
            while late != 0 {
                let place = block + late.trailing_zeros() as usize;
                for begun in self.begun(place, self.steps[place]) {
                    match begun.checked_sub(self.at + block) {
                        Some(bit) => here |= 1 << bit, // in the same block: one more of its bits
                        None => self.begins(begun),
                    }
                }
                late &= late - 1;
            }
            let (places, count) = places(here, u32::try_from(self.at + block - self.start).unwrap_or(u32::MAX));
            self.ends.extend_from_slice(&places[..count]);
        }
    }

    /// Where the step at a place of the window says that pretokens began before it.
    fn begun(&self, place: usize, step: u8) -> impl Iterator<Item = usize> + use<ROOM> {
        let marked = (step & AT_MARK != 0).then(|| self.last_mark(place));
        let before = (step & BEFORE != 0).then(|| place.checked_sub(1).map_or(self.before, |last| self.first_byte(last)));
        marked.into_iter().chain(before)
    }

    /// A pretoken begins at a place of the text: the one before ends there.
    fn begins(&mut self, place: usize) {
        self.ends.extend(u32::try_from(place - self.start));
    }

    /// Where the character begins in the text that a byte of the window belongs to.
    fn first_byte(&self, place: usize) -> usize {
        self.at + self.classes[..=place].iter().rposition(|class| *class != Class::More as u8).unwrap_or(0)
    }

    /// Where the last mark before a byte of the window lies in the text.
    fn last_mark(&self, place: usize) -> usize {
        self.steps[..place].iter().rposition(|step| marks(*step)).map_or(self.mark, |place| self.first_byte(place))
    }

    /// Go on behind the window's first bytes; the mark is kept if it can still matter.
    fn pass(&mut self, length: usize, open: bool) {
        self.before = self.first_byte(length - 1);
        if open {
            self.mark = self.last_mark(length);
        }
        self.at += length;
    }
}
