//! Class bytes -> where pretokens begin: a pattern as a finite machine, run over several stretches of a text at once.
//!
//! A pattern is a function `step(state, class)`: the state behind a character, given the one before it, and what is known by then of where pretokens begin:
//! here, before this character; with the character before it; or at the last *mark*, where a state from `MARKS` on was entered. That is all that the published
//! patterns need: white space keeps its last character for the word behind it, a line's indentation is cut off behind its line break once something
//! visible follows, and a quote behind a word may or may not turn out to be a contraction.
//!
//! The function becomes a table, `next[class][state]`, and the machine one look-up a byte. Each look-up waits for the one before it, so eight stretches of a
//! text run side by side, seven of them from a guessed state. When the real state at the beginning of a stretch is known, its first steps are taken again until
//! the state is the one that is there; a machine in the same state on the same text does the same, so all that follows is as it would have been.
//!
//! Where the processor permutes bytes, sixty-four stretches of a window run so, one in each byte of a vector, over a table that has one row for all classes
//! that the pattern doesn't tell apart and fits in ten vectors. A stretch that goes its own way to its end, as one of digits only can, sends its window back to
//! the eight. That and the bits of `ends` halve the time of splitting English (2 KB at a time: to two thirds); under 1,280 bytes it doesn't pay.

pub(super) mod blocks;

use super::class::{ALL_CLASSES, BLOCK, Class, WINDOW};

/// The state behind a character: what the pretoken that it belongs to is so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// A pretoken that nothing goes on; also before the first character of a text.
    Ended,
    /// Letters; in patterns that look at case, letters of which the last are lower-case.
    Word,
    Number1,
    Number2,
    Number3,
    /// One character that isn't a letter, a number or white space, and may go with the word behind it.
    Other,
    /// Several of them, or a space and some.
    Others,
    /// The line breaks behind them.
    Tail,
    /// A quote that begins a pretoken.
    Quote,
    /// The same with `l` behind, or with `v` or `r`, in case it is a contraction.
    QuoteL,
    QuoteV,
    /// One space; one other white space.
    Space,
    Blank,
    /// More white space, the last of which is a space, or isn't.
    Spaces,
    Blanks,
    /// White space that ends with a line break.
    Line,
    /// More white space than one character behind the line break, the last of which is a space, or isn't.
    LineSpaces,
    LineBlanks,
    /// What else a pattern tells apart: its file names them.
    Own0,
    Own1,
    Own2,
    Own3,
    Own4,
    Own5,
    Own6,
    /// One space, or one other white space, behind the line break: a pretoken begins here unless another line break follows.
    LineSpace = MARKS,
    LineBlank,
    /// Two more states at which a pretoken may begin, of a pattern's own.
    OwnMark0,
    OwnMark1,
}

use State::{
    Blank, Blanks, Ended, Line, LineBlank, LineBlanks, LineSpace, LineSpaces, Number1, Number2, Number3, Other, Others, Own0, Own1, Own2, Own3, Own4, Own5,
    Own6, OwnMark0, OwnMark1, Quote, QuoteL, QuoteV, Space, Spaces, Tail, Word,
};

pub(super) const ALL_STATES: [State; 29] = [
    Ended, Word, Number1, Number2, Number3, Other, Others, Tail, Quote, QuoteL, QuoteV, Space, Blank, Spaces, Blanks, Line, LineSpaces, LineBlanks, Own0, Own1,
    Own2, Own3, Own4, Own5, Own6, LineSpace, LineBlank, OwnMark0, OwnMark1,
];

/// The states from here on mark where a pretoken may begin.
const MARKS: u8 = 28;

/// A state, and where pretokens begin, in one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step(u8);

/// A pretoken begins with the character; with the one before it; at the last mark.
pub(super) const HERE: u8 = 0x80;
pub(super) const BEFORE: u8 = 0x40;
pub(super) const AT_MARK: u8 = 0x20;
const STATE: u8 = 0x1F;

impl Step {
    /// The pretoken goes on.
    pub(super) const fn on(state: State) -> Self {
        Self(state as u8)
    }

    /// A pretoken begins with this character.
    pub(super) const fn begin(state: State) -> Self {
        Self(state as u8 | HERE)
    }

    /// And one began with the character before.
    pub(super) const fn and_before(self) -> Self {
        Self(self.0 | BEFORE)
    }

    /// And one began at the last mark.
    pub(super) const fn and_at_mark(self) -> Self {
        Self(self.0 | AT_MARK)
    }

    /// And nothing goes on the pretoken that the character belongs to.
    pub(super) const fn and_no_more(self) -> Self {
        Self(self.0 & !STATE | State::Ended as u8)
    }
}

/// Whether a pretoken may begin with the character of this step, as what follows will decide.
pub(super) const fn marks(step: u8) -> bool {
    step & STATE >= MARKS
}

const ROWS: usize = ALL_CLASSES.len().next_power_of_two();
const STATES: usize = STATE as usize + 1;

/// How many different rows are in a page of the smaller table, and how many pages of it there are.
const PAGE_ROWS: usize = 4;
const PAGES: usize = 5;

/// From so many bytes on sixty-four stretches pay.
const WIDE: usize = 1280;

/// A pattern's step as a table: a row of 256 for each class, for the state's byte whatever its flags are.
pub(super) struct Machine {
    next: [u8; ROWS * 256],
    /// The same without flags, and with one row for all classes that the pattern doesn't tell apart: few enough that they fit in vectors.
    pages: [[[u8; BLOCK]; 2]; PAGES],
    /// Where a class's row is: in bits 5 and 6 which of its page, in those below which page.
    rows: [u8; BLOCK],
}

impl Machine {
    pub(super) const EMPTY: Self = Self { next: [0; _], pages: [[[0; _]; 2]; _], rows: [0; _] };

    /// The byte of the state in which a text begins.
    pub(super) const START: u8 = State::Ended as u8;

    /// Write down the step from a state by a class.
    pub(super) const fn set(&mut self, state: State, class: Class, step: Step) {
        let mut flags = 0;
        while flags < 8 {
            self.next[(class as usize) << 8 | flags << 5 | state as usize] = step.0;
            flags += 1;
        }
    }

    /// Fill the pages, once all steps are written down. A text's end is no class of its bytes, and has no row.
    pub(super) const fn with_pages(mut self) -> Self {
        let (mut class, mut rows) = (0, 0);
        while class < Class::End as usize {
            let mut same = 0;
            while !self.are_alike(same, class) {
                same += 1;
            }
            self.rows[class] = self.rows[same];
            if same == class {
                self.rows[class] = (rows % PAGE_ROWS * STATES + rows / PAGE_ROWS).to_le_bytes()[0];
                let mut state = 0;
                while state < STATES {
                    self.pages[rows / PAGE_ROWS].as_flattened_mut()[rows % PAGE_ROWS * STATES + state] = self.next[class << 8 | state];
                    state += 1;
                }
                rows += 1;
            }
            class += 1;
        }
        self
    }

    const fn are_alike(&self, one: usize, other: usize) -> bool {
        let mut state = 0;
        while state < STATES && self.next[one << 8 | state] == self.next[other << 8 | state] {
            state += 1;
        }
        state == STATES
    }

    /// The step from a state by a class.
    pub(super) fn next(&self, state: u8, class: u8) -> u8 {
        self.next[(usize::from(class) % ROWS) << 8 | usize::from(state)]
    }

    /// Whether a pretoken may still begin at the last mark.
    pub(super) fn is_open(&self, state: u8) -> bool {
        ALL_CLASSES.iter().any(|class| self.next(state, *class as u8) & AT_MARK != 0)
    }

    /// Write the steps of the first class bytes of a window, and give the last of them.
    pub(super) fn run_window(&self, from: u8, classes: &[u8], steps: &mut [u8], length: usize) -> u8 {
        let (mut done, mut state) = (0, from);
        if let (WIDE.., Some(classes), Some(steps)) = (length, classes.first_chunk::<WINDOW>(), steps.first_chunk_mut::<WINDOW>())
            && blocks::run(self, from, classes, steps, length.min(WINDOW))
        {
            done = length.min(WINDOW);
            state = steps[done - 1];
        }
        self.run(state, &classes[done..length], &mut steps[done..length])
    }

    /// Write the steps of some class bytes, and give the last of them.
    fn run(&self, from: u8, classes: &[u8], steps: &mut [u8]) -> u8 {
        let mut state = from;
        let (classes, steps) = self.stretches::<512>(&mut state, classes, steps);
        let (classes, steps) = self.stretches::<64>(&mut state, classes, steps);
        let (classes, steps) = self.stretches::<8>(&mut state, classes, steps);
        for (class, step) in classes.iter().zip(steps) {
            state = self.next(state, *class);
            *step = state;
        }
        state
    }

    /// Step over eight stretches of a length as often as there are so many class bytes; gives those that are left.
    fn stretches<'a, const LENGTH: usize>(&self, state: &mut u8, classes: &'a [u8], steps: &'a mut [u8]) -> (&'a [u8], &'a mut [u8]) {
        let done = classes.len() / (8 * LENGTH) * (8 * LENGTH);
        let ((classes, rest), (steps, rest_steps)) = (classes.split_at(done), steps.split_at_mut(done));
        let (classes, steps) = (classes.as_chunks::<LENGTH>().0.as_chunks().0, steps.as_chunks_mut::<LENGTH>().0.as_chunks_mut().0);
        for (eight, steps) in classes.iter().zip(steps) {
            *state = self.eight(*state, eight, steps);
        }
        (rest, rest_steps)
    }

    fn eight<const LENGTH: usize>(&self, from: u8, classes: &[[u8; LENGTH]; 8], steps: &mut [[u8; LENGTH]; 8]) -> u8 {
        let mut guessed = [Self::START; 8];
        guessed[0] = from;
        for at in 0..LENGTH {
            for stream in 0..8 {
                guessed[stream] = self.next(guessed[stream], classes[stream][at]);
                steps[stream][at] = guessed[stream];
            }
        }
        let mut state = guessed[0];
        for ((classes, steps), end) in classes.iter().zip(steps).zip(guessed).skip(1) {
            let mut met = false;
            for (class, step) in classes.iter().zip(steps) {
                state = self.next(state, *class);
                met = (std::mem::replace(step, state) ^ state) & STATE == 0;
                if met {
                    break;
                }
            }
            state = if met { end } else { state };
        }
        state
    }
}

/// Tabulate a pattern's step over what it sees of classes, `coarse` or `fine`, when the program is compiled. (A macro, since a function that is compiled away
/// can't take a function.)
macro_rules! tabulate {
    ($step:ident) => {
        tabulate!($step, coarse)
    };
    ($step:ident, $seen:ident) => {{
        use crate::split::{
            class::ALL_CLASSES,
            machine::{ALL_STATES, Machine},
        };
        let (mut machine, mut state) = (Machine::EMPTY, 0);
        while state < ALL_STATES.len() {
            let mut class = 0;
            while class < ALL_CLASSES.len() {
                machine.set(ALL_STATES[state], ALL_CLASSES[class], $step(ALL_STATES[state], ALL_CLASSES[class].$seen()));
                class += 1;
            }
            state += 1;
        }
        machine.with_pages()
    }};
}
pub(super) use tabulate;

#[cfg(test)]
mod tests {
    use super::super::BUILT_IN;
    use super::*;
    use crate::chance::chance;

    /// Class bytes as chance has them, in runs such as text has.
    fn classes(length: usize, seed: u64) -> Vec<u8> {
        let (mut next, mut classes) = (chance(seed), Vec::new());
        while classes.len() < length {
            let class = ALL_CLASSES[next(ALL_CLASSES.len() - 1)] as u8;
            classes.extend(std::iter::repeat_n(class, 1 + next(3) * next(40)));
        }
        classes.truncate(length);
        classes
    }

    #[test]
    fn stretches_side_by_side_step_as_one_after_the_other() {
        for machine in BUILT_IN.iter().map(|pattern| pattern.machine) {
            // Of one class alone no guess may ever be right: where digits are counted by three, say.
            let alike = ALL_CLASSES.iter().filter(|class| **class != Class::End).map(|class| vec![*class as u8; WINDOW]);
            let long = (0..64).map(|seed| classes(WIDE + seed * (WINDOW - WIDE) / 63, seed as u64));
            let short = (0..300).chain([511, 512, 513, 4099, 9000]).map(|length| classes(length, length as u64));
            for classes in short.chain(long).chain(alike) {
                let (mut state, length) = (Machine::START, classes.len());
                let mut plain = Vec::new();
                for class in &classes {
                    state = machine.next(state, *class);
                    plain.push(state);
                }
                let mut steps = vec![0; length];
                assert_eq!(machine.run(Machine::START, &classes, &mut steps), state);
                assert_eq!(steps, plain);
                if length <= WINDOW {
                    let (mut window, mut steps) = ([0; WINDOW], [0; WINDOW]);
                    window[..length].copy_from_slice(&classes);
                    assert_eq!(machine.run_window(Machine::START, &window, &mut steps, length), state);
                    assert_eq!(steps[..length], plain);
                }
            }
        }
    }
}
