//! ids -> bytes -> text. Bytes always come back exactly; text may need care, since a token can end inside a character.
//!
//! `decode` replaces what is not UTF-8 by U+FFFD, or refuses it where it is to be strict. `Stream` decodes one id at a time and holds back the bytes of an
//! unfinished character (three at most) until the next id finishes it, so that the pieces join up to what `decode` gives.

use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::pages;
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

const TICK_EVERY: usize = 1 << 14;
/// As many bytes has an entry of the table, and the last one says how many of those before it are the token's; 97% of cl100k's tokens find room.
const ENTRY: usize = 16;
/// In the place of that number: the token is longer.
const LONGER: u8 = u8::MAX;

/// Decodes many ids at once, by a table of the vocabulary's tokens.
///
/// Nearly all tokens are short. So they stand in entries of one size and an entry is copied whole, whatever its token's length: the next token overwrites what
/// was too much. That takes a third of the time of copying each token's own bytes from where they lie.
pub struct Decoder {
    vocabulary: Arc<Vocabulary>,
    /// Of each id; 0 where there is none.
    lengths: Vec<u16>,
    entries: Vec<[u8; ENTRY]>,
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
        let lengths = ids().map(|id| u16::try_from(token(id).len()).unwrap_or(u16::MAX)).collect();
        Self { lengths, entries: ids().map(entry).collect(), vocabulary }
    }

    /// How many bytes the ids stand for; an error if one of them doesn't exist.
    pub fn size(&self, ids: &[u32]) -> Result<usize> {
        let length = |id: &u32| self.lengths.get(*id as usize).copied().unwrap_or_default();
        let (mut size, mut all) = (0, true);
        for id in ids {
            size += usize::from(length(id));
            all &= length(id) > 0;
        }
        match ids.iter().zip(0..).find(|(id, _)| !all && length(id) == 0) {
            None => Ok(size - usize::from(self.strips(ids))),
            Some((id, position)) => Err(self.unknown(*id, position)),
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

    /// Join the bytes of the ids, which are as many as `size` says.
    pub fn fill(&self, mut ids: &[u32], out: &mut [u8], pulse: &Pulse) -> Result<()> {
        let mut at = 0;
        if let ([first, behind @ ..], true) = (ids, self.strips(ids)) {
            let token = self.vocabulary.get(*first).unwrap_or_default();
            out.iter_mut().zip(&token[1..]).for_each(|(place, byte)| *place = *byte);
            (at, ids) = (token.len() - 1, behind);
        }
        for chunk in ids.chunks(TICK_EVERY) {
            for &id in chunk {
                let Some(entry) = self.entries.get(id as usize) else { continue };
                match out.get_mut(at..at + ENTRY) {
                    Some(place) if entry[ENTRY - 1] != LONGER => {
                        place.copy_from_slice(entry);
                        at += usize::from(entry[ENTRY - 1]);
                    }
                    _ => {
                        let token = self.vocabulary.get(id).unwrap_or_default();
                        out.iter_mut().skip(at).zip(token).for_each(|(place, byte)| *place = *byte);
                        at += token.len();
                    }
                }
            }
            pulse.tick(chunk.len() as u64)?;
        }
        Ok(())
    }

    /// Join the bytes of the ids.
    pub fn bytes(&self, ids: &[u32], pulse: &Pulse) -> Result<Vec<u8>> {
        let size = self.size(ids)?;
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
