//! Where no merge can cross: between two characters that no token of the vocabulary holds side by side.
//!
//! A merge that crosses a place makes a token with text of both sides in it, so its bytes hold the end of the character before the place and the beginning of
//! the one behind it. Where no token does, what stands on the two sides is encoded as if it stood alone, whatever the ranks are: the merges of one side neither
//! see nor touch the other. Long pretokens, as scripts without spaces have them, fall into parts that are short and have mostly been seen before.
//!
//! A token may also begin or end inside a character. Then only the two bytes at the place are known of it, and every place between two such bytes counts as one
//! that may be crossed. The pairs of whole characters are bits of a filter; two that share a bit only cost a cut. All bytes are text here too: one that isn't
//! part of a character by the lead byte before it stands for itself. So whether a byte begins a character is told by the three before it, and a block of bytes
//! can be looked at together (`wide`).

#[cfg(target_arch = "x86_64")]
mod wide;

use std::ops::Range;

use crate::error::Result;
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

/// How many bytes of a text there are between two looks at whether to stop: under a millisecond's.
const TICK_EVERY: usize = 1 << 16;
const FILTER_BITS: u32 = 20;
/// The bits of a filter that a number holds.
const BITS: usize = 32;
/// How many bytes are looked at together.
const BLOCK: usize = 64;
/// What the two characters of a pair are multiplied by.
const FACTORS: [u32; 2] = [0x9E37_79B1, 0x85EB_CA77];

/// The places that a vocabulary's merges may cross.
pub(crate) struct Boundaries {
    /// Pairs of characters, by a hash.
    characters: Box<[u32; (1 << FILTER_BITS) / BITS]>,
    /// Pairs of bytes, of tokens that cut a character.
    bytes: Box<[u32; (1 << 16) / BITS]>,
    /// Pairs of ASCII characters that no token holds side by side.
    ascii: [u64; 256],
}

impl Boundaries {
    /// Look at all tokens.
    pub(crate) fn of(vocabulary: &Vocabulary, pulse: &Pulse) -> Result<Self> {
        let kind = vocabulary.kind();
        let never = kind.fuse && kind.bytes.is_empty() && kind.characters; // unknown characters beside each other become one id
        let mut this = Self { characters: bytemuck::zeroed_box(), bytes: bytemuck::zeroed_box(), ascii: [0; _] };
        if never {
            this.characters.fill(u32::MAX);
        }
        let mut beside = [[false; 128]; 128];
        let (bytes, spans) = vocabulary.laid_out();
        for (span, _) in spans {
            pulse.tick(0)?;
            let token = &bytes[span];
            if token.is_ascii() {
                token.windows(2).for_each(|two| beside[usize::from(two[0])][usize::from(two[1])] = true);
            } else {
                this.join(token);
            }
        }
        for two in (0u8..128).flat_map(|one| (0u8..128).map(move |other| [one, other])) {
            let (one, other) = (Character::at(&two, 0), Character::at(&two, 1));
            if beside[usize::from(two[0])][usize::from(two[1])] {
                set(&mut *this.characters, one.beside(other));
            }
        }
        for two in (0u8..128).flat_map(|one| (0u8..128).map(move |other| [one, other])) {
            let crossed = this.crossed(&two, 1, Character::at(&two, 0), Character::at(&two, 1));
            this.ascii[usize::from(two[0]) << 1 | usize::from(two[1] >> 6)] |= u64::from(!crossed) << (two[1] % 64);
        }
        Ok(this)
    }

    /// Note what a token holds side by side.
    fn join(&mut self, token: &[u8]) {
        let begun = token.iter().take_while(|byte| goes_on(**byte)).count(); // what may belong to a character that began before the token
        for place in 1..=begun.min(token.len() - 1) {
            set(&mut *self.bytes, pair_of_bytes(token, place));
        }
        let mut last = begun;
        while last < token.len() {
            let one = Character::at(token, last);
            let place = last + one.length;
            if place < token.len() {
                let other = Character::at(token, place);
                if place + other.length == token.len() && other.length < other.longest {
                    set(&mut *self.bytes, pair_of_bytes(token, place)); // it may go on behind the token
                } else {
                    set(&mut *self.characters, one.beside(other));
                }
            }
            last = place;
        }
    }

    /// Cut a stretch of a text, which begins and ends with whole characters, at every place that no merge can cross.
    pub(crate) fn parts(&self, text: &[u8], stretch: Range<usize>, pulse: &Pulse) -> impl Iterator<Item = Result<Range<usize>>> {
        let mut due = stretch.start + TICK_EVERY;
        Self::cut(stretch, move |from, end| {
            if from >= due {
                pulse.tick(0)?;
                due = from + TICK_EVERY;
            }
            Ok(self.block(text, from, end))
        })
    }

    /// Mark where the parts of a stretch begin but for the first, as bits, counted from its beginning; with a word more than they need.
    pub(crate) fn marks(&self, text: &[u8], stretch: Range<usize>, marks: &mut Vec<u64>) {
        marks.clear();
        marks.resize(stretch.len() / BLOCK + 2, 0);
        let mut place = stretch.start;
        while place < stretch.end {
            let at = place - stretch.start;
            let (cuts, next) = self.block(text, place, stretch.end);
            marks[at / BLOCK] |= cuts << (at % BLOCK);
            marks[at / BLOCK + 1] |= cuts >> 1 >> (BLOCK - 1 - at % BLOCK);
            place = next;
        }
    }

    /// The parts that blocks of cuts make: where one part ends can't be foreseen, so some bytes are looked at together.
    fn cut(stretch: Range<usize>, mut block: impl FnMut(usize, usize) -> Result<(u64, usize)>) -> impl Iterator<Item = Result<Range<usize>>> {
        let (mut begin, mut place, mut cuts, mut base) = (stretch.start, stretch.start, 0, stretch.start);
        std::iter::from_fn(move || {
            let from = (begin < stretch.end).then_some(begin)?;
            while cuts == 0 && place < stretch.end {
                base = place;
                match block(base, stretch.end) {
                    Ok(found) => (cuts, place) = found,
                    Err(stopped) => {
                        begin = stretch.end;
                        return Some(Err(stopped));
                    }
                }
            }
            begin = if cuts == 0 { stretch.end } else { base + cuts.trailing_zeros() as usize };
            cuts &= cuts.wrapping_sub(1);
            Some(Ok(from..begin))
        })
    }

    /// Which of the next bytes, from a character on, begin a part, as bits; and the character from which to go on.
    fn block(&self, text: &[u8], from: usize, end: usize) -> (u64, usize) {
        #[cfg(target_arch = "x86_64")]
        if let Some(found) = wide::block(self, text, from, end) {
            return found;
        }
        self.plain(text, from, end)
    }

    fn plain(&self, text: &[u8], from: usize, end: usize) -> (u64, usize) {
        let some = &text[from..end.min(from + BLOCK)];
        let ascii = some.iter().position(|byte| !byte.is_ascii()).unwrap_or(some.len());
        if ascii > 1 {
            let cuts = some[..ascii].windows(2).rev().fold(0, |cuts, two| cuts << 1 | self.cut_of_ascii(two[0], two[1]));
            return (cuts << 1, if from + ascii == end { end } else { from + ascii - 1 });
        }
        let (mut cuts, mut place, mut one) = (0, from, Character::at(text, from));
        loop {
            let next = place + one.length;
            if next >= end.min(from + BLOCK) {
                return (cuts, if next >= end { end } else { place });
            }
            let other = Character::at(text, next);
            cuts |= u64::from(!self.crossed(text, next, one, other)) << (next - from);
            (place, one) = (next, other);
        }
    }

    /// 1 where no merge can cross the place between two ASCII characters.
    fn cut_of_ascii(&self, one: u8, other: u8) -> u64 {
        self.ascii[usize::from(one) << 1 | usize::from(other >> 6)] >> (other % 64) & 1
    }

    /// Whether a merge may cross a place between two characters.
    fn crossed(&self, text: &[u8], place: usize, one: Character, other: Character) -> bool {
        get(&*self.characters, one.beside(other)) | get(&*self.bytes, pair_of_bytes(text, place)) // no branch: neither can be foreseen
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
        let hash = self.bytes.wrapping_mul(FACTORS[0]) ^ other.bytes.wrapping_mul(FACTORS[1]);
        (hash >> (32 - FILTER_BITS)) as usize
    }
}

/// Whether a byte goes on a character.
fn goes_on(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

fn pair_of_bytes(text: &[u8], place: usize) -> usize {
    usize::from(text[place - 1]) << 8 | usize::from(text[place])
}

fn set(bits: &mut [u32], bit: usize) {
    bits[bit / BITS] |= 1 << (bit % BITS);
}

fn get(bits: &[u32], bit: usize) -> bool {
    bits[bit / BITS] >> (bit % BITS) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;
    use crate::merge::Merger;

    #[test]
    fn parts_become_what_the_whole_becomes() -> Result<()> {
        let quiet = Pulse::default();
        let merges = [("\u{e9}", "a"), ("a", "b"), ("ab", "c"), ("c", "\u{4e2d}")].map(|(one, other)| (one.as_bytes().to_vec(), other.as_bytes().to_vec()));
        let bytes = [(&[0xC3][..], &[0xA9][..]), (&[0xE4], &[0xB8]), (&[0xE4, 0xB8], &[0xAD]), (&[0xAD], &[0xC3]), (b"c", &[0xE4])];
        let bytes = bytes.map(|(one, other)| (one.to_vec(), other.to_vec()));
        let vocabulary = Vocabulary::from_merges(bytes.into_iter().chain(merges).collect(), vec![], &quiet)?;
        let boundaries = Boundaries::of(&vocabulary, &quiet)?;
        let letters = [&b"a"[..], b"b", b"c", &[0xC3, 0xA9], &[0xE4, 0xB8, 0xAD], &[0xAD], &[0xC3], &[0xE4, 0xB8], &[0xF0, 0x9F]];
        let (mut merger, mut next, mut cuts) = (Merger::default(), chance(1), 0);
        for _ in 0..5000 {
            let text: Vec<u8> = (0..1 + next(60)).flat_map(|_| letters[next(letters.len())]).copied().collect();
            let whole = merger.merge(&vocabulary, &text, &quiet)?.to_vec();
            let mut joined = Vec::new();
            let plain = Boundaries::cut(0..text.len(), |from, end| Ok(boundaries.plain(&text, from, end)));
            assert!(boundaries.parts(&text, 0..text.len(), &quiet).eq(plain));
            for part in boundaries.parts(&text, 0..text.len(), &quiet) {
                cuts += 1;
                joined.extend_from_slice(merger.merge(&vocabulary, &text[part?], &quiet)?);
            }
            assert_eq!(joined, whole, "{text:x?}");
        }
        assert!(cuts > 10_000);
        Ok(())
    }
}
