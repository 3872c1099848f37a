//! Pretokens -> parts of them, cut where no merge can cross.
//!
//! What a pretoken becomes is what its parts become, one after the other. There are fewer different parts than pretokens, so more of them have been seen, and a
//! part is merged in fewer steps; but each costs a look-up. In ASCII there are few such places, and pretokens among little else stay whole.
//!
//! Some pretokens are taken together: the places in all their text are found as bits, and where pretokens end is put in.
//!
//! A place counts by the characters of all the text. Where a pretoken ends or begins inside one, its tokens at that place begin or end inside a character too,
//! and of those the two bytes there are known: a cut is one that no merge crosses all the same.
//!
//! Measured (20 MB of many scripts, cl100k, what is to be merged when all of it comes again): 186,000 pretokens where only those are cut that are longer than a
//! key, 88,000 where those of 10 bytes and more are, 46,000 where all are; 4.2, 5.0 and 5.5 million look-ups. Tried: to leave short ones whole,
//! which costs as much as it saves; sets of four slots in `seen`, which halve the misses, but two lines of memory a look-up cost as much.

use crate::boundary::Boundaries;

/// How many pretokens are taken together.
const SOME: usize = 32;
/// One byte of how many is not ASCII at least, where they are cut.
const WORTHWHILE: usize = 16;
/// How many bits are looked at together: where there are none, what is written is overwritten.
const BITS: usize = 8;

/// Cut pretokens that end at some places; says whether any are looked at.
pub(super) fn cut(boundaries: &Boundaries, text: &[u8], ends: &[u32], cut: &mut Vec<u32>, marks: &mut Vec<u64>) -> bool {
    let (mut begin, mut copied) = (0, 0);
    for (place, some) in (0..).step_by(SOME).zip(ends.chunks(SOME)) {
        let first = std::mem::replace(&mut begin, some[some.len() - 1] as usize);
        if WORTHWHILE * wides(&text[first..begin]) < begin - first {
            continue;
        }
        cut.extend_from_slice(&ends[copied..place]);
        copied = place + some.len();
        boundaries.marks(text, first..begin, marks);
        for end in some.iter().map(|end| *end as usize - first) {
            marks[end / 64] |= 1 << (end % 64);
        }
        for (base, bits) in (first..).step_by(64).zip(marks.iter()) {
            places(*bits, u32::try_from(base).unwrap_or(u32::MAX), cut);
        }
    }
    if copied > 0 {
        cut.extend_from_slice(&ends[copied..]);
    }
    copied > 0
}

/// How many bytes are not ASCII.
fn wides(text: &[u8]) -> usize {
    text.chunks(128).map(|some| usize::from(some.iter().fold(0u8, |count, byte| count.wrapping_add(byte >> 7)))).sum()
}

/// Add the places of the bits that are set, counted from `base`.
fn places(mut bits: u64, base: u32, to: &mut Vec<u32>) {
    let (mut places, count) = ([0; 64], bits.count_ones() as usize);
    for some in places.chunks_exact_mut(BITS).take(count.div_ceil(BITS)) {
        for place in some {
            *place = base.wrapping_add(bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
        }
    }
    to.extend_from_slice(&places[..count]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;
    use crate::error::Result;
    use crate::merge::Merger;
    use crate::threads::Pulse;
    use crate::vocab::Vocabulary;

    #[test]
    fn parts_become_what_pretokens_become_wherever_these_end() -> Result<()> {
        let (quiet, bytes) = (Pulse::default(), |bytes: &[u8]| bytes.to_vec());
        let merges = [
            (&[0xC3][..], &[0xA9][..]),
            (&[0xE4], &[0xB8]),
            (&[0xE4, 0xB8], &[0xAD]),
            (&[0xAD], &[0xC3]),
            (b"c", &[0xE4]),
            (&[0xC3, 0xA9], b"a"),
            (b"a", b"b"),
        ];
        let vocabulary = Vocabulary::from_merges(merges.map(|(one, other)| (bytes(one), bytes(other))).to_vec(), vec![], &quiet)?;
        let boundaries = Boundaries::of(&vocabulary, &quiet)?;
        let letters = [&b"a"[..], b"b", b"c", &[0xC3, 0xA9], &[0xE4, 0xB8, 0xAD], &[0xAD], &[0xC3], &[0xE4, 0xB8], &[0xF0, 0x9F], b"aaaaaaaaaaaaaaaa"];
        let (mut merger, mut next, mut marks, mut more) = (Merger::default(), chance(1), Vec::new(), 0);
        for _ in 0..300 {
            let text: Vec<u8> = (0..1 + next(600)).flat_map(|_| letters[next(letters.len())]).copied().collect();
            let mut ends: Vec<u32> = (1..text.len()).filter(|_| next(9) == 0).chain([text.len()]).map(|end| u32::try_from(end).unwrap()).collect();
            let mut ids = |ends: &[u32]| {
                let spans = std::iter::once(0).chain(ends.iter().copied()).zip(ends).map(|(begin, end)| begin as usize..*end as usize);
                spans.map(|span| merger.merge(&vocabulary, &text[span], &quiet).map(<[u32]>::to_vec)).collect::<Result<Vec<_>>>().map(|ids| ids.concat())
            };
            let (whole, mut parts) = (ids(&ends)?, Vec::new());
            if cut(&boundaries, &text, &ends, &mut parts, &mut marks) {
                assert_eq!(ids(&parts)?, whole, "{text:x?} {ends:?}");
                more += parts.len() - ends.len();
                ends.retain(|end| parts.binary_search(end).is_err());
                assert!(ends.is_empty());
            }
        }
        assert!(more > 10_000, "{more}");
        Ok(())
    }
}
