//! Counting up to a limit: whether a text fits, without reading on once it doesn't.

use crate::encode::Tokenizer;
use crate::error::{Error, Result};
use crate::special::{Piece, Special, each_piece};
use crate::threads::Pulse;

impl Tokenizer {
    /// Count the ids of one text, but no more than `limit + 1`.
    ///
    /// ```
    /// use toklet::{Special, Tokenizer, threads::Pulse};
    /// let quiet = Pulse::default();
    /// let tok = Tokenizer::from_merges(vec![], vec![], "gpt2", &quiet)?;
    /// assert_eq!(tok.count_up_to(b"12345", &Special::Text, 5, &quiet)?, 5);
    /// assert_eq!(tok.count_up_to(b"12345", &Special::Text, 3, &quiet)?, 4);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn count_up_to(&self, data: &[u8], special: &Special, limit: usize, pulse: &Pulse) -> Result<usize> {
        if self.pipeline().is_some() {
            return Ok(self.count(data, special, pulse)?.min(limit.saturating_add(1))); // what is normalized may change as a whole
        }
        let (mut count, mut over) = (0usize, false);
        let chosen = self.chosen(special)?;
        let walked = self.lookup().with(|memory| {
            let walk = each_piece(chosen.finder(data)?, data, |piece| {
                match piece {
                    Piece::Special(_) => count += 1,
                    Piece::Text(text) => self.pattern().windows(text, pulse, |start, ends| {
                        pulse.tick(ends.last().copied().map_or(0, u64::from))?;
                        self.lookup().window(memory, text, start, ends, pulse, &mut |ids| count += ids.len())?;
                        over = count > limit;
                        if over { Err(Error::interrupted()) } else { Ok(()) } // an error is how a walk over windows is left
                    })?,
                }
                Ok(())
            });
            Ok(walk) // the memory is kept for other calls, however the walk ended
        })?;
        if over {
            return Ok(limit.saturating_add(1));
        }
        walked.map(|()| count.min(limit.saturating_add(1)))
    }
}
