//! BPE-dropout: merging that now and then leaves a merge out, so that a model sees more than one way to spell a word (Provilkov, Emelianenko and Voita, 2020).
//!
//! At each step each pair that could be merged is dropped with probability p, and of those left the one of lowest rank is merged, the leftmost; if none is
//! left, the pretoken is done. Tossing for the pairs in the order in which they would be merged, until one isn't dropped, is the same with fewer tosses, and a
//! heap has that order: time n log n / (1 - p). Toss n of the pretoken that begins at byte b of the text is the number of (seed, b, DROPOUT, n): see `philox`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result};
use crate::philox::{DROPOUT, odd_bits};
use crate::special::{Piece, Special, each_piece};
use crate::split::spans;
use crate::threads::Pulse;
use crate::vocab::{Merge, Vocabulary};

const TICK_EVERY: usize = 1 << 12;
/// Behind the last id of a pretoken.
const END: usize = usize::MAX;

impl Tokenizer {
    /// Encode one text, leaving out merges with some probability.
    ///
    /// ```
    /// use toklet::{Special, Tokenizer, threads::Pulse};
    /// let quiet = Pulse::default();
    /// let tok = Tokenizer::from_merges(vec![(b"b".to_vec(), b"c".to_vec()), (b"a".to_vec(), b"b".to_vec())], vec![], "gpt2", &quiet)?;
    /// assert_eq!(tok.encode_with_dropout(b"abcab", &Special::Text, 0.5, 6, &quiet)?, [257, 99, 97, 98]);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn encode_with_dropout(&self, data: &[u8], special: &Special, dropout: f64, seed: u64, pulse: &Pulse) -> Result<Vec<u32>> {
        if !(0.0..=1.0).contains(&dropout) {
            return Err(Error::new(Kind::Argument, "dropout", dropout.to_string(), "from 0 to 1"));
        }
        if self.pipeline().is_some() {
            let allowed = "0 for a tokenizer that normalizes text or cuts it by more than a pattern";
            return Err(Error::new(Kind::Argument, "dropout", dropout.to_string(), allowed));
        }
        let (mut ids, mut at) = (Vec::new(), 0);
        let tosses = Tosses { threshold: dropout * (1u64 << 53) as f64, seed };
        each_piece(self.chosen(special)?.finder(data)?, data, |piece| {
            let text = match piece {
                Piece::Text(text) => text,
                Piece::Special(id) => {
                    ids.push(id);
                    at += self.vocabulary().get(id).map_or(0, <[u8]>::len);
                    return Ok(());
                }
            };
            self.pattern().windows(text, pulse, |start, ends| {
                for span in spans(start, ends) {
                    pulse.tick(span.len() as u64)?;
                    let position = (at + span.start) as u64;
                    merge(self.vocabulary(), &text[span], position, &tosses, pulse, &mut ids)?;
                }
                Ok(())
            })?;
            at += text.len();
            Ok(())
        })?;
        Ok(ids)
    }
}

struct Tosses {
    /// A pair is dropped if its number is under this; numbers have 53 bits.
    threshold: f64,
    seed: u64,
}

/// Encode one pretoken: its ids are linked from one to the next, and a heap holds the pairs that could be merged.
fn merge(vocabulary: &Vocabulary, pretoken: &[u8], position: u64, tosses: &Tosses, pulse: &Pulse, out: &mut Vec<u32>) -> Result<()> {
    let mut ids: Vec<u32> = pretoken.iter().map(|byte| vocabulary.byte(*byte)).collect();
    let mut next: Vec<usize> = (1..pretoken.len()).chain([END]).collect();
    let mut before: Vec<usize> = [END].into_iter().chain(0..pretoken.len()).collect();
    let pair = |ids: &[u32], next: &[usize], at: usize| ids.get(next[at]).and_then(|right| vocabulary.merge_of(ids[at], *right));
    let mut ranks: Vec<Option<u32>> = (0..ids.len()).map(|at| pair(&ids, &next, at).map(|merge| merge.rank)).collect();
    let mut heap: BinaryHeap<_> = ranks.iter().enumerate().filter_map(|(at, rank)| rank.map(|rank| Reverse((rank, at)))).collect();
    let (mut dropped, mut toss) = (Vec::new(), 0u32);
    loop {
        let mut kept = None;
        while let Some(Reverse((rank, at))) = heap.pop() {
            if ranks[at] != Some(rank) {
                continue; // the pair that this entry was made for is no more
            }
            let bits = odd_bits(tosses.seed, position, DROPOUT, toss);
            toss = toss.wrapping_add(1);
            if (toss as usize).is_multiple_of(TICK_EVERY) {
                pulse.tick(0)?;
            }
            if bits as f64 >= tosses.threshold {
                kept = Some(at);
                break;
            }
            dropped.push(Reverse((rank, at)));
        }
        let Some((at, Merge { id, .. })) = kept.and_then(|at| Some((at, pair(&ids, &next, at)?))) else { break };
        heap.extend(dropped.drain(..));
        let right = next[at];
        ids[at] = id;
        (next[at], ranks[right]) = (next[right], None);
        if let Some(behind) = before.get_mut(next[at]) {
            *behind = at;
        }
        for at in [at, before[at]].into_iter().filter(|at| *at != END) {
            ranks[at] = pair(&ids, &next, at).map(|merge| merge.rank);
            heap.extend(ranks[at].map(|rank| Reverse((rank, at))));
        }
    }
    let mut at = 0;
    while let Some(id) = ids.get(at) {
        out.push(*id);
        at = next[at];
    }
    Ok(())
}
