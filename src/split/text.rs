//! Characters by their place in a text, read in both directions: for the few places where a text is looked at from its end.

use crate::unicode::{Classes, class_of, class_of_ascii};

/// A text, as bytes that may hold broken UTF-8.
pub(super) struct Text<'a> {
    data: &'a [u8],
}

impl<'a> Text<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data }
    }

    /// The byte at `i`, 0 behind the end.
    pub(super) fn byte(&self, i: usize) -> u8 {
        self.data.get(i).copied().unwrap_or(0)
    }

    /// The class of the character at `i` and its length in bytes; behind the end `NONE` and 0.
    pub(super) fn at(&self, i: usize) -> (Classes, usize) {
        match self.data.get(i) {
            None => (Classes::NONE, 0),
            Some(byte @ 0..0x80) => (class_of_ascii(*byte), 1),
            Some(_) => self.wide(i),
        }
    }

    fn wide(&self, i: usize) -> (Classes, usize) {
        let length = match self.data[i] {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => return (Classes::OTHER, 1),
        };
        let character = self.data.get(i..i + length).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|text| text.chars().next());
        character.map_or((Classes::OTHER, 1), |character| (class_of(character), length))
    }

    /// Whether the character at `i` is there and isn't white space.
    pub(super) fn visible(&self, i: usize) -> bool {
        let (class, _) = self.at(i);
        class != Classes::NONE && class != Classes::SPACE
    }

    /// Whether the character that ends before `i` is there and isn't white space.
    pub(super) fn visible_before(&self, i: usize) -> bool {
        self.before(i).is_some_and(|start| self.visible(start))
    }

    /// Where the character begins that ends before `i`.
    fn before(&self, i: usize) -> Option<usize> {
        (1..=i.min(4)).rev().map(|back| i - back).find(|start| start + self.at(*start).1 == i)
    }

    /// How many bytes at the end begin a character that isn't finished.
    pub(super) fn unfinished(&self) -> usize {
        let begun =
            |n: &usize| std::str::from_utf8(&self.data[self.data.len() - n..]).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none());
        (1..=self.data.len().min(3)).rev().find(begun).unwrap_or(0)
    }

    /// The place at or before `i` where a character may begin.
    pub(super) fn start_of(&self, i: usize) -> usize {
        let inside = |i: &usize| matches!(self.byte(*i), 0x80..0xC0);
        (i.saturating_sub(3)..=i).rev().find(|i| !inside(i)).unwrap_or(i)
    }

    /// Go back from `i` over the characters whose class is wanted.
    pub(super) fn run_before(&self, mut i: usize, wanted: Classes) -> usize {
        while let Some(start) = self.before(i).filter(|start| self.at(*start).0.within(wanted)) {
            i = start;
        }
        i
    }
}
