//! Pretokens -> ids: what is known is looked up, the rest is merged.
//!
//! Most pretokens of real text are tokens, and most of the others have occurred before. So up to a thousand pretokens, which is all of a window as a rule, are
//! taken together, in passes that hardly branch: their keys (`key`), and the lines of the shared table where they can be (`tokens`) are fetched; who is there,
//! and for the others the lines of the worker's own table (`seen`) are fetched; who is there; what is left is merged, many side by side; then, in their order,
//! the ids are handed on.
//!
//! What stands among characters that aren't ASCII is first cut where no merge can cross (`cut`). What is longer than a key has a memory of its own (`long`),
//! whose lines are fetched ahead too.
//!
//! Measured before merging went in rounds (English that is new, parts of the time): splitting 14 %, keys 11, find 9, recall 5, merge 32, hand on 8. What is
//! longer than a key fetched ahead, code that is new: 12 % faster beside other work, 3 % with all else of that day where there is little. Left: two batches
//! together instead of eight (merging several at a time finds too few: a tenth slower; sixteen are up to 5 % faster than eight); the ids of every pretoken in
//! sixteen places of its own (8 batches fill the nearest cache then: find and hand on 4 more); copying runs of single tokens by their length (a branch that is
//! foreseen badly, 60 cycles each; a fixed number of them, 25); ids written where the result is to be at once (its memory is far: code a tenth slower); a table
//! of tokens half as large (the same); long words of code by the words in them (2 % of code).

mod batch;
mod cut;
mod key;
mod line;
mod long;
mod seen;
mod tokens;
#[cfg(target_arch = "x86_64")]
mod wide;

use std::sync::{Arc, Mutex, MutexGuard};

use crate::boundary::Boundaries;
use crate::error::Result;
use crate::merge::{Found, Merger, NOT_FOUND, TOGETHER, Text, several, unreached};
use crate::threads::Pulse;
use crate::vocab::{ByBytes, Vocabulary};
use batch::{BATCH, Batch, OUT, places};
use key::Key;
use line::{Lines, Room};
use long::Long;
use seen::Seen;
use tokens::Tokens;

/// How many memories are kept for calls to come: one for each worker of a large call.
const KEPT: usize = 64;
/// How often they are asked for while somebody else takes one out.
const TRIES: usize = 100;
/// The bytes that a worker's memory takes, where nothing else is said, and which part of them is for what is longer than a key.
pub(crate) const MEMORY_BYTES: usize = 1 << 24;
const LONG_PART: usize = 4;
/// How many batches are taken together.
const BATCHES: usize = 16;
/// How long a window is, in bytes, whose parts aren't all noted before they are looked up.
const MUCH: usize = 1 << 16;
/// For how many ends of a window memory is kept when a call is over.
const KEPT_ENDS: usize = 1 << 14;

/// What a worker has seen, and works with.
pub(crate) struct Memory {
    seen: Seen,
    long: Long,
    /// What is seen of the words of lines, in a vocabulary of superwords.
    room: Option<Box<Room>>,
    merger: Merger,
    /// What merging several pretokens found.
    found: Box<[Found; TOGETHER]>,
    batches: Box<[Batch; BATCHES]>,
    /// Which pretokens of each batch are to be merged.
    missing: [u64; BATCHES],
    /// Where pretokens and their parts end.
    ends: Vec<u32>,
    /// Where parts can begin, as bits.
    marks: Vec<u64>,
    out: Box<[u32; OUT]>,
}

impl Memory {
    /// Give memory back that a very long pretoken took.
    fn shrink(&mut self) {
        self.merger.shrink();
        self.ends.shrink_to(KEPT_ENDS);
        self.marks.shrink_to(KEPT_ENDS);
        if let Some(room) = &mut self.room {
            room.shrink();
        }
    }
}

/// In boxes, since each call takes one out and puts it back.
type Memories = Vec<Box<Memory>>;

/// The tokens that pretokens are looked up among, and the memories of past calls.
pub(crate) struct Lookup {
    vocabulary: Arc<Vocabulary>,
    tokens: Tokens,
    /// The tokens that pretokens are taken as though merging does not lead to them.
    others: ByBytes<u32>,
    boundaries: Boundaries,
    lines: Option<Box<Lines>>,
    /// The bytes that a memory takes.
    memory_bytes: usize,
    memories: Mutex<Memories>,
}

impl Lookup {
    /// Make the table of a vocabulary's tokens: those that merging leads to, the lower ids first where a line has no room for all.
    pub(crate) fn new(vocabulary: Arc<Vocabulary>, memory_bytes: usize, pulse: &Pulse) -> Result<Self> {
        let unreached = unreached(&vocabulary, pulse)?;
        let reached = |id: &u32| unreached.binary_search(id).is_err();
        let (bytes, spans) = vocabulary.laid_out();
        let keys = spans.filter(|(_, id)| reached(id)).filter_map(|(span, id)| Some((Key::of(bytes, span)?, id)));
        let tokens = Tokens::of(vocabulary.laid_out().1.count(), keys);
        let whole = unreached.iter().filter(|_| vocabulary.whole()).filter_map(|id| Some((vocabulary.get(*id)?, *id)));
        let others = whole.map(|(token, id)| pulse.tick(0).map(|()| (token.into(), id))).collect::<Result<_>>()?;
        let lines = Lines::of(&vocabulary, memory_bytes / 2, pulse)?.map(Box::new);
        let memory_bytes = if lines.is_some() { memory_bytes / 2 } else { memory_bytes };
        Ok(Self { boundaries: Boundaries::of(&vocabulary, pulse)?, vocabulary, tokens, others, lines, memory_bytes, memories: Mutex::default() })
    }

    /// Work with a memory of a past call, or a new one, and keep it for calls to come.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Memory) -> Result<T>) -> Result<T> {
        let kept = self.memories().and_then(|mut memories| memories.pop());
        let mut memory = kept.unwrap_or_else(|| Box::new(self.memory()));
        let done = work(&mut memory)?;
        memory.shrink();
        if let Some(mut memories) = self.memories()
            && memories.len() < KEPT
        {
            memories.push(memory);
        }
        Ok(done)
    }

    /// The memories of past calls, unless they stay locked: in the child of a fork they can, for ever.
    fn memories(&self) -> Option<MutexGuard<'_, Memories>> {
        (0..TRIES).find_map(|_| {
            std::hint::spin_loop();
            self.memories.try_lock().ok()
        })
    }

    fn memory(&self) -> Memory {
        let long_bytes = self.memory_bytes / LONG_PART;
        Memory {
            seen: Seen::new(self.memory_bytes - long_bytes),
            long: Long::new(long_bytes),
            room: self.lines.as_ref().map(|lines| Box::new(lines.room())),
            merger: Merger::default(),
            found: Box::new([NOT_FOUND; _]),
            batches: Box::new([Batch::EMPTY; _]),
            missing: [0; _],
            ends: Vec::new(),
            marks: Vec::new(),
            out: Box::new([0; _]),
        }
    }

    /// Give the ids of the pretokens of a window, in order.
    pub(crate) fn window(&self, memory: &mut Memory, data: &[u8], start: usize, ends: &[u32], pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        match &self.lines {
            Some(lines) => lines.window(self, memory, &data[start..], ends, pulse, take),
            None if self.others.is_empty() && ends.last().is_some_and(|end| *end as usize > MUCH) => self.parted(memory, &data[start..], ends, pulse, take),
            None => self.pretokens(memory, &data[start..], ends, pulse, take),
        }
    }

    fn pretokens(&self, memory: &mut Memory, text: &[u8], ends: &[u32], pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let mut cut = std::mem::take(&mut memory.ends);
        // Where a whole pretoken can be what no merging makes, its parts can't stand for it.
        let is_cut = self.others.is_empty() && cut::cut(&self.boundaries, text, ends, &mut cut, &mut memory.marks);
        let ends = if is_cut { &cut[..] } else { ends };
        self.parts(memory, text, ends, pulse, take)?;
        cut.clear();
        memory.ends = cut;
        Ok(())
    }

    /// Give the ids of what isn't cut any more.
    fn parts(&self, memory: &mut Memory, text: &[u8], ends: &[u32], pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let mut first = 0;
        for ends in ends.chunks(BATCHES * BATCH) {
            pulse.tick(0)?;
            self.find(memory, text, first, ends);
            first = ends[ends.len() - 1];
            self.merge(memory, pulse)?;
            for (turn, ends) in ends.chunks(BATCH).enumerate() {
                self.hand_on(memory, turn, text, ends, pulse, take)?;
            }
        }
        Ok(())
    }

    /// Give the ids of pretokens that are cut into parts at every place that no merge can cross; of a vocabulary that takes none whole.
    pub(crate) fn parted(&self, memory: &mut Memory, text: &[u8], ends: &[u32], pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let (mut parts, mut count, mut first, mut begin) = ([0; BATCHES * BATCH], 0, 0, 0);
        for end in ends {
            for part in self.boundaries.parts(text, begin..*end as usize, pulse) {
                let part = part?;
                parts[count] = u32::try_from(part.end - first).unwrap_or(u32::MAX);
                count += 1;
                if count == parts.len() {
                    self.parts(memory, &text[first..], &parts, pulse, take)?;
                    (first, count) = (part.end, 0);
                }
            }
            begin = *end as usize;
        }
        self.parts(memory, &text[first..], &parts[..count], pulse, take)
    }

    /// Find what can be looked up of some batches.
    fn find(&self, memory: &mut Memory, text: &[u8], mut first: u32, ends: &[u32]) {
        let Memory { seen, long, batches, missing, .. } = memory;
        *missing = [0; _];
        for (batch, ends) in batches.iter_mut().zip(ends.chunks(BATCH)) {
            batch.first = first;
            self.tokens.fetch(batch, text, first, ends);
            first = ends[ends.len() - 1];
        }
        for (batch, ends) in batches.iter_mut().zip(ends.chunks(BATCH)) {
            batch.others = !self.tokens.find(batch, ends.len()) & u64::MAX >> (BATCH - ends.len());
            for place in places(batch.others) {
                batch.lines[place] = seen.line(batch.keys[place]);
                seen.prefetch(batch.lines[place]);
            }
        }
        for (missing, (batch, ends)) in missing.iter_mut().zip(batches.iter_mut().zip(ends.chunks(BATCH))) {
            *missing = seen.recall(batch, batch.others);
            for place in places(*missing).filter(|place| batch.keys[*place] == Key::NONE) {
                batch.lines[place] = long.place(&text[batch.span(ends, place)]);
                long.prefetch(batch.lines[place]);
            }
        }
    }

    /// Merge what has a key and wasn't found, and remember it.
    fn merge(&self, memory: &mut Memory, pulse: &Pulse) -> Result<()> {
        if memory.missing == [0; _] {
            return Ok(());
        }
        let (mut waiting, mut texts, mut count) = ([(0, 0); TOGETHER], [([0; 16], 0); TOGETHER], 0);
        for turn in 0..BATCHES {
            for place in places(memory.missing[turn]) {
                let batch = &mut memory.batches[turn];
                if batch.keys[place] == Key::NONE {
                    memory.long.prefetch_entry(batch.lines[place]);
                    continue;
                }
                if memory.seen.recall(batch, 1 << place) == 0 {
                    memory.missing[turn] &= !(1 << place); // it has come up since
                    continue;
                }
                (waiting[count], texts[count]) = ((turn, place), batch.keys[place].text());
                count += 1;
                if count == TOGETHER {
                    self.together(memory, &waiting, &texts, pulse)?;
                    count = 0;
                }
            }
        }
        if count > 0 { self.together(memory, &waiting[..count], &texts[..count], pulse) } else { Ok(()) }
    }

    /// Merge pretokens, each in the batch of a turn at a place.
    fn together(&self, memory: &mut Memory, waiting: &[(usize, usize)], texts: &[Text], pulse: &Pulse) -> Result<()> {
        let Memory { batches, missing, seen, merger, found, .. } = memory;
        several(&self.vocabulary, texts, &mut found[..]);
        for ((&(turn, place), (text, length)), (ids, count)) in waiting.iter().zip(texts).zip(&found[..]) {
            let text = &text[..*length];
            let ids = match self.others.get(text).map(std::slice::from_ref) {
                Some(id) => id,
                None if *count > 0 => &ids[..*count],
                None => merger.merge(&self.vocabulary, text, pulse)?,
            };
            let batch = &mut batches[turn];
            batch.set(place, ids);
            missing[turn] &= !(1 << place);
            seen.set(batch.keys[place], batch.lines[place], ids);
        }
        Ok(())
    }

    /// Hand on the ids of a batch; what is still missing has no key.
    fn hand_on(&self, memory: &mut Memory, turn: usize, text: &[u8], ends: &[u32], pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let mut done: usize = 0;
        for place in places(memory.missing[turn]) {
            let batch = &memory.batches[turn];
            batch.give(done..place, &mut memory.out, take);
            done = place + 1;
            let (span, line) = (batch.span(ends, place), batch.lines[place]);
            self.long(memory, &text[span], line, pulse, take)?;
        }
        memory.batches[turn].give(done..ends.len(), &mut memory.out, take);
        Ok(())
    }

    /// Give the ids of a pretoken that has no key.
    fn long(&self, memory: &mut Memory, pretoken: &[u8], place: u32, pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        if let Some(ids) = memory.long.get(pretoken, place) {
            take(ids);
            return Ok(());
        }
        let merged = match self.others.get(pretoken) {
            Some(id) => &[*id],
            None => memory.merger.merge(&self.vocabulary, pretoken, pulse)?,
        };
        take(merged);
        memory.long.set(pretoken, place, merged);
        Ok(())
    }

    /// How many ids a pretoken has.
    pub(crate) fn count(&self, memory: &mut Memory, pretoken: &[u8], pulse: &Pulse) -> Result<usize> {
        if Key::of(pretoken, 0..pretoken.len()).is_some_and(|key| self.tokens.has(key)) {
            return Ok(1);
        }
        let (mut count, end) = (0, [u32::try_from(pretoken.len()).unwrap_or(u32::MAX)]);
        self.window(memory, pretoken, 0, &end, pulse, &mut |ids| count += ids.len())?;
        Ok(count)
    }
}
