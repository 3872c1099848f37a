//! Word counts -> vocabulary: merge the most frequent pair of neighbours, again and again. This is BPE.
//!
//! Each word starts as its bytes. The pair of ids that occurs most often, over all words and as often as each word occurs, becomes a new id; it is put in
//! the place of the pair in every word, and so on until the vocabulary is full. Among pairs of equal count the one with the smaller left id wins, then the
//! smaller right id (`Ties::HuggingFace` takes the ids of the 256 bytes in the order of that library's alphabet). If what a merge makes exists already, it
//! keeps its id. Pairs overlap when counted ("aaa" has two), not when merged.
//!
//! The words lie in one flat array, each symbol with its neighbours' places. Every pair knows the places where it may stand, so a merge touches only those;
//! a heap gives the most frequent pair, and an entry whose count is no longer true is put back with the true one. Time is n log n in the symbols of
//! the distinct words, memory linear in them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use crate::count::WordCounts;
use crate::error::{Error, Kind, MAX_IDS, MAX_TOKEN_BYTES, Result, quote};
use crate::threads::Pulse;
use crate::vocab::{ByBytes, Parts, Vocabulary, check_names, visible};

const GONE: u32 = u32::MAX;
const TICK_EVERY: usize = 1 << 14;

/// Which of two pairs of equal count is merged first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    /// The smaller left id, then the smaller right id.
    Ids,
    /// The same, with the bytes in the order of Hugging Face's alphabet: visible ones first.
    HuggingFace,
}

impl Ties {
    /// Read the name that users write.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "ids" => Ok(Self::Ids),
            "huggingface" => Ok(Self::HuggingFace),
            _ => Err(Error::new(Kind::Argument, "ties", quote::text(name), "'ids' or 'huggingface'")),
        }
    }

    fn order(self) -> [u8; 256] {
        let mut bytes: [u8; 256] = std::array::from_fn(|i| u8::try_from(i).unwrap_or(0));
        if self == Self::HuggingFace {
            bytes.sort_by_key(|byte| !visible(*byte));
        }
        let mut order = [0; 256];
        for (place, byte) in (0u8..=255).zip(bytes) {
            order[usize::from(byte)] = place;
        }
        order
    }
}

/// What training is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many ids: the 256 bytes, the merges, the special tokens.
    pub vocab_size: u32,
    /// Their ids come last.
    pub special_tokens: Vec<String>,
    /// A pair that occurs less often isn't merged.
    pub min_frequency: u64,
    /// A merge that would make a longer token, in bytes, isn't done.
    pub max_token_length: Option<usize>,
    /// Which of two pairs of equal count is merged first.
    pub ties: Ties,
}

impl Options {
    /// The defaults for a vocabulary of this size.
    pub fn new(vocab_size: u32) -> Self {
        Self { vocab_size, special_tokens: Vec::new(), min_frequency: 1, max_token_length: None, ties: Ties::Ids }
    }

    fn check(&self) -> Result<()> {
        let specials = &self.special_tokens;
        check_names(specials)?;
        let least = 256 + specials.len();
        let refuse = |place: &str, found: String, allowed: String| Err(Error::new(Kind::Argument, place, found, allowed));
        if (self.vocab_size as usize) < least || self.vocab_size > MAX_IDS {
            let allowed = format!("from {least} (256 bytes and {} special tokens) to {MAX_IDS}", specials.len());
            return refuse("vocab_size", self.vocab_size.to_string(), allowed);
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

/// Learn a vocabulary.
///
/// ```
/// use toklet::{Pattern, WordCounts, threads::Pulse, train::{Options, train}};
/// let counts = WordCounts::of_texts(&[b"low low lower"], Pattern::new("gpt2")?, None, &Pulse::default())?;
/// let vocabulary = train(&counts, &Options::new(258), &Pulse::default())?;
/// assert_eq!(vocabulary.token(257)?, b"low");
/// # Ok::<(), toklet::Error>(())
/// ```
pub fn train(counts: &WordCounts, options: &Options, pulse: &Pulse) -> Result<Vocabulary> {
    options.check()?;
    if counts.is_empty() {
        return Err(Error::new(Kind::Corpus, "the corpus", "empty", "at least one pretoken long"));
    }
    let pairs = counts.pairs();
    if pairs > u128::from(u64::MAX) {
        return Err(Error::new(Kind::Corpus, "the number of pairs in the corpus", pairs.to_string(), format!("at most {}", u64::MAX)));
    }
    let mut corpus = Corpus::new(counts, options, pulse)?;
    let wanted = options.vocab_size as usize - options.special_tokens.len();
    let mut merges: Vec<Parts> = Vec::new();
    while corpus.spelled.len() < wanted {
        let Some((left, right)) = corpus.most_frequent(options.min_frequency) else { break };
        merges.push((corpus.spelled[left as usize].to_vec(), corpus.spelled[right as usize].to_vec()));
        corpus.merge(left, right, pulse)?;
        pulse.tick(1)?;
    }
    Vocabulary::from_merges(merges, options.special_tokens.clone(), pulse)
}

type Pair = (u32, u32);

/// A pair's count, and the places where it may stand; a place is checked when it is used.
#[derive(Default)]
struct Occurrences {
    count: u64,
    places: Vec<u32>,
}

/// The distinct words, as flat arrays of symbols, and what is known of their pairs.
struct Corpus {
    /// The id of each symbol; `GONE` where a merge has swallowed it, and between words.
    ids: Vec<u32>,
    /// The place of the next symbol that is not gone, and of the one before.
    next: Vec<u32>,
    before: Vec<u32>,
    /// How often the word of each symbol occurs: an index into `counts`.
    word: Vec<u32>,
    counts: Vec<u64>,
    pairs: FxHashMap<Pair, Occurrences>,
    /// (count, tie key, pair); entries may be out of date.
    heap: BinaryHeap<(u64, Reverse<Pair>, Pair)>,
    spelled: Vec<Box<[u8]>>,
    made: ByBytes<u32>,
    order: [u8; 256],
    longest: usize,
}

impl Corpus {
    fn new(counts: &WordCounts, options: &Options, pulse: &Pulse) -> Result<Self> {
        let spelled: Vec<Box<[u8]>> = (0..=255u8).map(|byte| [byte].into()).collect();
        let mut this = Self {
            ids: vec![GONE],
            next: vec![0],
            before: vec![0],
            word: vec![0],
            counts: Vec::new(),
            pairs: FxHashMap::default(),
            heap: BinaryHeap::new(),
            made: spelled.iter().cloned().zip(0..).collect(),
            spelled,
            order: options.ties.order(),
            longest: options.max_token_length.unwrap_or(MAX_TOKEN_BYTES),
        };
        for (number, (word, n)) in counts.items().into_iter().filter(|(word, _)| word.len() > 1).enumerate() {
            this.append(word, n, pulse)?;
            if number % TICK_EVERY == 0 {
                pulse.tick(0)?;
            }
        }
        this.heap = this.pairs.iter().map(|(pair, found)| (found.count, Reverse(this.tie(*pair)), *pair)).collect();
        Ok(this)
    }

    /// Lay down a word, and a gap behind it.
    fn append(&mut self, word: &[u8], n: u64, pulse: &Pulse) -> Result<()> {
        let too_many = || Error::new(Kind::Corpus, "the length of the distinct words together", "over 2**32 bytes", "less");
        let start = u32::try_from(self.ids.len()).map_err(|_| too_many())?;
        let end = u32::try_from(self.ids.len() + word.len()).ok().filter(|end| *end < GONE).ok_or_else(too_many)?;
        let number = u32::try_from(self.counts.len()).map_err(|_| too_many())?;
        self.counts.push(n);
        self.ids.extend(word.iter().map(|byte| u32::from(*byte)));
        self.ids.push(GONE);
        self.next.extend(start + 1..=end + 1);
        self.before.extend(start - 1..end);
        self.word.resize(self.ids.len(), number);
        for place in start..end - 1 {
            let at = place as usize;
            self.add((self.ids[at], self.ids[at + 1]), place, n)?;
            if at.is_multiple_of(TICK_EVERY) {
                pulse.tick(0)?;
            }
        }
        Ok(())
    }

    /// Count one more place of a pair, unless what it would make is too long.
    fn add(&mut self, pair: Pair, place: u32, n: u64) -> Result<()> {
        if self.spelled[pair.0 as usize].len() + self.spelled[pair.1 as usize].len() > self.longest {
            return Ok(());
        }
        let found = self.pairs.entry(pair).or_default();
        found.count = found.count.checked_add(n).ok_or_else(|| {
            let name = format!("the count of the pair {pair:?}");
            Error::new(Kind::Corpus, name, "over 2**64 - 1", "less")
        })?;
        found.places.push(place);
        Ok(())
    }

    /// What breaks a tie between pairs of equal count: the lower key wins.
    fn tie(&self, (left, right): Pair) -> Pair {
        let key = |id: u32| self.order.get(id as usize).map_or(id, |place| u32::from(*place));
        (key(left), key(right))
    }

    /// Take the most frequent pair off the heap.
    fn most_frequent(&mut self, min_frequency: u64) -> Option<Pair> {
        while let Some((count, tie, pair)) = self.heap.pop() {
            let now = self.pairs.get(&pair).map_or(0, |found| found.count);
            if now == count && now >= min_frequency {
                return Some(pair);
            }
            if now != count && now >= min_frequency {
                self.heap.push((now, tie, pair));
            }
        }
        None
    }

    /// Put a new symbol in the place of every `left right`.
    fn merge(&mut self, left: u32, right: u32, pulse: &Pulse) -> Result<()> {
        let token = [&self.spelled[left as usize][..], &self.spelled[right as usize]].concat().into_boxed_slice();
        let fresh = u32::try_from(self.spelled.len()).unwrap_or(GONE);
        let new = match self.made.entry(token.clone()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(slot) => {
                self.spelled.push(token);
                *slot.insert(fresh)
            }
        };
        let mut places = self.pairs.remove(&(left, right)).unwrap_or_default().places;
        places.sort_unstable(); // from the left, as "aaa" demands
        let mut touched: Vec<Pair> = Vec::new();
        for (number, &place) in places.iter().enumerate() {
            if number % TICK_EVERY == 0 {
                pulse.tick(0)?;
            }
            self.merge_at(place, (left, right), new, &mut touched)?;
        }
        touched.sort_unstable();
        touched.dedup();
        for pair in touched {
            if let Some(found) = self.pairs.get(&pair) {
                self.heap.push((found.count, Reverse(self.tie(pair)), pair));
            }
        }
        Ok(())
    }

    /// Merge at one place, if the pair still stands there, and recount the pairs on both sides.
    fn merge_at(&mut self, place: u32, pair: Pair, new: u32, touched: &mut Vec<Pair>) -> Result<()> {
        let at = place as usize;
        let behind = self.next[at] as usize;
        if (self.ids[at], self.ids[behind]) != pair {
            return Ok(());
        }
        let n = self.counts[self.word[at] as usize];
        let (before, after) = (self.before[at], self.next[behind]);
        let neighbours = (self.ids[before as usize], self.ids.get(after as usize).copied().unwrap_or(GONE));
        self.ids[at] = new;
        self.ids[behind] = GONE;
        self.next[at] = after;
        if let Some(back) = self.before.get_mut(after as usize) {
            *back = place;
        }
        if neighbours.0 != GONE {
            self.subtract((neighbours.0, pair.0), n);
            self.add((neighbours.0, new), before, n)?;
            touched.push((neighbours.0, new));
        }
        if neighbours.1 != GONE {
            self.subtract((pair.1, neighbours.1), n);
            self.add((new, neighbours.1), place, n)?;
            touched.push((new, neighbours.1));
        }
        Ok(())
    }

    /// Count one place less of a pair; the pair that is being merged is no longer there, and needs no count.
    fn subtract(&mut self, pair: Pair, n: u64) {
        if let Some(found) = self.pairs.get_mut(&pair) {
            found.count = found.count.saturating_sub(n);
            if found.count == 0 {
                self.pairs.remove(&pair);
            }
        }
    }
}
