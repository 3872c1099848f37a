//! Characters by their place in a text, and the few steps that patterns are made of.

use crate::unicode::{Classes, class_of, class_of_ascii};

const PUNCTUATION: Classes = Classes::OTHER.or(Classes::MARK);

/// A text, as bytes that may hold broken UTF-8.
pub struct Text<'a> {
    pub(super) data: &'a [u8],
}

impl<'a> Text<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data }
    }

    /// The byte at `i`, 0 behind the end.
    pub(super) fn byte(&self, i: usize) -> u8 {
        self.data.get(i).copied().unwrap_or(0)
    }

    /// Whether a line break stands at `i`.
    pub(super) fn breaks(&self, i: usize) -> bool {
        matches!(self.byte(i), b'\r' | b'\n')
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

    /// Skip the characters from `i` on whose class is wanted.
    pub(super) fn run(&self, mut i: usize, wanted: Classes) -> usize {
        loop {
            let (class, length) = self.at(i);
            if !class.within(wanted) {
                return i;
            }
            i += length;
        }
    }

    /// `\p{N}{1,3}`, or `i`.
    pub(super) fn digits(&self, mut i: usize) -> usize {
        for _ in 0..3 {
            let (class, length) = self.at(i);
            i += if class.within(Classes::NUMBER) { length } else { return i };
        }
        i
    }

    /// Skip 's 't 'd 'm 'll 've 're at `i`, in any case if `fold`; Unicode folds the long s (U+017F) to s.
    pub(super) fn contraction(&self, i: usize, fold: bool) -> usize {
        if self.byte(i) != b'\'' {
            return i;
        }
        if fold && self.data[i + 1..].starts_with("ſ".as_bytes()) {
            return i + 3;
        }
        let letter = |i| if fold { self.byte(i).to_ascii_lowercase() } else { self.byte(i) };
        match (letter(i + 1), letter(i + 2)) {
            (b's' | b't' | b'd' | b'm', _) => i + 2,
            (b'l', b'l') | (b'v' | b'r', b'e') => i + 3,
            _ => i,
        }
    }

    /// `\s+(?!\S)|\s+`: a run of white space leaves its last character to the word behind it.
    pub(super) fn blanks(&self, i: usize) -> usize {
        let (mut end, mut last) = (i, i);
        loop {
            let (class, length) = self.at(end);
            if !class.within(Classes::SPACE) {
                return if class != Classes::NONE && last > i { last } else { end };
            }
            (last, end) = (end, end + length);
        }
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`: a run of white space ends behind its last line break, if it has one.
    pub(super) fn lines(&self, i: usize) -> usize {
        let end = self.run(i, Classes::SPACE);
        (i..end).rev().find(|at| self.breaks(*at)).map_or_else(|| self.blanks(i), |at| at + 1)
    }

    /// ` ?[^\s\p{L}\p{N}]+[tail]*`, or `i` if there is none.
    pub(super) fn punctuation(&self, i: usize, tail: &[u8]) -> usize {
        let start = if self.byte(i) == b' ' { i + 1 } else { i };
        let mut end = self.run(start, PUNCTUATION);
        if end == start {
            return i;
        }
        while end < self.data.len() && tail.contains(&self.byte(end)) {
            end += 1;
        }
        end
    }
}
