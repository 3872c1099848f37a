//! Ranks or merges -> the pairs that are merged, numbered in their order.

use super::{Parts, Vocabulary};
use crate::error::{Error, Kind, Result, quote};
use crate::merge::Merger;
use crate::pairs::{NUMBER_BITS, Pairs};
use crate::threads::Pulse;

impl Vocabulary {
    /// Of the ways to cut a token into two tokens merging takes one: what its bytes are when all that has a lower rank is merged. That is so wherever a token is made, since
    /// nothing else has touched its bytes by then; so the other ways needn't stand in the table.
    pub(super) fn pair_by_ranks(&mut self, pulse: &Pulse) -> Result<()> {
        let mut by_rank: Vec<(u32, Box<[u8]>)> = self.tokens().into_iter().filter(|(token, _)| token.len() > 1).map(|(token, id)| (id, token.into())).collect();
        by_rank.sort_unstable();
        self.pairs = Pairs::with_room(by_rank.len());
        let mut merger = Merger::default();
        for (id, token) in &by_rank {
            pulse.tick(0)?;
            match merger.merge(self, token, pulse)? {
                [left, right] => _ = self.pair((*left, *right), *id),
                _ => self.doubtful.push(*id),
            }
        }
        if !self.doubtful.is_empty() {
            for id in self.doubtful.clone() {
                self.all_cuts(id); // a higher rank may yet lead to it
            }
            self.pairs.set_order((0..).take(self.pairs.len() + 1).map(|number| self.pairs.made(number)).collect());
        }
        Ok(())
    }

    /// Where tokens share ranks, or pretokens begin as characters: every way to cut a token is a pair.
    pub(super) fn pair_by_cuts(&mut self, pulse: &Pulse) -> Result<()> {
        let mut by_rank: Vec<(u32, u32)> = self.ids.values().map(|id| (self.rank(*id), *id)).collect();
        by_rank.sort_unstable();
        let mut order = Vec::new();
        for (rank, id) in by_rank {
            pulse.tick(0)?;
            self.all_cuts(id);
            order.resize(self.pairs.len() + 1, rank);
            self.doubtful.push(id);
        }
        self.pairs.set_order(order);
        Ok(())
    }

    fn all_cuts(&mut self, id: u32) {
        let token = self.by_id[id as usize].clone().unwrap_or_default();
        for cut in 1..token.len() {
            if let (Some(&left), Some(&right)) = (self.ids.get(&token[..cut]), self.ids.get(&token[cut..])) {
                self.pair((left, right), id);
            }
        }
    }

    /// Give a pair the next number, unless it has one; then that is returned.
    fn pair(&mut self, (left, right): (u32, u32), id: u32) -> Option<u32> {
        let known = self.pairs.push((left, right), id);
        if let (None, Some(&[one, other])) = (known, self.get(id)) {
            self.byte_pairs[usize::from(one) << 8 | usize::from(other)] = self.pairs.number(left, right);
        }
        known
    }

    pub(super) fn pair_by_merges(&mut self, merges: Vec<Parts>) -> Result<()> {
        if merges.len() >= 1 << (NUMBER_BITS - 1) {
            return Err(Error::new(Kind::Vocabulary, "the number of merges", merges.len().to_string(), format!("under {}", 1 << (NUMBER_BITS - 1))));
        }
        self.pairs = Pairs::with_room(merges.len());
        for (rank, (left, right)) in (0u32..).zip(&merges) {
            let find = |part: &[u8]| {
                self.ids
                    .get(part)
                    .copied()
                    .ok_or_else(|| Error::new(Kind::Vocabulary, format!("{} of merge {rank}", quote::bytes(part)), "not a token", "a token of the vocabulary"))
            };
            let (pair, id) = ((find(left)?, find(right)?), find(&[&left[..], right].concat())?);
            if let Some(first) = self.pair(pair, id) {
                let found = format!("({}, {})", quote::bytes(left), quote::bytes(right));
                let allowed = format!("new: it is merge {} again", first - 1);
                return Err(Error::new(Kind::Vocabulary, format!("merge {rank}"), found, allowed));
            }
        }
        self.doubtful = self.ids.values().copied().collect();
        self.doubtful.sort_unstable();
        self.listed = Some(merges);
        Ok(())
    }
}
