//! Where no merge can cross: between two characters that no token of the vocabulary holds side by side.
//!
//! A merge that crosses a place makes a token with text of both sides in it, so its bytes hold the end of the character before the place and the beginning of the one
//! behind it. Where no token does, what stands on the two sides is encoded as if it stood alone, whatever the ranks are: the merges of one side neither see nor touch
//! the other. Long pretokens, as scripts without spaces have them, fall into parts that are short and have mostly been seen before.
//!
//! A token may also begin or end inside a character. Then only the two bytes at the place are known of it, and every place between two such bytes counts as one that may
//! be crossed. The pairs of whole characters are bits of a filter; two that share a bit only cost a cut. All bytes are text here too: one that isn't part of
//! a character by the lead byte before it stands for itself.

use std::ops::Range;

use crate::vocab::{Parts, Vocabulary};

const FILTER_BITS: u32 = 20;
/// How many merges of words are worth a pass of their own.
const WORTHWHILE: usize = 1 << 8;

/// The places that a vocabulary's merges may cross.
pub(crate) struct Boundaries {
    /// Pairs of characters, by a hash.
    characters: Vec<u64>,
    /// Pairs of bytes, of tokens that cut a character.
    bytes: Vec<u64>,
}

impl Boundaries {
    /// Look at all tokens.
    pub(crate) fn of(vocabulary: &Vocabulary) -> Self {
        let kind = vocabulary.kind();
        let never = kind.fuse && kind.bytes.is_empty() && kind.characters; // unknown characters beside each other become one id
        let mut this = Self::new(if never { u64::MAX } else { 0 });
        for (token, _) in vocabulary.tokens() {
            this.join(token);
        }
        this
    }

    fn new(characters: u64) -> Self {
        Self { characters: vec![characters; 1 << (FILTER_BITS - 6)], bytes: vec![0; 1 << 10] }
    }

    /// Note what a token holds side by side.
    fn join(&mut self, token: &[u8]) {
        let begun = token.iter().take_while(|byte| goes_on(**byte)).count(); // what may belong to a character that began before the token
        for place in 1..=begun.min(token.len() - 1) {
            set(&mut self.bytes, pair_of_bytes(token, place));
        }
        let mut last = begun;
        while last < token.len() {
            let one = Character::at(token, last);
            let place = last + one.length;
            if place < token.len() {
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
        let (mut begin, mut last) = (stretch.start, Character::at(text, stretch.start));
        let mut place = begin + last.length;
        std::iter::from_fn(move || {
            let from = (begin < stretch.end).then_some(begin)?;
            while place < stretch.end {
                let next = Character::at(text, place);
                let crossed = get(&self.characters, last.beside(next)) || get(&self.bytes, pair_of_bytes(text, place));
                last = next;
                let here = place;
                place += next.length;
                if !crossed {
                    begin = here;
                    return Some(from..here);
                }
            }
            begin = stretch.end;
            Some(from..stretch.end)
        })
    }
}

/// The merges that come before any that joins words, in a vocabulary of superwords: a line is cut where none of these can cross, and its words are merged by them
/// alone; what they leave of it is merged by the others. That is the order of the ranks, and no other.
pub(crate) struct Words {
    /// The number of the first pair that joins words.
    pub(crate) first: u32,
    pub(crate) boundaries: Boundaries,
}

impl Words {
    /// Look for the first merge that puts a space behind something visible; there may be none, or so few before it that nothing is won.
    pub(crate) fn of(vocabulary: &Vocabulary) -> Option<Self> {
        let listed = vocabulary.listed().filter(|_| vocabulary.pairs().in_order() && !vocabulary.kind().characters)?;
        let joins = |(left, right): &Parts| left.last().is_some_and(|byte| *byte > b' ') && right.first() == Some(&b' ');
        let merges = listed.iter().position(joins).filter(|merges| *merges >= WORTHWHILE)?;
        let (left, right) = &listed[merges];
        let first = vocabulary.pairs().number(vocabulary.ordinary(left)?, vocabulary.ordinary(right)?);
        let mut boundaries = Boundaries::new(0);
        listed[..merges].iter().for_each(|(left, right)| boundaries.join(&[&left[..], right].concat()));
        Some(Self { first, boundaries })
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

fn set(bits: &mut [u64], bit: usize) {
    bits[bit / 64] |= 1 << (bit % 64);
}

fn get(bits: &[u64], bit: usize) -> bool {
    bits[bit / 64] >> (bit % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let (mut merger, mut seed, mut cuts) = (Merger::default(), 1usize, 0);
        for _ in 0..5000 {
            let text: Vec<u8> = (0..9)
                .flat_map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    letters[(seed >> 33) % letters.len()]
                })
                .copied()
                .collect();
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

    #[test]
    fn words_first_and_then_the_line_is_the_order_of_the_ranks() -> Result<()> {
        let quiet = Pulse::default();
        let bytes = |one: &str, other: &str| (one.as_bytes().to_vec(), other.as_bytes().to_vec());
        let letters: Vec<String> = ('a'..='q').map(String::from).collect();
        let mut merges: Vec<Parts> = letters.iter().flat_map(|one| letters.iter().map(|other| bytes(one, other))).collect();
        merges.extend([bytes(" ", "ab"), bytes("ab", "cd")]);
        let within = u32::try_from(merges.len()).unwrap_or_default();
        merges.extend([bytes("ab", " ab"), bytes("a", " "), bytes("ab ab", "cd"), bytes("abcd", " ab"), bytes("q", "ab ab")]);
        let vocabulary = Vocabulary::from_merges(merges, vec![], &quiet)?;
        let words = Words::of(&vocabulary).ok_or_else(crate::error::Error::interrupted)?;
        assert_eq!(vocabulary.pairs().made(words.first), 256 + within);
        let (mut merger, mut seed, mut joined_words) = (Merger::default(), 1usize, 0);
        for _ in 0..5000 {
            let text: Vec<u8> = (0..12)
                .flat_map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    [&b"ab"[..], b" ab", b"a", b" ", b"cd", b"q", b"\xc3\xa9", b", "][(seed >> 33) % 8]
                })
                .copied()
                .collect();
            let mut ids = Vec::new();
            for word in words.boundaries.parts(&text, 0..text.len()) {
                ids.extend_from_slice(merger.below(&vocabulary, &text[word], words.first, &quiet)?);
            }
            let joined = merger.go_on(&vocabulary, &ids, &quiet)?.to_vec();
            joined_words += usize::from(joined.len() < ids.len());
            assert_eq!(joined, merger.merge(&vocabulary, &text, &quiet)?, "{text:x?}");
        }
        assert!(joined_words > 1000);
        Ok(())
    }
}
