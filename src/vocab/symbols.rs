//! A pretoken -> the ids that merging it begins with: its bytes, or its characters.

use super::Vocabulary;
use crate::error::Result;
use crate::normalize::character;
use crate::threads::Pulse;

/// How many bytes of a text there are between two looks at whether to stop: some milliseconds of looking up characters.
const TICK_EVERY: usize = 1 << 16;

impl Vocabulary {
    /// Add the ids that merging a pretoken begins with.
    pub fn symbols(&self, pretoken: &[u8], ids: &mut Vec<u32>, pulse: &Pulse) -> Result<()> {
        if self.kind.characters {
            return self.each_symbol(pretoken, pulse, |id, _| ids.push(id));
        }
        for some in pretoken.chunks(TICK_EVERY) {
            pulse.tick(0)?;
            ids.extend(some.iter().map(|byte| self.byte(*byte)));
        }
        Ok(())
    }

    /// Give the ids that merging a pretoken of characters begins with, and how many bytes each one stands for.
    pub(crate) fn each_symbol(&self, pretoken: &[u8], pulse: &Pulse, mut take: impl FnMut(u32, usize)) -> Result<()> {
        let (mut at, mut unknown, mut due) = (0, 0, 0);
        while at < pretoken.len() {
            if at >= due {
                pulse.tick(0)?;
                due = at + TICK_EVERY;
            }
            let length = character(&pretoken[at..]);
            let data = &pretoken[at..at + length];
            at += length;
            match (self.spellings.id(data), self.kind.unknown) {
                (None, Some(_)) if self.kind.bytes.is_empty() => {
                    unknown += length;
                    let more = self.kind.fuse && at < pretoken.len() && !self.known(&pretoken[at..]);
                    if let (false, Some(id)) = (more, self.kind.unknown) {
                        take(id, std::mem::take(&mut unknown));
                    }
                }
                (None, _) => data.iter().for_each(|byte| take(self.kind.bytes.get(usize::from(*byte)).copied().unwrap_or_default(), 1)),
                (Some(id), _) => take(id, length),
            }
        }
        Ok(())
    }

    /// Whether the character that a text begins with is a token.
    fn known(&self, text: &[u8]) -> bool {
        self.spellings.id(&text[..character(text)]).is_some()
    }
}
