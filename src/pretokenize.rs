//! Text -> pretokens where it takes more than one pattern: steps, each of which cuts what the step before it left.
//!
//! A step finds places in a piece, by a pattern, a text or digits, and a behaviour says what becomes of them: a piece of their own, a part of the piece before
//! or behind, or nothing at all (then what stood there gets no ids).

use std::ops::Range;

use aho_corasick::AhoCorasick;

use crate::error::Result;
use crate::normalize::character;
use crate::split::price::Left;
use crate::split::regex::Expression;
use crate::split::{Pattern, spans};
use crate::threads::Pulse;
use crate::unicode::{Classes, class_of};

const TICK_EVERY: usize = 1 << 16;

/// What becomes of what a step finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behavior {
    Isolated,
    Removed,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// What a step looks for.
pub(crate) enum Sought {
    /// The matches of a built-in pattern, which leave nothing between them.
    BuiltIn(Pattern),
    Regex(Box<Expression>),
    Text(AhoCorasick),
    Digits,
}

/// One step.
pub(crate) struct Cutter {
    pub(crate) sought: Sought,
    pub(crate) behavior: Behavior,
    pub(crate) invert: bool,
}

/// A place in a piece, and whether it counts as found.
type Place = (Range<usize>, bool);

impl Cutter {
    /// Whether this is no more than a built-in pattern.
    pub(crate) fn built_in(&self) -> Option<&Pattern> {
        let Sought::BuiltIn(pattern) = &self.sought else { return None };
        matches!((self.behavior, self.invert), (Behavior::Isolated, _) | (Behavior::Removed, true)).then_some(pattern)
    }

    /// The regular expression, if this is no more than one.
    pub(crate) fn regex(&self) -> Option<&str> {
        match &self.sought {
            Sought::Regex(regex) if self.behavior == Behavior::Isolated => Some(regex.as_str()),
            _ => self.built_in().map(Pattern::regex),
        }
    }

    fn found(&self, piece: &[u8], left: &mut Left<'_>, pulse: &Pulse) -> Result<Vec<Range<usize>>> {
        match &self.sought {
            Sought::Text(finder) => Ok(finder.find_iter(piece).map(|found| found.range()).collect()),
            Sought::Digits => Ok(digits(piece)),
            Sought::Regex(regex) => matches(regex, piece, left, pulse),
            Sought::BuiltIn(pattern) => {
                let mut found = Vec::new();
                pattern.windows(piece, pulse, |start, ends| {
                    pulse.tick(0)?;
                    found.extend(spans(start, ends));
                    Ok(())
                })?;
                Ok(found)
            }
        }
    }

    /// Cut a piece into what is found and what stands between.
    fn places(&self, piece: &[u8], left: &mut Left<'_>, pulse: &Pulse) -> Result<Vec<Place>> {
        let (mut places, mut at) = (Vec::new(), 0);
        for found in self.found(piece, left, pulse)? {
            if at < found.start {
                places.push((at..found.start, self.invert));
            }
            at = found.end;
            places.push((found, !self.invert));
        }
        if at < piece.len() {
            places.push((at..piece.len(), self.invert));
        }
        Ok(places)
    }

    /// Cut a piece.
    fn cut(&self, piece: &[u8], left: &mut Left<'_>, pulse: &Pulse) -> Result<Vec<Range<usize>>> {
        let mut places = self.places(piece, left, pulse)?;
        match self.behavior {
            Behavior::Isolated => return Ok(places.into_iter().map(|(range, _)| range).collect()),
            Behavior::Removed => return Ok(places.into_iter().filter(|(_, found)| !found).map(|(range, _)| range).collect()),
            _ => {}
        }
        let backwards = self.behavior == Behavior::MergedWithNext;
        if backwards {
            places.reverse();
        }
        let (mut ranges, mut before): (Vec<Range<usize>>, _) = (Vec::new(), false);
        for (range, found) in places {
            let together = if self.behavior == Behavior::Contiguous { found == before } else { found && !before };
            match ranges.last_mut() {
                Some(last) if together && backwards => last.start = range.start,
                Some(last) if together => last.end = range.end,
                _ => ranges.push(range),
            }
            before = found;
        }
        if backwards {
            ranges.reverse();
        }
        Ok(ranges)
    }
}

/// The characters of class `number`.
fn digits(piece: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < piece.len() {
        let length = character(&piece[at..]);
        let read = std::str::from_utf8(&piece[at..at + length]).ok().and_then(|text| text.chars().next());
        if read.is_some_and(|c| class_of(c).within(Classes::NUMBER)) {
            found.push(at..at + length);
        }
        at += length;
    }
    found
}

/// Tick where a stretch of text goes past one of the places at which that is due.
fn tick_at(start: usize, end: usize, pulse: &Pulse) -> Result<()> {
    if start / TICK_EVERY == end / TICK_EVERY { Ok(()) } else { pulse.tick(0) }
}

/// The matches of a regular expression.
fn matches(regex: &Expression, piece: &[u8], left: &mut Left<'_>, pulse: &Pulse) -> Result<Vec<Range<usize>>> {
    let (mut found, mut start) = (Vec::new(), 0);
    for chunk in piece.utf8_chunks() {
        regex.matches(chunk.valid(), left, |place| {
            tick_at(place.start, place.end, pulse)?;
            found.push(start + place.start..start + place.end);
            Ok(())
        })?;
        start += chunk.valid().len() + chunk.invalid().len();
    }
    Ok(found)
}

/// Cut a text by one step after the other.
pub(crate) fn pretokens(text: &[u8], steps: &[Cutter], pulse: &Pulse) -> Result<Vec<Range<usize>>> {
    let mut ranges: Vec<_> = std::iter::once(0..text.len()).collect();
    for step in steps {
        let (mut cut, mut left) = (Vec::with_capacity(ranges.len()), Left::of(text.len(), pulse));
        for range in ranges {
            cut.extend(step.cut(&text[range.clone()], &mut left, pulse)?.into_iter().map(|inner| range.start + inner.start..range.start + inner.end));
        }
        ranges = cut;
    }
    Ok(ranges)
}
