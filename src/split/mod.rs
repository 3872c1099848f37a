//! Text -> pretokens: the pieces that no merge ever crosses.
//!
//! A pattern is a regular expression whose matches, one after the other, are the pretokens. Each built-in pattern is a scanner, in a file of its own: a
//! function that says where the pretoken that begins at `i` ends, in one step over its characters and at most one back. The pretokens join up to the text
//! again: nothing is lost. A byte that belongs to no UTF-8 character is a character of its own, of class `other`.

mod cl100k;
mod gpt2;
mod o200k;
mod regex;
mod text;

use crate::error::{Error, Kind, Result};
use crate::unicode::Classes;
use text::Text;

/// A regular expression that would compile to more is refused.
const REGEX_BYTES: usize = 1 << 24;

/// More bytes than a quote and the two letters of a contraction have.
const CONTRACTION: usize = 16;

type Scanner = fn(&Text<'_>, usize) -> usize;

struct BuiltIn {
    name: &'static str,
    regex: &'static str,
    /// Other names, and other ways in which published tokenizers write the same pattern.
    spellings: &'static [&'static str],
    scan: Scanner,
}

static BUILT_IN: [BuiltIn; 3] = [
    BuiltIn { name: "gpt2", regex: gpt2::REGEX, spellings: &gpt2::SPELLINGS, scan: gpt2::end },
    BuiltIn { name: "cl100k", regex: cl100k::REGEX, spellings: &[], scan: cl100k::end },
    BuiltIn { name: "o200k", regex: o200k::REGEX, spellings: &[], scan: o200k::end },
];

/// How text is cut into pretokens: a built-in pattern, or any regular expression.
#[derive(Clone)]
pub struct Pattern(Cut);

#[derive(Clone)]
enum Cut {
    Scan(&'static BuiltIn),
    Regex(Box<fancy_regex::Regex>),
}

impl Pattern {
    /// Take the name of a built-in pattern, or a regular expression.
    ///
    /// ```
    /// let pattern = toklet::Pattern::new("cl100k")?;
    /// let pretokens: Vec<_> = pattern.split(b"Hello world, 2026").collect::<Result<_, _>>()?;
    /// assert_eq!(pretokens, [&b"Hello"[..], b" world", b",", b" ", b"202", b"6"]);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn new(pattern: &str) -> Result<Self> {
        if let Some(known) = BUILT_IN.iter().find(|p| p.name == pattern || p.regex == pattern || p.spellings.contains(&pattern)) {
            return Ok(Self(Cut::Scan(known)));
        }
        let compiled = fancy_regex::RegexBuilder::new(pattern).delegate_size_limit(REGEX_BYTES).build().map_err(|error| {
            let names: Vec<_> = BUILT_IN.iter().map(|p| p.name).collect();
            let reason = format!("{pattern:?}, which can't be read as a regular expression ({error})");
            Error::new(Kind::Argument, "pattern", reason, format!("one of {}, or a regular expression", names.join(", ")))
        })?;
        Ok(Self(Cut::Regex(Box::new(compiled))))
    }

    /// The built-in patterns: names and regular expressions.
    pub fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILT_IN.iter().map(|p| (p.name, p.regex))
    }

    /// The regular expression.
    pub fn regex(&self) -> &str {
        match &self.0 {
            Cut::Scan(known) => known.regex,
            Cut::Regex(regex) => regex.as_str(),
        }
    }

    /// Cut text into pretokens, lazily; only a regular expression can fail, by giving up on a text.
    pub fn split<'a>(&'a self, data: &'a [u8]) -> Pretokens<'a> {
        match &self.0 {
            Cut::Scan(known) => Pretokens::Scan { text: Text::new(data), at: 0, scan: known.scan },
            Cut::Regex(regex) => Pretokens::Regex(regex::Matches::new(regex, data)),
        }
    }

    /// The last place up to `limit` where text can be cut without changing its pretokens: behind a line break that stands between two characters which are
    /// not white space, the second of them not a slash. There every built-in pattern ends a pretoken: none puts a line break in front of anything but white
    /// space (or, in o200k, a slash), and white space beside it, which could be shared out differently, is excluded.
    pub fn safe_cut(&self, data: &[u8], limit: usize) -> Option<usize> {
        let Cut::Scan(_) = self.0 else { return None };
        let text = Text::new(data);
        let safe = |i: &usize| data[i - 1] == b'\n' && data[*i] != b'/' && text.visible(*i) && text.visible_before(i - 1);
        (2..data.len().min(limit)).rev().find(safe)
    }

    /// A place in a text: the pretokens that begin before it or there, but for the last of them, stay what they are whatever follows the text. 0 for a regular
    /// expression, which may look as far as it likes.
    ///
    /// What follows can change how white space at the end is shared out, can finish a character or a contraction (a quote and
    /// two letters), and in o200k a small letter takes back the capitals before it, which are letters in a row. So: back over each of these.
    pub fn settled(&self, data: &[u8]) -> usize {
        let Cut::Scan(_) = self.0 else { return 0 };
        let text = Text::new(data);
        let shown = text.run_before(data.len() - text.unfinished(), Classes::SPACE);
        text.run_before(text.start_of(shown.saturating_sub(CONTRACTION)), Classes::LETTERS.or(Classes::MARK)).saturating_sub(1)
    }
}

/// The pretokens of a text, one after the other.
pub enum Pretokens<'a> {
    /// By a scanner.
    #[doc(hidden)]
    Scan { text: Text<'a>, at: usize, scan: Scanner },
    /// By a regular expression.
    #[doc(hidden)]
    Regex(regex::Matches<'a>),
}

impl<'a> Iterator for Pretokens<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Scan { text, at, scan } => {
                let start = *at;
                if start >= text.data.len() {
                    return None;
                }
                *at = scan(text, start);
                Some(Ok(&text.data[start..*at]))
            }
            Self::Regex(matches) => matches.next(),
        }
    }
}
