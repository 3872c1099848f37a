//! What of a text is a special token, and what is only text.
//!
//! Text is only ever text: what it spells never becomes a special token unless the caller says so (`Special::Allow`, or a set of names). Then the longest
//! special token at the leftmost place is taken.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::error::{Error, Kind, Result, quote};

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
        let names = tokens.iter().map(|(name, _)| name);
        let built = (!tokens.is_empty())
            .then(|| {
                let kind = Some(AhoCorasickKind::ContiguousNFA); // a DFA would take 300 MB for 100 names of 4 KB
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).kind(kind).build(names)
            })
            .transpose();
        let automaton =
            built.map_err(|error| Error::new(Kind::Vocabulary, "the special tokens", error.to_string(), "few and short enough to be searched for"))?;
        Ok(Self { automaton, tokens })
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
        let name = quote::text(&self.tokens[found.pattern()].0);
        let allowed = "no special token: say special='text' or special='allow'";
        Err(Error::new(Kind::Text, format!("byte {} of text", found.start()), format!("the start of {name}"), allowed))
    }
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
