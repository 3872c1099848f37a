//! Text -> ids: split it, merge each pretoken, join the results.
//!
//! The text between two special tokens is split as if it stood alone. A prompt is encoded from parts, trusted or not, and there a special token counts only
//! where the whole of it lies inside trusted text.

use std::sync::{Arc, OnceLock};

use crate::decode::Decoder;
use crate::error::{Error, Kind, MAX_TEXT_BYTES, Result};
use crate::in_order::{Encoded, InOrder};
use crate::lookup::{Lookup, MEMORY_BYTES, Memory};
use crate::pages;
use crate::pipeline::Pipeline;
use crate::prompt::Part;
use crate::special::{Chosen, Finder, Piece, Special, each_piece};
use crate::split::Pattern;
use crate::text::Text;
use crate::threads::{Pulse, parallel, workers};
use crate::vocab::{Parts, Vocabulary};

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
    lookup: Lookup,
    /// What else stands around the vocabulary, where a pattern and special tokens don't say all.
    pipeline: Option<Pipeline>,
    decoder: OnceLock<Decoder>,
}

impl Tokenizer {
    /// Put a vocabulary and a pattern together.
    pub fn new(vocabulary: Vocabulary, pattern: &str, pulse: &Pulse) -> Result<Self> {
        let specials = Finder::new(vocabulary.specials().to_vec())?;
        let (pattern, vocabulary) = (Pattern::new(pattern)?, Arc::new(vocabulary));
        let lookup = Lookup::new(vocabulary.clone(), MEMORY_BYTES, pulse)?;
        Ok(Self { vocabulary, pattern, specials, lookup, pipeline: None, decoder: OnceLock::new() })
    }

    /// Put a vocabulary and what stands around it together.
    pub fn with_pipeline(vocabulary: Vocabulary, pipeline: Pipeline, pulse: &Pulse) -> Result<Self> {
        Ok(Self { pipeline: Some(pipeline), ..Self::new(vocabulary, "", pulse)? })
    }

    /// The same tokenizer, whose workers remember what they have seen in so many bytes each.
    pub fn with_memory(&self, bytes: usize, pulse: &Pulse) -> Result<Self> {
        let lookup = Lookup::new(self.vocabulary.clone(), bytes, pulse)?;
        let pipeline = self.pipeline.as_ref().map(|pipeline| Pipeline::new(&pipeline.text())).transpose()?;
        let (vocabulary, pattern, specials) = (self.vocabulary.clone(), self.pattern.clone(), self.specials.clone());
        Ok(Self { vocabulary, pattern, specials, lookup, pipeline, decoder: OnceLock::new() })
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

    /// What decodes: made when it is first asked for.
    pub fn decoder(&self) -> &Decoder {
        self.decoder.get_or_init(|| Decoder::new(self.vocabulary.clone()))
    }

    /// Encode one text.
    pub fn encode(&self, data: &[u8], special: &Special, pulse: &Pulse) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        pages::make_room_up_to(&mut ids, data.len());
        let chosen = self.specials.chosen(special)?;
        self.lookup.with(|memory| self.each_id(data, &chosen, memory, pulse, |found| ids.extend_from_slice(found)))?;
        Ok(ids)
    }

    /// Count the ids of one text, without keeping them.
    pub fn count(&self, data: &[u8], special: &Special, pulse: &Pulse) -> Result<usize> {
        let mut count = 0;
        let chosen = self.specials.chosen(special)?;
        self.lookup.with(|memory| self.each_id(data, &chosen, memory, pulse, |found| count += found.len()))?;
        Ok(count)
    }

    /// Encode many texts on several threads: all ids, and where each text's begin (and the last one's end).
    pub fn encode_batch<T: Text>(&self, texts: &[T], special: &Special, threads: Option<usize>, pulse: &Pulse) -> Result<(Vec<u32>, Vec<u64>)> {
        let (workers, chosen) = (workers(threads), self.specials.chosen(special)?);
        let jobs = if workers > 1 { jobs(texts) } else { std::iter::once(0..texts.len()).collect() };
        let bytes = |texts: &[T]| texts.iter().map(|text| text.memory().len()).sum();
        let joined = InOrder::new(jobs.len(), bytes(texts));
        parallel(workers, jobs.len(), |job| {
            self.lookup.with(|memory| {
                let texts = &texts[jobs[job].clone()];
                let (mut part, mut room) = (joined.part(bytes(texts)), Vec::new());
                for (place, text) in (1..).zip(texts) {
                    pages::prefetch_text(texts.get(place).map_or(&[], Text::memory));
                    self.each_id(text.utf8(&mut room, pulse)?, &chosen, memory, pulse, |found| part.ids.extend_from_slice(found))?;
                    part.ends.push(part.ids.len());
                }
                joined.add(job, part);
                Ok(())
            })
        })?;
        let Encoded { ids, ends } = joined.all();
        let offsets = std::iter::once(0).chain(ends.into_iter().map(|end| end as u64)).collect();
        Ok((ids, offsets))
    }

    /// Encode parts: a special token counts only where the whole of it lies inside one trusted run.
    pub fn encode_parts(&self, parts: &[Part], pulse: &Pulse) -> Result<Vec<u32>> {
        if let Some(pipeline) = &self.pipeline {
            return self.parts_through(pipeline, parts, pulse);
        }
        let (mut ids, mut plain) = (Vec::new(), Vec::new());
        self.lookup.with(|memory| {
            for run in parts.chunk_by(|one, other| one.trusted == other.trusted) {
                let text: String = run.iter().map(|part| part.text.as_str()).collect();
                let finder = Some(&self.specials).filter(|_| run[0].trusted);
                each_piece(finder, text.as_bytes(), |piece| {
                    match piece {
                        Piece::Text(text) => plain.extend_from_slice(text),
                        Piece::Special(id) => {
                            self.ordinary(&plain, memory, pulse, &mut |found| ids.extend_from_slice(found))?;
                            plain.clear();
                            ids.push(id);
                        }
                    }
                    Ok(())
                })?;
            }
            self.ordinary(&plain, memory, pulse, &mut |found| ids.extend_from_slice(found))
        })?;
        Ok(ids)
    }

    /// Give what a text's ids are, piece by piece: the pretokens one after the other, and the special tokens between them.
    fn each_id(&self, data: &[u8], chosen: &Chosen<'_>, memory: &mut Memory, pulse: &Pulse, mut take: impl FnMut(&[u32])) -> Result<()> {
        if data.len() > MAX_TEXT_BYTES {
            let allowed = format!("at most {MAX_TEXT_BYTES} in one call");
            return Err(Error::new(Kind::Argument, "the length of text", format!("{} bytes", data.len()), allowed));
        }
        if let Some(pipeline) = &self.pipeline {
            return self.through(pipeline, data, chosen, true, memory, pulse, &mut take);
        }
        each_piece(chosen.finder(data)?, data, |piece| match piece {
            Piece::Text(text) => self.ordinary(text, memory, pulse, &mut take),
            Piece::Special(id) => {
                take(&[id]);
                Ok(())
            }
        })
    }

    /// Encode text in which nothing is special.
    fn ordinary(&self, data: &[u8], memory: &mut Memory, pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        self.pattern.windows(data, pulse, |start, ends| {
            pulse.tick(ends.last().copied().map_or(0, u64::from))?;
            self.lookup.window(memory, data, start, ends, pulse, take)
        })
    }

    /// A place up to `limit` where a text can be cut without changing its pretokens, if one is known.
    pub fn safe_cut(&self, text: &[u8], limit: usize) -> Option<usize> {
        if self.pipeline.is_some() { None } else { self.pattern.safe_cut(text, limit) }
    }

    /// What pretokens are looked up in.
    pub(crate) fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// The ids of one pretoken.
    pub fn pretoken(&self, pretoken: &[u8], pulse: &Pulse) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        let end = u32::try_from(pretoken.len()).unwrap_or(u32::MAX);
        if end > 0 {
            self.lookup.with(|memory| self.lookup.window(memory, pretoken, 0, &[end], pulse, &mut |found| ids.extend_from_slice(found)))?;
        }
        Ok(ids)
    }
}

/// Share out texts in runs of about as many bytes each.
fn jobs(texts: &[impl Text]) -> Vec<std::ops::Range<usize>> {
    let (mut jobs, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (i, text) in texts.iter().enumerate() {
        bytes += text.memory().len();
        if bytes >= JOB_BYTES || i + 1 == texts.len() {
            jobs.push(start..i + 1);
            (start, bytes) = (i + 1, 0);
        }
    }
    jobs
}
