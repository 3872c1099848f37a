//! Text -> ids: split it, merge each pretoken, join the results.
//!
//! The text between two special tokens is split as if it stood alone. A prompt is encoded from parts, trusted or not, and there a special token counts only
//! where the whole of it lies inside trusted text.

use std::sync::Arc;

use crate::error::{Error, Kind, MAX_TEXT_BYTES, Result};
use crate::joins::Joins;
use crate::merge::{Merger, whole_pretokens};
use crate::pipeline::Pipeline;
use crate::prompt::Part;
use crate::special::{Chosen, Finder, Piece, Special, each_piece};
use crate::split::Pattern;
use crate::threads::{Pulse, parallel, workers};
use crate::vocab::{Parts, Vocabulary};

const TICK_EVERY: usize = 1 << 16;
/// How much text a worker takes at a time: enough that handing it out costs nothing, little enough that workers end together.
const JOB_BYTES: usize = 1 << 18;

/// A vocabulary and the pattern that it was made with.
///
/// ```
/// use toklet::{Special, Tokenizer, threads::Pulse};
/// let quiet = Pulse::default();
/// let tok = Tokenizer::from_merges(vec![(b"l".to_vec(), b"o".to_vec())], vec!["<|end|>".into()], "gpt2", &quiet)?;
/// assert_eq!(tok.encode(b"lo<|end|>", &Special::Allow, &quiet)?, [256, 257]);
/// # Ok::<(), toklet::Error>(())
/// ```
pub struct Tokenizer {
    vocabulary: Arc<Vocabulary>,
    pattern: Pattern,
    specials: Finder,
    /// Which ids a pretoken may be taken as in one look-up.
    whole: Vec<bool>,
    /// What else stands around the vocabulary, where a pattern and special tokens don't say all.
    pipeline: Option<Pipeline>,
    joins: Option<Joins>,
}

impl Tokenizer {
    /// Put a vocabulary and a pattern together.
    pub fn new(vocabulary: Vocabulary, pattern: &str, pulse: &Pulse) -> Result<Self> {
        let specials = Finder::new(vocabulary.specials().to_vec())?;
        let (pattern, whole) = (Pattern::new(pattern)?, whole_pretokens(&vocabulary, pulse)?);
        Ok(Self { vocabulary: Arc::new(vocabulary), pattern, specials, whole, pipeline: None, joins: None })
    }

    /// Put a vocabulary and what stands around it together.
    pub fn with_pipeline(vocabulary: Vocabulary, pipeline: Pipeline, pulse: &Pulse) -> Result<Self> {
        let joins = Joins::new(&vocabulary);
        Ok(Self { pipeline: Some(pipeline), joins, ..Self::new(vocabulary, "", pulse)? })
    }

    /// What stands around the vocabulary, where a pattern and special tokens don't say all.
    pub fn pipeline(&self) -> Option<&Pipeline> {
        self.pipeline.as_ref()
    }

    /// Number the tokens as [`Vocabulary::from_merges`] does.
    pub fn from_merges(merges: Vec<Parts>, specials: Vec<String>, pattern: &str, pulse: &Pulse) -> Result<Self> {
        Self::new(Vocabulary::from_merges(merges, specials, pulse)?, pattern, pulse)
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// What of the special tokens is to be found.
    pub(crate) fn chosen(&self, special: &Special) -> Result<Chosen<'_>> {
        self.specials.chosen(special)
    }

    /// Encode one text.
    pub fn encode(&self, data: &[u8], special: &Special, pulse: &Pulse) -> Result<Vec<u32>> {
        let mut ids = Vec::with_capacity(data.len() / 3);
        self.each_id(data, &self.specials.chosen(special)?, &mut Merger::default(), pulse, |found| ids.extend_from_slice(found))?;
        Ok(ids)
    }

    /// Count the ids of one text, without keeping them.
    pub fn count(&self, data: &[u8], special: &Special, pulse: &Pulse) -> Result<usize> {
        let mut count = 0;
        self.each_id(data, &self.specials.chosen(special)?, &mut Merger::default(), pulse, |found| count += found.len())?;
        Ok(count)
    }

    /// Encode many texts on several threads: all ids, and where each text's begin (and the last one's end).
    pub fn encode_batch(&self, texts: &[&[u8]], special: &Special, threads: Option<usize>, pulse: &Pulse) -> Result<(Vec<u32>, Vec<u64>)> {
        let (jobs, chosen) = (jobs(texts), self.specials.chosen(special)?);
        let done = parallel(workers(threads), jobs.len(), |job| {
            let (mut ids, mut ends, mut merger) = (Vec::new(), Vec::new(), Merger::default());
            for text in &texts[jobs[job].clone()] {
                self.each_id(text, &chosen, &mut merger, pulse, |found| ids.extend_from_slice(found))?;
                ends.push(ids.len());
            }
            Ok((ids, ends))
        })?;
        let mut ids = Vec::with_capacity(done.iter().map(|(ids, _)| ids.len()).sum());
        let mut offsets = vec![0];
        for (found, ends) in done {
            offsets.extend(ends.iter().map(|end| (ids.len() + end) as u64));
            ids.extend_from_slice(&found);
        }
        Ok((ids, offsets))
    }

    /// Encode parts: a special token counts only where the whole of it lies inside one trusted run.
    pub fn encode_parts(&self, parts: &[Part], pulse: &Pulse) -> Result<Vec<u32>> {
        if let Some(pipeline) = &self.pipeline {
            return self.parts_through(pipeline, parts, pulse);
        }
        let (mut ids, mut plain, mut merger) = (Vec::new(), Vec::new(), Merger::default());
        for run in parts.chunk_by(|one, other| one.trusted == other.trusted) {
            let text: String = run.iter().map(|part| part.text.as_str()).collect();
            let finder = Some(&self.specials).filter(|_| run[0].trusted);
            each_piece(finder, text.as_bytes(), |piece| {
                match piece {
                    Piece::Text(text) => plain.extend_from_slice(text),
                    Piece::Special(id) => {
                        self.ordinary(&plain, &mut merger, pulse, &mut |found| ids.extend_from_slice(found))?;
                        plain.clear();
                        ids.push(id);
                    }
                }
                Ok(())
            })?;
        }
        self.ordinary(&plain, &mut merger, pulse, &mut |found| ids.extend_from_slice(found))?;
        Ok(ids)
    }

    /// Give what a text's ids are, piece by piece: the pretokens one after the other, and the special tokens between them.
    fn each_id(&self, data: &[u8], chosen: &Chosen<'_>, merger: &mut Merger, pulse: &Pulse, mut take: impl FnMut(&[u32])) -> Result<()> {
        if data.len() > MAX_TEXT_BYTES {
            let allowed = format!("at most {MAX_TEXT_BYTES} in one call");
            return Err(Error::new(Kind::Argument, "the length of text", format!("{} bytes", data.len()), allowed));
        }
        if let Some(pipeline) = &self.pipeline {
            return self.through(pipeline, data, chosen, true, merger, pulse, &mut take);
        }
        each_piece(chosen.finder(data)?, data, |piece| match piece {
            Piece::Text(text) => self.ordinary(text, merger, pulse, &mut take),
            Piece::Special(id) => {
                take(&[id]);
                Ok(())
            }
        })
    }

    /// Encode one pretoken of a pipeline.
    pub(crate) fn one(&self, pretoken: &[u8], merger: &mut Merger, pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let mut rest = pretoken;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(self.joins.as_ref().map_or(rest.len(), |joins| joins.piece(rest)));
            match self.vocabulary.ordinary(piece).filter(|id| self.whole[*id as usize]) {
                Some(id) => take(&[id]),
                None => take(merger.merge(&self.vocabulary, piece, u32::MAX, pulse)?),
            }
            rest = behind;
        }
        Ok(())
    }

    /// Encode text in which nothing is special.
    fn ordinary(&self, data: &[u8], merger: &mut Merger, pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let mut since = 0;
        for pretoken in self.pattern.split(data) {
            let pretoken = pretoken?;
            match self.vocabulary.ordinary(pretoken).filter(|id| self.whole[*id as usize]) {
                Some(id) => take(&[id]),
                None => take(merger.merge(&self.vocabulary, pretoken, u32::MAX, pulse)?),
            }
            since += pretoken.len();
            if since >= TICK_EVERY {
                pulse.tick(since as u64)?;
                since = 0;
            }
        }
        pulse.tick(since as u64)
    }

    /// How many ids a pretoken has.
    pub(crate) fn length_of(&self, pretoken: &[u8], merger: &mut Merger, pulse: &Pulse) -> Result<usize> {
        match self.vocabulary.ordinary(pretoken).filter(|id| self.whole[*id as usize]) {
            Some(_) => Ok(1),
            None => Ok(merger.merge(&self.vocabulary, pretoken, u32::MAX, pulse)?.len()),
        }
    }
}

/// Share out texts in runs of about as many bytes each.
fn jobs(texts: &[&[u8]]) -> Vec<std::ops::Range<usize>> {
    let (mut jobs, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (i, text) in texts.iter().enumerate() {
        bytes += text.len();
        if bytes >= JOB_BYTES || i + 1 == texts.len() {
            jobs.push(start..i + 1);
            (start, bytes) = (i + 1, 0);
        }
    }
    jobs
}
