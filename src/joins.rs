//! Where no merge can cross: two characters of a text that no merge brings together can be encoded apart, exactly.
//!
//! A merge joins two tokens, so it joins the last character of one and the first of the other. Which two characters these can be is a filter of bits, made once of
//! the pair table; that two pairs share a bit is harmless, it leaves together what could have been cut. So a text of many megabytes that no pattern
//! cuts is still encoded in short pieces, most of which are one look-up.

use crate::normalize::character;
use crate::vocab::Vocabulary;

const BITS: u32 = 20;

/// The pairs of characters that merges bring together.
pub(crate) struct Joins(Vec<u64>);

impl Joins {
    /// Make the filter, for a vocabulary of characters in which unknown ones stay what they are.
    pub(crate) fn new(vocabulary: &Vocabulary) -> Option<Self> {
        let kind = vocabulary.kind();
        if !kind.characters || vocabulary.whole() || kind.bytes.is_empty() {
            return None;
        }
        let mut this = Self(vec![0; 1 << (BITS - 6)]);
        for (left, right, _) in vocabulary.pairs() {
            if let (Some(left), Some(right)) = (vocabulary.get(left), vocabulary.get(right)) {
                let last = std::str::from_utf8(left).ok().and_then(|text| text.chars().next_back()).map_or(1, char::len_utf8);
                let bit = bit(&left[left.len() - last..], right);
                this.0[bit / 64] |= 1 << (bit % 64);
            }
        }
        Some(this)
    }

    /// The length of the piece that a text begins with.
    pub(crate) fn piece(&self, text: &[u8]) -> usize {
        let mut at = 0;
        loop {
            let next = at + character(&text[at..]);
            if next >= text.len() {
                return text.len();
            }
            let bit = bit(&text[at..next], &text[next..]);
            if self.0[bit / 64] & (1 << (bit % 64)) == 0 {
                return next;
            }
            at = next;
        }
    }
}

/// The bit of the last character of one text and the first of another.
fn bit(left: &[u8], right: &[u8]) -> usize {
    let number = |bytes: &[u8]| bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let pair = number(left) << 32 | number(&right[..character(right)]);
    let mixed = pair.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from((mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> (64 - BITS)).unwrap_or(0)
}
