//! ids -> bytes -> text. Bytes always come back exactly; text may need care, since a token can end inside a character.
//!
//! `decode` replaces what is not UTF-8 by U+FFFD, or refuses it where it is to be strict. `Stream` decodes one id at a time and holds back the bytes of an
//! unfinished character (three at most) until the next id finishes it, so that the pieces join up to what `decode` gives.

#[cfg(target_arch = "x86_64")]
mod wide;

use std::sync::Arc;

use crate::error::{Error, Kind, MAX_TOKEN_BYTES, Result};
use crate::pages::{self, Untouched, prefetch};
use crate::text::{self, Unit, ZEROS, widest};
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

const TICK_EVERY: usize = 1 << 12;
/// As many bytes has an entry of the table, and the last one says how many of those before it are the token's; 99 % of cl100k's tokens find room.
const ENTRY: usize = 16;
/// As many ids are joined in one step, if the entries of all of them have room.
const BLOCK: usize = 16;
/// How many ids ahead they are fetched, and how many ahead their entries: the processor doesn't foresee even the first while it waits for the second.
const AHEAD: usize = 1 << 9;
const ENTRIES_AHEAD: usize = 1 << 6;
/// As many ids at most are joined before their bytes are read, and as many bytes, among which any token has room beside what is kept of the one before it.
const SOME: usize = 1 << 10;
const ROOM: usize = 1 << 14;
/// The most bytes that a character has before it is whole.
const UNFINISHED: usize = 3;
/// In the place of how long a token is: it is longer than an entry.
const LONGER: u8 = u8::MAX;

/// Decodes many ids at once, by a table of the vocabulary's tokens.
///
/// Nearly all tokens are short. So they stand in entries of one size and an entry is copied whole, whatever its token's length: the next token overwrites what
/// was too much. That takes a third of the time of copying each token's own bytes from where they lie.
pub struct Decoder {
    vocabulary: Arc<Vocabulary>,
    shapes: Vec<Shape>,
    entries: Vec<[u8; ENTRY]>,
}

/// What is told of a token's bytes, in one number: from the lowest bit up how many there are, 0 where there is no such token; how many of them begin a
/// character; and how wide a character there can be, a bit for each of `WIDTHS` that is reached.
type Shape = u32;

/// The same of several tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    bytes: u32,
    characters: u32,
    widths: Shape,
    /// Whether one of them doesn't exist.
    unknown: bool,
}

/// The bits of a number of bytes.
const COUNT_BITS: u32 = MAX_TOKEN_BYTES.ilog2() + 1;
const COUNT: Shape = (1 << COUNT_BITS) - 1;
const WIDTHS: [u32; 3] = [0xFF, 0xFFFF, 0x10_FFFF];

/// How much ids stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many bytes.
    pub bytes: usize,
    /// How many characters, if the bytes are UTF-8.
    pub characters: usize,
    /// The largest character that there may be, if they are: U+007F, U+00FF, U+FFFF or U+10FFFF.
    pub widest: u32,
}

impl Decoder {
    /// Make the table.
    pub fn new(vocabulary: Arc<Vocabulary>) -> Self {
        let token = |id| vocabulary.get(id).unwrap_or_default();
        let entry = |id| {
            let (token, mut entry) = (token(id), [0; ENTRY]);
            entry.iter_mut().zip(token).for_each(|(place, byte)| *place = *byte);
            entry[ENTRY - 1] = u8::try_from(token.len()).ok().filter(|length| usize::from(*length) < ENTRY).unwrap_or(LONGER);
            entry
        };
        let ids = || (0u32..).take(vocabulary.size());
        let shape = |id| {
            let token = token(id);
            let widest = widest(token);
            let widths = WIDTHS.iter().rev().fold(0, |widths, width| widths << 1 | Shape::from(widest >= *width));
            let begun = token.iter().filter(|byte| **byte & 0xC0 != 0x80).count(); // the others go on one
            let [bytes, begun] = [token.len(), begun].map(|number| Shape::try_from(number).unwrap_or(COUNT).min(COUNT));
            widths << (2 * COUNT_BITS) | begun << COUNT_BITS | bytes
        };
        Self { shapes: ids().map(shape).collect(), entries: ids().map(entry).collect(), vocabulary }
    }

    /// How much the ids stand for; an error if one of them doesn't exist.
    pub fn measure(&self, ids: &[u32], pulse: &Pulse) -> Result<Size> {
        let (mut bytes, mut characters, mut widths, mut unknown) = (0, 0, 0, false);
        for chunk in ids.chunks(TICK_EVERY) {
            pulse.tick(0)?;
            let sum = self.sum(chunk);
            (bytes, characters) = (bytes + sum.bytes as usize, characters + sum.characters as usize);
            (widths, unknown) = (widths | sum.widths, unknown || sum.unknown);
        }
        self.check(ids, unknown)?;
        let gone = usize::from(self.strips(ids)); // of ids that another thread may have changed since
        let widest = WIDTHS.iter().zip(2 * COUNT_BITS..).filter(|(_, bit)| widths >> bit & 1 == 1).map(|(width, _)| *width).last();
        Ok(Size { bytes: bytes.saturating_sub(gone), characters: characters.saturating_sub(gone), widest: widest.unwrap_or(0x7F) })
    }

    /// What is told of the tokens of some ids.
    fn sum(&self, ids: &[u32]) -> Sum {
        #[cfg(target_arch = "x86_64")]
        if let Some((sum, rest)) = wide::sum(&self.shapes, ids) {
            return self.plain_sum(sum, rest);
        }
        self.plain_sum(Sum::default(), ids)
    }

    fn plain_sum(&self, mut sum: Sum, ids: &[u32]) -> Sum {
        for some in ids.chunks(BLOCK) {
            prefetch(some, AHEAD);
            for id in some {
                let shape = self.shape(*id);
                sum.bytes = sum.bytes.wrapping_add(shape & COUNT); // of so many ids neither is too large
                sum.characters = sum.characters.wrapping_add(shape >> COUNT_BITS & COUNT);
                sum.widths |= shape;
                sum.unknown |= shape == 0;
            }
        }
        sum
    }

    fn shape(&self, id: u32) -> Shape {
        self.shapes.get(id as usize).copied().unwrap_or_default()
    }

    /// Refuse ids of which one doesn't exist.
    fn check(&self, ids: &[u32], unknown: bool) -> Result<()> {
        match ids.iter().position(|id| unknown && self.shape(*id) == 0) {
            None => Ok(()),
            Some(position) => Err(self.unknown(ids[position], position)),
        }
    }

    /// Whether the ids begin with a space that stands before every text of this vocabulary.
    fn strips(&self, ids: &[u32]) -> bool {
        self.vocabulary.kind().strip && ids.first().and_then(|id| self.vocabulary.get(*id)).is_some_and(|token| token.starts_with(b" "))
    }

    fn unknown(&self, id: u32, position: usize) -> Error {
        let allowed = format!("one of the vocabulary's, which are under {}", self.vocabulary.size());
        Error::new(Kind::Token, format!("the id at position {position}"), id.to_string(), allowed)
    }

    /// The first token without its space, and the ids behind it, where the ids begin with a space that is no part of the text.
    fn stripped<'a>(&self, ids: &'a [u32]) -> (&[u8], &'a [u32]) {
        let first = ids.first().filter(|_| self.strips(ids)).and_then(|id| self.vocabulary.get(*id));
        first.map_or((&[], ids), |token| (&token[1..], &ids[1..]))
    }

    /// Join the bytes of the ids, which are as many as `measure` says.
    pub(crate) fn fill(&self, ids: &[u32], out: &mut Untouched<'_, u8>, pulse: &Pulse) -> Result<()> {
        let (begun, mut ids) = self.stripped(ids);
        let place = out.lend(0, begun.len());
        let mut at = place.len(); // less if they were others when they were measured
        place.copy_from_slice(&begun[..at]);
        while !ids.is_empty() {
            let (joined, size) = self.join(ids, SOME, out.lend(at, ROOM));
            if joined == 0 {
                break; // as there
            }
            (ids, at) = (&ids[joined..], at + size);
            pulse.tick(joined as u64)?;
        }
        Ok(())
    }

    /// Join the bytes of the first so many ids as long as there is room; gives how many ids, and how many bytes. Behind them `out` may be overwritten.
    fn join(&self, ids: &[u32], most: usize, out: &mut [u8]) -> (usize, usize) {
        let some = &ids[..ids.len().min(most)];
        let (mut done, mut at) = (0, 0);
        while done < some.len() {
            prefetch(ids, done + AHEAD);
            if let (Some(block), Some(place)) = (some[done..].first_chunk(), out[at..].first_chunk_mut()) {
                ids.iter().skip(done + ENTRIES_AHEAD).take(BLOCK).for_each(|id| prefetch(&self.entries, *id as usize));
                let (joined, size) = self.join_block(block, place);
                (done, at) = (done + joined, at + size);
                if joined == BLOCK {
                    continue;
                }
            }
            let token = self.vocabulary.get(some[done]).unwrap_or_default();
            let Some(place) = out.get_mut(at..at + token.len()) else { break };
            place.copy_from_slice(token);
            (done, at) = (done + 1, at + token.len());
        }
        (done, at)
    }

    /// Join the bytes of some ids up to one for which an entry has no room; gives how many ids, and how many bytes.
    fn join_block(&self, ids: &[u32; BLOCK], out: &mut [u8; BLOCK * ENTRY]) -> (usize, usize) {
        let mut at = 0;
        for (done, id) in ids.iter().enumerate() {
            match self.entries.get(*id as usize) {
                Some(entry) if entry[ENTRY - 1] != LONGER => {
                    out[at..at + ENTRY].copy_from_slice(entry);
                    at += usize::from(entry[ENTRY - 1]);
                }
                _ => return (done, at),
            }
        }
        (BLOCK, at)
    }

    /// Join the bytes of the ids and read them as UTF-8 into `out`, which has place for as many characters as `measure` says, as wide as it says. Gives whether
    /// they are UTF-8; if so, every place has been written.
    ///
    /// They are joined a few kilobytes at a time, which are read while they are near; of a character that isn't whole the bytes are kept for the next time.
    pub(crate) fn read<U: Unit>(&self, ids: &[u32], out: &mut Untouched<'_, U>, pulse: &Pulse) -> Result<bool> {
        let (begun, mut ids) = self.stripped(ids);
        let (mut room, mut kept, mut count) = (vec![0; ROOM + ZEROS], begun.len(), 0);
        room[..kept].copy_from_slice(begun);
        while kept > 0 || !ids.is_empty() {
            let (joined, size) = self.join(ids, SOME, &mut room[kept..ROOM]);
            let end = kept + size;
            room[end..end + ZEROS].fill(0);
            let (read, characters) = text::read(&room[..end + ZEROS], end, out.lend(count, end + ZEROS));
            (count, kept, ids) = (count + characters, end - read, &ids[joined..]);
            if kept > UNFINISHED || (kept > 0 && ids.is_empty()) {
                return Ok(false);
            }
            room.copy_within(read..end, 0);
            pulse.tick(joined as u64)?;
        }
        Ok(count == out.len())
    }

    /// Join the bytes of the ids.
    pub fn bytes(&self, ids: &[u32], pulse: &Pulse) -> Result<Vec<u8>> {
        let size = self.measure(ids, pulse)?.bytes;
        pages::filled(size, |out| self.fill(ids, out, pulse))
    }

    /// Join the bytes of the ids and read them as UTF-8; what isn't UTF-8 becomes U+FFFD, or is refused where this is to be strict.
    pub fn text(&self, ids: &[u32], strict: bool, pulse: &Pulse) -> Result<String> {
        read(self.bytes(ids, pulse)?, strict)
    }

    /// Decode rows of ids, which end at these places, each for itself.
    pub fn rows(&self, ids: &[u32], offsets: &[u64], strict: bool, pulse: &Pulse) -> Result<Vec<String>> {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let row = |(number, ends): (usize, &[u64])| {
            let row = ids.get(place(ends[0])..place(ends[1])).unwrap_or_default();
            self.text(row, strict, pulse).map_err(|error| Error { place: format!("row {number}: {}", error.place), ..error })
        };
        offsets.windows(2).enumerate().map(row).collect()
    }
}

/// Read bytes as UTF-8.
fn read(data: Vec<u8>, strict: bool) -> Result<String> {
    String::from_utf8(data).or_else(|error| {
        if !strict {
            return Ok(String::from_utf8_lossy(error.as_bytes()).into_owned());
        }
        let at = error.utf8_error().valid_up_to();
        let found = format!("0x{:02x}", error.as_bytes()[at]);
        Err(Error::new(Kind::Text, format!("byte {at} of the decoded ids"), found, "UTF-8 where errors='strict'"))
    })
}

/// Decodes one id at a time.
pub struct Stream {
    vocabulary: Arc<Vocabulary>,
    held: Vec<u8>,
    /// Whether a space is to be dropped that comes first.
    strip: bool,
}

impl Stream {
    /// Begin.
    pub fn new(vocabulary: Arc<Vocabulary>) -> Self {
        let strip = vocabulary.kind().strip;
        Self { vocabulary, held: Vec::new(), strip }
    }

    /// Give the text that is certain once this id has come: perhaps none.
    pub fn push(&mut self, id: u32) -> Result<String> {
        let token = self.vocabulary.token(id)?;
        let gone = usize::from(std::mem::take(&mut self.strip) && token.first() == Some(&b' '));
        self.held.extend_from_slice(&token[gone..]);
        let unfinished = self.held.utf8_chunks().last().map_or(0, |chunk| unfinished(chunk.invalid()));
        let certain = self.held.len() - unfinished;
        let text = String::from_utf8_lossy(&self.held[..certain]).into_owned();
        self.held.drain(..certain);
        Ok(text)
    }

    /// Give what is still held back: U+FFFD for an unfinished character. The stream can then be used again.
    pub fn end(&mut self) -> String {
        self.strip = self.vocabulary.kind().strip;
        String::from_utf8_lossy(&std::mem::take(&mut self.held)).into_owned()
    }
}

/// How many bytes at the end of a text, of which UTF-8 says that they are wrong, may be right once more bytes come.
fn unfinished(invalid: &[u8]) -> usize {
    match std::str::from_utf8(invalid) {
        Err(error) if error.error_len().is_none() => invalid.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;

    /// Read ids in units of this kind.
    fn through<U: Unit>(decoder: &Decoder, ids: &[u32], size: Size) -> Option<String> {
        let mut whole = false;
        let units = pages::filled(size.characters, |out: &mut Untouched<'_, U>| decoder.read(ids, out, &Pulse::default()).map(|read| whole = read)).unwrap();
        whole.then(|| units.into_iter().map(|unit| char::from_u32(unit.into()).unwrap()).collect())
    }

    #[test]
    fn ids_are_read_as_their_bytes_are() {
        let quiet = Pulse::default();
        let letters = ["a", "é", "ю", "中", "🙂"];
        let mut tokens: Vec<(Vec<u8>, u32)> =
            (0u8..=255).map(|byte| vec![byte]).chain(letters[1..].iter().map(|letter| letter.as_bytes().to_vec())).zip(0..).collect();
        let longer = [b"  in a line".to_vec(), "ab中 ".repeat(9).into(), vec![b'x'; 15], vec![b'y'; 16], vec![b'z'; MAX_TOKEN_BYTES], vec![0xAD, b'b']];
        tokens.extend(longer.into_iter().zip(260..));
        for strip in [false, true] {
            let kind = crate::vocab::Symbols { strip, ..Default::default() };
            let vocabulary = Vocabulary::of_symbols(tokens.clone(), Some(vec![]), vec![], false, kind, &quiet).unwrap();
            let (decoder, mut next, mut seen) = (Decoder::new(vocabulary.into()), chance(1), [0; 5]);
            for round in 0..600 {
                let most = 1 + next(letters.len());
                let mut ids = Vec::new();
                for _ in 0..next(if round % 50 == 0 { 3000 } else { 40 }) {
                    match next(8) {
                        0 => ids.extend(letters[next(most)].bytes().map(u32::from)), // in parts
                        1 => ids.push([260, 262, 263, 264, 261, 261][next(if most > 3 { 6 } else { 4 })]),
                        _ => ids.push([97, 256, 257, 258, 259][next(most)]),
                    }
                    if next(4000) == 0 {
                        ids.push(265);
                    }
                }
                #[cfg(target_arch = "x86_64")]
                if let Some((sum, rest)) = wide::sum(&decoder.shapes, &ids) {
                    let some = ids.len() - rest.len();
                    assert_eq!(sum, decoder.plain_sum(Sum::default(), &ids[..some]));
                    assert!(decoder.sum(&[&[266 + u32::MAX / 2 * (round % 2)], &ids[..]].concat()).unknown);
                }
                let (data, size) = (decoder.bytes(&ids, &quiet).unwrap(), decoder.measure(&ids, &quiet).unwrap());
                assert_eq!((size.bytes, size.widest), (data.len(), widest(&data)));
                for length in [0, 1, data.len() / 2, data.len() + 40] {
                    let other = pages::filled(length, |out| decoder.fill(&ids, out, &quiet)).unwrap(); // as if others had been measured
                    let most = if length < data.len() { length.saturating_sub(MAX_TOKEN_BYTES) } else { data.len() };
                    assert_eq!(other[..most], data[..most]);
                }
                let text = String::from_utf8(data).ok();
                seen[text.as_ref().map_or(4, |_| WIDTHS.iter().position(|width| size.widest == *width).map_or(0, |at| at + 1))] += 1;
                assert_eq!(through::<u32>(&decoder, &ids, size), text);
                if size.widest <= 0xFFFF {
                    assert_eq!(through::<u16>(&decoder, &ids, size), text);
                }
                if size.widest <= 0xFF {
                    assert_eq!(through::<u8>(&decoder, &ids, size), text);
                }
            }
            assert!(seen.iter().all(|count| *count > 5), "{seen:?}");
        }
    }
}
