//! Text -> pretokens: the pieces that no merge ever crosses.
//!
//! A pattern is a regular expression whose matches, one after the other, are the pretokens. Each built-in pattern is a machine, in a file of its own: a
//! function that says what a character does to the pretoken before it. Text becomes class bytes (`class`), over which the machine runs (`machine`), and its
//! steps tell where pretokens end (`ends`). The pretokens join up to the text again: nothing is lost. A byte that belongs to no UTF-8 character is a character
//! of its own.

mod ahead;
mod cl100k;
mod cl100k_end;
mod class;
mod deepseek_v3;
mod ends;
mod gpt2;
mod lines;
mod machine;
mod moves;
mod o200k;
pub(crate) mod price;
mod qwen2;
mod qwen3_5;
pub(crate) mod regex;
mod tekken;
mod text;
mod walk;

use crate::error::{Error, Kind, Result};
use crate::threads::Pulse;
use crate::unicode::Classes;
use machine::Machine;
use text::Text;

/// More bytes than a quote and the two letters of a contraction have.
const CONTRACTION: usize = 16;

struct BuiltIn {
    name: &'static str,
    regex: &'static str,
    /// Other names, and other ways in which published tokenizers write the same pattern.
    spellings: &'static [&'static str],
    /// Where it is published as several expressions, each of which cuts what the one before it left: these.
    steps: &'static [&'static str],
    machine: &'static Machine,
}

static BUILT_IN: [BuiltIn; 9] = [
    BuiltIn { name: "gpt2", regex: gpt2::REGEX, spellings: &gpt2::SPELLINGS, steps: &[], machine: &gpt2::MACHINE },
    BuiltIn { name: "cl100k", regex: cl100k::REGEX, spellings: &cl100k::SPELLINGS, steps: &[], machine: &cl100k::MACHINE },
    BuiltIn { name: "o200k", regex: o200k::REGEX, spellings: &[], steps: &[], machine: &o200k::MACHINE },
    BuiltIn { name: "qwen2", regex: qwen2::REGEX, spellings: &qwen2::SPELLINGS, steps: &[], machine: &qwen2::MACHINE },
    BuiltIn { name: "qwen3.5", regex: qwen3_5::REGEX, spellings: &[], steps: &[], machine: &qwen3_5::MACHINE },
    BuiltIn { name: "tekken", regex: tekken::REGEX, spellings: &[], steps: &[], machine: &tekken::MACHINE },
    BuiltIn { name: "deepseek_v3", regex: deepseek_v3::REGEX, spellings: &[], steps: &deepseek_v3::STEPS, machine: &deepseek_v3::MACHINE },
    BuiltIn { name: "cl100k_end", regex: cl100k_end::REGEX, spellings: &cl100k_end::SPELLINGS, steps: &[], machine: &cl100k_end::MACHINE },
    BuiltIn { name: "lines", regex: lines::REGEX, spellings: &[], steps: &[], machine: &lines::MACHINE },
];

/// How text is cut into pretokens: a built-in pattern, or any regular expression.
#[derive(Clone)]
pub struct Pattern(Cut);

#[derive(Clone)]
enum Cut {
    Nowhere,
    Machine(&'static BuiltIn),
    Regex(Box<regex::Expression>),
}

impl Pattern {
    /// Take the name of a built-in pattern, or a regular expression; "" cuts nothing, so a text is one pretoken, whatever its bytes are.
    ///
    /// ```
    /// let pattern = toklet::Pattern::new("cl100k")?;
    /// assert_eq!(pattern.split(b"Hello world, 2026")?, [&b"Hello"[..], b" world", b",", b" ", b"202", b"6"]);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn new(pattern: &str) -> Result<Self> {
        if pattern.is_empty() {
            return Ok(Self(Cut::Nowhere));
        }
        if let Some(known) = BUILT_IN.iter().find(|p| p.name == pattern || p.regex == pattern || p.spellings.contains(&pattern)) {
            return Ok(Self(Cut::Machine(known)));
        }
        let compiled = regex::Expression::new(pattern).map_err(|error| {
            let names: Vec<_> = BUILT_IN.iter().map(|p| p.name).collect();
            let reason = format!("{pattern:?}, which can't be read as a regular expression ({error})");
            Error::new(Kind::Argument, "pattern", reason, format!("one of {}, or a regular expression", names.join(", ")))
        })?;
        Ok(Self(Cut::Regex(Box::new(compiled))))
    }

    /// The built-in pattern that is published as several regular expressions, of which the first, and so on, are these.
    pub(crate) fn of_steps(said: impl Fn(usize) -> Option<String>) -> Option<Self> {
        let same = |(at, step): (usize, &&str)| said(at).is_some_and(|said| said == *step);
        BUILT_IN.iter().find(|p| !p.steps.is_empty() && p.steps.iter().enumerate().all(same)).map(|known| Self(Cut::Machine(known)))
    }

    /// The regular expressions as which it is published, each of which cuts what the one before it left: mostly one.
    pub(crate) fn steps(&self) -> Vec<&str> {
        match &self.0 {
            Cut::Machine(known) if !known.steps.is_empty() => known.steps.to_vec(),
            _ => vec![self.regex()],
        }
    }

    /// The built-in patterns: names and regular expressions.
    pub fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILT_IN.iter().map(|p| (p.name, p.regex))
    }

    /// The regular expression.
    pub fn regex(&self) -> &str {
        match &self.0 {
            Cut::Nowhere => "",
            Cut::Machine(known) => known.regex,
            Cut::Regex(regex) => regex.as_str(),
        }
    }

    /// Make the tables of characters now. They are made at their first use else, and a process that forks in the middle of that leaves its child without.
    pub fn prepare() {
        class::prepare();
    }

    /// Cut text into pretokens, a few thousand bytes at a time: `take` is told where the first of them begins, and where it and those behind it end, counted
    /// from there. Only a regular expression can fail, by giving up on a text. It ticks where it takes long to find an end.
    ///
    /// ```
    /// let mut found = Vec::new();
    /// let quiet = toklet::threads::Pulse::default();
    /// toklet::Pattern::new("gpt2")?.windows(b"to be, or", &quiet, |start, ends| Ok(found.push((start, ends.to_vec()))))?;
    /// assert_eq!(found, [(0, vec![2, 5, 6, 9])]);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn windows(&self, data: &[u8], pulse: &Pulse, mut take: impl FnMut(usize, &[u32]) -> Result<()>) -> Result<()> {
        match &self.0 {
            Cut::Nowhere if data.is_empty() => Ok(()),
            Cut::Nowhere => take(0, &[ends::narrow(data.len())?]),
            Cut::Machine(known) => ends::windows(known.machine, data, pulse, take),
            Cut::Regex(regex) => {
                let mut start = 0;
                for pretoken in regex::Matches::new(regex, data, pulse) {
                    let length = pretoken?.len();
                    take(start, &[ends::narrow(length)?])?;
                    start += length;
                }
                Ok(())
            }
        }
    }

    /// Cut text into pretokens.
    pub fn split<'a>(&self, data: &'a [u8]) -> Result<Vec<&'a [u8]>> {
        self.split_watched(data, &Pulse::default())
    }

    /// The same, where it may take long.
    pub fn split_watched<'a>(&self, data: &'a [u8], pulse: &Pulse) -> Result<Vec<&'a [u8]>> {
        let mut pretokens = Vec::new();
        self.windows(data, pulse, |start, ends| {
            pulse.tick(0)?;
            pretokens.extend(spans(start, ends).map(|span| &data[span]));
            Ok(())
        })?;
        Ok(pretokens)
    }

    /// The last place up to `limit` where text can be cut without changing its pretokens: behind a line break that stands between two characters which are
    /// not white space, the second of them not a slash. There every built-in pattern ends a pretoken: none puts a line break in front of anything but white
    /// space (or, in o200k and tekken, a slash), and white space beside it, which could be shared out differently, is excluded.
    pub fn safe_cut(&self, data: &[u8], limit: usize) -> Option<usize> {
        let Cut::Machine(_) = self.0 else { return None };
        let text = Text::new(data);
        let safe = |i: &usize| data[i - 1] == b'\n' && data[*i] != b'/' && text.visible(*i) && text.visible_before(i - 1);
        (2..data.len().min(limit)).rev().find(safe)
    }

    /// A place in a text: the pretokens that begin before it or there, but for the last of them, stay what they are whatever follows the text. 0 for a regular
    /// expression, which may look as far as it likes.
    ///
    /// What follows can change how white space at the end is shared out, can finish a character or a contraction (a quote and
    /// two letters), and in o200k and tekken a small letter takes back the capitals before it, which are letters in a row. So: back over each of these.
    pub fn settled(&self, data: &[u8]) -> usize {
        let Cut::Machine(_) = self.0 else { return 0 };
        let text = Text::new(data);
        let shown = text.run_before(data.len() - text.unfinished(), Classes::SPACE);
        text.run_before(text.start_of(shown.saturating_sub(CONTRACTION)), Classes::LETTERS.or(Classes::MARK)).saturating_sub(1)
    }
}

/// Where the pretokens of a window lie in the text.
pub fn spans(start: usize, ends: &[u32]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let places = ends.iter().map(move |end| start + *end as usize);
    std::iter::once(start).chain(places.clone()).zip(places).map(|(begin, end)| begin..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;

    /// Texts of a few pieces each, as chance has them, of what patterns tell apart at the borders of pretokens.
    fn texts(count: usize) -> impl Iterator<Item = Vec<u8>> {
        let pieces =
            "a|A|ABCDEFGHIJKLMNOPQRSTUVWXYZ|aB|中|ʰ|\u{301}|1|²|あ|゛|\u{3040}|'|'s|'l|v|e|ſ|!|/|€| |  |                    |\t|\n|\r\n|\u{85}|\u{3000}|\0";
        let broken: [&[u8]; 4] = [b"\xff", b"\x80", b"\xe2\x82", b"\xf0\x9f\x98"];
        let pieces: Vec<&[u8]> = pieces.split('|').map(str::as_bytes).chain(broken).collect();
        let mut next = chance(7);
        (0..count).map(move |_| (0..next(30)).flat_map(|_| pieces[next(pieces.len())]).copied().collect())
    }

    #[test]
    fn a_text_that_is_cut_where_it_is_safe_has_the_same_pretokens() -> Result<()> {
        let mut found = 0;
        for (name, _) in Pattern::built_in() {
            let pattern = Pattern::new(name)?;
            for text in texts(20_000) {
                let Some(cut) = pattern.safe_cut(&text, text.len()) else { continue };
                let (left, right) = text.split_at(cut);
                assert_eq!([pattern.split(left)?, pattern.split(right)?].concat(), pattern.split(&text)?, "{name}: {text:?} at {cut}");
                found += 1;
            }
        }
        assert!(found > 10_000, "{found}");
        Ok(())
    }

    #[test]
    fn what_is_settled_stays_whatever_follows() -> Result<()> {
        let mut found = 0;
        for (name, _) in Pattern::built_in() {
            let pattern = Pattern::new(name)?;
            for text in texts(2_000) {
                let whole = pattern.split(&text)?;
                for length in 0..text.len() {
                    let (begun, settled, mut end) = (pattern.split(&text[..length])?, pattern.settled(&text[..length]), 0);
                    let stays = |pretoken: &&&[u8]| {
                        end += pretoken.len();
                        end <= settled
                    };
                    let kept = begun.iter().take_while(stays).count();
                    assert_eq!(begun[..kept], whole[..kept], "{name}: {text:?} at {length}");
                    found += kept;
                }
            }
        }
        assert!(found > 10_000, "{found}");
        Ok(())
    }
}
