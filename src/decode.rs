//! ids -> bytes -> text. Bytes always come back exactly; text may need care, since a token can end inside a character.
//!
//! `decode` replaces what is not UTF-8 by U+FFFD, or refuses it where it is to be strict. `Stream` decodes one id at a time and holds back the bytes of an
//! unfinished character (three at most) until the next id finishes it, so that the pieces join up to what `decode` gives.

use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

const TICK_EVERY: usize = 1 << 16;

/// Join the bytes of the ids.
pub fn decode_bytes(vocabulary: &Vocabulary, ids: &[u32], pulse: &Pulse) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(ids.len().saturating_mul(4));
    for (chunk, first) in ids.chunks(TICK_EVERY).zip((0..).step_by(TICK_EVERY)) {
        for (&id, position) in chunk.iter().zip(first..) {
            let token = vocabulary.get(id).ok_or_else(|| {
                let allowed = format!("one of the vocabulary's, which are under {}", vocabulary.size());
                Error::new(Kind::Token, format!("the id at position {position}"), id.to_string(), allowed)
            })?;
            out.extend_from_slice(token);
        }
        pulse.tick(chunk.len() as u64)?;
    }
    if vocabulary.kind().strip && out.first() == Some(&b' ') {
        out.remove(0);
    }
    Ok(out)
}

/// Join the bytes of the ids and read them as UTF-8.
pub fn decode(vocabulary: &Vocabulary, ids: &[u32], strict: bool, pulse: &Pulse) -> Result<String> {
    String::from_utf8(decode_bytes(vocabulary, ids, pulse)?).or_else(|error| {
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
