//! Text -> ids through a pipeline, and where in the text each id comes from.

use super::{Piece, Pipeline, located};
use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result};
use crate::lookup::Memory;
use crate::normalize::Span;
use crate::pretokenize::pretokens;
use crate::prompt::Part;
use crate::special::{AddedToken, Chosen, Special, blanks, blanks_before};
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

/// How many pretokens are looked up at a time.
const WINDOW: usize = 1 << 12;

impl Tokenizer {
    /// Put tables together with a pipeline that is given as its JSON text.
    pub fn of_tables(
        tokens: Vec<(Vec<u8>, u32)>,
        merges: Option<Vec<crate::vocab::Parts>>,
        specials: Vec<(String, u32)>,
        whole: bool,
        said: &str,
        pulse: &Pulse,
    ) -> Result<Self> {
        let pipeline = Pipeline::new(said)?;
        let kind = pipeline.kind(&tokens);
        Self::with_pipeline(Vocabulary::of_symbols(tokens, merges, specials, whole, kind, pulse)?, pipeline, pulse)
    }

    /// Put the template of the tokenizer's file around the ids of a text, or of two.
    pub fn post_process(&self, first: &[u32], second: Option<&[u32]>) -> Result<Vec<u32>> {
        match (self.pipeline().filter(|pipeline| pipeline.has_template()), second) {
            (Some(pipeline), second) => Ok(pipeline.around(first, second)),
            (None, None) => Ok(first.to_vec()),
            (None, Some(_)) => Err(Error::new(Kind::Argument, "second", "given", "None: the tokenizer has no template")),
        }
    }

    /// Give what a text's ids are, piece by piece; `at_start` says that it stands at the start of a whole text.
    #[expect(clippy::too_many_arguments, reason = "what one call of the encoder works with")]
    pub(crate) fn through(
        &self,
        pipeline: &Pipeline,
        data: &[u8],
        chosen: &Chosen<'_>,
        at_start: bool,
        memory: &mut Memory,
        pulse: &Pulse,
        take: &mut impl FnMut(&[u32]),
    ) -> Result<()> {
        self.vocabulary().check(data)?;
        let tracked = matches!(chosen, Chosen::Refused(_)); // an error says where in the text it is
        pipeline.each_piece(data, chosen, (at_start, tracked), pulse, &mut |piece| match piece {
            Piece::Text(text) => self.cut(pipeline, &text.bytes, memory, pulse, take),
            Piece::Added(id, _) => {
                take(&[id]);
                Ok(())
            }
        })
    }

    /// Cut a text into pretokens, and look them up in windows.
    fn cut(&self, pipeline: &Pipeline, text: &[u8], memory: &mut Memory, pulse: &Pulse, take: &mut impl FnMut(&[u32])) -> Result<()> {
        let mut window = |start: usize, ends: &[u32]| {
            pulse.tick(ends.last().copied().map_or(0, u64::from))?;
            self.lookup().window(memory, text, start, ends, pulse, take)
        };
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        match pipeline.cutters() {
            [] => return window(0, &[place(text.len())]),
            [cutter] => {
                if let Some(pattern) = cutter.built_in() {
                    return pattern.windows(text, pulse, window);
                }
            }
            _ => {}
        }
        let (mut start, mut ends) = (0, Vec::new());
        for range in pretokens(text, pipeline.cutters(), pulse)? {
            let next = start + ends.last().map_or(0, |end: &u32| *end as usize);
            if !ends.is_empty() && (range.start != next || ends.len() == WINDOW) {
                window(start, &ends)?;
                ends.clear();
            }
            if ends.is_empty() {
                start = range.start;
            }
            ends.push(place(range.end - start));
        }
        if ends.is_empty() { Ok(()) } else { window(start, &ends) }
    }

    /// Encode one text: each id, and the bytes of the text that it comes from.
    pub(crate) fn spans(&self, pipeline: &Pipeline, data: &[u8], special: &Special, pulse: &Pulse) -> Result<(Vec<u32>, Vec<Span>)> {
        let (mut ids, mut spans) = (Vec::new(), Vec::new());
        self.vocabulary().check(data)?;
        let chosen = self.chosen(special)?;
        self.lookup().with(|memory| {
            pipeline.each_piece(data, &chosen, (true, true), pulse, &mut |piece| {
                let text = match piece {
                    Piece::Text(text) => text,
                    Piece::Added(id, span) => {
                        ids.push(id);
                        spans.push(span);
                        return Ok(());
                    }
                };
                for range in pretokens(&text.bytes, pipeline.cutters(), pulse)? {
                    let (pretoken, mut found) = (&text.bytes[range.clone()], Vec::new());
                    let end = [u32::try_from(pretoken.len()).unwrap_or(u32::MAX)];
                    self.lookup().window(memory, pretoken, 0, &end, pulse, &mut |ids| found.extend_from_slice(ids))?;
                    let places = text.spans.as_ref().map_or(&[][..], |spans| &spans[range]);
                    located(self.vocabulary(), pretoken, places, &found, pulse, |id, span| {
                        ids.push(id);
                        spans.push(span);
                    })?;
                }
                Ok(())
            })
        })?;
        Ok((ids, spans))
    }

    /// Encode parts. White space that a special token takes along may stand in the part before or behind.
    pub(crate) fn parts_through(&self, pipeline: &Pipeline, parts: &[Part], pulse: &Pulse) -> Result<Vec<u32>> {
        let mut out = Parts { ids: Vec::new(), plain: Vec::new(), strip: false, at_start: true };
        for run in parts.chunk_by(|one, other| one.trusted == other.trusted) {
            let text: String = run.iter().map(|part| part.text.as_str()).collect();
            if !run[0].trusted {
                out.text(text.as_bytes());
                continue;
            }
            pipeline.each_special(text.as_bytes(), &self.chosen(&Special::Allow)?, &mut |token, range| match token {
                None => {
                    out.text(&text.as_bytes()[range]);
                    Ok(())
                }
                Some(token) => out.special(self, pipeline, token, pulse),
            })?;
        }
        out.flush(self, pipeline, pulse)?;
        Ok(out.ids)
    }
}

/// Parts on their way to ids.
struct Parts {
    ids: Vec<u32>,
    /// What stands behind the last special token.
    plain: Vec<u8>,
    /// Whether white space at the start of `plain` belongs to that token.
    strip: bool,
    at_start: bool,
}

impl Parts {
    fn text(&mut self, text: &[u8]) {
        let gone = if self.strip && self.plain.is_empty() { blanks(text, false) } else { 0 };
        self.plain.extend_from_slice(&text[gone..]);
    }

    fn special(&mut self, tok: &Tokenizer, pipeline: &Pipeline, token: &AddedToken, pulse: &Pulse) -> Result<()> {
        if token.lstrip {
            self.plain.truncate(self.plain.len() - blanks_before(&self.plain, false));
        }
        self.flush(tok, pipeline, pulse)?;
        self.ids.push(token.id);
        (self.strip, self.at_start) = (token.rstrip, false);
        Ok(())
    }

    fn flush(&mut self, tok: &Tokenizer, pipeline: &Pipeline, pulse: &Pulse) -> Result<()> {
        let plain = std::mem::take(&mut self.plain);
        let mut take = |ids: &[u32]| self.ids.extend_from_slice(ids);
        tok.lookup().with(|memory| tok.through(pipeline, &plain, &Chosen::Nothing, self.at_start, memory, pulse, &mut take))
    }
}
