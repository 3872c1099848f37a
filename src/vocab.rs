//! The vocabulary: id <-> bytes, pair -> (rank, id), and the special tokens.
//!
//! The pair table is what defines merging: a pair of neighbouring ids that stands in it may become one id, lower ranks first. A list of merges gives it
//! directly (rank = place in the list). A list of ranks, as tiktoken publishes, gives it too: every way to cut a token into two tokens is a pair of that
//! token's rank. `whole` says that a pretoken which is a token is taken as that token at once, whether its merges lead there or not (tiktoken: always).
//! Special tokens have ids and text, but no part in merging. A vocabulary that exists is valid.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::error::{Error, Kind, MAX_IDS, MAX_TOKEN_BYTES, Result, quote};
use crate::pairs::{Pairs, RANK_BITS};
use crate::threads::Pulse;

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
    ids: ByBytes<u32>,
    by_id: Vec<Option<Box<[u8]>>>,
    bytes: [u32; 256],
    pairs: Pairs,
    /// The ranks of the pairs of single bytes: what merging begins with.
    byte_ranks: Box<[u32]>,
    listed: Option<Vec<Parts>>,
    specials: Vec<(String, u32)>,
    whole: bool,
}

impl Vocabulary {
    /// Check the tables and index them. Without merges the ids are ranks.
    pub fn new(tokens: Vec<(Vec<u8>, u32)>, merges: Option<Vec<Parts>>, specials: Vec<(String, u32)>, whole: bool, pulse: &Pulse) -> Result<Self> {
        let mut this = Self {
            ids: ByBytes::default(),
            by_id: Vec::new(),
            bytes: [0; 256],
            pairs: Pairs::with_room(0),
            byte_ranks: Box::default(),
            listed: None,
            specials,
            whole,
        };
        this.index_ids(tokens)?;
        match merges {
            None => this.pair_by_ranks(pulse)?,
            Some(merges) => this.pair_by_merges(merges)?,
        }
        this.byte_ranks =
            (0..=0xFFFFu16).map(|two| u16::to_be_bytes(two).map(|byte| this.byte(byte))).map(|[left, right]| this.pairs.rank(left, right)).collect();
        Ok(this)
    }

    /// Number the 256 bytes, then what each merge makes (unless an earlier one made it), then the specials.
    pub fn from_merges(merges: Vec<Parts>, specials: Vec<String>, pulse: &Pulse) -> Result<Self> {
        let mut tokens: Vec<(Vec<u8>, u32)> = (0..=255u8).map(|byte| (vec![byte], u32::from(byte))).collect();
        let mut made: ByBytes<u32> = tokens.iter().map(|(token, id)| (token[..].into(), *id)).collect();
        let mut next = 256;
        for (left, right) in &merges {
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
        let mut tokens: Vec<_> = self.tokens().into_iter().map(|(token, id)| (token.to_vec(), id)).collect();
        let mut ids = u32::try_from(self.size()).unwrap_or(MAX_IDS)..;
        tokens.extend(merges.iter().map(|(left, right)| [&left[..], right].concat()).zip(&mut ids));
        let specials = self.specials.iter().cloned().chain(specials.into_iter().zip(ids)).collect();
        let listed = self.listed.as_ref().map(|listed| listed.iter().cloned().chain(merges).collect());
        Self::new(tokens, listed, specials, self.whole, pulse)
    }

    fn index_ids(&mut self, tokens: Vec<(Vec<u8>, u32)>) -> Result<()> {
        check_names(&self.specials.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())?;
        for (token, id) in &tokens {
            self.place(|| quote::bytes(token), token, *id)?;
        }
        for (name, id) in self.specials.clone() {
            self.place(|| quote::text(&name), name.as_bytes(), id)?;
        }
        for (token, id) in tokens {
            if let Some(first) = self.ids.insert(token.into_boxed_slice(), id) {
                return Err(Error::new(Kind::Vocabulary, format!("token {id}"), format!("token {first} again"), "another token"));
            }
        }
        for byte in 0..=255u8 {
            self.bytes[usize::from(byte)] = *self
                .ids
                .get(&[byte][..])
                .ok_or_else(|| Error::new(Kind::Vocabulary, format!("the byte 0x{byte:02x}"), "missing", "a token, or some text can't be encoded"))?;
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
        let slot = id as usize;
        if self.by_id.len() <= slot {
            self.by_id.resize(slot + 1, None);
        }
        if let Some(owner) = &self.by_id[slot] {
            return refuse(format!("the id of {}", name()), id.to_string(), format!("an id of its own: {} has this one", quote::bytes(owner)));
        }
        self.by_id[slot] = Some(token.into());
        Ok(())
    }

    fn pair_by_ranks(&mut self, pulse: &Pulse) -> Result<()> {
        self.pairs = Pairs::with_room(5 * self.ids.len() / 2); // cl100k has 2.3 pairs a token, o200k 2.2
        for (token, &rank) in &self.ids {
            pulse.tick(0)?;
            for cut in 1..token.len() {
                if let (Some(&left), Some(&right)) = (self.ids.get(&token[..cut]), self.ids.get(&token[cut..])) {
                    self.pairs.insert((left, right), Merge { rank, id: rank });
                }
            }
        }
        Ok(())
    }

    fn pair_by_merges(&mut self, merges: Vec<Parts>) -> Result<()> {
        if merges.len() >= 1 << RANK_BITS {
            return Err(Error::new(Kind::Vocabulary, "the number of merges", merges.len().to_string(), format!("under {}", 1 << RANK_BITS)));
        }
        self.pairs = Pairs::with_room(merges.len());
        for (rank, (left, right)) in (0u32..).zip(&merges) {
            let find = |part: &[u8]| {
                self.ids
                    .get(part)
                    .copied()
                    .ok_or_else(|| Error::new(Kind::Vocabulary, format!("{} of merge {rank}", quote::bytes(part)), "not a token", "a token of the vocabulary"))
            };
            let (pair, id) = ((find(left)?, find(right)?), find(&[&left[..], right].concat())?);
            if let Some(first) = self.pairs.insert(pair, Merge { rank, id }) {
                let found = format!("({}, {})", quote::bytes(left), quote::bytes(right));
                let allowed = format!("new: it is merge {} again", first.rank);
                return Err(Error::new(Kind::Vocabulary, format!("merge {rank}"), found, allowed));
            }
        }
        self.listed = Some(merges);
        Ok(())
    }

    /// The id of an ordinary token, if the bytes are one.
    pub fn ordinary(&self, token: &[u8]) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// What two neighbouring ids become.
    pub fn merge_of(&self, left: u32, right: u32) -> Option<Merge> {
        self.pairs.get(left, right)
    }

    /// All that is merged.
    pub(crate) fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// The rank of the pair of two bytes.
    pub(crate) fn rank_of_bytes(&self, left: u8, right: u8) -> u32 {
        self.byte_ranks[usize::from(left) << 8 | usize::from(right)]
    }

    /// The id of a single byte.
    pub fn byte(&self, byte: u8) -> u32 {
        self.bytes[usize::from(byte)]
    }

    /// The bytes of an id, if it exists; of a special token too.
    pub fn get(&self, id: u32) -> Option<&[u8]> {
        self.by_id.get(id as usize)?.as_deref()
    }

    /// The bytes of an id, of a special token too.
    pub fn token(&self, id: u32) -> Result<&[u8]> {
        self.get(id).ok_or_else(|| {
            let known = self.ids.len() + self.specials.len();
            Error::new(Kind::Token, "the id", id.to_string(), format!("one of the {known} ids of the vocabulary, which are under {}", self.size()))
        })
    }

    /// The id of a token; a special token's too.
    pub fn id(&self, token: &[u8]) -> Result<u32> {
        let special = || self.specials.iter().find(|(name, _)| name.as_bytes() == token).map(|(_, id)| *id);
        let found = self.ids.get(token).copied().or_else(special);
        found.ok_or_else(|| Error::new(Kind::Token, "the token", quote::bytes(token), "one that the vocabulary has"))
    }

    /// The highest id plus one.
    pub fn size(&self) -> usize {
        self.by_id.len()
    }

    /// The special tokens and their ids.
    pub fn specials(&self) -> &[(String, u32)] {
        &self.specials
    }

    /// The ordinary tokens in the order of their ids.
    pub fn tokens(&self) -> Vec<(&[u8], u32)> {
        let mut tokens: Vec<_> = self.ids.iter().map(|(token, id)| (&**token, *id)).collect();
        tokens.sort_unstable_by_key(|(_, id)| *id);
        tokens
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
