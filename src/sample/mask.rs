//! What a grammar allows, as the libraries of grammars say it: a byte or a bit for each id.

/// What may be drawn.
#[derive(Clone, Copy, Debug)]
pub enum Mask<'a> {
    /// Everything.
    All,
    /// A byte for each id, 0 if it is forbidden.
    Bytes(&'a [u8]),
    /// A bit for each id, 0 if it is forbidden, the lowest bit of a word first.
    Words(&'a [u32]),
}

impl Mask<'_> {
    /// Whether it allows an id.
    pub fn allows(&self, id: usize) -> bool {
        match self {
            Self::All => true,
            Self::Bytes(bytes) => bytes[id] != 0,
            Self::Words(words) => words[id / 32] >> (id % 32) & 1 == 1,
        }
    }
}
