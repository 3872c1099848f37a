//! Which of two pairs of equal count is merged first.

use std::cmp::Reverse;
use std::sync::Arc;

use super::pairs::Pair;
use crate::error::{Error, Kind, Result, quote};

/// Which of two pairs of equal count is merged first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    /// The smaller left id, then the smaller right id.
    Ids,
    /// The same, with the bytes in the order of Hugging Face's alphabet: visible ones first.
    HuggingFace,
    /// The greater left token, then the greater right token, as bytes are compared.
    Bytes,
}

impl Ties {
    /// Read the name that users write.
    pub fn named(name: &str) -> Result<Self> {
        let found = [Self::Ids, Self::HuggingFace, Self::Bytes].into_iter().find(|ties| ties.name() == name);
        found.ok_or_else(|| Error::new(Kind::Argument, "ties", quote::text(name), "'ids', 'huggingface' or 'bytes'"))
    }

    /// The name that users write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::HuggingFace => "huggingface",
            Self::Bytes => "bytes",
        }
    }
}

/// What decides between pairs of equal count: the greater one is merged first.
pub(super) trait Tie: Ord {
    /// That of a pair of symbols, which are spelled like this.
    fn of(pair: Pair, spelled: &[Arc<[u8]>]) -> Self;
}

/// The smaller symbols: they are numbered in the order of the ids, or of Hugging Face's alphabet.
pub(super) type BySymbols = Reverse<Pair>;

impl Tie for BySymbols {
    fn of(pair: Pair, _: &[Arc<[u8]>]) -> Self {
        Reverse(pair)
    }
}

/// The greater tokens.
pub(super) type ByTokens = (Arc<[u8]>, Arc<[u8]>);

impl Tie for ByTokens {
    fn of((left, right): Pair, spelled: &[Arc<[u8]>]) -> Self {
        (spelled[left as usize].clone(), spelled[right as usize].clone())
    }
}
