//! Ranks or merges -> the pairs that are merged, numbered in their order.

use super::{Parts, Vocabulary};
use crate::error::{Error, Kind, Result, quote};
use crate::merge::{Merger, TOGETHER, several_tokens};
use crate::pairs::{NUMBER_BITS, Pairs};
use crate::threads::Pulse;

impl Vocabulary {
    /// Of the ways to cut a token into two tokens merging takes one: what its bytes are when all that has a lower rank is merged. That is so wherever a token
    /// is made, since nothing else has touched its bytes by then; so the other ways needn't stand in the table. But a part of a higher rank may lead to a token
    /// to which the lower ranks don't. From the first such token on all ways are in the table.
    pub(super) fn pair_by_ranks(&mut self, pulse: &Pulse) -> Result<()> {
        let by_rank: Vec<u32> = self.spellings.ordinary().filter(|(token, _)| token.len() > 1).map(|(_, id)| id).collect();
        self.pairs = Pairs::with_room(by_rank.len());
        let mut merger = Merger::default();
        for some in by_rank.chunks(TOGETHER) {
            pulse.tick(0)?;
            for (id, early) in some.iter().zip(several_tokens(self, some)) {
                let pair = match early {
                    (ids, 2) => Some((ids[0], ids[1])),
                    _ => match merger.merge(self, self.get(*id).unwrap_or_default(), pulse)? {
                        [left, right] => Some((*left, *right)), // several wait for the pairs of those before them
                        _ => None,
                    },
                };
                match pair {
                    Some(pair) => _ = self.pair(pair, *id),
                    None => self.doubtful.push(*id),
                }
            }
        }
        if let Some(first) = self.first_with_a_late_part(pulse)? {
            self.doubtful.retain(|id| *id < first);
            for id in by_rank.into_iter().filter(|id| *id >= first) {
                pulse.tick(0)?;
                self.all_cuts(id)?;
                self.doubtful.push(id);
            }
            self.pairs.set_order((0..).take(self.pairs.len() + 1).map(|number| self.pairs.made(number)).collect());
        }
        Ok(())
    }

    /// Where tokens share ranks, or pretokens begin as characters: every way to cut a token is a pair.
    pub(super) fn pair_by_cuts(&mut self, pulse: &Pulse) -> Result<()> {
        let mut by_rank: Vec<(u32, u32)> = self.spellings.ordinary().map(|(_, id)| (self.rank(id), id)).collect();
        by_rank.sort_unstable();
        let mut order = Vec::new();
        for (rank, id) in by_rank {
            pulse.tick(0)?;
            self.all_cuts(id)?;
            order.resize(self.pairs.len() + 1, rank);
            self.doubtful.push(id);
        }
        self.pairs.set_order(order);
        Ok(())
    }

    /// The ways to cut a token into two tokens.
    fn cuts(&self, token: &[u8]) -> impl Iterator<Item = (u32, u32)> {
        (1..token.len()).filter_map(|cut| Some((self.ordinary(&token[..cut])?, self.ordinary(&token[cut..])?)))
    }

    fn all_cuts(&mut self, id: u32) -> Result<()> {
        let token = self.get(id).unwrap_or_default().to_vec();
        for pair in self.cuts(&token).collect::<Vec<_>>() {
            self.pair(pair, id);
        }
        few("the number of ways to cut tokens into two tokens", self.pairs.len())
    }

    /// The first token of which merging the lower ranks leaves more than two parts, and that a part of a higher rank may lead to.
    fn first_with_a_late_part(&self, pulse: &Pulse) -> Result<Option<u32>> {
        for id in &self.doubtful {
            pulse.tick(0)?;
            if self.has_late_part(*id) {
                return Ok(Some(*id));
            }
        }
        Ok(None)
    }

    /// Whether one of two parts that make a token has to be merged itself, and has a higher rank.
    fn has_late_part(&self, id: u32) -> bool {
        let late = |part| part > id && self.get(part).is_some_and(|token| token.len() > 1);
        self.cuts(self.get(id).unwrap_or_default()).any(|(left, right)| late(left) || late(right))
    }

    /// Give a pair the next number, unless it has one; then that is returned.
    fn pair(&mut self, (left, right): (u32, u32), id: u32) -> Option<u32> {
        let known = self.pairs.push((left, right), id);
        if let (None, Some(&[one, other])) = (known, self.get(id)) {
            self.byte_pairs[usize::from(one) << 8 | usize::from(other)] = self.pairs.number(left, right);
        }
        known
    }

    pub(super) fn pair_by_merges(&mut self, merges: Vec<Parts>, pulse: &Pulse) -> Result<()> {
        few("the number of merges", merges.len())?;
        self.pairs = Pairs::with_room(merges.len());
        for (rank, (left, right)) in (0u32..).zip(&merges) {
            pulse.tick(0)?;
            let find = |part: &[u8]| {
                self.ordinary(part)
                    .ok_or_else(|| Error::new(Kind::Vocabulary, format!("{} of merge {rank}", quote::bytes(part)), "not a token", "a token of the vocabulary"))
            };
            let (pair, id) = ((find(left)?, find(right)?), find(&[&left[..], right].concat())?);
            if let Some(first) = self.pair(pair, id) {
                let found = format!("({}, {})", quote::bytes(left), quote::bytes(right));
                let allowed = format!("new: it is merge {} again", first - 1);
                return Err(Error::new(Kind::Vocabulary, format!("merge {rank}"), found, allowed));
            }
        }
        self.doubtful = self.spellings.laid_out().1.map(|(_, id)| id).collect();
        self.listed = Some(merges);
        Ok(())
    }
}

/// Check that the table of pairs has room for so many; for those of one more token it has anyway.
fn few(what: &str, number: usize) -> Result<()> {
    const MOST: usize = 1 << (NUMBER_BITS - 1);
    if number < MOST { Ok(()) } else { Err(Error::new(Kind::Vocabulary, what, number.to_string(), format!("under {MOST}"))) }
}
