//! Longer pretokens seen before -> their ids: one after the other in one stretch of memory, which is emptied when it is full.

use std::hash::BuildHasher;

use crate::pages::{Pages, prefetch};

/// How long a pretoken may be to be remembered.
const LONGEST: usize = 256;

/// What is remembered. An entry is its length and how many ids it has, its bytes, and its ids, in words of four bytes.
pub(super) struct Long {
    /// Where the entry of a hash begins, plus one; 0 where there is none.
    places: Pages<u32>,
    words: Vec<u32>,
    most: usize,
    random: foldhash::fast::RandomState,
}

impl Long {
    /// Memory for so many bytes, of which an eighth says where entries begin.
    pub(super) fn new(bytes: usize) -> Self {
        let places = (bytes / 8 / size_of::<u32>()).max(2);
        let most = (bytes - bytes / 8) / size_of::<u32>();
        Self { places: Pages::new(places), words: Vec::with_capacity(most), most, random: foldhash::fast::RandomState::default() }
    }

    /// Where the entry of a text is told.
    pub(super) fn place(&self, text: &[u8]) -> u32 {
        let hash = self.random.hash_one(text) >> 32;
        u32::try_from((hash * self.places.len() as u64) >> 32).unwrap_or_default()
    }

    /// Fetch a place ahead of its use.
    pub(super) fn prefetch(&self, place: u32) {
        prefetch(&self.places, place as usize);
    }

    /// Fetch the entry of a place ahead of its use.
    pub(super) fn prefetch_entry(&self, place: u32) {
        prefetch(&self.words, self.places[place as usize].saturating_sub(1) as usize);
    }

    /// The ids of a text, if it is known, by its place.
    pub(super) fn get(&self, text: &[u8], place: u32) -> Option<&[u32]> {
        let entry = self.words.get(self.places[place as usize].checked_sub(1)? as usize..)?;
        let (&[length, count], entry) = entry.split_first_chunk::<2>()?;
        if length as usize != text.len() {
            return None;
        }
        let (known, ids) = entry.split_at_checked(text.len().div_ceil(size_of::<u32>()))?;
        (bytemuck::cast_slice::<u32, u8>(known).get(..text.len())? == text).then(|| ids.get(..count as usize))?
    }

    /// Keep the ids of a text at its place.
    pub(super) fn set(&mut self, text: &[u8], place: u32, ids: &[u32]) {
        let words = text.len().div_ceil(size_of::<u32>());
        let entry = 2 + words + ids.len();
        if text.len() > LONGEST || entry > self.most {
            return;
        }
        if self.words.len() + entry > self.most {
            self.words.clear();
            self.places.fill(0);
        }
        self.places[place as usize] = u32::try_from(self.words.len() + 1).unwrap_or_default();
        self.words.extend([text.len(), ids.len()].map(|number| u32::try_from(number).unwrap_or_default()));
        let begin = self.words.len();
        self.words.resize(begin + words, 0);
        bytemuck::cast_slice_mut::<u32, u8>(&mut self.words[begin..])[..text.len()].copy_from_slice(text);
        self.words.extend_from_slice(ids);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_was_kept() {
        let mut long = Long::new(1 << 12);
        let text = |i: usize| vec![b'a' + u8::try_from(i % 7).unwrap(); 16 + i % 50];
        let ids = |i: usize| vec![u32::try_from(i).unwrap(); i % 4];
        let get = |long: &Long, text: &[u8]| long.get(text, long.place(text)).map(<[u32]>::to_vec);
        let mut known = 0;
        for i in 0..2000 {
            long.set(&text(i), long.place(&text(i)), &ids(i));
            assert_eq!(get(&long, &text(i)), Some(ids(i)));
            known += usize::from(get(&long, &text(i / 2)).is_some());
        }
        assert!(known > 100 && long.words.len() <= long.most);
        long.set(&[b'b'; LONGEST + 1], 0, &[1]);
        assert!(long.get(&[b'b'; LONGEST + 1], 0).is_none());
        let mut small = Long::new(64);
        small.set(&[b'b'; 60], 0, &[1; 9]); // more than there is memory for
        assert!(small.get(&[b'b'; 60], 0).is_none() && small.words.capacity() <= 64 / 4);
    }
}
