//! Text -> ids through a pipeline, and where in the text each id comes from.

use super::{Piece, Pipeline, located};
use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result};
use crate::merge::Merger;
use crate::normalize::Span;
use crate::prompt::Part;
use crate::special::{AddedToken, Chosen, Special, blanks, blanks_before};
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

const TICK_EVERY: usize = 1 << 16;

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
        merger: &mut Merger,
        pulse: &Pulse,
        take: &mut impl FnMut(&[u32]),
    ) -> Result<()> {
        self.vocabulary().check(data)?;
        let mut since = 0;
        let tracked = matches!(chosen, Chosen::Refused(_)); // an error says where in the text it is
        pipeline.each_piece(data, chosen, (at_start, tracked), pulse, &mut |piece| {
            match piece {
                Piece::Added(id, _) => take(&[id]),
                Piece::Pretoken(pretoken, _) => {
                    self.one(pretoken, merger, pulse, take)?;
                    since += pretoken.len();
                }
            }
            if since < TICK_EVERY { Ok(()) } else { pulse.tick(std::mem::take(&mut since) as u64) }
        })?;
        pulse.tick(since as u64)
    }

    /// Encode one text: each id, and the bytes of the text that it comes from.
    pub(crate) fn spans(&self, pipeline: &Pipeline, data: &[u8], special: &Special, pulse: &Pulse) -> Result<(Vec<u32>, Vec<Span>)> {
        let (mut ids, mut spans, mut merger) = (Vec::new(), Vec::new(), Merger::default());
        self.vocabulary().check(data)?;
        pipeline.each_piece(data, &self.chosen(special)?, (true, true), pulse, &mut |piece| {
            match piece {
                Piece::Added(id, span) => {
                    ids.push(id);
                    spans.push(span);
                }
                Piece::Pretoken(pretoken, places) => {
                    let mut found = Vec::new();
                    self.one(pretoken, &mut merger, pulse, &mut |ids| found.extend_from_slice(ids))?;
                    located(self.vocabulary(), pretoken, places.unwrap_or(&[]), &found, |id, span| {
                        ids.push(id);
                        spans.push(span);
                    });
                }
            }
            Ok(())
        })?;
        Ok((ids, spans))
    }

    /// Encode parts. White space that a special token takes along may stand in the part before or behind.
    pub(crate) fn parts_through(&self, pipeline: &Pipeline, parts: &[Part], pulse: &Pulse) -> Result<Vec<u32>> {
        let mut out = Parts { ids: Vec::new(), plain: Vec::new(), merger: Merger::default(), strip: false, at_start: true };
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
    merger: Merger,
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
        tok.through(pipeline, &plain, &Chosen::Nothing, self.at_start, &mut self.merger, pulse, &mut |ids| self.ids.extend_from_slice(ids))
    }
}
