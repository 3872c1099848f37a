//! Where no merge can cross: between two characters that no token of the vocabulary holds side by side.
//!
//! A merge that crosses a place makes a token with text of both sides in it, so its bytes hold the end of the character before the place and the beginning of
//! the one behind it. Where no token does, what stands on the two sides is encoded as if it stood alone, whatever the ranks are: the merges of one side neither
//! see nor touch the other. Long pretokens, as scripts without spaces have them, fall into parts that are short and have mostly been seen before.
//!
//! A token may also begin or end inside a character. Then only the two bytes at the place are known of it, and every place between two such bytes counts as one
//! that may be crossed. The pairs of whole characters are bits of a filter; two that share a bit only cost a cut. All bytes are text here too: one that isn't
//! part of a character by the lead byte before it stands for itself.

use std::ops::Range;

use crate::vocab::Vocabulary;

const FILTER_BITS: u32 = 20;

/// The places that a vocabulary's merges may cross.
pub(crate) struct Boundaries {
    /// Pairs of characters, by a hash.
    characters: Vec<u64>,
    /// Pairs of bytes, of tokens that cut a character.
    bytes: Vec<u64>,
    /// Pairs of ASCII characters that no token holds side by side.
    ascii: [u64; 256],
}

impl Boundaries {
    /// Look at all tokens.
    pub(crate) fn of(vocabulary: &Vocabulary) -> Self {
        let kind = vocabulary.kind();
        let never = kind.fuse && kind.bytes.is_empty() && kind.characters; // unknown characters beside each other become one id
        let mut this = Self { characters: vec![if never { u64::MAX } else { 0 }; 1 << (FILTER_BITS - 6)], bytes: vec![0; 1 << 10], ascii: [0; _] };
        let mut beside = vec![u8::from(never); 1 << 14];
        let (bytes, spans) = vocabulary.laid_out();
        for (span, _) in spans {
            let token = &bytes[span];
            if token.is_ascii() {
                token.windows(2).for_each(|two| beside[pair_of_ascii(two[0], two[1])] = 1);
            } else {
                this.join(token, &mut beside);
            }
        }
        for (bits, some) in this.ascii.iter_mut().zip(beside.chunks(64)) {
            *bits = some.iter().rev().fold(0, |bits, beside| bits << 1 | u64::from(*beside ^ 1));
        }
        this
    }

    /// Note what a token holds side by side: of two ASCII characters in `beside`.
    fn join(&mut self, token: &[u8], beside: &mut [u8]) {
        let begun = token.iter().take_while(|byte| goes_on(**byte)).count(); // what may belong to a character that began before the token
        for place in 1..=begun.min(token.len() - 1) {
            set(&mut self.bytes, pair_of_bytes(token, place));
        }
        let mut last = begun;
        while last < token.len() {
            let one = Character::at(token, last);
            let place = last + one.length;
            if place < token.len() && token[last].is_ascii() && token[place].is_ascii() {
                beside[pair_of_ascii(token[last], token[place])] = 1;
            } else if place < token.len() {
                let other = Character::at(token, place);
                if place + other.length == token.len() && other.length < other.longest {
                    set(&mut self.bytes, pair_of_bytes(token, place)); // it may go on behind the token
                } else {
                    set(&mut self.characters, one.beside(other));
                }
            }
            last = place;
        }
    }

    /// Cut a stretch of a text, which begins and ends with whole characters, at every place that no merge can cross.
    pub(crate) fn parts(&self, text: &[u8], stretch: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let (mut begin, mut last) = (stretch.start, stretch.start);
        let mut place = begin + Character::at(text, begin).length;
        let (mut cuts, mut base) = (0u64, place); // of some bytes, looked at together: where one part ends can't be foreseen
        std::iter::from_fn(move || {
            let from = (begin < stretch.end).then_some(begin)?;
            while cuts != 0 || place < stretch.end {
                if cuts != 0 {
                    begin = base + cuts.trailing_zeros() as usize;
                    cuts &= cuts - 1;
                    return Some(from..begin);
                }
                base = place;
                let some = &text[place - 1..stretch.end.min(place + 64)];
                let ascii = some.iter().position(|byte| !byte.is_ascii()).unwrap_or(some.len());
                if ascii > 1 {
                    cuts = some[..ascii].windows(2).rev().fold(0, |cuts, two| cuts << 1 | self.cut_of_ascii(two[0], two[1]));
                    place += ascii - 1;
                    last = place - 1;
                } else {
                    place += Character::at(text, base).length;
                    cuts = u64::from(!self.crossed(text, last, base));
                    last = base;
                }
            }
            begin = stretch.end;
            Some(from..stretch.end)
        })
    }

    /// 1 where no merge can cross the place between two ASCII characters.
    fn cut_of_ascii(&self, one: u8, other: u8) -> u64 {
        let pair = pair_of_ascii(one, other);
        self.ascii[pair / 64] >> (pair % 64) & 1
    }

    /// Whether a merge may cross a place that isn't between two ASCII characters, where the last character before it begins at another.
    fn crossed(&self, text: &[u8], last: usize, place: usize) -> bool {
        get(&self.characters, Character::at(text, last).beside(Character::at(text, place))) || get(&self.bytes, pair_of_bytes(text, place))
    }
}

/// A character of a text, or a byte that belongs to none.
#[derive(Clone, Copy)]
struct Character {
    bytes: u32,
    length: usize,
    /// How long the first byte says that it is.
    longest: usize,
}

impl Character {
    fn at(text: &[u8], place: usize) -> Self {
        let bytes = match text[place..].first_chunk::<4>() {
            Some(four) => u32::from_le_bytes(*four),
            None => text[place..].iter().rev().fold(0, |bytes, byte| bytes << 8 | u32::from(*byte)),
        };
        let longest = match text[place] {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        // The bytes behind the first that go on a character, from the lowest up.
        let others = ((bytes & 0xC0C0_C000) ^ 0x8080_8000) >> 8;
        let length = longest.min(1 + (others | 1 << 24).trailing_zeros() as usize / 8);
        Self { bytes: bytes & u32::MAX >> (32 - 8 * length), length, longest }
    }

    /// The place in the filter of this character with another behind it.
    fn beside(self, other: Self) -> usize {
        let hash = u64::from(self.bytes).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(other.bytes).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        usize::try_from(hash >> (64 - FILTER_BITS)).unwrap_or_default()
    }
}

/// Whether a byte goes on a character.
fn goes_on(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

fn pair_of_bytes(text: &[u8], place: usize) -> usize {
    usize::from(text[place - 1]) << 8 | usize::from(text[place])
}

/// The bit of two ASCII characters.
fn pair_of_ascii(one: u8, other: u8) -> usize {
    usize::from(one % 128) << 7 | usize::from(other % 128)
}

fn set(bits: &mut [u64], bit: usize) {
    bits[bit / 64] |= 1 << (bit % 64);
}

fn get(bits: &[u64], bit: usize) -> bool {
    bits[bit / 64] >> (bit % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;
    use crate::error::Result;
    use crate::merge::Merger;
    use crate::threads::Pulse;

    #[test]
    fn parts_become_what_the_whole_becomes() -> Result<()> {
        let quiet = Pulse::default();
        let merges = [("\u{e9}", "a"), ("a", "b"), ("ab", "c"), ("c", "\u{4e2d}")].map(|(one, other)| (one.as_bytes().to_vec(), other.as_bytes().to_vec()));
        let bytes = [(&[0xC3][..], &[0xA9][..]), (&[0xE4], &[0xB8]), (&[0xE4, 0xB8], &[0xAD]), (&[0xAD], &[0xC3]), (b"c", &[0xE4])];
        let bytes = bytes.map(|(one, other)| (one.to_vec(), other.to_vec()));
        let vocabulary = Vocabulary::from_merges(bytes.into_iter().chain(merges).collect(), vec![], &quiet)?;
        let boundaries = Boundaries::of(&vocabulary);
        let letters = [&b"a"[..], b"b", b"c", &[0xC3, 0xA9], &[0xE4, 0xB8, 0xAD], &[0xAD], &[0xC3], &[0xE4, 0xB8], &[0xF0, 0x9F]];
        let (mut merger, mut next, mut cuts) = (Merger::default(), chance(1), 0);
        for _ in 0..5000 {
            let text: Vec<u8> = (0..9).flat_map(|_| letters[next(letters.len())]).copied().collect();
            let whole = merger.merge(&vocabulary, &text, &quiet)?.to_vec();
            let mut joined = Vec::new();
            for part in boundaries.parts(&text, 0..text.len()) {
                cuts += 1;
                joined.extend_from_slice(merger.merge(&vocabulary, &text[part], &quiet)?);
            }
            assert_eq!(joined, whole, "{text:x?}");
        }
        assert!(cuts > 10_000);
        Ok(())
    }
}
