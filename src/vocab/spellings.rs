//! Id <-> bytes: all tokens one after the other in one stretch of memory, and an index of those that text becomes.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// The bytes of each id. The hash of the index has a random key, so that strangers can't choose tokens that collide.
#[derive(Default)]
pub(super) struct Spellings {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    index: HashTable<u32>,
    random: foldhash::fast::RandomState,
}

/// Where the bytes of an id stand; none where there is no such id.
#[derive(Clone, Copy, Default)]
struct Span {
    start: usize,
    length: u32,
    /// Whether the index has it.
    ordinary: bool,
}

impl Span {
    fn range(self) -> Range<usize> {
        self.start..self.start + self.length as usize
    }
}

impl Spellings {
    /// Room for so many ordinary tokens of so many bytes together.
    pub(super) fn with_room(tokens: usize, bytes: usize) -> Self {
        let random = foldhash::fast::RandomState::default();
        Self { bytes: Vec::with_capacity(bytes), spans: Vec::with_capacity(tokens), index: HashTable::with_capacity(tokens), random }
    }

    /// The bytes of an id, if it exists.
    pub(super) fn get(&self, id: u32) -> Option<&[u8]> {
        let span = self.spans.get(id as usize).filter(|span| span.length > 0)?;
        self.bytes.get(span.range())
    }

    /// The bytes of an id and how many they are, of at most fifteen; what stands behind them doesn't matter.
    pub(super) fn sixteen(&self, id: u32) -> Option<([u8; 16], usize)> {
        let span = self.spans.get(id as usize).filter(|span| (1..16).contains(&span.length))?;
        let bytes = match self.bytes[span.start..].first_chunk() {
            Some(sixteen) => *sixteen,
            None => std::array::from_fn(|at| self.bytes.get(span.start + at).copied().unwrap_or_default()),
        };
        Some((bytes, span.length as usize))
    }

    /// The id of an ordinary token.
    pub(super) fn id(&self, token: &[u8]) -> Option<u32> {
        self.index.find(self.random.hash_one(token), |id| self.get(*id) == Some(token)).copied()
    }

    /// Write down the bytes of an id that has none yet.
    pub(super) fn write(&mut self, id: u32, token: &[u8]) {
        let place = id as usize;
        if self.spans.len() <= place {
            self.spans.resize(place + 1, Span::default());
        }
        self.spans[place] = Span { start: self.bytes.len(), length: u32::try_from(token.len()).unwrap_or_default(), ordinary: false };
        self.bytes.extend_from_slice(token);
    }

    /// Put an id that is written down into the index; gives the one that has the same bytes, if there is one.
    pub(super) fn index(&mut self, id: u32) -> Option<u32> {
        let Self { bytes, spans, index, random } = self;
        let token = |id: &u32| &bytes[spans[*id as usize].range()];
        match index.entry(random.hash_one(token(&id)), |other| token(other) == token(&id), |other| random.hash_one(token(other))) {
            Entry::Occupied(first) => return Some(*first.get()),
            Entry::Vacant(free) => _ = free.insert(id),
        }
        self.spans[id as usize].ordinary = true;
        None
    }

    /// The bytes of all tokens, and where those of the ordinary ones stand, in the order of their ids.
    pub(super) fn laid_out(&self) -> (&[u8], impl Iterator<Item = (Range<usize>, u32)>) {
        let ordinary = self.spans.iter().zip(0u32..).filter(|(span, _)| span.ordinary);
        (&self.bytes, ordinary.map(|(span, id)| (span.range(), id)))
    }

    /// The ordinary tokens in the order of their ids.
    pub(super) fn ordinary(&self) -> impl Iterator<Item = (&[u8], u32)> {
        let (bytes, spans) = self.laid_out();
        spans.map(|(span, id)| (&bytes[span], id))
    }

    /// How many ids there are.
    pub(super) fn count(&self) -> usize {
        self.spans.iter().filter(|span| span.length > 0).count()
    }

    /// The highest id plus one.
    pub(super) fn size(&self) -> usize {
        self.spans.len()
    }
}
