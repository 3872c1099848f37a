//! What of a text is a special token, and what is only text.
//!
//! Text is only ever text: what it spells never becomes a special token unless the caller says so (`Special::Allow`, or a set of names). Then the longest
//! special token at the leftmost place is taken. Files may have other added tokens, ordinary entries of the vocabulary that are looked for first, as
//! `tokenizers` has it, and what text spells does become them; a special one that isn't wanted hides what stands inside it. `lstrip` and `rstrip` take
//! white space beside a token along; a `single_word` isn't taken out of a longer word.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use fancy_regex::Regex;

use crate::error::{Error, Kind, Result, quote};
use crate::normalize::character;

/// What a special token that a text spells becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Special {
    /// Ordinary text.
    Text,
    /// The special token.
    Allow,
    /// An error.
    Error,
    /// The special token if it is one of these, else ordinary text.
    Only(Vec<String>),
}

/// A stretch of text, or a special token with its id.
pub(crate) enum Piece<'a> {
    Text(&'a [u8]),
    Special(u32),
}

/// A policy for special tokens, made ready for many texts.
pub(crate) enum Chosen<'a> {
    Nothing,
    These(Cow<'a, Finder>),
    Refused(&'a Finder),
}

impl Chosen<'_> {
    /// Whether an added token becomes what it is where a text spells it.
    fn wants(&self, token: &AddedToken) -> bool {
        match self {
            _ if !token.special => true,
            Self::These(Cow::Borrowed(_)) => true,
            Self::These(Cow::Owned(finder)) => finder.tokens.iter().any(|(name, _)| *name == token.content),
            Self::Nothing | Self::Refused(_) => false,
        }
    }

    /// What finds special tokens in this text; an error where it spells one that is refused.
    pub(crate) fn finder(&self, data: &[u8]) -> Result<Option<&Finder>> {
        match self {
            Self::Nothing => Ok(None),
            Self::These(finder) => Ok(Some(finder)),
            Self::Refused(finder) => finder.refuse(data).map(|()| None),
        }
    }
}

/// Finds special tokens in a text: the longest one at the leftmost place.
#[derive(Clone)]
pub(crate) struct Finder {
    automaton: Option<AhoCorasick>,
    tokens: Vec<(String, u32)>,
}

impl Finder {
    pub(crate) fn new(tokens: Vec<(String, u32)>) -> Result<Self> {
        let names: Vec<_> = tokens.iter().map(|(name, _)| name).collect();
        Ok(Self { automaton: automaton(&names)?, tokens })
    }

    /// What is to be found of the special tokens.
    pub(crate) fn chosen(&self, special: &Special) -> Result<Chosen<'_>> {
        let find = |name: &String| {
            self.tokens.iter().find(|(known, _)| known == name).cloned().ok_or_else(|| {
                let all: Vec<_> = self.tokens.iter().map(|(name, _)| quote::text(name)).collect();
                let allowed = format!("among the special tokens, which are [{}]", all.join(", "));
                Error::new(Kind::Argument, "special", quote::text(name), allowed)
            })
        };
        Ok(match special {
            Special::Text => Chosen::Nothing,
            Special::Allow => Chosen::These(Cow::Borrowed(self)),
            Special::Error => Chosen::Refused(self),
            Special::Only(names) => Chosen::These(Cow::Owned(Self::new(names.iter().map(find).collect::<Result<_>>()?)?)),
        })
    }

    /// Refuse a text that spells a special token.
    fn refuse(&self, data: &[u8]) -> Result<()> {
        let Some(found) = self.automaton.as_ref().and_then(|automaton| automaton.find(data)) else { return Ok(()) };
        Err(refused(found.start() as u64, &self.tokens[found.pattern()].0))
    }
}

/// What finds the longest of some names at the leftmost place; nothing if there are none.
fn automaton<N: AsRef<[u8]>>(names: &[N]) -> Result<Option<AhoCorasick>> {
    if names.is_empty() {
        return Ok(None);
    }
    let kind = Some(AhoCorasickKind::ContiguousNFA); // a DFA would take 300 MB for 100 names of 4 KB
    let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).kind(kind).build(names);
    built.map(Some).map_err(|error| Error::new(Kind::Vocabulary, "the special tokens", error.to_string(), "few and short enough to be searched for"))
}

/// A text spells a special token where none is allowed.
fn refused(at: u64, name: &str) -> Error {
    let allowed = "no special token: say special='text' or special='allow'";
    Error::new(Kind::Text, format!("byte {at} of text"), format!("the start of {}", quote::text(name)), allowed)
}

/// Visit a text as stretches of text (which may be empty) with special tokens between them.
pub(crate) fn each_piece<'a>(finder: Option<&Finder>, data: &'a [u8], mut visit: impl FnMut(Piece<'a>) -> Result<()>) -> Result<()> {
    let mut at = 0;
    if let Some((automaton, tokens)) = finder.and_then(|finder| Some((finder.automaton.as_ref()?, &finder.tokens))) {
        for found in automaton.find_iter(data) {
            visit(Piece::Text(&data[at..found.start()]))?;
            visit(Piece::Special(tokens[found.pattern()].1))?;
            at = found.end();
        }
    }
    visit(Piece::Text(&data[at..]))
}

/// A token that is found as a whole.
#[derive(Clone, Debug)]
pub(crate) struct AddedToken {
    pub(crate) content: String,
    pub(crate) id: u32,
    pub(crate) special: bool,
    pub(crate) lstrip: bool,
    pub(crate) rstrip: bool,
    pub(crate) single_word: bool,
    /// Whether it is looked for, normalized itself, in what normalization leaves.
    pub(crate) normalized: bool,
}

/// Takes a stretch of text, or an added token.
pub(crate) type Visit<'v> = dyn FnMut(Option<&AddedToken>, Range<usize>) -> Result<()> + 'v;

/// Finds added tokens of every kind.
pub(crate) struct Added {
    automaton: Option<AhoCorasick>,
    tokens: Vec<AddedToken>,
    /// What a character of a word is.
    word: Option<Regex>,
    /// Whether a space is one that is written as ▁, which is no white space.
    marked: bool,
}

impl Added {
    /// Take the tokens, each with what is looked for.
    pub(crate) fn new(tokens: Vec<(Vec<u8>, AddedToken)>, marked: bool) -> Result<Self> {
        let (sought, tokens): (Vec<_>, Vec<_>) = tokens.into_iter().filter(|(sought, _)| !sought.is_empty()).unzip();
        let word = tokens.iter().any(|token| token.single_word).then(|| Regex::new(r"^\w$"));
        let word = word.transpose().map_err(|error| Error::new(Kind::Internal, "the pattern of words", error.to_string(), "a pattern"))?;
        Ok(Self { automaton: automaton(&sought)?, tokens, word, marked })
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Visit a text as stretches of text and added tokens; none of them is empty. `origin` says where in the caller's text a byte comes from.
    pub(crate) fn each(&self, data: &[u8], chosen: &Chosen<'_>, origin: impl Fn(usize) -> u64, visit: &mut Visit<'_>) -> Result<()> {
        let mut done = 0;
        for found in self.automaton.iter().flat_map(|automaton| automaton.find_iter(data)) {
            let (token, mut start, mut end) = (&self.tokens[found.pattern()], found.start(), found.end());
            if token.special && matches!(chosen, Chosen::Refused(_)) {
                return Err(refused(origin(start), &token.content));
            }
            let gone = start < done; // the token before has taken it along
            if gone || !chosen.wants(token) || (token.single_word && self.in_word(data, start, end)) {
                continue;
            }
            if token.lstrip {
                start -= blanks_before(&data[done..start], self.marked);
            }
            if token.rstrip {
                end += blanks(&data[end..], self.marked);
            }
            if done < start {
                visit(None, done..start)?;
            }
            visit(Some(token), start..end)?;
            done = end;
        }
        if done < data.len() { visit(None, done..data.len()) } else { Ok(()) }
    }

    /// Whether a character of a word stands beside a place.
    fn in_word(&self, data: &[u8], start: usize, end: usize) -> bool {
        let of_word = |chunk: &str| self.word.as_ref().is_some_and(|word| word.is_match(chunk).unwrap_or(false));
        let before = (1..=start.min(4)).map(|back| &data[start - back..start]).find_map(|bytes| std::str::from_utf8(bytes).ok());
        before.is_some_and(of_word) || std::str::from_utf8(&data[end..end + character(&data[end..]).min(data.len() - end)]).is_ok_and(of_word)
    }
}

/// How many bytes of white space a text begins with; `marked` leaves spaces out.
pub(crate) fn blanks(data: &[u8], marked: bool) -> usize {
    let valid = data.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    valid.len() - valid.trim_start_matches(|c: char| c.is_whitespace() && !(marked && c == ' ')).len()
}

/// How many bytes of white space a text ends with.
pub(crate) fn blanks_before(data: &[u8], marked: bool) -> usize {
    let mut end = data.len();
    while let Some(c) = (1..=end.min(4)).find_map(|back| std::str::from_utf8(&data[end - back..end]).ok()).and_then(|last| last.chars().next_back()) {
        if !c.is_whitespace() || (marked && c == ' ') {
            break;
        }
        end -= c.len_utf8();
    }
    data.len() - end
}
