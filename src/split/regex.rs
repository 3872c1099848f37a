//! Every other pattern, by a well-kept regex library. What stands between two matches is a pretoken too, and so is each byte that isn't UTF-8.
//!
//! The library goes back and tries otherwise where a pattern asks for that, and bounds how often for each search. A text has as many searches as matches, so
//! a pattern from a stranger's file could make every one of them as dear as one may be. So a search gets little patience at first, and more only as long as
//! the text pays for it: by all its searches together a text of n bytes is gone back in at most 2,048 n times, or it is refused. What is read far ahead is
//! paid for in the same way, a byte like a step (`ahead.rs`).

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use fancy_regex::{Error as Failure, Regex, RegexBuilder, RegexInput, RuntimeError};

use super::ahead::{Ahead, BLOCK};
use crate::error::{Error, Kind, Result};

/// Ten times the longest pattern in use.
const PATTERN_BYTES: usize = 1 << 14;
/// What a pattern may compile to, all of its parts together; those in use take up to 1 MB.
const COMPILED_BYTES: usize = 1 << 25;
/// How often a search may go back: at first, and when that wasn't enough. What comes after the second is paid for; the first is for a search that may read far
/// at every step.
const PATIENCE: [usize; 4] = [1 << 4, 1 << 10, 1 << 15, 1 << 20];
/// What a byte of text brings in.
const A_BYTE: usize = 1 << 10;

/// A regular expression.
#[derive(Clone)]
pub(crate) struct Expression {
    pattern: String,
    /// With little patience, and with more and more, made when that is first needed.
    regexes: [OnceLock<Regex>; PATIENCE.len()],
    /// Where it may read far ahead.
    ahead: Option<Arc<Ahead>>,
}

/// How often a text may still be gone back in, beyond what every search may, and how many bytes read ahead.
pub(crate) struct Left {
    steps: usize,
    /// A stretch of a text, by its address, in which all reading ahead is short.
    short: (usize, Range<usize>),
}

impl Left {
    /// Of a text of so many bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self { steps: A_BYTE.saturating_mul(bytes), short: (0, 0..0) }
    }

    fn pay(&mut self, steps: usize) -> std::result::Result<(), Failure> {
        self.steps = self.steps.checked_sub(steps).ok_or_else(given_up)?;
        Ok(())
    }

    /// Pay for all that may be read from a place on, once.
    fn pay_ahead(&mut self, ahead: &Ahead, text: &str, from: usize) -> std::result::Result<usize, Failure> {
        let read = ahead.from(text, from, self.steps.saturating_add(1));
        self.pay(read)?;
        Ok(read)
    }

    /// The same for each place from one to another; what reads no further than the next block is had for nothing.
    fn pay_between(&mut self, ahead: &Ahead, text: &str, from: usize, to: usize) -> std::result::Result<(), Failure> {
        let address = text.as_ptr().addr();
        if self.short.0 == address && self.short.1.start <= from && to < self.short.1.end {
            return Ok(());
        }
        for block in (from / BLOCK..=to / BLOCK).map(|at| at * BLOCK..(at + 1) * BLOCK) {
            let (thin, read) = ahead.is_thin(text, block.end);
            self.pay(read)?;
            if thin {
                self.short = (address, block);
                continue;
            }
            for place in (from.max(block.start)..=to.min(block.end - 1)).filter(|place| text.is_char_boundary(*place)) {
                self.pay_ahead(ahead, text, place)?;
            }
        }
        Ok(())
    }
}

fn given_up() -> Failure {
    Failure::RuntimeError(RuntimeError::BacktrackLimitExceeded)
}

impl Expression {
    /// Compile a regular expression, or say why it isn't one that can be had for little time and memory.
    pub(crate) fn new(pattern: &str) -> std::result::Result<Self, String> {
        if pattern.len() > PATTERN_BYTES {
            return Err(format!("it has over {PATTERN_BYTES} bytes"));
        }
        let regex = compile(pattern, PATIENCE[1]).map_err(|error| error.to_string())?;
        let ahead = Ahead::of(pattern).map(Arc::new);
        Ok(Self { pattern: pattern.to_owned(), regexes: [OnceLock::new(), regex.into(), OnceLock::new(), OnceLock::new()], ahead })
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
        let Some(ahead) = self.ahead.as_deref() else { return self.try_patiently(text, from, None, left) };
        if ahead.often {
            // One place after the other, since what a step costs has to be known before.
            for place in (from..=text.len()).filter(|place| text.is_char_boundary(*place)) {
                let read = left.pay_ahead(ahead, text, place)?;
                let found = self.try_patiently(text, place, Some(read), left)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            return Ok(None);
        }
        let found = self.try_patiently(text, from, None, left)?;
        left.pay_between(ahead, text, from, found.as_ref().map_or(text.len(), |found| found.start))?;
        Ok(found)
    }

    /// Search with little patience, and with more as long as that can be paid for: from a place on, or at that place alone if each step may read as many bytes.
    fn try_patiently(&self, text: &str, from: usize, a_step: Option<usize>, left: &mut Left) -> std::result::Result<Option<Range<usize>>, Failure> {
        let first = usize::from(a_step.is_none());
        for (turn, patience) in PATIENCE.into_iter().enumerate().skip(first) {
            if turn > first || a_step.is_some() {
                left.pay(patience.saturating_mul(a_step.unwrap_or(0).max(usize::from(turn > first))))?;
            }
            let regex = match self.regexes[turn].get() {
                Some(regex) => regex,
                None => {
                    let made = compile(&self.pattern, patience)?;
                    self.regexes[turn].get_or_init(|| made)
                }
            };
            match regex.find_input(RegexInput::new(text).from_pos(from).anchored(a_step.is_some())) {
                Ok(found) => return Ok(found.map(|found| found.range())),
                Err(Failure::RuntimeError(RuntimeError::BacktrackLimitExceeded)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(given_up())
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
    use crate::chance::chance;
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
    fn patterns_in_use_read_no_further_than_they_find() {
        let published = [
            r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}+| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
            r"\p{N}+|(?=(\d{3})+(?!\d))|[^\d]+",
            r" ?[^(\s|[.,!?…。，、।۔،])]+",
            r"(?:\r?\n)+(?!\r?\n)|\w|[^\w]",
        ];
        let texts = [" \n ".repeat(20_000), "ab \t 1234.".repeat(5_000), " ".repeat(50_000) + "x", "A".repeat(50_000), "1".repeat(300)];
        for regex in Pattern::built_in().map(|(_, regex)| regex).chain(published) {
            let regex = Expression::new(&format!("(?:{regex})")).unwrap();
            for text in &texts {
                let mut left = Left::of(text.len());
                regex.matches(text, &mut left, |_| Ok(())).unwrap_or_else(|error| panic!("{} of {:.9}: {error}", regex.as_str(), text));
                assert!(left.steps > (A_BYTE - 300) * text.len(), "{} of {:.9}: {} of {}", regex.as_str(), text, left.steps, text.len());
            }
        }
    }
    #[test]
    fn reading_ahead_is_paid_for() {
        let far = [
            r"a(?=.*b)|a",
            r"a(?!.*b)|a",
            r"\w+?(?!.*x)",
            r"a.*b|a",
            r"(?>a+)b|a",
            r"(?:a(?=(a+)+b))+|a",
            r"(a+)b\1|a",
            r"a(?<=^.*)|a",
            r"(?>(?:a(?=a))+)b|a",
            r"a(?=\Z)|a",
        ];
        for pattern in far {
            let regex = Expression::new(pattern).unwrap();
            let text = if pattern.contains(r"\Z") { "a".repeat(20_000) + &"\n".repeat(20_000) } else { "a".repeat(40_000) };
            let mut left = Left::of(text.len());
            assert_eq!(regex.matches(&text, &mut left, |_| Ok(())).is_err(), !pattern.contains(r"\Z"), "{pattern}");
            let short = "a".repeat(10);
            regex.matches(&short, &mut Left::of(short.len()), |_| Ok(())).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        }
    }
    #[test]
    fn what_is_paid_for_changes_no_match() {
        let parts =
            [r"a", r"b?", r"\w+", r".*", r"(?=.*b)", r"(?!a*b)", r"(?<=a+)", r"(?>a*)", r"(a+)", r"\1", r"|", r"\b", r"\s*", r"\n", r"(?:ab|a)+?", r"$"];
        let (mut next, mut compared, mut far) = (chance(11), 0, 0);
        for _ in 0..4_000 {
            let pattern: String = (0..1 + next(5)).map(|_| parts[next(parts.len())]).collect();
            let Ok(paying) = Expression::new(&pattern) else { continue };
            far += usize::from(paying.ahead.is_some());
            let free = Expression { ahead: None, ..paying.clone() };
            let text: String = (0..next(40)).map(|_| ["a", "b", " ", "\n", "é", "ab"][next(6)]).collect();
            let found = |regex: &Expression| {
                let mut found = Vec::new();
                regex
                    .matches(&text, &mut Left::of(usize::MAX), |place| {
                        found.push(place);
                        Ok(())
                    })
                    .map(|()| found)
            };
            let (paid, unpaid) = (found(&paying), found(&free));
            if let (Ok(paid), Ok(unpaid)) = (&paid, &unpaid) {
                assert_eq!(paid, unpaid, "{pattern} of {text:?}");
                compared += 1;
            }
        }
        assert!(compared > 2_000 && far > 1_000, "{compared} {far}");
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
