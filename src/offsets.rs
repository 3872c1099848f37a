//! Where ids stand in a text: offsets, and cutting a text so that it encodes to no more than so many ids.
//!
//! Tokens are cut between bytes, people count characters. A token that holds a part of a character is given the whole of it, and a text is never cut
//! inside one. A shortened text can encode to more ids than it kept of the long one (its last blanks may be shared out otherwise), so what is cut is
//! encoded again and cut further until it fits.

use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result, quote};
use crate::special::Special;
use crate::threads::Pulse;

const TICK_EVERY: usize = 1 << 16;

impl Tokenizer {
    /// Encode one text: its ids, and (start, end) of each in bytes, or in the characters that it touches, one after the other.
    pub fn encode_with_offsets(&self, data: &[u8], special: &Special, characters: bool, pulse: &Pulse) -> Result<(Vec<u32>, Vec<u32>)> {
        let ids = self.encode(data, special, pulse)?;
        let ends = self.ends(&ids);
        let mut numbers = CharacterNumbers { data, start: 0, number: 0 };
        let mut offsets = Vec::with_capacity(2 * ids.len());
        for (number, span) in ends.windows(2).enumerate() {
            if number % TICK_EVERY == 0 {
                pulse.tick(0)?;
            }
            let places = if characters { [numbers.of(span[0]), numbers.of(span[1] - 1) + 1] } else { [span[0], span[1]] };
            offsets.extend(places.map(|place| u32::try_from(place).unwrap_or(u32::MAX)));
        }
        Ok((ids, offsets))
    }

    /// Keep the head, the tail or the middle of a text, cut between characters, so that it encodes to at most `max_tokens` ids.
    pub fn truncate<'a>(&self, data: &'a [u8], max_tokens: usize, keep: &str, pulse: &Pulse) -> Result<&'a [u8]> {
        if !["head", "tail", "middle"].contains(&keep) {
            return Err(Error::new(Kind::Argument, "keep", quote::text(keep), "'head', 'tail' or 'middle'"));
        }
        let ids = self.encode(data, &Special::Text, pulse)?;
        let ends = self.ends(&ids);
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
            let (mut start, mut end) = (ends[first], ends[first + room]);
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

    /// Where each id ends in the text, in bytes, behind a 0.
    pub fn ends(&self, ids: &[u32]) -> Vec<usize> {
        let mut end = 0;
        let length = |id: &u32| self.vocabulary().get(*id).map_or(0, <[u8]>::len);
        std::iter::once(0)
            .chain(ids.iter().map(|id| {
                end += length(id);
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
