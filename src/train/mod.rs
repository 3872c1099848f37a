//! Word counts -> vocabulary: merge the most frequent pair of neighbours, again and again. This is BPE.
//!
//! Each word starts as its bytes, or as the tokens of a vocabulary that is extended. The pair of ids that occurs most often, over all words and as often as
//! each word occurs, becomes a new id; it is put in the place of the pair in every word, and so on until the vocabulary is full. Among pairs of equal count
//! `Ties` says which one goes first. Pairs overlap when counted ("aaa" has two), not when merged. What is a token already is never made again.
//!
//! The words lie in one flat array (`slots`). Training goes in rounds: only pairs that occur more often than a threshold are known by count and place
//! (`pairs`), and merged until none of them is left; a `sketch` of all counts chooses the next threshold. A merge touches only the places of its pair, so time
//! is n log n in the symbols of the distinct words, memory linear in them. The result depends neither on the threads nor on the thresholds: in each round the
//! pair that is most frequent of all is above the threshold as long as any is.

mod checkpoint;
mod found;
mod known;
mod pairs;
mod places;
mod queue;
mod sketch;
mod slots;
mod spell;
mod ties;

use std::borrow::Borrow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::count::WordCounts;
use crate::error::{Error, Kind, MAX_IDS, MAX_TOKEN_BYTES, Result, quote};
use crate::split::Pattern;
use crate::threads::{Pulse, workers};
use crate::vocab::{Parts, Vocabulary, check_names};
use checkpoint::Checkpoint;
use pairs::{Pairs, Words};
use sketch::Sketch;
use slots::Slots;
use spell::{alphabet, lay};
pub use ties::Ties;
use ties::{BySymbols, ByTokens, Tie};

/// About the memory that training takes at most: its slot, and its places in the lists of pairs (measured: 9 to 12 on the corpora of three kinds, without the
/// counts).
pub(crate) const BYTES_A_SYMBOL: usize = 12;

/// What training is told.
#[derive(Clone)]
pub struct Options {
    /// How many ids: the 256 bytes, the merges, the special tokens; or what is extended, the new merges, the new special tokens.
    pub vocab_size: u32,
    /// Their ids come last.
    pub special_tokens: Vec<String>,
    /// A pair that occurs less often isn't merged.
    pub min_frequency: u64,
    /// A merge that would make a longer token, in bytes, isn't done.
    pub max_token_length: Option<usize>,
    /// Which of two pairs of equal count is merged first.
    pub ties: Ties,
    /// How many threads work; `None` is one a core. The result doesn't depend on it.
    pub threads: Option<usize>,
    /// A vocabulary whose ids and merges stay; new ones are learnt on top.
    pub extend: Option<Arc<Vocabulary>>,
    /// A file that keeps the merges learnt so far, and that training goes on from.
    pub checkpoint: Option<PathBuf>,
    /// Learn words first, up to so many ids, by this pattern; then merges may join words, inside a line. What is counted are lines.
    pub superwords: Option<(u32, Pattern)>,
}

impl Options {
    /// The defaults for a vocabulary of this size.
    pub fn new(vocab_size: u32) -> Self {
        Self {
            vocab_size,
            special_tokens: Vec::new(),
            min_frequency: 1,
            max_token_length: None,
            ties: Ties::Ids,
            threads: None,
            extend: None,
            checkpoint: None,
            superwords: None,
        }
    }

    /// What training begins with.
    fn base(&self, pulse: &Pulse) -> Result<Arc<Vocabulary>> {
        self.extend.clone().map_or_else(|| Vocabulary::from_merges(Vec::new(), Vec::new(), pulse).map(Arc::new), Ok)
    }

    /// The special tokens that the vocabulary doesn't have yet.
    fn new_specials(&self, base: &Vocabulary) -> Vec<String> {
        let known = |name: &&String| base.specials().iter().any(|(special, _)| special == *name);
        self.special_tokens.iter().filter(|name| !known(name)).cloned().collect()
    }

    fn check(&self, base: &Vocabulary) -> Result<()> {
        check_names(&self.special_tokens)?;
        let specials = self.new_specials(base).len();
        let least = base.size() + specials;
        let refuse = |place: &str, found: String, allowed: String| Err(Error::new(Kind::Argument, place, found, allowed));
        if (self.vocab_size as usize) < least || self.vocab_size > MAX_IDS {
            let start = if self.extend.is_some() { format!("{} ids to extend", base.size()) } else { "256 bytes".into() };
            return refuse("vocab_size", self.vocab_size.to_string(), format!("from {least} ({start} and {specials} special tokens) to {MAX_IDS}"));
        }
        let most = self.vocab_size as usize - specials;
        if let Some((words, _)) = self.superwords
            && !(base.size()..=most).contains(&(words as usize))
        {
            return refuse("superwords", words.to_string(), format!("from {} to {most}, or None", base.size()));
        }
        if self.min_frequency == 0 {
            return refuse("min_frequency", "0".into(), "an integer, at least 1".into());
        }
        match self.max_token_length {
            Some(length) if length == 0 || length > MAX_TOKEN_BYTES => {
                refuse("max_token_length", length.to_string(), format!("from 1 to {MAX_TOKEN_BYTES} bytes, or None"))
            }
            _ => Ok(()),
        }
    }
}

/// Learn a vocabulary. Counts that are given away, and not lent, are dropped as soon as their words have been laid down.
///
/// ```
/// use toklet::{Pattern, WordCounts, threads::Pulse, train::{Options, train}};
/// let counts = WordCounts::of_texts(&[b"low low lower"], Pattern::new("gpt2")?, None, &Pulse::default())?;
/// let vocabulary = train(&counts, &Options::new(258), &Pulse::default())?;
/// assert_eq!(vocabulary.token(257)?, b"low");
/// # Ok::<(), toklet::Error>(())
/// ```
pub fn train(counts: impl Borrow<WordCounts>, options: &Options, pulse: &Pulse) -> Result<Vocabulary> {
    let base = options.base(pulse)?;
    options.check(&base)?;
    check(counts.borrow(), options, pulse)?;
    let specials = options.new_specials(&base);
    let most = options.vocab_size as usize - specials.len() - base.size();
    let checkpoint = options.checkpoint.as_deref().map(|path| Checkpoint::new(path, counts.borrow(), options, pulse)).transpose()?;
    let mut merges = checkpoint.as_ref().map_or(Ok(Vec::new()), |checkpoint| checkpoint.load(most))?;
    let begun = !merges.is_empty();
    pulse.tick(merges.len() as u64)?;
    let mut training = Training { base: &base, options, merges: &mut merges, checkpoint: checkpoint.as_ref(), pulse };
    let learnt = training.stages(counts, most);
    if let Some(checkpoint) = checkpoint {
        checkpoint.save(&merges)?; // of an interrupted training, too
    }
    learnt?;
    let learnt = base.extended(merges, specials, pulse)?;
    Ok(if begun || options.extend.is_some() || options.superwords.is_some() { learnt } else { learnt.reached() })
}

/// Refuse counts that can't be trained on.
fn check(counts: &WordCounts, options: &Options, pulse: &Pulse) -> Result<()> {
    if counts.is_empty() {
        return Err(Error::new(Kind::Corpus, "the corpus", "empty", "at least one pretoken long"));
    }
    let pairs = counts.pairs(pulse)?;
    if pairs > u128::from(u64::MAX) {
        return Err(Error::new(Kind::Corpus, "the number of pairs in the corpus", pairs.to_string(), format!("at most {}", u64::MAX)));
    }
    if options.superwords.is_some() && counts.pattern().regex() != Pattern::new("lines")?.regex() {
        let allowed = "\"lines\", where merges may join words";
        return Err(Error::new(Kind::Argument, "the pattern of the counts", quote::text(counts.pattern().regex()), allowed));
    }
    Ok(())
}

/// A corpus, ready to be merged.
struct Text {
    /// What it is spelled in.
    start: Arc<Vocabulary>,
    /// The bytes of each symbol.
    spelled: Vec<Arc<[u8]>>,
    slots: Slots,
}

/// Merges that are being learnt on top of a vocabulary.
struct Training<'a> {
    base: &'a Vocabulary,
    options: &'a Options,
    merges: &'a mut Vec<Parts>,
    checkpoint: Option<&'a Checkpoint<'a>>,
    pulse: &'a Pulse,
}

impl Training<'_> {
    /// Learn merges within words first, if superwords are asked for, and then as many as there are to be.
    fn stages(&mut self, counts: impl Borrow<WordCounts>, most: usize) -> Result<()> {
        if let Some((words, pattern)) = &self.options.superwords {
            let counts = counts.borrow().cut(pattern, self.options.threads, self.pulse)?;
            self.stage(counts, *words as usize - self.base.size())?;
        }
        self.stage(counts, most)
    }

    /// Learn merges on top of those learnt so far, until there are `most`.
    fn stage(&mut self, counts: impl Borrow<WordCounts>, most: usize) -> Result<()> {
        let start = Arc::new(self.base.extended(self.merges.clone(), Vec::new(), self.pulse)?);
        let (spelled, symbols) = alphabet(&start, self.options.ties);
        let slots = lay(counts.borrow(), &start, spelled.len(), &symbols, workers(self.options.threads), self.pulse)?;
        drop(counts);
        let text = Text { start, spelled, slots };
        match self.options.ties {
            Ties::Bytes => self.learn::<ByTokens>(text, most),
            Ties::Ids | Ties::HuggingFace => self.learn::<BySymbols>(text, most),
        }
    }

    fn learn<T: Tie>(&mut self, Text { start, mut spelled, mut slots }: Text, most: usize) -> Result<()> {
        let Self { options, merges, pulse, .. } = self;
        let (longest, threads) = (options.max_token_length.unwrap_or(MAX_TOKEN_BYTES), workers(options.threads));
        let mut threshold = None;
        while merges.len() < most && threshold != Some(options.min_frequency) {
            let sketch = Sketch::of(&slots, threads, pulse)?;
            let next = next_threshold(threshold, &slots, &sketch, most - merges.len()).max(options.min_frequency);
            threshold = Some(next);
            let mut pairs: Pairs<T> = Pairs::of(&Words { slots: &slots, spelled: &spelled, longest }, sketch, next, threads, pulse)?;
            while merges.len() < most
                && let Some((number, pair)) = pairs.most_frequent(&spelled)
            {
                let (left, right) = (&spelled[pair.0 as usize], &spelled[pair.1 as usize]);
                let token: Arc<[u8]> = left.iter().chain(right.iter()).copied().collect();
                if start.ordinary(&token).is_some() {
                    continue;
                }
                let parts = (left.to_vec(), right.to_vec());
                spelled.push(token);
                slots.add_symbol(pair.0, pair.1);
                pairs.merge(number, &mut slots, &spelled, pulse)?;
                merges.push(parts);
                if let Some(checkpoint) = self.checkpoint {
                    checkpoint.save_now_and_then(merges)?;
                }
                pulse.tick(1)?;
            }
            drop(pairs);
            slots.compact(pulse)?;
        }
        Ok(())
    }
}

/// The threshold of the next round: low enough to find what is wanted, high enough to keep little.
///
/// A word that isn't one token yet ends in a merge of its own, of a pair that occurs at least as often as the word. So if there are as many words of some
/// weight as merges are wanted, no threshold need be lower. It may be higher, and another round follows. The guesses are from experience with text: at first
/// many of the merges are of pairs that don't exist yet, later four of five pairs above the threshold are merged (measured on three corpora, 32 and 128
/// thousand ids).
fn next_threshold(last: Option<u64>, slots: &Slots, sketch: &Sketch, wanted: usize) -> u64 {
    let enough = slots.nth_weight(wanted).unwrap_or(1);
    let frequent = sketch.nth(if last.is_none() { wanted / 8 } else { wanted + wanted / 4 }.max(1));
    let guess = frequent.max(sketch.total() / wanted as u64 / 48);
    match last {
        None => guess.max(enough),
        Some(last) if enough < last => guess.min(last / 2).max(enough),
        Some(last) => last / 2, // words that are too long to become tokens
    }
}
