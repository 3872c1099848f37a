//! Words -> the symbols that training begins with.
//!
//! From bytes on nothing need be merged. On top of a vocabulary a word begins as its ids; and where training goes on from words to lines, these are most of the
//! text. So they are encoded as any text is: cut where no merge can cross, and the parts, which have mostly been seen, looked up (`lookup`), on all threads.

use std::sync::Arc;

use super::slots::{EDGE, Slots};
use super::ties::Ties;
use crate::count::WordCounts;
use crate::error::{Error, Kind, Result};
use crate::lookup::{Lookup, MEMORY_BYTES};
use crate::threads::{Pulse, parallel};
use crate::vocab::{Vocabulary, visible};

/// How many bytes are spelled between two ticks.
const TICK_EVERY: usize = 1 << 14;

/// Symbols of words, one word after the other; where each ends, and how often it occurs.
#[derive(Default)]
struct Spelled {
    symbols: Vec<u32>,
    words: Vec<(usize, u64)>,
}

impl Spelled {
    fn words(&self) -> impl Iterator<Item = (&[u32], u64)> + Clone {
        let starts = std::iter::once(0).chain(self.words.iter().map(|(end, _)| *end));
        starts.zip(&self.words).map(|(start, (end, n))| (&self.symbols[start..*end], *n))
    }
}

/// Number the tokens so that the smaller number wins a tie (0 is no token): the bytes of each number, and the number of each id.
pub(super) fn alphabet(start: &Vocabulary, ties: Ties) -> (Vec<Arc<[u8]>>, Vec<u32>) {
    let mut tokens = start.tokens();
    if ties == Ties::HuggingFace {
        let place = |token: &[u8], id| match *token {
            [byte] => (0, u32::from(!visible(byte)), u32::from(byte)),
            _ => (1, 0, id),
        };
        tokens.sort_unstable_by_key(|(token, id)| place(token, *id));
    }
    let mut symbols = vec![EDGE; start.size()];
    for (symbol, (_, id)) in (1..).zip(&tokens) {
        symbols[*id as usize] = symbol;
    }
    ([&[][..]].into_iter().chain(tokens.into_iter().map(|(token, _)| token)).map(Arc::from).collect(), symbols)
}

/// Lay down the words as `start` spells them, in symbols below `known`.
pub(super) fn lay(counts: &WordCounts, start: &Arc<Vocabulary>, known: usize, symbols: &[u32], threads: usize, pulse: &Pulse) -> Result<Slots> {
    if known == 257 {
        let bytes: Vec<u32> = (0..=255).map(|byte| symbols[start.byte(byte) as usize]).collect();
        let spell = |word: &[u8], into: &mut Vec<u32>| {
            word.chunks(TICK_EVERY).try_for_each(|some| {
                into.extend(some.iter().map(|byte| bytes[usize::from(*byte)]));
                if some.len() == TICK_EVERY { pulse.tick(0) } else { Ok(()) }
            })
        };
        return Slots::lay(counts.iter(), known, spell, pulse);
    }
    let spelled = spell(counts, start, symbols, threads, pulse)?;
    let copy = |word: &[u32], into: &mut Vec<u32>| {
        into.extend_from_slice(word);
        Ok(())
    };
    Slots::lay(spelled.iter().flat_map(Spelled::words), known, copy, pulse)
}

/// Encode the words, a share of them on each thread.
fn spell(counts: &WordCounts, start: &Arc<Vocabulary>, symbols: &[u32], threads: usize, pulse: &Pulse) -> Result<Vec<Spelled>> {
    let lookup = Lookup::new(start.clone(), MEMORY_BYTES, pulse)?;
    parallel(threads, threads, |piece| {
        lookup.with(|memory| {
            let mut spelled = Spelled::default();
            for (word, n) in counts.part(piece, threads) {
                let Ok(end) = u32::try_from(word.len()) else {
                    return Err(Error::new(Kind::Corpus, "the length of a pretoken", format!("{} bytes", word.len()), "under 2**32"));
                };
                let take = &mut |ids: &[u32]| spelled.symbols.extend(ids.iter().map(|id| symbols[*id as usize]));
                match start.whole() {
                    true => lookup.window(memory, word, 0, &[end], pulse, take)?,
                    false => lookup.parted(memory, word, &[end], pulse, take)?,
                }
                spelled.words.push((spelled.symbols.len(), n));
            }
            Ok(spelled)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;
    use crate::merge::Merger;
    use crate::split::Pattern;

    #[test]
    fn lines_are_spelled_as_merging_spells_them() -> Result<()> {
        let quiet = Pulse::default();
        let bytes = |(one, other): (&str, &str)| (one.as_bytes().to_vec(), other.as_bytes().to_vec());
        let merges = [(" ", "a"), ("a", "b"), (" a", "b"), ("é", "a"), ("ab", "c"), (",", " "), ("b", "c"), (" ", " ")];
        let merges = std::iter::once((vec![0xC3], vec![0xA9])).chain(merges.map(bytes)).collect();
        let start = Arc::new(Vocabulary::from_merges(merges, vec![], &quiet)?);
        let (symbols, mut next, mut counts) = (alphabet(&start, Ties::Ids).1, chance(1), WordCounts::new(Pattern::new("lines")?));
        for n in 1..3000 {
            let line: Vec<u8> = (0..1 + next(200)).flat_map(|_| [" ", "a", "b", "c", "é", ",", "中"][next(7)].bytes()).collect();
            counts.add_word(&line, n, &quiet)?;
        }
        let mut merger = Merger::default();
        let mut expected = Vec::new();
        for (line, n) in counts.iter() {
            expected.push((merger.merge(&start, line, &quiet)?.iter().map(|id| symbols[*id as usize]).collect::<Vec<_>>(), n));
        }
        expected.sort_unstable();
        for threads in [1, 3] {
            let spelled = spell(&counts, &start, &symbols, threads, &quiet)?;
            let mut found: Vec<_> = spelled.iter().flat_map(Spelled::words).map(|(word, n)| (word.to_vec(), n)).collect();
            found.sort_unstable();
            assert_eq!(found, expected);
        }
        Ok(())
    }
}
