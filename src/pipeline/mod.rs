//! What stands around the model: added tokens, the normalizer, what cuts text into pretokens, the template, and how ids become text again.
//!
//! It is given and kept as JSON, in the words of tokenizer.json, without the vocabulary and the merges: a [`Pipeline`] is made of that, and refuses by name
//! what it doesn't do. In the order of a text: the added tokens that aren't normalized are cut out; what stands between is normalized; the normalized added
//! tokens are cut out; a space may be put before what is left; it is cut into pretokens.
//!
//! These files write a space as ▁. Where everything in a file that is a space becomes one, tokens are read with the space itself, and a ▁ in a text becomes a
//! space: the ids are the same, and a token's bytes are those of the text that it stands for.

mod added;
mod decoder;
mod encode;
pub(crate) mod fields;
mod json;
mod normalizer;
mod pretokenizer;
mod template;

use std::collections::HashSet;

use aho_corasick::AhoCorasick;
use serde_json::{Value, json};

use crate::error::Result;
use crate::normalize::{SPACE_MARK, Span, Step, Text, prepend, replace};
use crate::pretokenize::Cutter;
use crate::special::{Added, AddedToken, Chosen, Visit};
use crate::threads::Pulse;
use crate::vocab::{Symbols, Vocabulary};
use fields::{Fields, get};
use pretokenizer::{PreTokenizer, Prefix};
use template::Template;

/// Made of a tokenizer.json without its vocabulary and merges.
pub struct Pipeline {
    said: Value,
    steps: Vec<Step>,
    /// Whether spaces are spelled as ▁ in the file.
    spaced: bool,
    byte_level: bool,
    cutters: Vec<Cutter>,
    prefix: Prefix,
    /// What finds the ▁ that Metaspace would write for a space.
    marks: Option<AhoCorasick>,
    strip: bool,
    template: Option<Template>,
    added: Vec<AddedToken>,
    raw: Added,
    normalized: Added,
    /// The special tokens as they are, whether they are normalized or not: what a prompt's own text spells.
    specials: Added,
}

/// A text that is ready to be cut, or an added token and where it comes from.
pub(crate) enum Piece<'a> {
    Text(&'a Text<'a>),
    Added(u32, Span),
}

impl Pipeline {
    /// Make one of the JSON text that another was made of.
    pub fn new(text: &str) -> Result<Self> {
        let fields = Fields { name: "the pipeline" };
        Self::read(fields.parse(text.as_bytes(), "a pipeline", &Pulse::default())?, &fields)
    }

    /// Make one of what a file says.
    pub(crate) fn read(said: Value, fields: &Fields<'_>) -> Result<Self> {
        let (steps, marked) = normalizer::read(fields, get(&said, "normalizer"))?;
        let PreTokenizer { cutters, prefix, byte_level, metaspace } = PreTokenizer::read(fields, get(&said, "pre_tokenizer"), marked)?;
        let spaced = marked || metaspace;
        let strip = decoder::read(fields, get(&said, "decoder"), byte_level, spaced)?;
        let template = Template::read(fields, get(&said, "post_processor"))?;
        let added = added::read(fields, get(&said, "added_tokens"))?;
        let verbatim = matches!(steps.last(), Some(Step::SentencePiece(_)));
        let (mut raw, mut normalized, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for token in &added {
            let content = token.content.as_bytes().to_vec();
            if !token.normalized {
                raw.push((content, token.clone()));
                continue;
            }
            let sought = if verbatim { content } else { normalize(&steps, Text::new(content, None), &Pulse::default())?.bytes.into_owned() };
            let something = !sought.is_empty() || token.content.is_empty() && !token.lstrip && !token.rstrip; // nothing would be found everywhere
            fields.need("an added token", &json!(token.content), something, "one of which normalizing leaves something")?;
            let fits = sought.is_empty() || seen.insert(sought.clone());
            fields.need("an added token", &json!(token.content), fits, "one that is looked for as no other one is, once normalized")?;
            normalized.push((sought, token.clone()));
        }
        let marks = metaspace.then(|| normalizer::finder(SPACE_MARK)).transpose()?;
        let special = added.iter().filter(|token| token.special).map(|token| (token.content.as_bytes().to_vec(), token.clone()));
        let (raw, normalized, specials) = (Added::new(raw, false)?, Added::new(normalized, marked)?, Added::new(special.collect(), false)?);
        Ok(Self { said, steps, spaced, byte_level, cutters, prefix, marks, strip, template, added, raw, normalized, specials })
    }

    /// The JSON text that this was made of.
    pub fn text(&self) -> String {
        self.said.to_string()
    }

    pub(crate) fn said(&self) -> &Value {
        &self.said
    }

    /// What else the model says, which the vocabulary has to know.
    pub(crate) fn tell(&mut self, field: &str, value: Value) {
        self.said["model"][field] = value;
    }

    /// The regular expression that cuts text; "" where nothing does, and the JSON of the steps where there are several.
    pub fn pattern(&self) -> String {
        match &self.cutters[..] {
            [] => String::new(),
            [cutter] if cutter.built_in().is_some() => cutter.built_in().map(|pattern| pattern.regex().to_owned()).unwrap_or_default(),
            [cutter] if cutter.regex().is_some() => cutter.regex().unwrap_or_default().to_owned(),
            _ => get(&self.said, "pre_tokenizer").to_string(),
        }
    }

    /// What cuts text into pretokens.
    pub(crate) fn cutters(&self) -> &[Cutter] {
        &self.cutters
    }

    /// Whether a pattern and special tokens say all of it.
    pub(crate) fn plain(&self) -> bool {
        let bare = |token: &AddedToken| token.special && !token.lstrip && !token.rstrip && !token.single_word;
        let one = self.cutters.len() < 2 && self.cutters.iter().all(|cutter| cutter.regex().is_some()) && self.prefix == Prefix::Never && self.byte_level;
        let alike = self.raw.is_empty() || self.normalized.is_empty();
        one && self.steps.is_empty() && self.added.iter().all(bare) && alike && self.template.is_none()
    }

    /// Whether tokens are spelled in bytes rather than in characters.
    pub(crate) fn byte_level(&self) -> bool {
        self.byte_level
    }

    /// The added tokens.
    pub(crate) fn added(&self) -> &[AddedToken] {
        &self.added
    }

    /// The ids of the special tokens.
    pub(crate) fn specials(&self) -> Vec<(String, u32)> {
        self.added.iter().filter(|token| token.special).map(|token| (token.content.clone(), token.id)).collect()
    }

    /// What a vocabulary has to know of this.
    pub(crate) fn kind(&self, tokens: &[(Vec<u8>, u32)]) -> Symbols {
        let model = get(&self.said, "model");
        let numbers = |field: &str| -> Vec<u32> {
            let listed = get(model, field).as_array().map_or(&[][..], Vec::as_slice);
            listed.iter().filter_map(|number| u32::try_from(number.as_u64()?).ok()).collect()
        };
        let ordinary: HashSet<u32> = tokens.iter().map(|(_, id)| *id).collect();
        let unknown = get(model, "unk_token").as_str().and_then(|name| {
            let special = self.added.iter().find(|token| token.special && token.content == name).map(|token| token.id);
            let spelled = self.spelled_as(name);
            special.or_else(|| tokens.iter().find(|(token, _)| *token == spelled).map(|(_, id)| *id))
        });
        let added = self.added.iter().filter(|token| !token.special && !ordinary.contains(&token.id));
        Symbols {
            characters: !self.byte_level,
            bytes: numbers("bytes"),
            unknown,
            fuse: get(model, "fuse_unk") == &Value::Bool(true),
            ranks: numbers("ranks"),
            added: added.map(|token| (token.content.clone(), token.id)).collect(),
            strip: self.strip,
            utf8: self.byte_level,
        }
    }

    /// Read a token that is spelled in characters.
    pub(crate) fn spelled_as(&self, spelled: &str) -> Vec<u8> {
        if self.spaced { swapped(spelled).into_bytes() } else { spelled.as_bytes().to_vec() }
    }

    /// Spell a token in characters.
    pub(crate) fn spell(&self, token: &[u8]) -> String {
        let text = String::from_utf8_lossy(token);
        if self.spaced { swapped(&text) } else { text.into_owned() }
    }

    /// Put the template around the ids of one text, or of two.
    pub fn around(&self, first: &[u32], second: Option<&[u32]>) -> Vec<u32> {
        self.template.as_ref().map_or_else(|| first.to_vec(), |template| template.around(first, second))
    }

    /// Whether there is a template.
    pub fn has_template(&self) -> bool {
        self.template.is_some()
    }

    /// Visit a text as stretches of text and special tokens.
    pub(crate) fn each_special(&self, data: &[u8], chosen: &Chosen<'_>, visit: &mut Visit<'_>) -> Result<()> {
        self.specials.each(data, chosen, |at| at as u64, visit)
    }

    /// Visit a text as stretches that are ready to be cut, with added tokens between them; `at_start` says that it stands at the start of a whole text,
    /// `located` asks for places.
    pub(crate) fn each_piece(
        &self,
        data: &[u8],
        chosen: &Chosen<'_>,
        (at_start, located): (bool, bool),
        pulse: &Pulse,
        visit: &mut dyn FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<()> {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.raw.each(data, chosen, |at| at as u64, &mut |token, range| {
            let Some(token) = token else {
                let spans = located.then(|| spans_of(&data[range.clone()], range.start));
                let first = at_start && range.start == 0;
                let text = Text::new(&data[range], spans);
                return self.each_section(normalize(&self.steps, text, pulse)?, first, chosen, visit);
            };
            visit(Piece::Added(token.id, (place(range.start), place(range.end))))
        })
    }

    /// Visit a text that has been normalized; `first` says that it stands at the start.
    fn each_section(&self, text: Text<'_>, first: bool, chosen: &Chosen<'_>, visit: &mut dyn FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        let origin = |at: usize| text.spans.as_ref().and_then(|spans| spans.get(at)).map_or(at as u64, |span| u64::from(span.0));
        self.normalized.each(&text.bytes, chosen, origin, &mut |token, range| {
            let spans = text.spans.as_ref().map(|spans| &spans[range.clone()]);
            if let Some(token) = token {
                let span = spans.map_or((0, 0), |spans| (spans.first().map_or(0, |span| span.0), spans.last().map_or(0, |span| span.1)));
                return visit(Piece::Added(token.id, span));
            }
            let mut part = Text::new(&text.bytes[range.clone()], spans.map(<[Span]>::to_vec));
            if let Some(marks) = &self.marks {
                part = replace(part, marks, " ")?;
            }
            let wanted = self.prefix == Prefix::Always || (self.prefix == Prefix::First && first && range.start == 0);
            if wanted && !part.bytes.starts_with(b" ") {
                part = prepend(part, " ");
            }
            visit(Piece::Text(&part))
        })
    }
}

/// Do all steps.
fn normalize<'a>(steps: &[Step], text: Text<'a>, pulse: &Pulse) -> Result<Text<'a>> {
    steps.iter().try_fold(text, |text, step| step.apply(text, pulse))
}

/// The places of the characters of a text that begins at `start`, for each byte that of its character.
fn spans_of(data: &[u8], start: usize) -> Vec<Span> {
    let mut spans = Vec::with_capacity(data.len());
    while spans.len() < data.len() {
        let (at, length) = (spans.len(), crate::normalize::character(&data[spans.len()..]));
        let place = |at: usize| u32::try_from(start + at).unwrap_or(u32::MAX);
        spans.extend(std::iter::repeat_n((place(at), place(at + length)), length));
    }
    spans
}

/// A text with spaces for ▁, and ▁ for spaces.
pub(crate) fn swapped(text: &str) -> String {
    let swap = |c| match c {
        ' ' => '\u{2581}',
        '\u{2581}' => ' ',
        c => c,
    };
    text.chars().map(swap).collect()
}

/// Where the ids of a pretoken come from, one after the other.
pub(crate) fn located(vocabulary: &Vocabulary, pretoken: &[u8], spans: &[Span], ids: &[u32], pulse: &Pulse, mut take: impl FnMut(u32, Span)) -> Result<()> {
    let mut symbols = rustc_hash::FxHashMap::default();
    if vocabulary.kind().unknown.is_some() {
        let mut at = 0;
        vocabulary.each_symbol(pretoken, pulse, |id, length| {
            symbols.insert(at, (id, length));
            at += length;
        })?;
    }
    let mut at = 0;
    for id in ids {
        let symbol = symbols.get(&at).filter(|(symbol, _)| symbol == id).map(|(_, length)| *length);
        let length = symbol.unwrap_or_else(|| vocabulary.get(*id).map_or(0, <[u8]>::len));
        take(*id, (spans[at].0, spans[at + length - 1].1));
        at += length;
    }
    Ok(())
}
