//! A row of logits as it came: in its own precision, behind a mask, with the few logits that a step has changed laid over it. Nothing of it is copied; the
//! other files read it a block of 256 at a time.

use super::kernels::{BLOCK, Value, at_least, forbid_by_bytes, forbid_by_words, from_brain, from_half};
use super::mask::Mask;
use crate::error::{Error, Kind, MAX_LOGITS, Result};

/// The memory of a row.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a, V> {
    /// Singles or doubles.
    Plain(&'a [V]),
    /// float16, bit by bit.
    Half(&'a [u16]),
    /// bfloat16, bit by bit: the upper halves of singles.
    Brain(&'a [u16]),
}

/// A row, and the logits that are no longer what its memory says.
#[derive(Clone, Debug)]
pub struct Row<'a, V> {
    pub(super) source: Source<'a, V>,
    pub(super) mask: Mask<'a>,
    /// (id, logit), by id.
    pub(super) changed: Vec<(usize, V)>,
    size: usize,
}

impl<'a, V: Value> Row<'a, V> {
    /// A row as it came; `index` names it in errors.
    pub fn new(source: Source<'a, V>, mask: Mask<'a>, index: usize) -> Result<Self> {
        let size = match source {
            Source::Plain(x) => x.len(),
            Source::Half(x) | Source::Brain(x) => x.len(),
        };
        if !(1..=MAX_LOGITS).contains(&size) {
            let (place, allowed) = (format!("the length of row {index}"), format!("from 1 to {MAX_LOGITS} logits"));
            return Err(Error::new(Kind::Logits, place, size.to_string(), allowed));
        }
        let masked = match mask {
            Mask::All => size,
            Mask::Bytes(bytes) => bytes.len(),
            Mask::Words(words) if words.len() == size.div_ceil(32) => size,
            Mask::Words(words) => words.len() * 32,
        };
        if masked != size {
            let place = format!("the length of the mask of row {index}");
            return Err(Error::new(Kind::Argument, place, masked.to_string(), format!("{size}, one for each logit")));
        }
        Ok(Self { source, mask, changed: Vec::new(), size })
    }

    /// How many logits there are.
    pub fn len(&self) -> usize {
        self.size
    }

    /// How many blocks they make.
    pub fn blocks(&self) -> usize {
        self.size.div_ceil(BLOCK)
    }

    /// The logit of an id.
    pub fn get(&self, id: usize) -> V {
        match self.changed.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => self.changed[at].1,
            Err(_) if self.mask.allows(id) => match self.source {
                Source::Plain(x) => x[id],
                Source::Half(x) => V::of_half(x[id]),
                Source::Brain(x) => V::of_brain(x[id]),
            },
            Err(_) => V::NONE,
        }
    }

    /// The logits, if they lie in memory as they are to be read.
    pub fn in_place(&self) -> Option<&'a [V]> {
        match (self.source, self.mask) {
            (Source::Plain(x), Mask::All) if self.changed.is_empty() => Some(x),
            _ => None,
        }
    }

    /// A block of logits: where they lie, or put together in `room`; -inf behind the end.
    pub fn block<'b>(&self, block: usize, room: &'b mut [V; BLOCK]) -> &'b [V; BLOCK]
    where
        'a: 'b,
    {
        let start = block * BLOCK;
        let end = self.size.min(start + BLOCK);
        let changed = self.changes_of(block);
        if let (Source::Plain(x), Mask::All, []) = (self.source, self.mask, changed)
            && let Some(block) = x[start..end].first_chunk()
        {
            return block;
        }
        self.load(start, end, room);
        match self.mask {
            Mask::All => {}
            Mask::Bytes(bytes) => forbid_by_bytes(room, &bytes[start..end]),
            Mask::Words(words) => forbid_by_words(room, &words[start / 32..end.div_ceil(32)]),
        }
        changed.iter().for_each(|(id, x)| room[id - start] = *x);
        room
    }

    /// The memory of a block, not masked.
    fn load(&self, start: usize, end: usize, room: &mut [V; BLOCK]) {
        let (room, rest) = room.split_at_mut(end - start);
        rest.fill(V::NONE);
        match self.source {
            Source::Plain(x) => room.copy_from_slice(&x[start..end]),
            Source::Half(x) => from_half(&x[start..end], room),
            Source::Brain(x) => from_brain(&x[start..end], room),
        }
    }

    /// Whether the mask forbids all of a block, which then needn't be read.
    pub fn is_forbidden(&self, block: usize) -> bool {
        let (start, end) = (block * BLOCK, self.size.min((block + 1) * BLOCK));
        match self.mask {
            Mask::Words(words) => words[start / 32..end.div_ceil(32)].iter().all(|word| *word == 0),
            _ => false,
        }
    }

    fn changes_of(&self, block: usize) -> &[(usize, V)] {
        if self.changed.is_empty() {
            return &[];
        }
        let from = self.changed.partition_point(|(id, _)| *id < block * BLOCK);
        let to = self.changed.partition_point(|(id, _)| *id < (block + 1) * BLOCK);
        &self.changed[from..to]
    }

    /// Lay changes over the row; an id that is named twice has the later one.
    pub fn change(&mut self, changes: &[(usize, V)]) {
        let mut all = std::mem::take(&mut self.changed);
        all.extend_from_slice(changes);
        all.sort_by_key(|(id, _)| *id); // stable: the later change comes last
        for (id, x) in all {
            match self.changed.last_mut() {
                Some(last) if last.0 == id => last.1 = x,
                _ => self.changed.push((id, x)),
            }
        }
    }

    /// The ids of a block, and their logits, that aren't under a floor, but under the ceiling if there is one.
    #[inline]
    pub fn between(&self, block: usize, floor: V, ceiling: Option<V>, mut found: impl FnMut(usize, V)) {
        let mut room = [V::NONE; BLOCK];
        let x = self.block(block, &mut room);
        places(x, floor, ceiling, |place| {
            if block * BLOCK + place < self.size {
                found(block * BLOCK + place, x[place]); // behind the end there is -inf
            }
        });
    }

    /// The ids of a block, and their logits, that aren't under a floor.
    #[inline]
    pub fn not_under(&self, block: usize, floor: V, found: impl FnMut(usize, V)) {
        self.between(block, floor, None, found);
    }
}

/// The places in a block of what isn't under a floor, but under the ceiling if there is one.
#[inline]
pub fn places<V: Value>(x: &[V; BLOCK], floor: V, ceiling: Option<V>, mut found: impl FnMut(usize)) {
    let over = ceiling.map_or([0; 4], |ceiling| at_least(x, ceiling));
    for (part, (bits, over)) in at_least(x, floor).into_iter().zip(over).enumerate() {
        let mut bits = bits & !over;
        while bits != 0 {
            found(part * 64 + bits.trailing_zeros() as usize);
            bits &= bits - 1;
        }
    }
}
