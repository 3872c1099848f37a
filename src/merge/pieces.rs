//! A very long pretoken -> its ids, a piece at a time, so that what merging works in takes little memory and stays in the nearest cache.
//!
//! Where ranks never fall (a pair has a higher number than those that make its halves), merging goes through the numbers once, from the lowest up. So whether a
//! merge crosses a place is settled by the tokens on its two sides: what has been merged there when a number's turn comes is the same whatever stands further
//! off. Hence ids are what a text becomes if and only if each two neighbours, merged alone, stay these two. A piece is merged by itself, then the next one from
//! behind one of its last tokens, and if the two tokens at that place stay apart when merged alone, both pieces are right there. If not, the next one begins
//! some tokens further in front. Where that doesn't help the piece is made longer, twice as long again and again; where it begins with another token then, the
//! pretoken is merged whole. A piece is left half behind at least, so all of them together are linear in the text.
//!
//! A short piece needs no heap, which takes most of the time of the others. It is long enough where tokens are short.
//!
//! Measured (cl100k, a megabyte, ms): letters by chance 606 whole, 74 in pieces of 1,024 bytes, punctuation 316 and 28. With short pieces: spaces and tabs by
//! chance 80 -> 37, the letters of DNA 53 -> 27. Short pieces of long tokens: 31 -> 118 for line breaks. Pieces that grow, where before all was merged whole:
//! letters by chance 38 -> 8, but other such letters, where a longer piece begins with another token, take 44 as before. Longer and longer runs, 200 KB of them
//! (a text of `benches/doubling.py`): 2,470 -> 1,060 instructions a byte, since the place that was right the last time is tried first.

use super::{Merger, SHORT};
use crate::error::Result;
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

/// How many bytes are merged at a time, where they aren't few enough to be merged without a heap.
pub(super) const LONG: usize = 1 << 10;
/// Behind which tokens the next piece may begin, counted from the last one; what was right the last time is tried first.
const CUTS: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// How many bytes tokens have at most in the mean where the next piece is a short one.
const FEW: usize = 6;

impl Merger {
    /// Merge a pretoken of a vocabulary whose pretokens begin as bytes and whose ranks never fall; says whether that could be done in pieces.
    pub(super) fn in_some_pieces(&mut self, vocabulary: &Vocabulary, text: &[u8], pulse: &Pulse) -> Result<bool> {
        Ok(self.in_pieces(vocabulary, text, [SHORT, LONG], pulse)? || self.in_pieces(vocabulary, text, [LONG; 2], pulse)?)
    }

    /// Merge it in short pieces where tokens are short, else in long ones.
    fn in_pieces(&mut self, vocabulary: &Vocabulary, text: &[u8], [short, long]: [usize; 2], pulse: &Pulse) -> Result<bool> {
        let part = |from: usize, piece: usize| &text[from..text.len().min(from + piece)];
        let (mut all, mut begin, mut piece, mut turn) = (Vec::new(), 0, short, 0);
        let mut held = self.piece(vocabulary, part(begin, piece), pulse)?;
        while begin + piece < text.len() {
            let next_piece = if FEW * held.len() >= piece { short } else { long.max(piece / 2) };
            let mut found = None;
            for which in (turn..CUTS.len()).chain(0..turn) {
                let kept = held.len().saturating_sub(CUTS[which]);
                let length: usize = held[..kept].iter().filter_map(|id| vocabulary.get(*id)).map(<[u8]>::len).sum();
                if kept == 0 || 2 * length < piece {
                    continue; // so that all pieces together stay linear in the text
                }
                let next = self.piece(vocabulary, part(begin + length, next_piece), pulse)?;
                if self.stay(vocabulary, held[kept - 1], next[0], pulse)? {
                    (found, turn) = (Some((length, kept, next)), which);
                    break;
                }
            }
            match found {
                Some((length, kept, next)) => {
                    all.extend_from_slice(&held[..kept]);
                    (begin, held, piece) = (begin + length, next, next_piece);
                }
                None => {
                    piece = long.max(2 * piece);
                    held = self.piece(vocabulary, part(begin, piece), pulse)?;
                    if let Some(last) = all.last()
                        && !self.stay(vocabulary, *last, held[0], pulse)?
                    {
                        return Ok(false); // it begins otherwise now
                    }
                }
            }
        }
        all.extend_from_slice(&held);
        self.ids = all;
        Ok(true)
    }

    fn piece(&mut self, vocabulary: &Vocabulary, text: &[u8], pulse: &Pulse) -> Result<Vec<u32>> {
        pulse.tick(0)?;
        self.at_once(vocabulary, text, pulse)?;
        Ok(self.ids.clone())
    }

    /// Whether two tokens side by side stay as they are.
    fn stay(&mut self, vocabulary: &Vocabulary, left: u32, right: u32, pulse: &Pulse) -> Result<bool> {
        let both = [vocabulary.token(left)?, vocabulary.token(right)?].concat();
        self.at_once(vocabulary, &both, pulse)?;
        Ok(self.ids == [left, right])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;
    use crate::vocab::Parts;

    #[test]
    fn pieces_become_what_the_whole_becomes() -> Result<()> {
        let quiet = Pulse::default();
        let mut next = chance(1);
        let (mut merger, mut several) = (Merger::default(), 0);
        for round in 0..60 {
            let letters = &b"abcd"[..1 + round % 4];
            let (mut tokens, mut merges): (Vec<Vec<u8>>, _) = (letters.iter().map(|byte| vec![*byte]).collect(), Vec::<Parts>::new());
            for _ in 0..2 + next(60) {
                let (left, right) = (tokens[next(tokens.len())].clone(), tokens[next(tokens.len())].clone());
                let whole = [&left[..], &right].concat();
                if whole.len() <= 20 && !tokens.contains(&whole) {
                    tokens.push(whole);
                    merges.push((left, right));
                }
            }
            let vocabulary = Vocabulary::from_merges(merges, vec![], &quiet)?;
            assert!(vocabulary.ranks_never_fall());
            for _ in 0..40 {
                let (length, period) = (1 + next(600), 1 + next(30));
                let mut text: Vec<u8> = (0..length).map(|_| letters[next(letters.len())]).collect();
                if next(2) == 0 {
                    text = (0..length).map(|at| text[at % period.min(length)]).collect();
                }
                let pieces = [1 + next(60), 1 + next(120)];
                merger.long(&vocabulary, &text, &quiet)?;
                let whole = merger.ids.clone();
                merger.only(&vocabulary, &text, |_| true, &quiet)?;
                assert_eq!(merger.ids, whole, "{text:?}"); // whether the joins of a number come together or not
                if merger.in_pieces(&vocabulary, &text, pieces, &quiet)? {
                    assert_eq!(merger.ids, whole, "{text:?} {pieces:?}");
                    several += usize::from(length > pieces[0]);
                }
            }
        }
        assert!(several > 1000, "{several}");
        Ok(())
    }

    #[test]
    fn ranks_that_fall_are_seen() -> Result<()> {
        let (quiet, pair) = (Pulse::default(), |left: &[u8], right: &[u8]| (left.to_vec(), right.to_vec()));
        let falling = [pair(b"a", b"b"), pair(b"cd", b"a"), pair(b"c", b"d")];
        assert!(Vocabulary::from_merges([falling[2].clone(), falling[1].clone()].into(), vec![], &quiet)?.ranks_never_fall());
        let tokens = [&b"ab"[..], b"cda", b"cd"].into_iter().map(<[u8]>::to_vec).chain((0..=255u8).map(|byte| vec![byte])).zip(0..).collect();
        assert!(!Vocabulary::new(tokens, Some(falling.into()), vec![], false, &quiet)?.ranks_never_fall());
        Ok(())
    }
}
