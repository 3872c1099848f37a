//! The distinct words as one flat array of symbols: 4 bytes a symbol, no word is an object of its own.
//!
//! Each word is its symbols and an `EDGE` behind them. A symbol that merging has made takes as many slots as its two parts took: its first and its last slot
//! hold it, those between them hold `EDGE`. So the symbol behind a symbol is found by its length, the one before it in the slot before, and nothing needs a
//! link, however long the word is. How often a word occurs is its weight; words of equal weight lie side by side, so a weight is that of a run of words, and a
//! table says which run each block of 64 slots begins in.

use std::collections::HashMap;
use std::ops::Range;

use crate::error::{Error, Kind, Result};
use crate::pages::Pages;
use crate::threads::Pulse;

/// No symbol: the border of a word, or the inside of a symbol that takes several slots.
pub(super) const EDGE: u32 = 0;
const BLOCK: usize = 64;
const TICK_EVERY: usize = 1 << 14;

/// Words of equal weight, from the slot `start` on.
struct Run {
    start: u32,
    weight: u64,
    words: usize,
}

pub(super) struct Slots {
    symbols: Pages<u32>,
    /// How many slots a symbol takes.
    lengths: Vec<u32>,
    runs: Vec<Run>,
    /// The run of the first slot of each block.
    blocks: Vec<u32>,
}

impl Slots {
    /// Lay down words, each spelled in symbols below `known`; a word of one symbol has no pairs, and is left out.
    pub(super) fn lay<W>(
        words: impl Iterator<Item = (W, u64)> + Clone,
        known: usize,
        mut spell: impl FnMut(W, &mut Vec<u32>) -> Result<()>,
        pulse: &Pulse,
    ) -> Result<Self> {
        let mut symbols = Vec::new();
        let mut room: HashMap<u64, (usize, usize), foldhash::fast::RandomState> = HashMap::default();
        let mut each = |take: &mut dyn FnMut(&[u32], u64) -> Result<()>| {
            for (word, weight) in words.clone() {
                pulse.tick(0)?;
                symbols.clear();
                spell(word, &mut symbols)?;
                if symbols.len() > 1 {
                    take(&symbols, weight)?;
                }
            }
            Ok(())
        };
        each(&mut |symbols, weight| {
            let (slots, words) = room.entry(weight).or_default();
            *slots += symbols.len() + 1;
            *words += 1;
            Ok(())
        })?;
        let total = 1 + room.values().map(|(slots, _)| slots).sum::<usize>();
        if u32::try_from(total).is_err() {
            return Err(Error::new(Kind::Corpus, "the length of the distinct words together", format!("{total} symbols"), "under 2**32"));
        }
        let mut weights: Vec<u64> = room.keys().copied().collect();
        weights.sort_unstable_by(|one, other| other.cmp(one));
        let mut this = Self { symbols: Pages::new(total), lengths: vec![1; known], runs: Vec::with_capacity(weights.len()), blocks: Vec::new() };
        let mut start = 1;
        for weight in weights {
            let Some((slots, words)) = room.get_mut(&weight) else { continue };
            this.runs.push(Run { start: place(start), weight, words: *words });
            start += std::mem::replace(slots, start); // from here on: where the next word of this weight goes
        }
        each(&mut |symbols, weight| {
            if let Some((next, _)) = room.get_mut(&weight) {
                for some in symbols.chunks(TICK_EVERY) {
                    this.symbols[*next..*next + some.len()].copy_from_slice(some);
                    *next += some.len();
                    if some.len() == TICK_EVERY {
                        pulse.tick(0)?;
                    }
                }
                *next += 1;
            }
            Ok(())
        })?;
        this.index();
        Ok(this)
    }

    /// Make the table of blocks.
    fn index(&mut self) {
        let mut run = 0;
        self.blocks.clear();
        for block in 0..self.symbols.len().div_ceil(BLOCK) {
            while self.runs.get(run + 1).is_some_and(|next| next.start as usize <= block * BLOCK) {
                run += 1;
            }
            self.blocks.push(place(run));
        }
    }

    /// Close the gaps: each symbol takes one slot again, and words that are one symbol are left out.
    pub(super) fn compact(&mut self, pulse: &Pulse) -> Result<()> {
        let (symbols, lengths) = (&mut self.symbols, &self.lengths);
        let ends: Vec<usize> = self.runs.iter().skip(1).map(|run| run.start as usize).chain([symbols.len()]).collect();
        let (mut from, mut to, mut ticked) = (1, 1, 0);
        for (run, end) in self.runs.iter_mut().zip(ends) {
            run.start = place(to);
            while from < end {
                let word = to;
                while symbols[from] != EDGE {
                    if from >= ticked {
                        pulse.tick(0)?;
                        ticked = from + TICK_EVERY;
                    }
                    symbols[to] = symbols[from];
                    from += lengths[symbols[from] as usize] as usize;
                    to += 1;
                }
                symbols[to] = EDGE;
                (from, to) = (from + 1, to + 1);
                if to - word <= 2 {
                    to = word;
                    run.words -= 1;
                }
            }
        }
        symbols.truncate(to);
        self.lengths.fill(1);
        self.runs.retain(|run| run.words > 0);
        self.index();
        Ok(())
    }

    /// All slots.
    pub(super) fn symbols(&self) -> &[u32] {
        &self.symbols
    }

    /// Cut the words into so many pieces of about the same size, for as many threads.
    pub(super) fn pieces(&self, pieces: usize) -> Vec<Range<usize>> {
        let mut start = 1;
        let mut cut = |piece: usize| {
            let wanted = (self.symbols.len() * piece / pieces).clamp(start, self.symbols.len());
            let rest = self.symbols[wanted..].iter().position(|symbol| *symbol == EDGE);
            let end = rest.map_or(self.symbols.len(), |rest| wanted + rest + 1);
            std::mem::replace(&mut start, end)..end
        };
        (1..=pieces).map(&mut cut).collect()
    }

    /// The runs of words of equal weight in a piece, and the weight of each.
    pub(super) fn weighed(&self, piece: Range<usize>) -> impl Iterator<Item = (Range<usize>, u64)> {
        let first = self.runs.partition_point(|run| run.start as usize <= piece.start).saturating_sub(1);
        self.runs[first..].iter().enumerate().map_while(move |(i, run)| {
            let end = self.runs.get(first + i + 1).map_or(piece.end, |next| piece.end.min(next.start as usize));
            let start = piece.start.max(run.start as usize);
            (start < piece.end).then_some((start..end, run.weight))
        })
    }

    /// The weight of the `n`-th heaviest word, if there are so many.
    pub(super) fn nth_weight(&self, n: usize) -> Option<u64> {
        let mut words = 0;
        self.runs
            .iter()
            .find(|run| {
                words += run.words;
                words >= n
            })
            .map(|run| run.weight)
    }

    /// How often the word occurs that a slot belongs to.
    pub(super) fn weight(&self, slot: usize) -> u64 {
        let mut run = self.blocks[slot / BLOCK] as usize;
        while self.runs.get(run + 1).is_some_and(|next| next.start as usize <= slot) {
            run += 1;
        }
        self.runs[run].weight
    }

    /// How many slots a symbol takes.
    pub(super) fn length(&self, symbol: u32) -> usize {
        self.lengths[symbol as usize] as usize
    }

    /// Add the symbol that `left` and `right` make.
    pub(super) fn add_symbol(&mut self, left: u32, right: u32) {
        self.lengths.push(self.lengths[left as usize] + self.lengths[right as usize]);
    }

    /// Put `new` in the place of `left right`, if they stand at a slot; and give the symbols on both sides.
    pub(super) fn merge(&mut self, slot: usize, (left, right): (u32, u32), lengths: (usize, usize), new: u32) -> Option<(u32, u32)> {
        let middle = slot + lengths.0;
        if self.symbols[slot] != left || self.symbols.get(middle) != Some(&right) {
            return None;
        }
        let end = middle + lengths.1;
        self.symbols[middle - 1] = EDGE;
        self.symbols[middle] = EDGE;
        self.symbols[slot] = new;
        self.symbols[end - 1] = new;
        Some((self.symbols[slot - 1], self.symbols[end]))
    }
}

/// A slot or a run as it is stored: there are fewer than 2**32, which `lay` has made sure of.
fn place(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
