//! The map of characters inside a sentencepiece model: a double-array trie, and the texts that its leaves point at.
//!
//! Its layout is that of the library darts-clone: 32-bit units, in each a label, whether a value follows, and an offset to the next unit. The texts end with
//! a zero byte. Taken is the longest key that a text begins with.

use crate::error::{Error, Kind, Result};

/// More bytes than any key has.
const LONGEST: usize = 256;

/// Key -> text, from the bytes of `precompiled_charsmap`.
pub(crate) struct Charsmap {
    units: Vec<u32>,
    texts: Vec<u8>,
}

impl Charsmap {
    pub(crate) fn new(data: &[u8], name: &str) -> Result<Self> {
        let size = data.first_chunk().map_or(0, |size| u32::from_le_bytes(*size)) as usize;
        if !size.is_multiple_of(4) || size < 4 || data.len() < 4 || size > data.len() - 4 {
            let found = format!("{} bytes that say {size}", data.len());
            return Err(Error::new(Kind::Format, format!("precompiled_charsmap of {name}"), found, "a trie and its texts"));
        }
        let (trie, texts) = data[4..].split_at(size);
        let units = trie.chunks_exact(4).map(|unit| unit.first_chunk().map_or(0, |unit| u32::from_le_bytes(*unit))).collect();
        Ok(Self { units, texts: texts.to_vec() })
    }

    /// How many bytes the longest key has that a text begins with, and what it becomes.
    pub(crate) fn longest(&self, text: &[u8]) -> Option<(usize, &[u8])> {
        let mut found = None;
        let mut node = offset(self.units[0]);
        for (&byte, length) in text.iter().take(LONGEST).zip(1..) {
            node ^= usize::from(byte);
            let Some(&unit) = self.units.get(node).filter(|unit| byte != 0 && **unit & 0x8000_00FF == u32::from(byte)) else { break };
            node ^= offset(unit);
            if let Some(&value) = self.units.get(node).filter(|_| unit & 0x100 != 0) {
                let new = self.texts.get((value & 0x7FFF_FFFF) as usize..).unwrap_or(&[]);
                found = Some((length, new.split(|byte| *byte == 0).next().unwrap_or(&[])));
            }
        }
        found
    }
}

fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 0x200) >> 6)) as usize
}
