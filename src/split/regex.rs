//! Every other pattern, by a well-kept regex library. What stands between two matches is a pretoken too, and so is each byte that isn't UTF-8.
//!
//! The library goes back and tries otherwise where a pattern asks for that, and bounds how often for each search. A text has as many searches as matches, so a
//! pattern from a stranger's file could make every one of them as dear as one may be. So a search gets little patience at first, and more only as long as the
//! text pays for it: what all its searches together may cost is counted in steps (`price.rs`), or it is refused. A step is to take one state of an automaton
//! over one byte (`ahead.rs`), some nanoseconds; to go back once is four. All is paid for before it is done, and a search can't be told to stop, so none may
//! cost more than some million steps: a tenth of a second.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use fancy_regex::{Error as Failure, Regex, RegexBuilder, RegexInput, RuntimeError};

use super::ahead::{Ahead, Dear};
use super::price::{Ended, Found, Left, given_up};
use crate::error::{Error, Kind, Result};
use crate::threads::Pulse;

/// Ten times the longest pattern in use.
const PATTERN_BYTES: usize = 1 << 14;
/// What a pattern may compile to, all of its parts together; those in use take up to 1 MB.
const COMPILED_BYTES: usize = 1 << 25;
/// How often a search may go back: at first, and when that wasn't enough. A search that may read far at every step begins with the first, and pays for all; the
/// others begin with the fourth, and pay for what comes after.
const PATIENCE: [usize; 6] = [1 << 2, 1 << 4, 1 << 6, 1 << 10, 1 << 15, 1 << 20];
const FREE: usize = 3;
/// How many steps it is to go back once.
const A_TURN: usize = 4;

/// A regular expression.
#[derive(Clone)]
pub(crate) struct Expression {
    pattern: String,
    /// With little patience, and with more and more, made when that is first needed.
    regexes: [OnceLock<Regex>; PATIENCE.len()],
    /// Where it may read far ahead.
    ahead: Option<Arc<Ahead>>,
}

impl Expression {
    /// Compile a regular expression, or say why it isn't one that can be had for little time and memory.
    pub(crate) fn new(pattern: &str) -> std::result::Result<Self, String> {
        if pattern.len() > PATTERN_BYTES {
            return Err(format!("it has over {PATTERN_BYTES} bytes"));
        }
        let (regexes, regex) = (<[OnceLock<Regex>; PATIENCE.len()]>::default(), compile(pattern, PATIENCE[FREE]).map_err(|error| error.to_string())?);
        regexes[FREE].get_or_init(|| regex);
        Ok(Self { pattern: pattern.to_owned(), regexes, ahead: Ahead::of(pattern).map(Arc::new) })
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether a text without characters is a match.
    pub(crate) fn takes_nothing(&self) -> bool {
        !matches!(self.search("", 0, &mut Left::of(0, &Pulse::default())), Ok(None))
    }

    /// The first match from a place on. Where it may read far, one place is tried after the other, since what that costs has to be known before.
    fn search(&self, text: &str, from: usize, left: &mut Left<'_>) -> Found<Option<Range<usize>>> {
        let Some(ahead) = self.ahead.as_deref() else { return self.try_patiently(RegexInput::new(text).from_pos(from), FREE, A_TURN, left) };
        for place in (from..=text.len()).filter(|place| text.is_char_boundary(*place)) {
            let input = RegexInput::new(text).from_pos(place).anchored(true).continue_from_previous_match_end(place == from);
            let found = if ahead.dear == Dear::Once {
                left.pay_once(ahead, text, place)?;
                self.try_patiently(input, FREE, A_TURN, left)?
            } else {
                let a_step = left.pay_ahead(ahead, text, place)?;
                self.try_patiently(input, 0, a_step.max(A_TURN), left)?
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Search with little patience, and with more as long as that can be paid for, at so much a step.
    fn try_patiently(&self, input: RegexInput<'_, str>, first: usize, a_step: usize, left: &mut Left<'_>) -> Found<Option<Range<usize>>> {
        for (turn, patience) in PATIENCE.into_iter().enumerate().skip(first) {
            if turn != FREE || first != FREE {
                left.pay(patience.saturating_mul(a_step))?;
            }
            let regex = match self.regexes[turn].get() {
                Some(regex) => regex,
                None => {
                    let made = compile(&self.pattern, patience).map_err(Ended::Failed)?;
                    self.regexes[turn].get_or_init(|| made)
                }
            };
            match regex.find_input(input.clone()) {
                Ok(found) => return Ok(found.map(|found| found.range())),
                Err(Failure::RuntimeError(RuntimeError::BacktrackLimitExceeded)) => {}
                Err(other) => return Err(Ended::Failed(other)),
            }
        }
        Err(given_up())
    }

    /// The next match from a place on that isn't empty.
    pub(crate) fn next(&self, text: &str, mut from: usize, left: &mut Left<'_>) -> Result<Option<Range<usize>>> {
        loop {
            let found = self.search(text, from, left).map_err(|ended| match ended {
                Ended::Stopped(error) => error,
                Ended::Failed(error) => {
                    let found = format!("too much for the pattern ({error})");
                    Error::new(Kind::Text, format!("the text from byte {from} on"), found, "one that the pattern can cut")
                }
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
    pub(crate) fn matches(&self, text: &str, left: &mut Left<'_>, mut take: impl FnMut(Range<usize>) -> Result<()>) -> Result<()> {
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
    let mut builder = RegexBuilder::new(pattern);
    builder.delegate_size_limit(COMPILED_BYTES / parts).backtrack_limit(patience);
    builder.allow_input_assertion_overrides(pattern.contains(r"\G")).build() // where a search is cut into places, only the first goes on from a match
}

/// The matches of a regular expression in a text, and what stands between them.
pub struct Matches<'a> {
    regex: &'a Expression,
    left: Left<'a>,
    data: &'a [u8],
    at: usize,
    /// The stretch of UTF-8 that `at` lies in.
    valid: (usize, &'a str),
    /// The next match, when what stands before it came first.
    ahead: Option<(usize, usize)>,
}

impl<'a> Matches<'a> {
    pub(super) fn new(regex: &'a Expression, data: &'a [u8], pulse: &'a Pulse) -> Self {
        Self { regex, left: Left::of(data.len(), pulse), data, at: 0, valid: (0, ""), ahead: None }
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
        let found = self.regex.next(text, start - offset, &mut self.left).map_err(|error| match error.kind {
            Kind::Interrupted => error,
            _ => Error { place: format!("the text from byte {start} on"), ..error },
        })?;
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
    use super::super::price::FIRST;
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
        let quiet = Pulse::default();
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
                let mut left = Left::of(text.len(), &quiet);
                regex.matches(text, &mut left, |_| Ok(())).unwrap_or_else(|error| panic!("{} of {:.9}: {error}", regex.as_str(), text));
                let taken = Left::of(text.len(), &quiet).steps - left.steps;
                assert!(taken < 64 * text.len() + FIRST, "{} of {:.9}: {taken} of {}", regex.as_str(), text, text.len());
            }
        }
    }
    #[test]
    fn reading_ahead_is_paid_for() {
        let quiet = Pulse::default();
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
            r"(?:a(?=.*))+b|a",
            r"(?~b)c|a",
            r"a(?=[ab]*a[ab]{1000}c)|a",
            r"a(?=\Z)|a",
        ];
        for pattern in far {
            let regex = Expression::new(pattern).unwrap();
            let text = if pattern.contains(r"\Z") { "a".repeat(20_000) + &"\n".repeat(20_000) } else { "a".repeat(40_000) };
            let mut left = Left::of(text.len(), &quiet);
            assert_eq!(regex.matches(&text, &mut left, |_| Ok(())).is_err(), !pattern.contains(r"\Z"), "{pattern}");
            let short = "a".repeat(10);
            regex.matches(&short, &mut Left::of(short.len(), &quiet), |_| Ok(())).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        }
    }
    #[test]
    fn a_text_that_is_read_far_ahead_is_left_when_it_is_asked_for() {
        let (regex, text) = (Expression::new(r"b(?=.*b)").unwrap(), "a".repeat(1 << 21) + &"b".repeat(40));
        let found = |pulse: &Pulse| regex.matches(&text, &mut Left::of(text.len(), pulse), |_| Ok(())).map_err(|error| error.kind);
        assert_eq!((found(&Pulse::default()), found(&Pulse::asking(|| true)), found(&Pulse::asking(|| false))), (Ok(()), Ok(()), Err(Kind::Interrupted)));
    }
    #[test]
    fn what_is_paid_for_changes_no_match() {
        let quiet = Pulse::default();
        let parts =
            [r"a", r"b?", r"\w+", r".*", r"(?=.*b)", r"(?!a*b)", r"(?<=a+)", r"(?>a*)", r"(a+)", r"\1", r"|", r"\b", r"\s*", r"\n", r"(?:ab|a)+?", r"$", r"\G"];
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
                    .matches(&text, &mut Left::of(usize::MAX, &quiet), |place| {
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
        let quiet = Pulse::default();
        let dear = Expression::new(r"(?:a?){16}(?!.)(?=b)|a").unwrap(); // 65,536 ways to fail at each letter
        let text = "a".repeat(10_000);
        let error = Matches::new(&dear, text.as_bytes(), &quiet).find_map(|found| found.err()).unwrap();
        assert!(error.found.starts_with("too much for the pattern"), "{error}");
        let long = Expression::new(r"\w+(?=!)|[^\w]").unwrap(); // as many ways back as letters
        for size in [100, 3_000, 200_000] {
            let text = format!("{} {}!", "b".repeat(size) + "!", "c".repeat(size));
            let found: Vec<_> = Matches::new(&long, text.as_bytes(), &quiet).map(|found| found.unwrap().len()).collect();
            assert_eq!(found, [size, 1, 1, size, 1]);
        }
    }
}
