//! Where ids stand in a text: offsets, and cutting a text so that it encodes to no more than so many ids.
//!
//! Tokens are cut between bytes, people count characters. A token that holds a part of a character is given the whole of it, and a text is never cut
//! inside one. A shortened text can encode to more ids than it kept of the long one (its last blanks may be shared out otherwise), so what is cut is
//! encoded again and cut further until it fits.

use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result, quote};
use crate::special::Special;
use crate::threads::Pulse;

/// Ids, and (start, end) of each in bytes.
type Located = (Vec<u32>, Vec<(usize, usize)>);

const TICK_EVERY: usize = 1 << 16;

impl Tokenizer {
    /// Encode one text: its ids, and (start, end) of each in bytes, or in the characters that it touches, one after the other.
    pub fn encode_with_offsets(&self, data: &[u8], special: &Special, characters: bool, pulse: &Pulse) -> Result<(Vec<u32>, Vec<u32>)> {
        let (ids, spans) = self.places(data, special, pulse)?;
        let (mut starts, mut ends) = (CharacterNumbers { data, start: 0, number: 0 }, CharacterNumbers { data, start: 0, number: 0 });
        let mut offsets = Vec::with_capacity(2 * ids.len());
        for (number, (start, end)) in spans.into_iter().enumerate() {
            if number % TICK_EVERY == 0 {
                pulse.tick(0)?;
            }
            let last = end.saturating_sub(1).max(start);
            let places = if characters { [starts.of(start), ends.of(last) + usize::from(end > start)] } else { [start, end] };
            offsets.extend(places.map(|place| u32::try_from(place).unwrap_or(u32::MAX)));
        }
        Ok((ids, offsets))
    }

    /// Encode one text: its ids, and (start, end) of each in bytes.
    fn places(&self, data: &[u8], special: &Special, pulse: &Pulse) -> Result<Located> {
        if let Some(pipeline) = self.pipeline() {
            let (ids, spans) = self.spans(pipeline, data, special, pulse)?;
            return Ok((ids, spans.into_iter().map(|(start, end)| (start as usize, end as usize)).collect()));
        }
        let ids = self.encode(data, special, pulse)?;
        let spans = self.ends(&ids).windows(2).map(|span| (span[0], span[1])).collect();
        Ok((ids, spans))
    }

    /// Keep the head, the tail or the middle of a text, cut between characters, so that it encodes to at most `max_tokens` ids.
    pub fn truncate<'a>(&self, data: &'a [u8], max_tokens: usize, keep: &str, pulse: &Pulse) -> Result<&'a [u8]> {
        if !["head", "tail", "middle"].contains(&keep) {
            return Err(Error::new(Kind::Argument, "keep", quote::text(keep), "'head', 'tail' or 'middle'"));
        }
        let (ids, spans) = self.places(data, &Special::Text, pulse)?;
        let (mut count, mut room, mut step) = (ids.len(), max_tokens.min(ids.len()), 1);
        let mut kept = data;
        while count > max_tokens {
            let spare = ids.len() - room;
            let first = if keep == "head" {
                0
            } else if keep == "tail" {
                spare
            } else {
                spare / 2
            };
            let (mut start, mut end) = if room == 0 { (0, 0) } else { (spans[first].0, spans[first + room - 1].1) };
            while inside_character(data, start) {
                start += 1;
            }
            while inside_character(data, end) {
                end -= 1;
            }
            kept = data.get(start..end).unwrap_or(&[]);
            count = self.count(kept, &Special::Text, pulse)?;
            // By the excess, but in doubling steps: a cut that shifts all that follows it may be bad where its neighbour is good.
            room = room.saturating_sub(step.min(count.saturating_sub(max_tokens)));
            step = step.saturating_mul(2);
        }
        Ok(kept)
    }

    /// Where each id ends in what they decode to, in bytes, behind a 0.
    pub fn ends(&self, ids: &[u32]) -> Vec<usize> {
        let (vocabulary, mut end) = (self.vocabulary(), 0);
        let token = |id: &u32| vocabulary.get(*id).unwrap_or(&[]);
        let gone = usize::from(vocabulary.kind().strip && ids.first().is_some_and(|id| token(id).first() == Some(&b' ')));
        std::iter::once(0)
            .chain(ids.iter().enumerate().map(|(i, id)| {
                end += token(id).len() - if i == 0 { gone } else { 0 };
                end
            }))
            .collect()
    }
}

/// The number of the character that a byte belongs to; asked for bytes in rising order.
struct CharacterNumbers<'a> {
    data: &'a [u8],
    start: usize,
    number: usize,
}

impl CharacterNumbers<'_> {
    fn of(&mut self, byte: usize) -> usize {
        while byte >= self.start + character_length(&self.data[self.start..]) {
            self.start += character_length(&self.data[self.start..]);
            self.number += 1;
        }
        self.number
    }
}

/// The length of the character that begins here; 1 for a byte that begins none, and behind the end.
pub(crate) fn character_length(data: &[u8]) -> usize {
    let first = &data[..data.len().min(4)];
    first.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()).map_or(1, char::len_utf8)
}

/// Whether byte `i` goes on a character that began before it.
pub(crate) fn inside_character(data: &[u8], i: usize) -> bool {
    i < data.len() && (1..=i.min(3)).any(|back| character_length(&data[i - back..]) > back)
}
