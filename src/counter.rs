//! How many ids a text has that grows: a chat, a document that is streamed, a prompt that is put together.
//!
//! The number of ids of two texts isn't that of the joined text: a pretoken may reach over the join. But what is appended changes only the last pretokens of
//! what was there (`Pattern::settled` says which), so a counter keeps their text alone and counts them again with what comes. Time O(appended + these).

use crate::encode::Tokenizer;
use crate::error::Result;
use crate::special::Special;
use crate::split::spans;
use crate::threads::Pulse;

/// A count, and the end of the text that may still change it.
///
/// ```
/// use toklet::{Tokenizer, counter::Counter, threads::Pulse};
/// let (quiet, mut counter) = (Pulse::default(), Counter::default());
/// let tok = Tokenizer::from_merges(vec![(b"d".to_vec(), b"o".to_vec()), (b"do".to_vec(), b"g".to_vec())], vec![], "gpt2", &quiet)?;
/// assert_eq!(counter.append(&tok, b"a do", &quiet)?, 3);
/// assert_eq!(counter.append(&tok, b"g", &quiet)?, 3);
/// # Ok::<(), toklet::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Counter {
    /// The ids of the text before the tail.
    settled: usize,
    /// The last pretokens.
    tail: Vec<u8>,
    /// The ids of all.
    count: usize,
}

impl Counter {
    /// How many ids the text so far has.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Append ordinary text, and count.
    pub fn append(&mut self, tok: &Tokenizer, text: &[u8], pulse: &Pulse) -> Result<usize> {
        let mut all = Vec::with_capacity(self.tail.len() + text.len());
        all.extend_from_slice(&self.tail);
        all.extend_from_slice(text);
        if tok.pipeline().is_some() {
            let count = tok.count(&all, &Special::Text, pulse)?; // what is normalized may change as a whole
            *self = Self { settled: 0, tail: all, count };
            return Ok(count);
        }
        let settled = tok.pattern().settled(&all);
        let mut count = self.settled;
        let mut last = (0, count); // where the first of the pretokens begins that may still change, and the ids before it
        tok.lookup().with(|memory| {
            tok.pattern().windows(&all, pulse, |start, ends| {
                pulse.tick(ends.last().copied().map_or(0, u64::from))?;
                // All that is before it is looked up together: their memory is fetched at once, not one after the other.
                let kept = ends.partition_point(|&end| start + end as usize <= settled);
                tok.lookup().window(memory, &all, start, &ends[..kept], pulse, &mut |ids| count += ids.len())?;
                for span in spans(start, ends).skip(kept) {
                    if span.start <= settled {
                        last = (span.start, count);
                    }
                    count += tok.lookup().count(memory, &all[span], pulse)?;
                }
                Ok(())
            })
        })?;
        all.drain(..last.0);
        *self = Self { settled: last.1, tail: all, count };
        Ok(count)
    }
}
