//! Corpus -> word counts: how often each pretoken occurs. All that training needs to know of a corpus.
//!
//! Counting reads the corpus once and remembers only the distinct pretokens, so memory grows with the language, not with the text. Counts are a value: they
//! add up in any order, wherever they were counted, as long as the pattern is the same. In a file that is read in pieces a cut is safe where a line break
//! stands between two characters that are not white space: there every built-in pattern ends a pretoken.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use aho_corasick::AhoCorasick;

use crate::error::{Error, Kind, MAX_COUNT, Result, quote};
use crate::split::Pattern;
use crate::threads::{Pulse, parallel, workers};

const BLOCK: usize = 1 << 23;
/// How much text a worker takes at a time: a few milliseconds of work.
const PIECE: usize = 1 << 18;
const TICK_EVERY: usize = 1 << 16;

/// Keyed by what strangers wrote, so the hash is a keyed one (that of the standard library).
type Words = HashMap<Box<[u8]>, u64>;

/// Pretoken -> count, with the pattern that cut them.
///
/// ```
/// use toklet::{Pattern, WordCounts, threads::Pulse};
/// let counts = WordCounts::of_texts(&[b"a rose is", b" a rose"], Pattern::new("gpt2")?, None, &Pulse::default())?;
/// assert_eq!(counts.get(b" rose"), 2);
/// # Ok::<(), toklet::Error>(())
/// ```
#[derive(Clone)]
pub struct WordCounts {
    words: Words,
    pattern: Pattern,
}

impl WordCounts {
    /// No words yet.
    pub fn new(pattern: Pattern) -> Self {
        Self { words: Words::new(), pattern }
    }

    /// Count the pretokens of texts.
    pub fn of_texts(texts: &[&[u8]], pattern: Pattern, threads: Option<usize>, pulse: &Pulse) -> Result<Self> {
        let counter = Counter::new(pattern, threads);
        counter.count(texts, pulse)?;
        counter.finish(pulse)
    }

    /// Add `n` occurrences of a pretoken; an error where the sum can't be held, never a wrap.
    pub fn add_word(&mut self, word: &[u8], n: u64) -> Result<()> {
        add(&mut self.words, word, n)
    }

    /// How often a pretoken occurs.
    pub fn get(&self, word: &[u8]) -> u64 {
        self.words.get(word).copied().unwrap_or(0)
    }

    /// How many distinct pretokens there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The number of pretokens, every occurrence.
    pub fn total(&self) -> u128 {
        self.words.values().map(|n| u128::from(*n)).sum()
    }

    /// How many pairs of neighbouring bytes the pretokens have, every occurrence.
    pub fn pairs(&self) -> u128 {
        self.words.iter().map(|(word, n)| (word.len() as u128 - 1) * u128::from(*n)).sum()
    }

    /// The pretokens and their counts, in the order of their bytes.
    pub fn items(&self) -> Vec<(&[u8], u64)> {
        let mut items: Vec<_> = self.words.iter().map(|(word, n)| (&**word, *n)).collect();
        items.sort_unstable();
        items
    }

    /// The pretokens and their counts, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> + Clone {
        self.words.iter().map(|(word, n)| (&**word, *n))
    }

    /// The pattern that cut the pretokens.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Add two counts of the same pattern.
    pub fn add(&self, other: &Self, pulse: &Pulse) -> Result<Self> {
        if self.pattern.regex() != other.pattern.regex() {
            let allowed = format!("that of the first: {}", quote::text(self.pattern.regex()));
            return Err(Error::new(Kind::Corpus, "the pattern of the second counts", quote::text(other.pattern.regex()), allowed));
        }
        let mut both = self.clone();
        for (word, n) in &other.words {
            pulse.tick(0)?;
            both.add_word(word, *n)?;
        }
        Ok(both)
    }
}

fn add(words: &mut Words, word: &[u8], n: u64) -> Result<()> {
    let slot = match words.get_mut(word) {
        Some(slot) => slot,
        None => words.entry(word.into()).or_insert(0),
    };
    let sum = u128::from(*slot) + u128::from(n);
    match u64::try_from(sum) {
        Ok(sum) if (1..=MAX_COUNT).contains(&sum) && !word.is_empty() => *slot = sum,
        _ => {
            let allowed = format!("from 1 to {MAX_COUNT}, of a pretoken that isn't empty");
            return Err(Error::new(Kind::Corpus, format!("the count of {}", quote::bytes(word)), sum.to_string(), allowed));
        }
    }
    Ok(())
}

/// Counts texts as they come, on several threads: each worker has a table of its own, and they are added up at the end.
pub struct Counter {
    pattern: Pattern,
    tables: Vec<Mutex<Words>>,
}

impl Counter {
    /// Begin.
    pub fn new(pattern: Pattern, threads: Option<usize>) -> Self {
        Self { pattern, tables: (0..workers(threads)).map(|_| Mutex::default()).collect() }
    }

    /// Count some texts.
    pub fn count(&self, texts: &[&[u8]], pulse: &Pulse) -> Result<()> {
        let pieces: Vec<_> = texts.iter().flat_map(|text| self.pieces(text)).collect();
        let workers = self.tables.len();
        parallel(workers, workers, |worker| {
            let mut words = self.tables[worker].lock().unwrap_or_else(PoisonError::into_inner);
            for piece in pieces.iter().skip(worker).step_by(workers) {
                let mut since = 0;
                for pretoken in self.pattern.split(piece)? {
                    add(&mut words, pretoken, 1)?;
                    since += pretoken.len();
                    if since >= TICK_EVERY {
                        pulse.tick(std::mem::take(&mut since) as u64)?;
                    }
                }
                pulse.tick(since as u64)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Cut a text into pieces of about the same size, where that is safe.
    fn pieces<'a>(&self, text: &'a [u8]) -> Vec<&'a [u8]> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while rest.len() > PIECE {
            let Some(cut) = self.pattern.safe_cut(rest, PIECE).or_else(|| self.pattern.safe_cut(rest, rest.len())) else { break };
            let (piece, behind) = rest.split_at(cut);
            pieces.push(piece);
            rest = behind;
        }
        pieces.push(rest);
        pieces
    }

    /// Count a file, read in blocks; a separator belongs to no pretoken. What has been read and can't be cut yet is held, and searched only once.
    pub fn count_file(&self, path: &Path, separator: Option<&[u8]>, pulse: &Pulse) -> Result<()> {
        let separators = separator.map(Separators::new).transpose()?;
        let refused = |error| Error::io(path.to_string_lossy(), &error);
        let mut file = File::open(path).map_err(refused)?;
        let (mut held, mut searched): (Vec<u8>, usize) = (Vec::new(), 0);
        loop {
            let read = file.by_ref().take(BLOCK as u64).read_to_end(&mut held).map_err(refused)?;
            let end = if read == 0 { held.len() } else { self.last_cut(&held, searched, separators.as_ref()) };
            let documents = separators.as_ref().map_or_else(|| vec![&held[..end]], |separators| separators.split(&held[..end]));
            self.count(&documents, pulse)?;
            held.drain(..end);
            searched = held.len();
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// Up to where what has been read of a file can be counted before the rest is known; 0 if nowhere behind what was searched before.
    fn last_cut(&self, held: &[u8], searched: usize, separators: Option<&Separators>) -> usize {
        let before = |bytes: usize| searched.saturating_sub(bytes); // a place that straddles what was searched and what is new
        let breakable = separators.is_none_or(|separators| !separators.text.contains(&b'\n'));
        let fresh = &held[before(2)..];
        let safe = breakable.then(|| self.pattern.safe_cut(fresh, fresh.len())).flatten().map(|cut| before(2) + cut);
        let behind = separators.and_then(|separators| {
            let start = before(separators.text.len());
            separators.last_end(&held[start..]).map(|end| start + end)
        });
        safe.max(behind).unwrap_or(0)
    }

    /// Add up what the workers counted.
    pub fn finish(self, pulse: &Pulse) -> Result<WordCounts> {
        let mut tables: Vec<Words> = self.tables.into_iter().map(|table| table.into_inner().unwrap_or_else(PoisonError::into_inner)).collect();
        tables.sort_by_key(Words::len);
        let mut words = tables.pop().unwrap_or_default();
        for (word, n) in tables.into_iter().flatten() {
            pulse.tick(0)?;
            add(&mut words, &word, n)?;
        }
        Ok(WordCounts { words, pattern: self.pattern })
    }
}

/// What stands between the documents of a file.
struct Separators {
    text: Vec<u8>,
    finder: AhoCorasick,
}

impl Separators {
    fn new(text: &[u8]) -> Result<Self> {
        let refuse = |found: String| Error::new(Kind::Argument, "separator", found, "a text that isn't empty, or None");
        if text.is_empty() {
            return Err(refuse("''".into()));
        }
        Ok(Self { text: text.to_vec(), finder: AhoCorasick::new([text]).map_err(|error| refuse(error.to_string()))? })
    }

    fn split<'a>(&self, data: &'a [u8]) -> Vec<&'a [u8]> {
        let mut at = 0;
        let mut documents: Vec<_> = self.finder.find_iter(data).map(|found| &data[std::mem::replace(&mut at, found.end())..found.start()]).collect();
        documents.push(&data[at..]);
        documents
    }

    fn last_end(&self, data: &[u8]) -> Option<usize> {
        self.finder.find_iter(data).last().map(|found| found.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_counts_whatever_the_threads_and_the_pieces() -> Result<()> {
        let text = "It's a rose, a Rose;\nis 12345\n\n  a rose?\r\nñandú\nx = y1\n1/2\n/b\n".repeat(30_000);
        for pattern in ["gpt2", "cl100k", "o200k"] {
            let pattern = Pattern::new(pattern)?;
            let mut plain = WordCounts::new(pattern.clone());
            for pretoken in pattern.split(text.as_bytes())? {
                plain.add_word(pretoken, 1)?;
            }
            for threads in [1, 3] {
                let counts = WordCounts::of_texts(&[text.as_bytes()], pattern.clone(), Some(threads), &Pulse::default())?;
                assert_eq!(counts.items(), plain.items());
            }
        }
        Ok(())
    }
}
