//! The vocabulary: id <-> bytes, pair -> (rank, id), and the special tokens.
//!
//! The pair table is what defines merging: a pair of neighbouring ids that stands in it may become one id, lower ranks first. A list of merges gives it
//! directly (rank = place in the list). A list of ranks, as tiktoken publishes, gives it too: every way to cut a token into two tokens is a pair of that
//! token's rank, of which the table has those that merging can take (`pairing`). `whole` says that a pretoken which is a token is taken as that token at once,
//! whether its merges lead there or not (tiktoken: always). Special tokens have ids and text, but no part in merging. What a pretoken begins as are its bytes;
//! or its characters ([`Symbols`]), as sentencepiece has it, and then a character that is no token becomes the tokens of its bytes, or the unknown token. A
//! vocabulary that exists is valid.

mod pairing;
mod spellings;
mod symbols;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::error::{Error, Kind, MAX_IDS, MAX_TOKEN_BYTES, Result, quote};
use crate::pairs::{NONE, Pairs};
use crate::threads::Pulse;
use spellings::Spellings;

/// What a pair of neighbouring ids becomes, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Lower ranks are joined first.
    pub rank: u32,
    /// The id that the pair becomes.
    pub id: u32,
}

/// A table keyed by bytes that strangers may have chosen: its hash has a random key, so that they can't choose ones that collide.
pub(crate) type ByBytes<T> = HashMap<Box<[u8]>, T, foldhash::fast::RandomState>;

/// Two tokens that are joined.
pub type Parts = (Vec<u8>, Vec<u8>);

/// What a vocabulary has beside tokens, merges and special tokens.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    /// Whether a pretoken begins as characters rather than bytes.
    pub characters: bool,
    /// The ids of the 256 byte tokens that a character becomes which is no token; none where there are no such tokens.
    pub bytes: Vec<u32>,
    /// The id that a character becomes which is no token, where there are no byte tokens.
    pub unknown: Option<u32>,
    /// Whether several unknown characters in a row become one id.
    pub fuse: bool,
    /// For a vocabulary of ranks whose ranks aren't the ids: those of the tokens, in the order of their ids. Tokens may share one.
    pub ranks: Vec<u32>,
    /// Tokens with no part in merging that text does become.
    pub added: Vec<(String, u32)>,
    /// Whether a space is dropped at the start of what is decoded, because one is put there before encoding.
    pub strip: bool,
    /// Whether bytes may be missing that UTF-8 never has.
    pub utf8: bool,
}

/// Tokens, merges and special tokens that fit together.
///
/// ```
/// use toklet::{Vocabulary, threads::Pulse};
/// let merges = vec![(b"a".to_vec(), b"b".to_vec()), (b"ab".to_vec(), b"c".to_vec())];
/// let v = Vocabulary::from_merges(merges, vec!["<|end|>".into()], &Pulse::default())?;
/// assert_eq!((v.id(b"abc")?, v.id(b"<|end|>")?), (257, 258));
/// # Ok::<(), toklet::Error>(())
/// ```
pub struct Vocabulary {
    spellings: Spellings,
    bytes: [u32; 256],
    pairs: Pairs,
    /// The numbers of the pairs of single bytes: what merging begins with.
    byte_pairs: Box<[u32; 1 << 16]>,
    listed: Option<Vec<Parts>>,
    specials: Vec<(String, u32)>,
    whole: bool,
    kind: Symbols,
    /// The ranks of the ids, where these aren't the ids themselves. Tokens may share one.
    ranks: FxHashMap<u32, u32>,
    /// The tokens of which it isn't known that merging leads to them.
    doubtful: Vec<u32>,
    ranks_never_fall: OnceLock<bool>,
}

impl Vocabulary {
    /// Check the tables and index them. Without merges the ids are ranks.
    pub fn new(tokens: Vec<(impl AsRef<[u8]>, u32)>, merges: Option<Vec<Parts>>, specials: Vec<(String, u32)>, whole: bool, pulse: &Pulse) -> Result<Self> {
        Self::of_symbols(tokens, merges, specials, whole, Symbols::default(), pulse)
    }

    /// Check the tables of a vocabulary that has more than tokens, merges and special tokens, and index them.
    pub fn of_symbols(
        tokens: Vec<(impl AsRef<[u8]>, u32)>,
        merges: Option<Vec<Parts>>,
        specials: Vec<(String, u32)>,
        whole: bool,
        kind: Symbols,
        pulse: &Pulse,
    ) -> Result<Self> {
        let mut this = Self {
            spellings: Spellings::with_room(tokens.len(), tokens.iter().map(|(token, _)| token.as_ref().len()).sum()),
            bytes: [0; 256],
            pairs: Pairs::with_room(0),
            byte_pairs: Box::new([NONE; _]),
            listed: None,
            specials,
            whole,
            kind,
            ranks: FxHashMap::default(),
            doubtful: Vec::new(),
            ranks_never_fall: OnceLock::new(),
        };
        this.write_down(tokens, pulse)?;
        this.ranks = this.kind.ranks.iter().zip(this.spellings.ordinary()).map(|(rank, (_, id))| (id, *rank)).collect();
        match merges {
            None if this.kind.characters || !this.ranks.is_empty() => this.pair_by_cuts(pulse)?,
            None => this.pair_by_ranks(pulse)?,
            Some(merges) => this.pair_by_merges(merges, pulse)?,
        }
        Ok(this)
    }

    /// Number the 256 bytes, then what each merge makes (unless an earlier one made it), then the specials.
    pub fn from_merges(merges: Vec<Parts>, specials: Vec<String>, pulse: &Pulse) -> Result<Self> {
        let mut tokens: Vec<(Vec<u8>, u32)> = (0..=255u8).map(|byte| (vec![byte], u32::from(byte))).collect();
        let mut made: ByBytes<u32> = tokens.iter().map(|(token, id)| (token[..].into(), *id)).collect();
        let mut next = 256;
        for (left, right) in &merges {
            pulse.tick(0)?;
            let token = [&left[..], right].concat();
            if let Entry::Vacant(new) = made.entry(token[..].into()) {
                new.insert(next);
                tokens.push((token, next));
                next += 1;
            }
        }
        check_names(&specials)?;
        Self::new(tokens, Some(merges), specials.into_iter().zip(next..).collect(), false, pulse)
    }

    /// Learn more on top: the ids stay, then come what each merge makes and the special tokens.
    pub fn extended(&self, merges: Vec<Parts>, specials: Vec<String>, pulse: &Pulse) -> Result<Self> {
        if self.kind.characters || self.kind.utf8 {
            let found = "a tokenizer with more around it than a pattern and special tokens";
            return Err(Error::new(Kind::Argument, "extend", found, "one of which these say all"));
        }
        let mut tokens: Vec<_> = self.tokens().into_iter().map(|(token, id)| (token.to_vec(), id)).collect();
        let mut ids = u32::try_from(self.size()).unwrap_or(MAX_IDS)..;
        tokens.extend(merges.iter().map(|(left, right)| [&left[..], right].concat()).zip(&mut ids));
        let specials = self.specials.iter().cloned().chain(specials.into_iter().zip(ids)).collect();
        let listed = self.listed.as_ref().map(|listed| listed.iter().cloned().chain(merges).collect());
        Self::new(tokens, listed, specials, self.whole, pulse)
    }

    /// The same, where it is known that merging a token's bytes leads to it. That is so of what training has learnt from single bytes: where a token was made,
    /// nothing had been merged across its borders, so its bytes alone are merged in the same order.
    pub(crate) fn reached(self) -> Self {
        Self { doubtful: Vec::new(), ..self }
    }

    fn write_down(&mut self, tokens: Vec<(impl AsRef<[u8]>, u32)>, pulse: &Pulse) -> Result<()> {
        check_names(&self.specials.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())?;
        for (token, id) in &tokens {
            pulse.tick(0)?;
            self.place(|| quote::bytes(token.as_ref()), token.as_ref(), *id)?;
        }
        for (name, id) in self.specials.iter().chain(&self.kind.added).cloned().collect::<Vec<_>>() {
            self.place(|| quote::text(&name), name.as_bytes(), id)?;
        }
        for (byte, id) in (0..=255).zip(self.kind.bytes.clone()) {
            self.place(|| format!("the byte 0x{byte:02x}"), &[byte], id)?;
        }
        for (_, id) in tokens {
            pulse.tick(0)?;
            if let Some(first) = self.spellings.index(id) {
                return Err(Error::new(Kind::Vocabulary, format!("token {id}"), format!("token {first} again"), "another token"));
            }
        }
        for byte in 0..=255u8 {
            match self.spellings.id(&[byte]) {
                Some(id) => self.bytes[usize::from(byte)] = id,
                None if self.kind.characters || (self.kind.utf8 && never(byte)) => {}
                None => return Err(Error::new(Kind::Vocabulary, format!("the byte 0x{byte:02x}"), "missing", "a token, or some text can't be encoded")),
            }
        }
        if self.kind.characters && self.kind.bytes.len() < 256 && self.kind.unknown.is_none() {
            let allowed = "a token, or some text can't be encoded: there are no byte tokens";
            return Err(Error::new(Kind::Vocabulary, "the unknown token", "missing", allowed));
        }
        Ok(())
    }

    fn place(&mut self, name: impl Fn() -> String, token: &[u8], id: u32) -> Result<()> {
        let refuse = |place: String, found: String, allowed: String| Err(Error::new(Kind::Vocabulary, place, found, allowed));
        if id >= MAX_IDS {
            return refuse(format!("the id of {}", name()), id.to_string(), format!("from 0 to {}", MAX_IDS - 1));
        }
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return refuse(format!("the length of token {id}"), format!("{} bytes", token.len()), format!("from 1 to {MAX_TOKEN_BYTES}"));
        }
        if let Some(owner) = self.spellings.get(id) {
            return refuse(format!("the id of {}", name()), id.to_string(), format!("an id of its own: {} has this one", quote::bytes(owner)));
        }
        self.spellings.write(id, token);
        Ok(())
    }

    /// The id of an ordinary token, if the bytes are one.
    pub fn ordinary(&self, token: &[u8]) -> Option<u32> {
        self.spellings.id(token)
    }

    /// What two neighbouring ids become, and when; also where no merging of theirs leads to both.
    pub fn merge_of(&self, left: u32, right: u32) -> Option<Merge> {
        if self.listed.is_some() {
            let number = self.pairs.number(left, right);
            return (number != NONE).then(|| Merge { rank: number - 1, id: self.pairs.made(number) });
        }
        let id = self.ordinary(&[self.get(left)?, self.get(right)?].concat())?;
        Some(Merge { rank: self.rank(id), id })
    }

    /// All that is merged.
    pub(crate) fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// The number of the pair of two bytes.
    pub(crate) fn pair_of_bytes(&self, left: u8, right: u8) -> u32 {
        self.byte_pairs[usize::from(left) << 8 | usize::from(right)]
    }

    /// Whether every pair has a higher number than those that make its halves, and numbers tell the order.
    pub(crate) fn ranks_never_fall(&self) -> bool {
        *self.ranks_never_fall.get_or_init(|| self.pairs.never_fall())
    }

    /// What merging begins with: the ids of the bytes, and the numbers of the pairs of two bytes.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn beginnings(&self) -> (&[u32; 1 << 8], &[u32; 1 << 16]) {
        (&self.bytes, &self.byte_pairs)
    }

    /// The rank of a token of a vocabulary of ranks: the lower, the earlier it is made.
    pub fn rank(&self, id: u32) -> u32 {
        self.ranks.get(&id).copied().unwrap_or(id)
    }

    /// The rank of what the pair of a number becomes.
    pub(crate) fn rank_of(&self, number: u32) -> u32 {
        self.rank(self.pairs.made(number))
    }

    /// The tokens of which it isn't known that merging leads to them.
    pub(crate) fn doubtful(&self) -> &[u32] {
        &self.doubtful
    }

    /// What the vocabulary has beside tokens, merges and special tokens.
    pub fn kind(&self) -> &Symbols {
        &self.kind
    }

    /// Refuse a text with a byte in it that the vocabulary lacks.
    pub(crate) fn check(&self, data: &[u8]) -> Result<()> {
        let lacks = |byte: &u8| never(*byte) && self.spellings.id(&[*byte]).is_none();
        match data.iter().position(lacks).filter(|_| self.kind.utf8) {
            None => Ok(()),
            Some(at) => {
                let found = format!("0x{:02x}, which the vocabulary has no token for", data[at]);
                Err(Error::new(Kind::Text, format!("byte {at} of text"), found, "UTF-8"))
            }
        }
    }

    /// The id of a single byte, of a vocabulary whose pretokens begin as bytes.
    pub fn byte(&self, byte: u8) -> u32 {
        self.bytes[usize::from(byte)]
    }

    /// The bytes of an id, if it exists; of a special token too.
    pub fn get(&self, id: u32) -> Option<&[u8]> {
        self.spellings.get(id)
    }

    /// The bytes of an id and how many they are, of at most fifteen; what stands behind them doesn't matter.
    pub(crate) fn sixteen(&self, id: u32) -> Option<([u8; 16], usize)> {
        self.spellings.sixteen(id)
    }

    /// The bytes of an id, of a special token too.
    pub fn token(&self, id: u32) -> Result<&[u8]> {
        self.get(id).ok_or_else(|| {
            let known = self.spellings.count();
            Error::new(Kind::Token, "the id", id.to_string(), format!("one of the {known} ids of the vocabulary, which are under {}", self.size()))
        })
    }

    /// The id of a token; a special token's too.
    pub fn id(&self, token: &[u8]) -> Result<u32> {
        let others = || self.specials.iter().chain(&self.kind.added).find(|(name, _)| name.as_bytes() == token).map(|(_, id)| *id);
        let byte = || self.kind.bytes.get(usize::from(*token.first()?)).copied().filter(|_| token.len() == 1);
        let found = self.spellings.id(token).or_else(others).or_else(byte);
        found.ok_or_else(|| Error::new(Kind::Token, "the token", quote::bytes(token), "one that the vocabulary has"))
    }

    /// The highest id plus one.
    pub fn size(&self) -> usize {
        self.spellings.size()
    }

    /// The special tokens and their ids.
    pub fn specials(&self) -> &[(String, u32)] {
        &self.specials
    }

    /// The ordinary tokens in the order of their ids.
    pub fn tokens(&self) -> Vec<(&[u8], u32)> {
        self.spellings.ordinary().collect()
    }

    /// The bytes of all tokens, and where those of the ordinary ones stand, in the order of their ids.
    pub(crate) fn laid_out(&self) -> (&[u8], impl Iterator<Item = (Range<usize>, u32)>) {
        self.spellings.laid_out()
    }

    /// Whether a pretoken that is a token is always taken as that token.
    pub fn whole(&self) -> bool {
        self.whole
    }

    /// The merges that the vocabulary was made of; none where it was made of ranks.
    pub fn listed(&self) -> Option<&[Parts]> {
        self.listed.as_deref()
    }
}

/// Whether a byte stands nowhere in UTF-8.
pub(crate) fn never(byte: u8) -> bool {
    matches!(byte, 0xC0 | 0xC1 | 0xF5..)
}

/// Refuse special tokens of which two have the same name, or one has no name or too long a one.
pub(crate) fn check_names(names: &[String]) -> Result<()> {
    if let Some(name) = names.iter().find(|name| name.is_empty() || name.len() > MAX_TOKEN_BYTES) {
        let (found, allowed) = (format!("{} bytes", name.len()), format!("from 1 to {MAX_TOKEN_BYTES}"));
        return Err(Error::new(Kind::Vocabulary, "the length of a special token", found, allowed));
    }
    let distinct: std::collections::HashSet<_> = names.iter().collect();
    if distinct.len() == names.len() {
        return Ok(());
    }
    let quoted: Vec<_> = names.iter().map(|name| quote::text(name)).collect();
    Err(Error::new(Kind::Vocabulary, "special_tokens", format!("[{}]", quoted.join(", ")), "names that are all different"))
}

/// Whether a byte stands for itself in Hugging Face's alphabet, which writes bytes as characters, and orders those that do before the others.
pub(crate) fn visible(byte: u8) -> bool {
    matches!(byte, 33..=126 | 161..=172 | 174..=255)
}
