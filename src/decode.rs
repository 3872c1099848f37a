//! ids -> bytes -> text. Bytes always come back exactly; text may need care, since a token can end inside a character.
//!
//! `decode` replaces what is not UTF-8 by U+FFFD, or refuses it where it is to be strict. `Stream` decodes one id at a time and holds back the bytes of an
//! unfinished character (three at most) until the next id finishes it, so that the pieces join up to what `decode` gives.

use std::sync::Arc;

use crate::error::{Error, Kind, MAX_TOKEN_BYTES, Result};
use crate::pages;
use crate::text::{self, Unit, ZEROS, widest};
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

const TICK_EVERY: usize = 1 << 14;
/// As many bytes has an entry of the table, and the last one says how many of those before it are the token's; 97% of cl100k's tokens find room.
const ENTRY: usize = 16;
/// As many ids at most are joined before their bytes are read, and as many bytes, among which any token has room beside what is kept of the one before it.
const SOME: usize = 1 << 9;
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
    /// Of each id how many bytes it has; 0 where there is none.
    lengths: Vec<u16>,
    /// Of each id how many of its bytes begin a character, and above that how wide a character there can be: a bit for each of `WIDTHS` that is reached.
    shapes: Vec<u16>,
    entries: Vec<[u8; ENTRY]>,
}

/// The bits of a number of characters.
const COUNT_BITS: u32 = MAX_TOKEN_BYTES.ilog2() + 1;
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
        let number = |number| u16::try_from(number).unwrap_or(u16::MAX);
        let shape = |id| {
            let token = token(id);
            if token.is_ascii() {
                return number(token.len());
            }
            let widest = widest(token);
            let widths = WIDTHS.iter().rev().fold(0, |widths, width| widths << 1 | u16::from(widest >= *width));
            widths << COUNT_BITS | number(token.iter().filter(|byte| **byte & 0xC0 != 0x80).count()) // the others go on one
        };
        let lengths = ids().map(|id| number(token(id).len())).collect();
        Self { lengths, shapes: ids().map(shape).collect(), entries: ids().map(entry).collect(), vocabulary }
    }

    /// How many bytes the ids stand for; an error if one of them doesn't exist.
    pub fn size(&self, ids: &[u32], pulse: &Pulse) -> Result<usize> {
        let (mut size, mut all) = (0, true);
        for chunk in ids.chunks(TICK_EVERY) {
            pulse.tick(0)?;
            for id in chunk {
                let length = self.length(*id);
                size += usize::from(length);
                all &= length > 0;
            }
        }
        self.check(ids, all)?;
        Ok(size - usize::from(self.strips(ids)))
    }

    /// How much the ids stand for; an error if one of them doesn't exist.
    pub fn measure(&self, ids: &[u32], pulse: &Pulse) -> Result<Size> {
        let (mut bytes, mut characters, mut widths, mut all) = (0, 0, 0, true);
        for chunk in ids.chunks(TICK_EVERY) {
            pulse.tick(0)?;
            let mut both = 0u64; // two sums in one number: those of so many ids don't touch each other
            for id in chunk {
                let (length, shape) = (self.length(*id), self.shapes.get(*id as usize).copied().unwrap_or_default());
                both = both.wrapping_add(u64::from(length) | u64::from(shape % (1 << COUNT_BITS)) << 32);
                widths |= shape;
                all &= length > 0;
            }
            let sums: [u32; 2] = bytemuck::cast(both.to_le());
            bytes += u32::from_le(sums[0]) as usize;
            characters += u32::from_le(sums[1]) as usize;
        }
        self.check(ids, all)?;
        let gone = usize::from(self.strips(ids));
        let widest = WIDTHS.iter().zip(COUNT_BITS..).filter(|(_, bit)| widths >> bit & 1 == 1).map(|(width, _)| *width).last();
        Ok(Size { bytes: bytes - gone, characters: characters - gone, widest: widest.unwrap_or(0x7F) })
    }

    fn length(&self, id: u32) -> u16 {
        self.lengths.get(id as usize).copied().unwrap_or_default()
    }

    /// Refuse ids of which one doesn't exist.
    fn check(&self, ids: &[u32], all: bool) -> Result<()> {
        match ids.iter().position(|id| !all && self.length(*id) == 0) {
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

    /// Join the bytes of the ids, which are as many as `size` says.
    pub fn fill(&self, ids: &[u32], out: &mut [u8], pulse: &Pulse) -> Result<()> {
        let (begun, ids) = self.stripped(ids);
        let (place, mut out) = out.split_at_mut(begun.len());
        place.copy_from_slice(begun);
        for chunk in ids.chunks(TICK_EVERY) {
            let (_, size) = self.join(chunk, out);
            out = &mut out[size..];
            pulse.tick(chunk.len() as u64)?;
        }
        Ok(())
    }

    /// Join the bytes of ids as long as there is room; gives how many ids, and how many bytes. Behind them `out` may be overwritten.
    fn join(&self, ids: &[u32], out: &mut [u8]) -> (usize, usize) {
        let (mut at, mut behind) = (0, ids.iter());
        while let Some(id) = behind.next() {
            let Some(entry) = self.entries.get(*id as usize) else { continue };
            match out.get_mut(at..at + ENTRY) {
                Some(place) if entry[ENTRY - 1] != LONGER => {
                    place.copy_from_slice(entry);
                    at += usize::from(entry[ENTRY - 1]);
                }
                _ => {
                    let token = self.vocabulary.get(*id).unwrap_or_default();
                    let Some(place) = out.get_mut(at..at + token.len()) else { return (ids.len() - behind.len() - 1, at) };
                    place.copy_from_slice(token);
                    at += token.len();
                }
            }
        }
        (ids.len(), at)
    }

    /// Join the bytes of the ids and read them as UTF-8 into `out`, which has place for as many characters as `measure` says, as wide as it says. Gives whether
    /// they are UTF-8; if so, every place has been written.
    ///
    /// They are joined a few kilobytes at a time, which are read while they are near; of a character that isn't whole the bytes are kept for the next time.
    pub(crate) fn read<U: Unit>(&self, ids: &[u32], out: &mut [U], pulse: &Pulse) -> Result<bool> {
        let (begun, mut ids) = self.stripped(ids);
        let (mut room, mut kept, mut count) = (vec![0; ROOM + ZEROS], begun.len(), 0);
        room[..kept].copy_from_slice(begun);
        while kept > 0 || !ids.is_empty() {
            let (joined, size) = self.join(&ids[..ids.len().min(SOME)], &mut room[kept..ROOM]);
            let end = kept + size;
            room[end..end + ZEROS].fill(0);
            let (read, characters) = text::read(&room[..end + ZEROS], end, &mut out[count..]);
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
        let size = self.size(ids, pulse)?;
        let mut out = pages::room(size);
        out.resize(size, 0);
        self.fill(ids, &mut out, pulse)?;
        Ok(out)
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
        let mut units = vec![U::from(b'?'); size.characters];
        let whole = decoder.read(ids, &mut units, &Pulse::default()).unwrap();
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
                let (data, size) = (decoder.bytes(&ids, &quiet).unwrap(), decoder.measure(&ids, &quiet).unwrap());
                assert_eq!((size.bytes, size.widest), (data.len(), widest(&data)));
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
