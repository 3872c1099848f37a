//! Lines -> ids, in a vocabulary of superwords: what is known of words is looked up as words are, and what joins them as if ids were bytes.
//!
//! Up to the first merge that joins words a line is merged like any text, so its parts are looked up in a vocabulary of those merges alone, cut where none of
//! them can cross ([`Lookup::parted`]). What they leave are ids, which the later merges join. A later merge that crosses the place between two of these ids
//! makes a token that has the two side by side in it; where no token has, what stands on both sides becomes what it becomes alone, as at the places in
//! `boundary`. Most neighbours are such: the line falls into runs of few ids. What a run becomes depends on its ids only, so it is remembered by them. The
//! order is that of the ranks, since all the first merges come before all the later ones; and it holds because no later merge makes what one of the first ones
//! could join: where a token has two origins, nothing is cut.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::batch::{BATCH, places};
use super::key::{IDS, Key};
use super::{KEPT_ENDS, Lookup, Memory};
use crate::error::Result;
use crate::threads::Pulse;
use crate::vocab::{Parts, Symbols, Vocabulary};

/// How many merges of words are worth a pass of their own.
const WORTHWHILE: usize = 1 << 8;
/// Bits of the filter for each pair of neighbours that may be joined.
const SPARSE: usize = 16;

/// A vocabulary's words, and what joins them.
pub(super) struct Lines {
    words: Lookup,
    seams: Seams,
    /// How many bytes each id of a word has.
    lengths: Vec<u16>,
}

/// What a worker has seen of words, and the ids that they leave of the lines of a window.
pub(super) struct Room {
    words: Memory,
    ids: Vec<u32>,
}

impl Room {
    /// Give memory back that a very long line took.
    pub(super) fn shrink(&mut self) {
        self.ids.clear();
        self.ids.shrink_to(KEPT_ENDS);
        self.words.shrink();
    }
}

impl Lines {
    /// Look for the first merge that puts a space behind something visible; there may be none, or so few before it that nothing is won.
    pub(super) fn of(vocabulary: &Vocabulary, memory_bytes: usize, pulse: &Pulse) -> Result<Option<Self>> {
        let joins = |(left, right): &Parts| left.last().is_some_and(|byte| *byte > b' ') && right.first() == Some(&b' ');
        let listed = vocabulary.listed().filter(|_| vocabulary.pairs().in_order() && !vocabulary.kind().characters).unwrap_or_default();
        let Some(first) = listed.iter().position(joins).filter(|first| *first >= WORTHWHILE) else { return Ok(None) };
        let (early, late) = listed.split_at(first);
        let id = |token: &[u8]| vocabulary.ordinary(token).unwrap_or_default();
        let mut tokens: Vec<_> = (0..=255u8).filter_map(|byte| Some((vec![byte], vocabulary.ordinary(&[byte])?))).collect();
        let bytes = tokens.len();
        tokens.extend(early.iter().map(|(left, right)| [&left[..], right].concat()).map(|token| (token.clone(), id(&token))));
        tokens.sort_unstable_by_key(|(_, id)| *id);
        tokens.dedup();
        let mut lengths = vec![0; vocabulary.size()];
        tokens.iter().for_each(|(token, id)| lengths[*id as usize] = u16::try_from(token.len()).unwrap_or(u16::MAX));
        if early.iter().any(|(left, right)| lengths[id(left) as usize] == 0 || lengths[id(right) as usize] == 0) {
            return Ok(None); // a merge of words waits for one that joins them
        }
        let seams = if tokens.len() < bytes + early.len() { None } else { Seams::of(late, &lengths, id, pulse)? };
        let kind = Symbols { utf8: vocabulary.kind().utf8, ..Symbols::default() };
        let words = Arc::new(Vocabulary::of_symbols(tokens, Some(early.to_vec()), Vec::new(), false, kind, pulse)?);
        Ok(Some(Self { words: Lookup::new(words, memory_bytes, pulse)?, seams: seams.unwrap_or_else(Seams::everywhere), lengths }))
    }

    pub(super) fn room(&self) -> Room {
        Room { words: self.words.memory(), ids: Vec::new() }
    }

    /// Give the ids of the lines of a window, in order.
    pub(super) fn window(&self, of: &Lookup, memory: &mut Memory, text: &[u8], ends: &[u32], pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        if of.others.is_empty() {
            return self.lines(of, memory, text, ends, pulse, take);
        }
        let mut begin = 0;
        for end in ends {
            let line = &text[begin..*end as usize];
            match of.others.get(line) {
                Some(id) => take(&[*id]),
                None => self.lines(of, memory, line, &[*end - u32::try_from(begin).unwrap_or_default()], pulse, take)?,
            }
            begin = *end as usize;
        }
        Ok(())
    }

    /// Give the ids of lines that aren't taken whole.
    fn lines(&self, of: &Lookup, memory: &mut Memory, text: &[u8], ends: &[u32], pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let mut room = memory.room.take().unwrap_or_else(|| Box::new(self.room()));
        room.ids.clear();
        self.words.parted(&mut room.words, text, ends, pulse, &mut |ids| room.ids.extend_from_slice(ids))?;
        let count = room.ids.len();
        room.ids.extend([0; IDS]); // so that a run's ids and those behind them can be read at once
        let (mut borders, mut runs, mut place, mut lines) = ([0; BATCH + 1], 0, 0, ends.iter());
        let mut line = lines.next();
        for (at, pair) in room.ids[..=count].windows(2).enumerate() {
            place += u32::from(self.lengths[pair[0] as usize]);
            let ended = line == Some(&place);
            if ended {
                line = lines.next();
            }
            borders[runs + 1] = at + 1;
            runs += usize::from(ended | !self.seams.has(pair[0], pair[1])); // no branch: whether words are joined can't be foreseen
            if runs == BATCH {
                runs = self.join(of, memory, &room.ids, &borders, pulse, take)?;
                borders[0] = at + 1;
            }
        }
        self.join(of, memory, &room.ids, &borders[..=runs], pulse, take)?;
        memory.room = Some(room);
        Ok(())
    }

    /// Give what runs of ids become, which lie between borders.
    fn join(&self, of: &Lookup, memory: &mut Memory, ids: &[u32], borders: &[usize], pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<usize> {
        pulse.tick(0)?;
        let Memory { seen, long, merger, batches, out, .. } = memory;
        let (batch, mut several, mut longer) = (&mut batches[0], 0, 0);
        for (place, run) in borders.windows(2).enumerate() {
            let length = run[1] - run[0];
            let key = Key::of_ids(&ids[run[0]..], length);
            batch.keys[place] = key;
            batch.lines[place] = seen.line(key);
            seen.prefetch(batch.lines[place]);
            batch.single[place] = ids[run[0]];
            several |= u64::from(length > 1 && length <= IDS) << place;
            longer |= u64::from(length > IDS) << place;
        }
        batch.others = several;
        for place in places(seen.recall(batch, several)) {
            let run = merger.go_on(&of.vocabulary, &ids[borders[place]..borders[place + 1]], pulse)?;
            batch.set(place, run);
            seen.set(batch.keys[place], batch.lines[place], run);
        }
        let mut done = 0;
        for place in places(longer) {
            batch.give(done..place, out, take);
            done = place + 1;
            let run = &ids[borders[place]..borders[place + 1]];
            let (bytes, place) = (bytemuck::cast_slice(run), long.place(bytemuck::cast_slice(run)));
            match long.get(bytes, place) {
                Some(known) => take(known),
                None => {
                    let joined = merger.go_on(&of.vocabulary, run, pulse)?;
                    take(joined);
                    long.set(bytes, place, joined);
                }
            }
        }
        batch.give(done..borders.len() - 1, out, take);
        Ok(0)
    }
}

/// Which ids of words stand side by side in a token: bits of a filter. Two pairs that share a bit only make a run longer.
struct Seams {
    bits: Vec<u64>,
    shift: u32,
}

impl Seams {
    fn everywhere() -> Self {
        Self { bits: vec![u64::MAX], shift: 58 }
    }

    /// The last id of a merge's left token, and the first one of its right token; none can be told if a token is made twice, or before its parts.
    fn of(late: &[Parts], words: &[u16], id: impl Fn(&[u8]) -> u32, pulse: &Pulse) -> Result<Option<Self>> {
        let bits = (SPARSE * late.len()).next_power_of_two().max(64);
        let mut this = Self { bits: vec![0; bits / 64], shift: 64 - bits.ilog2() };
        let mut known: FxHashMap<u32, (u32, u32)> = FxHashMap::default();
        for (left, right) in late {
            pulse.tick(0)?;
            let ends = |id: u32| if words[id as usize] > 0 { Some((id, id)) } else { known.get(&id).copied() };
            let made = id(&[&left[..], right].concat());
            let (Some((first, one)), Some((other, last)), None) = (ends(id(left)), ends(id(right)), ends(made)) else { return Ok(None) };
            let bit = this.bit(one, other);
            this.bits[bit / 64] |= 1 << (bit % 64);
            known.insert(made, (first, last));
        }
        Ok(Some(this))
    }

    fn bit(&self, left: u32, right: u32) -> usize {
        let pair = u64::from(left) << 32 | u64::from(right);
        usize::try_from(pair.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift).unwrap_or_default()
    }

    fn has(&self, left: u32, right: u32) -> bool {
        let bit = self.bit(left, right);
        self.bits[bit / 64] >> (bit % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;
    use crate::error::Error;
    use crate::merge::Merger;

    /// A token that merging doesn't lead to, but that a line is taken as.
    const UNREACHED: &[u8] = b"q ab";

    /// A vocabulary in which merges of letters come before those that join words; or before and behind.
    fn vocabulary(twice: bool, whole: bool) -> Result<Vocabulary> {
        let bytes = |one: &str, other: &str| (one.as_bytes().to_vec(), other.as_bytes().to_vec());
        let letters: Vec<String> = ('a'..='q').map(String::from).collect();
        let mut merges: Vec<Parts> = letters.iter().flat_map(|one| letters.iter().map(|other| bytes(one, other))).collect();
        merges.extend([bytes(" ", "ab"), bytes("ab", "cd")]);
        merges.extend([
            bytes("ab", " ab"),
            bytes("a", " "),
            bytes("ab ab", "cd"),
            bytes("abcd", " ab"),
            bytes("q", "ab ab"),
            bytes("cd", "cd"),
            bytes("cdcd", "cdcd"),
        ]);
        if twice {
            merges.extend([bytes("ab ", "ab"), bytes("ab", " ")].into_iter().rev());
        }
        let quiet = Pulse::default();
        let made = Vocabulary::from_merges(merges.clone(), vec![], &quiet)?;
        let tokens: Vec<_> = made.tokens().into_iter().map(|(token, id)| (token.to_vec(), id)).collect();
        let unreached = u32::try_from(made.size()).map(|id| (UNREACHED.to_vec(), id));
        Vocabulary::new(tokens.into_iter().chain(unreached).collect(), Some(merges), vec![], whole, &quiet)
    }

    #[test]
    fn words_first_and_then_their_runs_is_the_order_of_the_ranks() -> Result<()> {
        let quiet = Pulse::default();
        for (twice, whole, memory_bytes) in [(false, false, 1 << 16), (false, false, 1 << 9), (true, false, 1 << 16), (false, true, 1 << 16)] {
            let lookup = Lookup::new(Arc::new(vocabulary(twice, whole)?), memory_bytes, &quiet)?;
            let lines = lookup.lines.as_ref().ok_or_else(Error::interrupted)?;
            assert_eq!(lines.words.vocabulary.tokens().len(), 256 + 17 * 17 + 2);
            assert_eq!(lines.seams.bits == [u64::MAX], twice);
            let (mut merger, mut next, mut joined, mut longest) = (Merger::default(), chance(1), 0, 0);
            for _ in 0..3000 {
                let (mut text, mut ends, mut expected, mut found) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
                for _ in 0..1 + next(20) {
                    let begin = text.len();
                    text.extend((0..1 + next(12)).flat_map(|_| [&b"ab"[..], b" ab", b"a", b" ", b"cd", b"q", b"\xc3\xa9", b", "][next(8)]).copied());
                    ends.push(u32::try_from(text.len()).unwrap_or_default());
                    match lookup.others.get(&text[begin..]) {
                        Some(id) => expected.push(*id),
                        None => expected.extend_from_slice(merger.merge(&lookup.vocabulary, &text[begin..], &quiet)?),
                    }
                }
                lookup.with(|memory| {
                    lookup.window(memory, &text, 0, &ends, &quiet, &mut |ids| found.extend_from_slice(ids))?;
                    let ids = memory.room.as_ref().map_or(&[][..], |room| &room.ids);
                    joined += (ids.len() - IDS).saturating_sub(found.len());
                    longest = longest.max(ids.windows(IDS + 1).filter(|ids| ids.windows(2).all(|pair| lines.seams.has(pair[0], pair[1]))).count());
                    Ok(())
                })?;
                assert_eq!(found, expected, "{text:x?} {ends:?}");
            }
            assert!(whole || (joined > 5000 && longest > 0), "{joined} {longest}");
        }
        Ok(())
    }

    #[test]
    fn merges_of_words_that_wait_for_one_of_lines_are_taken_with_it() -> Result<()> {
        let quiet = Pulse::default();
        let mut merges = vocabulary(false, false)?.listed().unwrap_or_default().to_vec();
        let (left, right) = (b"ab ab".to_vec(), b"q".to_vec());
        merges.insert(17 * 17, (left, right));
        let lookup = Lookup::new(Arc::new(Vocabulary::from_merges(merges, vec![], &quiet)?), 1 << 16, &quiet)?;
        let (mut found, text) = (Vec::new(), b"ab abq ab abcd");
        lookup.with(|memory| lookup.window(memory, text, 0, &[14], &quiet, &mut |ids| found.extend_from_slice(ids)))?;
        assert!(lookup.lines.is_none());
        assert_eq!(found, Merger::default().merge(&lookup.vocabulary, text, &quiet)?);
        Ok(())
    }
}
