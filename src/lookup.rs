//! Pretokens -> ids: what has been seen is looked up, the rest is merged.
//!
//! Most pretokens of real text are tokens, and most of the others have occurred before. So a batch of pretokens is taken in three passes: their keys, and the lines of the shared
//! table where they can be are fetched; who is there, and for the others the lines of the worker's own table are fetched; then, in their order, the ids. Pretokens that
//! are longer than a key are looked up as tokens, then cut where no merge can cross, and their parts looked up in turn.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use crate::boundary::{Boundaries, Words};
use crate::cache::{BATCH, Batch, IDS, Key, Slots};
use crate::error::Result;
use crate::merge::{Merger, whole_pretokens};
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

/// How many memories are kept for calls to come: one for each worker of a large call.
const KEPT: usize = 64;
/// How long a part may be to be remembered, and how many bytes of such parts are.
const LONG_PART: usize = 256;
const LONG_BYTES: usize = 1 << 20;
/// How many parts of a pretoken are fetched together.
const AHEAD: usize = 16;

/// The bytes that a worker's table of what it has seen takes.
const MEMORY_BYTES: usize = 1 << 24;

/// What a worker has seen, and works with.
pub(crate) struct Memory {
    seen: Slots,
    long: HashMap<Box<[u8]>, Box<[u32]>, foldhash::fast::RandomState>,
    long_bytes: usize,
    merger: Merger,
    /// The pretokens of a batch, and its ids until they are handed on.
    batch: Box<Batch>,
    ids: Vec<u32>,
}

impl Memory {
    /// Give the ids of a key that has been seen.
    fn recall(&mut self, key: Key, line: usize) -> bool {
        let Some(slot) = self.seen.get(key, line) else { return false };
        let (ids, count) = slot.ids();
        self.ids.extend_from_slice(&ids[..count]);
        true
    }

    /// Give the ids of a text by merging, by the ranks below `limit`.
    fn merge(&mut self, vocabulary: &Vocabulary, text: &[u8], limit: u32, pulse: &Pulse) -> Result<()> {
        self.ids.extend_from_slice(self.merger.merge(vocabulary, text, limit, pulse)?);
        Ok(())
    }

    /// Merge the ids from a place on, by the other ranks.
    fn go_on(&mut self, vocabulary: &Vocabulary, from: usize, pulse: &Pulse) -> Result<()> {
        let merged = self.merger.go_on(vocabulary, &self.ids[from..], pulse)?;
        self.ids.truncate(from);
        self.ids.extend_from_slice(merged);
        Ok(())
    }
}

/// The tokens that pretokens are looked up among, and the memories of past calls.
pub(crate) struct Lookup {
    vocabulary: Arc<Vocabulary>,
    tokens: Slots,
    /// The tokens that had no room there, and that merging does not lead to.
    others: HashMap<Key, u32, foldhash::fast::RandomState>,
    /// Which ids a pretoken may be taken as in one look-up.
    whole: Vec<bool>,
    boundaries: Boundaries,
    words: Option<Words>,
    memories: Mutex<Vec<Memory>>,
}

impl Lookup {
    /// Make the table of a vocabulary's tokens: those that a pretoken may be taken as, the lower ids first where a line has no room for all.
    pub(crate) fn new(vocabulary: Arc<Vocabulary>, pulse: &Pulse) -> Result<Self> {
        let (whole, all) = (whole_pretokens(&vocabulary, pulse)?, vocabulary.tokens());
        let (mut tokens, mut others, mut merger) = (Slots::new(128 * all.len()), HashMap::default(), Merger::default());
        for (token, id) in all {
            let Some(key) = Key::of(token, 0..token.len()).filter(|_| whole[id as usize]) else { continue };
            let line = tokens.line(key);
            if !tokens.is_full(line) {
                tokens.set(key, line, &[id]);
            } else if vocabulary.whole() && merger.merge(&vocabulary, token, u32::MAX, pulse)? != [id] {
                others.insert(key, id);
            }
        }
        let (boundaries, words) = (Boundaries::of(&vocabulary), Words::of(&vocabulary));
        Ok(Self { vocabulary, tokens, others, whole, boundaries, words, memories: Mutex::default() })
    }

    /// Work with a memory of a past call, or a new one, and keep it for calls to come.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Memory) -> Result<T>) -> Result<T> {
        let kept = self.memories.try_lock().ok().and_then(|mut memories| memories.pop());
        let mut memory = kept.unwrap_or_else(|| Memory {
            seen: Slots::new(MEMORY_BYTES),
            long: HashMap::default(),
            long_bytes: 0,
            merger: Merger::default(),
            batch: Box::new(Batch { keys: [Key::NONE; _], lines: [0; _], ids: [0; _] }),
            ids: Vec::with_capacity(BATCH * IDS),
        });
        let done = work(&mut memory)?;
        memory.merger.shrink();
        memory.ids.shrink_to(BATCH * IDS);
        if let Ok(mut memories) = self.memories.try_lock()
            && memories.len() < KEPT
        {
            memories.push(memory);
        }
        Ok(done)
    }

    /// Give the ids of the pretokens of a window, in order.
    pub(crate) fn window(&self, memory: &mut Memory, data: &[u8], start: usize, ends: &[u32], pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let (text, mut first) = (&data[start..], 0);
        for ends in ends.chunks(BATCH) {
            self.tokens.fetch(&mut memory.batch, text, first, ends);
            let known = self.tokens.find(&mut memory.batch, ends.len());
            let others = !known & u64::MAX >> (BATCH - ends.len());
            for place in places(others) {
                memory.batch.lines[place] = memory.seen.line(memory.batch.keys[place]);
                memory.seen.prefetch(memory.batch.lines[place]);
            }
            let mut done = 0;
            for place in places(others) {
                memory.ids.extend_from_slice(&memory.batch.ids[done..place]);
                done = place + 1;
                let begin = place.checked_sub(1).map_or(first, |before| ends[before]);
                let pretoken = begin as usize..ends[place] as usize;
                match memory.batch.keys[place] {
                    Key::NONE => self.long(memory, text, pretoken, pulse)?,
                    key => self.short(memory, key, memory.batch.lines[place], text, pretoken, pulse)?,
                }
            }
            memory.ids.extend_from_slice(&memory.batch.ids[done..ends.len()]);
            take(&memory.ids);
            memory.ids.clear();
            first = ends[ends.len() - 1];
        }
        Ok(())
    }

    /// The ids of a pretoken that has a key.
    fn short(&self, memory: &mut Memory, key: Key, line: usize, text: &[u8], pretoken: Range<usize>, pulse: &Pulse) -> Result<()> {
        if memory.recall(key, line) {
            return Ok(());
        }
        let first = memory.ids.len();
        match self.others.get(&key) {
            Some(id) => memory.ids.push(*id),
            None if text[pretoken.clone()].is_ascii() => memory.merge(&self.vocabulary, &text[pretoken], u32::MAX, pulse)?,
            None => self.parts(memory, text, pretoken, pulse)?,
        }
        memory.seen.set(key, line, &memory.ids[first..]);
        Ok(())
    }

    /// The ids of a pretoken that is longer than a key.
    fn long(&self, memory: &mut Memory, text: &[u8], pretoken: Range<usize>, pulse: &Pulse) -> Result<()> {
        match self.token(&text[pretoken.clone()]) {
            Some(id) => memory.ids.push(id),
            None => self.parts(memory, text, pretoken, pulse)?,
        }
        Ok(())
    }

    /// The ids of a pretoken, part by part.
    fn parts(&self, memory: &mut Memory, text: &[u8], pretoken: Range<usize>, pulse: &Pulse) -> Result<()> {
        let first = memory.ids.len();
        if let Some(words) = &self.words {
            self.each(memory, text, words.boundaries.parts(text, pretoken), words.merges, pulse)?;
            return memory.go_on(&self.vocabulary, first, pulse);
        }
        self.each(memory, text, self.boundaries.parts(text, pretoken), u32::MAX, pulse)
    }

    /// The ids of parts, by the ranks below `limit`, which is always the same. Some are fetched together.
    fn each(&self, memory: &mut Memory, text: &[u8], mut parts: impl Iterator<Item = Range<usize>>, limit: u32, pulse: &Pulse) -> Result<()> {
        let mut ahead = [(0, 0, None, 0); AHEAD];
        loop {
            let mut some = 0;
            for (place, part) in ahead.iter_mut().zip(&mut parts) {
                let key = Key::of(text, part.clone()).map(Key::of_part);
                let line = key.map_or(0, |key| memory.seen.line(key));
                memory.seen.prefetch(line);
                *place = (part.start, part.end, key, line);
                some += 1;
            }
            for &(start, end, key, line) in &ahead[..some] {
                let Some(key) = key else {
                    self.long_part(memory, &text[start..end], limit, pulse)?;
                    continue;
                };
                if !memory.recall(key, line) {
                    let first = memory.ids.len();
                    memory.merge(&self.vocabulary, &text[start..end], limit, pulse)?;
                    memory.seen.set(key, line, &memory.ids[first..]);
                }
            }
            if some < AHEAD {
                return Ok(());
            }
        }
    }

    /// The ids of a part that is longer than a key.
    fn long_part(&self, memory: &mut Memory, part: &[u8], limit: u32, pulse: &Pulse) -> Result<()> {
        if let Some(ids) = memory.long.get(part) {
            memory.ids.extend_from_slice(ids);
            return Ok(());
        }
        let first = memory.ids.len();
        memory.merge(&self.vocabulary, part, limit, pulse)?;
        if part.len() <= LONG_PART {
            let ids = &memory.ids[first..];
            memory.long_bytes += part.len() + size_of_val(ids) + 64;
            if memory.long_bytes > LONG_BYTES {
                memory.long.clear();
                memory.long_bytes = 0;
            }
            memory.long.insert(part.into(), ids.into());
        }
        Ok(())
    }

    /// How many ids a pretoken has.
    pub(crate) fn count(&self, memory: &mut Memory, pretoken: &[u8], pulse: &Pulse) -> Result<usize> {
        match Key::of(pretoken, 0..pretoken.len()) {
            Some(key) if self.tokens.get(key, self.tokens.line(key)).is_some() => return Ok(1),
            Some(key) => self.short(memory, key, memory.seen.line(key), pretoken, 0..pretoken.len(), pulse)?,
            None => self.long(memory, pretoken, 0..pretoken.len(), pulse)?,
        }
        let count = memory.ids.len();
        memory.ids.clear();
        Ok(count)
    }

    /// The id that a pretoken is taken as in one look-up, if there is one.
    fn token(&self, pretoken: &[u8]) -> Option<u32> {
        self.vocabulary.ordinary(pretoken).filter(|id| self.whole[*id as usize])
    }
}

/// The places of the bits that are set.
fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(place)
    })
}
