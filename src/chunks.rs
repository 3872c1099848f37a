//! A text -> pieces that each have at most so many ids, and together are the text.
//!
//! A piece is a run of pretokens, so that no word is cut: as many as fit, or, if one of them in the second half of the piece ends in a line break, those up to
//! the last such. The next piece may begin with the last pretokens of the one before it. A pretoken that doesn't fit into a piece alone is cut between
//! characters, in windows, so that time stays linear. A piece is counted as the text that it is: where a pattern looks at what stands around a pretoken that
//! may be more than the sum, and pretokens are given up until it fits. Pieces are found a few thousand bytes of text at a time, by what is asked for.

use std::collections::VecDeque;
use std::ops::Range;

use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result};
use crate::offsets::{character_length, inside_character};
use crate::special::Special;
use crate::split::spans;
use crate::threads::Pulse;

/// How much text is looked at before the first pieces are given; then it is more and more, for a regular expression looks at all that is left each time.
const BLOCK: usize = 1 << 14;

/// The pieces of a text that are still to come.
#[derive(Clone)]
pub struct Chunks {
    max_tokens: usize,
    overlap: usize,
    /// What the next piece begins with: where pretokens stand, and how many ids they have.
    group: VecDeque<(Range<usize>, usize)>,
    /// The ids of these.
    total: usize,
    /// How many of them ended the last piece.
    old: usize,
    /// Where the pretokens begin that haven't been looked at.
    at: usize,
    block: usize,
}

impl Chunks {
    /// Begin.
    pub fn new(max_tokens: usize, overlap: usize) -> Self {
        Self { max_tokens, overlap, group: VecDeque::new(), total: 0, old: 0, at: 0, block: BLOCK }
    }

    /// Give some more pieces of the text; none when there are no more.
    ///
    /// ```
    /// use toklet::{Tokenizer, chunks::Chunks, threads::Pulse};
    /// let (quiet, text, mut chunks) = (Pulse::default(), b"one two three", Chunks::new(9, 0));
    /// let tok = Tokenizer::from_merges(vec![], vec![], "gpt2", &quiet)?;
    /// assert_eq!(chunks.next(&tok, text, &quiet)?, [0..7, 7..13]);
    /// # Ok::<(), toklet::Error>(())
    /// ```
    pub fn next(&mut self, tok: &Tokenizer, data: &[u8], pulse: &Pulse) -> Result<Vec<Range<usize>>> {
        let text = Text { tok, data, max_tokens: self.max_tokens, pulse };
        let (mut found, begin, mut enough) = (Vec::new(), self.at, false);
        if tok.pipeline().is_some() {
            if begin < data.len() {
                self.at = data.len(); // what is normalized has no pretokens of its own: it is cut as if it were a single one
                self.add(&text, 0..data.len(), text.count(data)?, &mut found)?;
            }
            self.rest(&text, &mut found)?;
            return Ok(found);
        }
        let read = tok.lookup().with(|memory| {
            let read = tok.pattern().windows(data.get(begin..).unwrap_or_default(), pulse, |start, ends| {
                pulse.tick(0)?;
                for span in spans(begin + start, ends) {
                    let ids = tok.lookup().count(memory, &data[span.clone()], pulse)?;
                    self.at = span.end;
                    self.add(&text, span, ids, &mut found)?;
                }
                enough = self.at - begin >= self.block && !found.is_empty();
                if enough { Err(Error::interrupted()) } else { Ok(()) } // an error is how a walk over pretokens is left
            });
            Ok(read) // the memory is kept for other calls, however the walk ended
        })?;
        self.block = self.block.saturating_mul(2);
        if !enough {
            read?;
            self.rest(&text, &mut found)?;
        }
        Ok(found)
    }

    fn add(&mut self, text: &Text<'_>, span: Range<usize>, ids: usize, found: &mut Vec<Range<usize>>) -> Result<()> {
        if ids > self.max_tokens {
            self.rest(text, found)?;
            return text.cut(span, found);
        }
        while self.total + ids > self.max_tokens {
            if self.group.len() > self.old {
                self.piece(text, found)?;
            } else {
                self.drop_first();
                self.old -= 1;
            }
        }
        self.total += ids;
        self.group.push_back((span, ids));
        Ok(())
    }

    fn drop_first(&mut self) -> Range<usize> {
        let (span, ids) = self.group.pop_front().unwrap_or_default();
        self.total -= ids;
        span
    }

    /// Give what isn't in a piece yet.
    fn rest(&mut self, text: &Text<'_>, found: &mut Vec<Range<usize>>) -> Result<()> {
        while self.group.len() > self.old {
            let all = self.span(self.group.len());
            if text.fits(all.clone())? {
                found.push(all);
                break;
            }
            self.piece(text, found)?;
        }
        self.group.clear();
        (self.old, self.total) = (0, 0);
        Ok(())
    }

    /// Give a piece, and keep what is repeated and what is left.
    fn piece(&mut self, text: &Text<'_>, found: &mut Vec<Range<usize>>) -> Result<()> {
        let mut size = self.border(text.data);
        while !text.fits(self.span(size))? {
            if size > self.old + 1 {
                size -= 1;
            } else if self.old > 0 {
                size -= self.old;
                for _ in 0..self.old {
                    self.drop_first();
                }
                self.old = 0;
            } else {
                let first = self.drop_first();
                return text.cut(first, found);
            }
        }
        found.push(self.span(size));
        let (mut repeated, mut ids) = (0, 0);
        for (_, more) in self.group.range(..size).rev() {
            if ids + more > self.overlap {
                break;
            }
            (repeated, ids) = (repeated + 1, ids + more);
        }
        for _ in repeated..size {
            self.drop_first();
        }
        self.old = repeated;
        Ok(())
    }

    /// How many pretokens make a good piece.
    fn border(&self, data: &[u8]) -> usize {
        let (mut ids, mut size) = (self.total, self.group.len());
        for (span, less) in self.group.range(self.old..).rev() {
            if 2 * ids < self.max_tokens {
                break;
            }
            if data[..span.end].ends_with(b"\n") {
                return size;
            }
            (ids, size) = (ids - less, size - 1);
        }
        self.group.len()
    }

    /// Where a piece of so many pretokens stands.
    fn span(&self, size: usize) -> Range<usize> {
        let place = |i: usize| self.group.get(i).map_or(0..0, |(span, _)| span.clone());
        place(0).start..place(size.saturating_sub(1)).end
    }
}

/// What pieces are cut from.
struct Text<'a> {
    tok: &'a Tokenizer,
    data: &'a [u8],
    max_tokens: usize,
    pulse: &'a Pulse,
}

impl Text<'_> {
    fn count(&self, text: &[u8]) -> Result<usize> {
        self.tok.count(text, &Special::Text, self.pulse)
    }

    fn fits(&self, span: Range<usize>) -> Result<bool> {
        Ok(self.count(&self.data[span])? <= self.max_tokens)
    }

    /// Give the pieces of one pretoken. It may be very long, so each is looked for in a window, which grows until the piece doesn't fill it.
    fn cut(&self, pretoken: Range<usize>, found: &mut Vec<Range<usize>>) -> Result<()> {
        let (mut start, mut window) = (pretoken.start, self.max_tokens.saturating_mul(4));
        while start < pretoken.end {
            let text = whole_characters(&self.data[start..pretoken.end], window);
            let end = if self.count(text)? > self.max_tokens {
                let kept = self.tok.truncate(text, self.max_tokens, "head", self.pulse)?.len();
                start + if kept > 0 { kept } else { self.character(start, text)? }
            } else if start + text.len() < pretoken.end {
                window = window.saturating_mul(2);
                continue;
            } else {
                pretoken.end
            };
            found.push(start..end);
            window = self.max_tokens.saturating_mul(4).max(2 * (end - start));
            start = end;
        }
        Ok(())
    }

    /// The length of the first character of a text, if that fits.
    fn character(&self, at: usize, text: &[u8]) -> Result<usize> {
        let length = character_length(text);
        let ids = self.count(&text[..length])?;
        if ids > self.max_tokens {
            let allowed = format!("at least {ids}: so many ids has the character at byte {at}");
            return Err(Error::new(Kind::Argument, "max_tokens", self.max_tokens.to_string(), allowed));
        }
        Ok(length)
    }
}

/// Cut text to at most so many bytes, four at least, between characters.
fn whole_characters(data: &[u8], mut size: usize) -> &[u8] {
    if data.len() <= size {
        return data;
    }
    while inside_character(data, size) {
        size -= 1;
    }
    &data[..size]
}
