//! Every other pattern, by a well-kept regex library. What stands between two matches is a pretoken too, and so is each byte that isn't UTF-8.
//!
//! The library goes back and tries otherwise where a pattern asks for that, and bounds how often for each search. A text has as many searches as matches, so a pattern
//! from a stranger's file could make every one of them as dear as one may be. So a search gets little patience at first, and more only as long as the text pays for it: by
//! all its searches together a text of n bytes is gone back in at most 2,048 n times, or it is refused. (What a look-ahead reads without going back isn't bounded so.)

use std::ops::Range;
use std::sync::OnceLock;

use fancy_regex::{Error as Failure, Regex, RegexBuilder, RuntimeError};

use crate::error::{Error, Kind, Result};

/// Ten times the longest pattern in use.
const PATTERN_BYTES: usize = 1 << 14;
/// What a pattern may compile to, all of its parts together; those in use take up to 1 MB.
const COMPILED_BYTES: usize = 1 << 25;
/// How often a search may go back: at first, and when that wasn't enough. What comes after the first is paid for.
const PATIENCE: [usize; 3] = [1 << 10, 1 << 15, 1 << 20];
/// What a byte of text brings in.
const A_BYTE: usize = 1 << 10;

/// A regular expression.
#[derive(Clone)]
pub(crate) struct Expression {
    pattern: String,
    /// With little patience, and with more and more, made when that is first needed.
    regexes: [OnceLock<Regex>; PATIENCE.len()],
}

/// How often a text may still be gone back in, beyond what every search may.
pub(crate) struct Left(usize);

impl Left {
    /// Of a text of so many bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self(A_BYTE.saturating_mul(bytes))
    }

    fn pay(&mut self, steps: usize) -> bool {
        let paid = self.0.checked_sub(steps);
        self.0 = paid.unwrap_or(self.0);
        paid.is_some()
    }
}

impl Expression {
    /// Compile a regular expression, or say why it isn't one that can be had for little time and memory.
    pub(crate) fn new(pattern: &str) -> std::result::Result<Self, String> {
        if pattern.len() > PATTERN_BYTES {
            return Err(format!("it has over {PATTERN_BYTES} bytes"));
        }
        let first = compile(pattern, PATIENCE[0]).map_err(|error| error.to_string())?;
        Ok(Self { pattern: pattern.to_owned(), regexes: [first.into(), OnceLock::new(), OnceLock::new()] })
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether a text without characters is a match.
    pub(crate) fn takes_nothing(&self) -> bool {
        !matches!(self.search("", 0, &mut Left::of(0)), Ok(None))
    }

    /// The first match from a place on.
    fn search(&self, text: &str, from: usize, left: &mut Left) -> std::result::Result<Option<Range<usize>>, Failure> {
        let mut found = Ok(None);
        for (turn, (patience, regex)) in PATIENCE.into_iter().zip(&self.regexes).enumerate() {
            if turn > 0 && !left.pay(patience) {
                break;
            }
            let regex = match regex.get() {
                Some(regex) => regex,
                None => {
                    let made = compile(&self.pattern, patience)?;
                    regex.get_or_init(|| made)
                }
            };
            found = regex.find_from_pos(text, from).map(|found| found.map(|found| found.range()));
            if !matches!(&found, Err(Failure::RuntimeError(RuntimeError::BacktrackLimitExceeded))) {
                break;
            }
        }
        found
    }

    /// The next match from a place on that isn't empty.
    pub(crate) fn next(&self, text: &str, mut from: usize, left: &mut Left) -> Result<Option<Range<usize>>> {
        loop {
            let found = self.search(text, from, left).map_err(|error| {
                Error::new(Kind::Text, format!("the text from byte {from} on"), format!("too much for the pattern ({error})"), "one that the pattern can cut")
            })?;
            match found {
                Some(found) if found.is_empty() => match text[found.end..].chars().next() {
                    Some(character) => from = found.end + character.len_utf8(),
                    None => return Ok(None),
                },
                found => return Ok(found),
            }
        }
    }

    /// Every match that isn't empty.
    pub(crate) fn matches(&self, text: &str, left: &mut Left, mut take: impl FnMut(Range<usize>) -> Result<()>) -> Result<()> {
        let mut from = 0;
        while let Some(found) = self.next(text, from, left)? {
            from = found.end;
            take(found)?;
        }
        Ok(())
    }
}

/// The engine makes automata of a pattern's parts, of which there are no more than of these signs.
fn compile(pattern: &str, patience: usize) -> std::result::Result<Regex, Failure> {
    let parts = 1 + pattern.bytes().filter(|byte| b"|(+\\".contains(byte)).count();
    RegexBuilder::new(pattern).delegate_size_limit(COMPILED_BYTES / parts).backtrack_limit(patience).build()
}

/// The matches of a regular expression in a text, and what stands between them.
pub struct Matches<'a> {
    regex: &'a Expression,
    left: Left,
    data: &'a [u8],
    at: usize,
    /// The stretch of UTF-8 that `at` lies in.
    valid: (usize, &'a str),
    /// The next match, when what stands before it came first.
    ahead: Option<(usize, usize)>,
}

impl<'a> Matches<'a> {
    pub(super) fn new(regex: &'a Expression, data: &'a [u8]) -> Self {
        Self { regex, left: Left::of(data.len()), data, at: 0, valid: (0, ""), ahead: None }
    }

    fn following(&mut self) -> Option<Result<&'a [u8]>> {
        if self.at >= self.data.len() {
            return None;
        }
        let start = self.at;
        if start >= self.valid.0 + self.valid.1.len() {
            let rest = &self.data[start..];
            let length = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
            self.valid = (start, std::str::from_utf8(&rest[..length]).unwrap_or(""));
        }
        self.at = if self.valid.1.is_empty() {
            start + 1
        } else {
            match self.ahead.take().map_or_else(|| self.search(start), |found| Ok(Some(found))) {
                Err(error) => {
                    self.at = self.data.len();
                    return Some(Err(error));
                }
                Ok(Some((found, end))) if found == start => end,
                Ok(Some((found, end))) => {
                    self.ahead = Some((found, end));
                    found
                }
                Ok(None) => self.valid.0 + self.valid.1.len(),
            }
        };
        Some(Ok(&self.data[start..self.at]))
    }

    /// The next match that isn't empty.
    fn search(&mut self, start: usize) -> Result<Option<(usize, usize)>> {
        let (offset, text) = self.valid;
        let found =
            self.regex.next(text, start - offset, &mut self.left).map_err(|error| Error { place: format!("the text from byte {start} on"), ..error })?;
        Ok(found.map(|found| (offset + found.start, offset + found.end)))
    }
}

impl<'a> Iterator for Matches<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.following()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::Pattern;

    #[test]
    fn patterns_in_use_compile_and_bombs_do_not() {
        for (name, regex) in Pattern::built_in() {
            assert!(Expression::new(&format!("(?:{regex})")).is_ok(), "{name}");
        }
        for bomb in [r"\w{1000}", &r"(?<=\p{L}{160}\pN)|".repeat(60), &"a|".repeat(PATTERN_BYTES)] {
            assert!(Expression::new(bomb).is_err(), "{bomb:.20}");
        }
    }
    #[test]
    fn a_text_is_gone_back_in_no_more_than_it_pays_for() {
        let dear = Expression::new(r"(?:a?){16}(?!.)(?=b)|a").unwrap(); // 65,536 ways to fail at each letter
        let text = "a".repeat(10_000);
        let error = Matches::new(&dear, text.as_bytes()).find_map(|found| found.err()).unwrap();
        assert!(error.found.starts_with("too much for the pattern"), "{error}");
        let long = Expression::new(r"\w+(?=!)|[^\w]").unwrap(); // as many ways back as letters
        for size in [100, 3_000, 200_000] {
            let text = format!("{} {}!", "b".repeat(size) + "!", "c".repeat(size));
            let found: Vec<_> = Matches::new(&long, text.as_bytes()).map(|found| found.unwrap().len()).collect();
            assert_eq!(found, [size, 1, 1, size, 1]);
        }
    }
}
