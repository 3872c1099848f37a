//! Text -> ids: split it, merge each pretoken, join the results; and decide what may become a special token.
//!
//! Text is only ever text: what it spells never becomes a special token unless the caller says so (`Special::Allow`, or a set of names). Then the longest
//! special token at the leftmost place is taken, and the text between two of them is split as if it stood alone. A prompt is encoded from parts, trusted
//! or not, and there a special token counts only where the whole of it lies inside trusted text.

use std::borrow::Cow;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::error::{Error, Kind, MAX_TEXT_BYTES, Result, quote};
use crate::merge::{Merger, whole_pretokens};
use crate::prompt::Part;
use crate::split::Pattern;
use crate::threads::{Pulse, parallel, workers};
use crate::vocab::{Parts, Vocabulary};

const TICK_EVERY: usize = 1 << 16;
/// How much text a worker takes at a time: enough that handing it out costs nothing, little enough that workers end together.
const JOB_BYTES: usize = 1 << 18;

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

/// A vocabulary and the pattern that it was made with.
///
/// ```
/// use toklet::{Special, Tokenizer, threads::Pulse};
/// let quiet = Pulse::default();
/// let tok = Tokenizer::from_merges(vec![(b"l".to_vec(), b"o".to_vec())], vec!["<|end|>".into()], "gpt2", &quiet)?;
/// assert_eq!(tok.encode(b"lo<|end|>", &Special::Allow, &quiet)?, [256, 257]);
/// # Ok::<(), toklet::Error>(())
/// ```
pub struct Tokenizer {
    vocabulary: Arc<Vocabulary>,
    pattern: Pattern,
    specials: Finder,
    /// Which ids a pretoken may be taken as in one look-up.
    whole: Vec<bool>,
}

/// A stretch of text, or a special token with its id.
enum Piece<'a> {
    Text(&'a [u8]),
    Special(u32),
}

impl Tokenizer {
    /// Put a vocabulary and a pattern together.
    pub fn new(vocabulary: Vocabulary, pattern: &str, pulse: &Pulse) -> Result<Self> {
        let specials = Finder::new(vocabulary.specials().to_vec())?;
        let (pattern, whole) = (Pattern::new(pattern)?, whole_pretokens(&vocabulary, pulse)?);
        Ok(Self { vocabulary: Arc::new(vocabulary), pattern, specials, whole })
    }

    /// Number the tokens as [`Vocabulary::from_merges`] does.
    pub fn from_merges(merges: Vec<Parts>, specials: Vec<String>, pattern: &str, pulse: &Pulse) -> Result<Self> {
        Self::new(Vocabulary::from_merges(merges, specials, pulse)?, pattern, pulse)
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Encode one text.
    pub fn encode(&self, data: &[u8], special: &Special, pulse: &Pulse) -> Result<Vec<u32>> {
        let mut ids = Vec::with_capacity(data.len() / 3);
        self.each_id(data, &self.chosen(special)?, &mut Merger::default(), pulse, |found| ids.extend_from_slice(found))?;
        Ok(ids)
    }

    /// Count the ids of one text, without keeping them.
    pub fn count(&self, data: &[u8], special: &Special, pulse: &Pulse) -> Result<usize> {
        let mut count = 0;
        self.each_id(data, &self.chosen(special)?, &mut Merger::default(), pulse, |found| count += found.len())?;
        Ok(count)
    }

    /// Encode many texts on several threads: all ids, and where each text's begin (and the last one's end).
    pub fn encode_batch(&self, texts: &[&[u8]], special: &Special, threads: Option<usize>, pulse: &Pulse) -> Result<(Vec<u32>, Vec<u64>)> {
        let (jobs, chosen) = (jobs(texts), self.chosen(special)?);
        let done = parallel(workers(threads), jobs.len(), |job| {
            let (mut ids, mut ends, mut merger) = (Vec::new(), Vec::new(), Merger::default());
            for text in &texts[jobs[job].clone()] {
                self.each_id(text, &chosen, &mut merger, pulse, |found| ids.extend_from_slice(found))?;
                ends.push(ids.len());
            }
            Ok((ids, ends))
        })?;
        let mut ids = Vec::with_capacity(done.iter().map(|(ids, _)| ids.len()).sum());
        let mut offsets = vec![0];
        for (found, ends) in done {
            offsets.extend(ends.iter().map(|end| (ids.len() + end) as u64));
            ids.extend_from_slice(&found);
        }
        Ok((ids, offsets))
    }

    /// Encode parts: a special token counts only where the whole of it lies inside one trusted run.
    pub fn encode_parts(&self, parts: &[Part], pulse: &Pulse) -> Result<Vec<u32>> {
        let (mut ids, mut plain, mut merger) = (Vec::new(), Vec::new(), Merger::default());
        for run in parts.chunk_by(|one, other| one.trusted == other.trusted) {
            let text: String = run.iter().map(|part| part.text.as_str()).collect();
            let finder = Some(&self.specials).filter(|_| run[0].trusted);
            each_piece(finder, text.as_bytes(), |piece| {
                match piece {
                    Piece::Text(text) => plain.extend_from_slice(text),
                    Piece::Special(id) => {
                        self.ordinary(&plain, &mut merger, pulse, &mut |found| ids.extend_from_slice(found))?;
                        plain.clear();
                        ids.push(id);
                    }
                }
                Ok(())
            })?;
        }
        self.ordinary(&plain, &mut merger, pulse, &mut |found| ids.extend_from_slice(found))?;
        Ok(ids)
    }

    /// Give what a text's ids are, piece by piece: the pretokens one after the other, and the special tokens between them.
    fn each_id(&self, data: &[u8], chosen: &Chosen<'_>, merger: &mut Merger, pulse: &Pulse, mut take: impl FnMut(&[u32])) -> Result<()> {
        if data.len() > MAX_TEXT_BYTES {
            let allowed = format!("at most {MAX_TEXT_BYTES} in one call");
            return Err(Error::new(Kind::Argument, "the length of text", format!("{} bytes", data.len()), allowed));
        }
        let finder = match chosen {
            Chosen::Nothing => None,
            Chosen::These(finder) => Some(&**finder),
            Chosen::Refused(finder) => {
                finder.refuse(data)?;
                None
            }
        };
        each_piece(finder, data, |piece| match piece {
            Piece::Text(text) => self.ordinary(text, merger, pulse, &mut take),
            Piece::Special(id) => {
                take(&[id]);
                Ok(())
            }
        })
    }

    /// Encode text in which nothing is special.
    fn ordinary(&self, data: &[u8], merger: &mut Merger, pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let mut since = 0;
        for pretoken in self.pattern.split(data) {
            let pretoken = pretoken?;
            match self.vocabulary.ordinary(pretoken).filter(|id| self.whole[*id as usize]) {
                Some(id) => take(&[id]),
                None => take(merger.merge(&self.vocabulary, pretoken, u32::MAX, pulse)?),
            }
            since += pretoken.len();
            if since >= TICK_EVERY {
                pulse.tick(since as u64)?;
                since = 0;
            }
        }
        pulse.tick(since as u64)
    }

    /// How many ids a pretoken has.
    pub(crate) fn length_of(&self, pretoken: &[u8], merger: &mut Merger, pulse: &Pulse) -> Result<usize> {
        match self.vocabulary.ordinary(pretoken).filter(|id| self.whole[*id as usize]) {
            Some(_) => Ok(1),
            None => Ok(merger.merge(&self.vocabulary, pretoken, u32::MAX, pulse)?.len()),
        }
    }

    /// What is to be found of the special tokens.
    fn chosen(&self, special: &Special) -> Result<Chosen<'_>> {
        let specials = self.vocabulary.specials();
        let find = |name: &String| {
            specials.iter().find(|(known, _)| known == name).cloned().ok_or_else(|| {
                let all: Vec<_> = specials.iter().map(|(name, _)| quote::text(name)).collect();
                let allowed = format!("among the special tokens, which are [{}]", all.join(", "));
                Error::new(Kind::Argument, "special", quote::text(name), allowed)
            })
        };
        Ok(match special {
            Special::Text => Chosen::Nothing,
            Special::Allow => Chosen::These(Cow::Borrowed(&self.specials)),
            Special::Error => Chosen::Refused(&self.specials),
            Special::Only(names) => Chosen::These(Cow::Owned(Finder::new(names.iter().map(find).collect::<Result<_>>()?)?)),
        })
    }
}

/// A policy for special tokens, made ready for many texts.
enum Chosen<'a> {
    Nothing,
    These(Cow<'a, Finder>),
    Refused(&'a Finder),
}

/// Finds special tokens in a text: the longest one at the leftmost place.
#[derive(Clone)]
struct Finder {
    automaton: Option<AhoCorasick>,
    tokens: Vec<(String, u32)>,
}

impl Finder {
    fn new(tokens: Vec<(String, u32)>) -> Result<Self> {
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

    /// Refuse a text that spells a special token.
    fn refuse(&self, data: &[u8]) -> Result<()> {
        let Some(found) = self.automaton.as_ref().and_then(|automaton| automaton.find(data)) else { return Ok(()) };
        let name = quote::text(&self.tokens[found.pattern()].0);
        let allowed = "no special token: say special='text' or special='allow'";
        Err(Error::new(Kind::Text, format!("byte {} of text", found.start()), format!("the start of {name}"), allowed))
    }
}

/// Visit a text as stretches of text (which may be empty) with special tokens between them.
fn each_piece<'a>(finder: Option<&Finder>, data: &'a [u8], mut visit: impl FnMut(Piece<'a>) -> Result<()>) -> Result<()> {
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

/// Share out texts in runs of about as many bytes each.
fn jobs(texts: &[&[u8]]) -> Vec<std::ops::Range<usize>> {
    let (mut jobs, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (i, text) in texts.iter().enumerate() {
        bytes += text.len();
        if bytes >= JOB_BYTES || i + 1 == texts.len() {
            jobs.push(start..i + 1);
            (start, bytes) = (i + 1, 0);
        }
    }
    jobs
}
