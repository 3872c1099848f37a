//! Corpus -> word counts: how often each pretoken occurs. All that training needs to know of a corpus.
//!
//! Counting reads the corpus once and remembers only the distinct pretokens (`table`), so memory grows with the language, not with the text. Counts are a
//! value: they add up in any order, wherever they were counted, as long as the pattern is the same. Where even the distinct pretokens are too many, rare ones
//! may be given up, and the counts say how much they may be too low.

mod files;
mod table;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Kind, Result, quote};
use crate::split::Pattern;
use crate::threads::{Pulse, parallel, workers};
use table::Table;

/// How much text a worker takes at a time: a fraction of a millisecond of work.
const PIECE: usize = 1 << 18;
const TICK_EVERY: usize = 1 << 16;
/// How many words are sorted between two ticks.
const SORTED: usize = 1 << 14;

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
    words: Table,
    pattern: Pattern,
    error_bound: u64,
}

impl WordCounts {
    /// No words yet.
    pub fn new(pattern: Pattern) -> Self {
        Self { words: Table::default(), pattern, error_bound: 0 }
    }

    /// Count the pretokens of texts.
    pub fn of_texts(texts: &[&[u8]], pattern: Pattern, threads: Option<usize>, pulse: &Pulse) -> Result<Self> {
        let mut counter = Counter::new(pattern, threads, None);
        counter.count(texts, pulse)?;
        counter.finish(pulse)
    }

    /// Add `n` occurrences of a pretoken; an error where the sum can't be held, never a wrap.
    pub fn add_word(&mut self, word: &[u8], n: u64, pulse: &Pulse) -> Result<()> {
        self.words.add(word, n, pulse)
    }

    /// How often a pretoken occurs.
    pub fn get(&self, word: &[u8]) -> u64 {
        self.words.get(word)
    }

    /// How many distinct pretokens there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// By how much each count may be too low: 0, unless rare words were given up.
    pub fn error_bound(&self) -> u64 {
        self.error_bound
    }

    /// Say that each count may be too low by this.
    pub fn with_error_bound(self, error_bound: u64) -> Self {
        Self { error_bound, ..self }
    }

    /// The number of pretokens, every occurrence.
    pub fn total(&self) -> u128 {
        self.iter().map(|(_, n)| u128::from(n)).sum()
    }

    /// How many pairs of neighbouring bytes the pretokens have, every occurrence.
    pub fn pairs(&self, pulse: &Pulse) -> Result<u128> {
        self.iter().try_fold(0, |sum, (word, n)| pulse.tick(0).map(|()| sum + (word.len() as u128 - 1) * u128::from(n)))
    }

    /// About the bytes of memory that these counts take, and the most that training on them takes besides.
    pub fn memory(&self) -> (usize, usize) {
        (self.words.memory(), self.iter().map(|(word, _)| word.len() + 1).sum::<usize>() * crate::train::BYTES_A_SYMBOL)
    }

    /// The pretokens and their counts, in the order of their bytes.
    pub fn items(&self, pulse: &Pulse) -> Result<Vec<(&[u8], u64)>> {
        let mut items = Vec::with_capacity(self.len());
        for item in self.iter() {
            pulse.tick(0)?;
            items.push(item);
        }
        for some in items.chunks_mut(SORTED) {
            pulse.tick(0)?;
            some.sort_unstable();
        }
        let mut pieces: Vec<_> = items.chunks(SORTED).map(<[_]>::iter).collect();
        let mut heads: BinaryHeap<_> = pieces.iter_mut().enumerate().filter_map(|(piece, rest)| Some(Reverse((rest.next()?, piece)))).collect();
        let mut sorted = Vec::with_capacity(items.len());
        while let Some(mut least) = heads.peek_mut() {
            pulse.tick(0)?;
            let Reverse((item, piece)) = *least;
            sorted.push(*item);
            match pieces[piece].next() {
                Some(next) => *least = Reverse((next, piece)),
                None => drop(PeekMut::pop(least)),
            }
        }
        Ok(sorted)
    }

    /// The pretokens and their counts, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> + Clone {
        self.words.iter()
    }

    /// One of so many parts of them, of about the same size.
    pub(crate) fn part(&self, part: usize, parts: usize) -> impl Iterator<Item = (&[u8], u64)> + Clone {
        self.words.part(part, parts)
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
        let (small, large) = if self.len() < other.len() { (self, other) } else { (other, self) };
        let mut both = large.times(1, pulse)?;
        both.words.absorb(&small.words, pulse)?;
        both.error_bound = bound(self.error_bound, other.error_bound)?;
        Ok(both)
    }

    /// Cut the pretokens again, by another pattern: counts of lines become counts of their words.
    pub fn cut(&self, pattern: &Pattern, threads: Option<usize>, pulse: &Pulse) -> Result<Self> {
        let threads = workers(threads);
        let tables = parallel(threads, threads, |part| {
            let mut table = Table::default();
            for (word, n) in self.part(part, threads) {
                pattern.windows(word, pulse, |start, ends| table.add_window(word, start, ends, n, pulse))?;
            }
            Ok(table)
        })?;
        Counter { pattern: pattern.clone(), tables, max_words: None, error_bound: 0 }.finish(pulse)
    }

    /// Count everything `n` times: the weight of a source.
    pub fn times(&self, n: u64, pulse: &Pulse) -> Result<Self> {
        Ok(Self { words: self.words.times(n, pulse)?, pattern: self.pattern.clone(), error_bound: self.error_bound.saturating_mul(n) })
    }
}

/// The sum of two bounds.
fn bound(one: u64, other: u64) -> Result<u64> {
    one.checked_add(other).ok_or_else(|| Error::new(Kind::Corpus, "the error bound of the counts", "over 2**64 - 1", "less"))
}

/// Counts texts as they come, on several threads: each worker has a table of its own, and they are added up at the end.
pub struct Counter {
    pattern: Pattern,
    tables: Vec<Table>,
    max_words: Option<usize>,
    error_bound: u64,
}

impl Counter {
    /// Begin. With `max_words` no more distinct pretokens than that are kept from one call of `count` to the next.
    pub fn new(pattern: Pattern, threads: Option<usize>, max_words: Option<usize>) -> Self {
        Self { pattern, tables: (0..workers(threads)).map(|_| Table::default()).collect(), max_words, error_bound: 0 }
    }

    /// Count some texts.
    pub fn count(&mut self, texts: &[&[u8]], pulse: &Pulse) -> Result<()> {
        self.count_beside(texts, || Ok(()), pulse).map(drop)
    }

    /// Count some texts, while one of the workers does something else first, and give what comes of that.
    fn count_beside<T: Send>(&mut self, texts: &[&[u8]], first: impl FnOnce() -> Result<T> + Send, pulse: &Pulse) -> Result<Option<T>> {
        let pieces: Vec<_> = texts.iter().flat_map(|text| self.pieces(text)).collect();
        let (pattern, next) = (&self.pattern, AtomicUsize::new(0));
        let tables: Vec<_> = self.tables.iter_mut().map(Mutex::new).collect();
        let (workers, first) = (tables.len().min(pieces.len()), Mutex::new(Some(first)));
        let done = parallel(workers, workers, |worker| {
            let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            let done = first.map(|first| first()).transpose()?;
            let mut table = tables[worker].lock().unwrap_or_else(PoisonError::into_inner);
            while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                count_piece(&mut table, pattern, piece, pulse)?;
            }
            Ok(done)
        })?;
        if let Some(most) = self.max_words {
            self.join(pulse)?;
            self.error_bound = bound(self.error_bound, self.tables[0].prune(most, pulse)?)?;
        }
        Ok(done.into_iter().flatten().next())
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

    /// Pour all tables into the largest one, and make it the first.
    ///
    /// With `max_words` this is Misra and Gries's summary: what is taken off every count when there are too many words, over all times, is at most the number
    /// of pretokens divided by the number of words kept.
    fn join(&mut self, pulse: &Pulse) -> Result<()> {
        self.tables.sort_by_key(|table| std::cmp::Reverse(table.len()));
        if let [first, others @ ..] = &mut self.tables[..] {
            for other in others {
                first.absorb(&std::mem::take(other), pulse)?;
            }
        }
        Ok(())
    }

    /// Add up what the workers counted.
    pub fn finish(mut self, pulse: &Pulse) -> Result<WordCounts> {
        self.join(pulse)?;
        Ok(WordCounts { words: self.tables.swap_remove(0), pattern: self.pattern, error_bound: self.error_bound })
    }
}

fn count_piece(table: &mut Table, pattern: &Pattern, piece: &[u8], pulse: &Pulse) -> Result<()> {
    let (mut done, mut counted) = (0, 0);
    pattern.windows(piece, pulse, |start, ends| {
        table.add_window(piece, start, ends, 1, pulse)?;
        counted = start + ends.last().map_or(0, |end| *end as usize);
        if counted - done >= TICK_EVERY {
            pulse.tick((counted - std::mem::replace(&mut done, counted)) as u64)?;
        }
        Ok(())
    })?;
    pulse.tick((counted - done) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_counts_whatever_the_threads_and_the_pieces() -> Result<()> {
        let text = "It's a rose, a Rose;\nis 12345\n\n  a rose?\r\nñandú\nx = y1\n1/2\n/b\n".repeat(30_000);
        for (name, _) in Pattern::built_in() {
            let pattern = Pattern::new(name)?;
            let mut plain = WordCounts::new(pattern.clone());
            for pretoken in pattern.split(text.as_bytes())? {
                plain.add_word(pretoken, 1, &Pulse::default())?;
            }
            for threads in [1, 3] {
                let counts = WordCounts::of_texts(&[text.as_bytes()], pattern.clone(), Some(threads), &Pulse::default())?;
                assert_eq!(counts.items(&Pulse::default())?, plain.items(&Pulse::default())?);
            }
        }
        Ok(())
    }
}
