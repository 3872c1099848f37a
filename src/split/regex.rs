//! Every other pattern, by a well-kept regex library. What stands between two matches is a pretoken too, and so is each byte that isn't UTF-8.

use fancy_regex::{Regex, RegexBuilder};

use crate::error::{Error, Kind, Result};

/// Ten times the longest pattern in use.
const PATTERN_BYTES: usize = 1 << 14;
/// What a pattern may compile to, all of its parts together; those in use take up to 1 MB.
const COMPILED_BYTES: usize = 1 << 25;

/// Compile a regular expression, or say why it isn't one that can be had for little time and memory. The engine makes automata of its parts, of which there are
/// no more than of these signs.
pub(crate) fn compile(pattern: &str) -> std::result::Result<Regex, String> {
    if pattern.len() > PATTERN_BYTES {
        return Err(format!("it has over {PATTERN_BYTES} bytes"));
    }
    let parts = 1 + pattern.bytes().filter(|byte| b"|(+\\".contains(byte)).count();
    RegexBuilder::new(pattern).delegate_size_limit(COMPILED_BYTES / parts).build().map_err(|error| error.to_string())
}

/// The matches of a regular expression in a text, and what stands between them.
pub struct Matches<'a> {
    regex: &'a Regex,
    data: &'a [u8],
    at: usize,
    /// The stretch of UTF-8 that `at` lies in.
    valid: (usize, &'a str),
    /// The next match, when what stands before it came first.
    ahead: Option<(usize, usize)>,
}

impl<'a> Matches<'a> {
    pub(super) fn new(regex: &'a Regex, data: &'a [u8]) -> Self {
        Self { regex, data, at: 0, valid: (0, ""), ahead: None }
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
    fn search(&self, start: usize) -> Result<Option<(usize, usize)>> {
        let (offset, text) = self.valid;
        let mut from = start - offset;
        loop {
            let found = self.regex.find_from_pos(text, from).map_err(|error| {
                Error::new(Kind::Text, format!("the text from byte {start} on"), format!("too much for the pattern ({error})"), "one that the pattern can cut")
            })?;
            match found {
                Some(found) if found.start() == found.end() => match text[found.end()..].chars().next() {
                    Some(character) => from = found.end() + character.len_utf8(),
                    None => return Ok(None),
                },
                found => return Ok(found.map(|found| (offset + found.start(), offset + found.end()))),
            }
        }
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
            assert!(compile(&format!("(?:{regex})")).is_ok(), "{name}");
        }
        for bomb in [r"\w{1000}", &r"(?<=\p{L}{160}\pN)|".repeat(60), &"a|".repeat(PATTERN_BYTES)] {
            assert!(compile(bomb).is_err(), "{bomb:.20}");
        }
    }
}
