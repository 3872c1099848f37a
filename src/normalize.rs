//! Text -> text, before it is cut: Unicode normalization, a prefix, replacements, and what sentencepiece does to white space.
//!
//! A text may know which bytes of the original each of its bytes comes from, so that offsets survive whatever a step does. Normalization forms are those of
//! Unicode 9, which is what the `tokenizers` library knows: characters that are newer are left alone, as ones that nobody has assigned. Normal forms are
//! stable, so any later Unicode gives the same for the rest.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::{AhoCorasick, Anchored, Input};
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfd_quick, is_nfkc_quick, is_nfkd_quick};

use crate::charsmap::Charsmap;
use crate::error::{Error, Kind, Result};
use crate::newer::NEWER;
use crate::split::price::Left;
use crate::split::regex::Expression;
use crate::threads::Pulse;

/// Bytes of the original, half open.
pub(crate) type Span = (u32, u32);

/// How many times as long a text may become, beside some bytes: no normalizer that people use comes near, and a few hostile steps could fill the memory.
const GROWTH: usize = 64;
const SPARE: usize = 4_096;

/// A text on its way; if `spans` are there, one for each of its bytes.
pub(crate) struct Text<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) spans: Option<Vec<Span>>,
    /// How many bytes it may have.
    most: usize,
}

impl<'a> Text<'a> {
    /// Begin with a text as it is.
    pub(crate) fn new(bytes: impl Into<Cow<'a, [u8]>>, spans: Option<Vec<Span>>) -> Self {
        let bytes = bytes.into();
        let most = bytes.len().saturating_mul(GROWTH).saturating_add(SPARE);
        Self { bytes, spans, most }
    }
}

/// A normalization form.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

/// One step of a normalizer.
pub(crate) enum Step {
    Form(Form),
    Prepend(String),
    Replace(AhoCorasick, String),
    ReplaceRegex(Box<Expression>, String),
    SentencePiece(Box<SentencePiece>),
}

/// What sentencepiece does: its own map of characters, white space squeezed, a space before the text; `kept` finds texts that it leaves alone.
pub(crate) struct SentencePiece {
    pub(crate) charsmap: Option<Charsmap>,
    pub(crate) squeeze: bool,
    pub(crate) prefix: bool,
    pub(crate) kept: Option<AhoCorasick>,
    pub(crate) marks: AhoCorasick,
}

/// What sentencepiece and its followers write for a space.
pub(crate) const SPACE_MARK: &str = "\u{2581}";

impl Step {
    /// Do it.
    pub(crate) fn apply<'a>(&self, text: Text<'a>, pulse: &Pulse) -> Result<Text<'a>> {
        match self {
            Self::Form(form) => form.apply(text),
            Self::Prepend(prefix) => Ok(prepend(text, prefix)),
            Self::Replace(finder, new) => replace(text, finder, new),
            Self::ReplaceRegex(regex, new) => replace_regex(text, regex, new, pulse),
            Self::SentencePiece(step) => step.apply(text),
        }
    }
}

/// Makes a new text of parts of an old one and of what takes the place of others.
struct Rewriter<'t> {
    old: &'t Text<'t>,
    bytes: Vec<u8>,
    spans: Option<Vec<Span>>,
    /// Whether there was no room for all.
    full: bool,
}

impl<'t> Rewriter<'t> {
    fn new(old: &'t Text<'_>) -> Self {
        let spans = old.spans.as_ref().map(|spans| Vec::with_capacity(spans.len() + 8));
        Self { old, bytes: Vec::with_capacity(old.bytes.len() + 8), spans, full: false }
    }

    fn copy(&mut self, range: Range<usize>) {
        if let (Some(spans), Some(old)) = (&mut self.spans, &self.old.spans) {
            spans.extend_from_slice(&old[range.clone()]);
        }
        self.bytes.extend_from_slice(&self.old.bytes[range]);
    }

    /// Put a text in the place of some bytes: each of its own comes from all of them.
    fn put(&mut self, new: &[u8], range: Range<usize>) {
        if self.bytes.len() + new.len() > self.old.most {
            self.full = true;
            return;
        }
        if let (Some(spans), Some(old)) = (&mut self.spans, &self.old.spans) {
            let span = (old[range.start].0, old[range.end - 1].1);
            spans.extend(std::iter::repeat_n(span, new.len()));
        }
        self.bytes.extend_from_slice(new);
    }

    fn text<'a>(self) -> Result<Text<'a>> {
        if self.full {
            let (found, allowed) = (format!("over {} bytes long", self.old.most), format!("at most {GROWTH} times as long as it was, and {SPARE} bytes"));
            return Err(Error::new(Kind::Text, "the text, normalized,", found, allowed));
        }
        Ok(Text { bytes: self.bytes.into(), spans: self.spans, most: self.old.most })
    }
}

/// Put a text before one that isn't empty.
pub(crate) fn prepend<'a>(text: Text<'a>, prefix: &str) -> Text<'a> {
    if text.bytes.is_empty() {
        return text;
    }
    let spans = text.spans.map(|old| {
        let start = old[0].0;
        std::iter::repeat_n((start, start), prefix.len()).chain(old).collect()
    });
    Text { bytes: [prefix.as_bytes(), &text.bytes].concat().into(), spans, most: text.most }
}

/// Replace a text wherever it stands.
pub(crate) fn replace<'a>(text: Text<'a>, finder: &AhoCorasick, new: &str) -> Result<Text<'a>> {
    let mut found = finder.find_iter(&*text.bytes).peekable();
    if found.peek().is_none() {
        drop(found);
        return Ok(text);
    }
    let (mut out, mut at) = (Rewriter::new(&text), 0);
    for place in found {
        out.copy(at..place.start());
        out.put(new.as_bytes(), place.range());
        at = place.end();
    }
    out.copy(at..text.bytes.len());
    out.text()
}

fn replace_regex<'a>(text: Text<'a>, regex: &Expression, new: &str, pulse: &Pulse) -> Result<Text<'a>> {
    let (mut out, mut at, mut start, mut left) = (Rewriter::new(&text), 0, 0, Left::of(text.bytes.len(), pulse));
    for chunk in text.bytes.utf8_chunks() {
        regex.matches(chunk.valid(), &mut left, |place| {
            out.copy(at..start + place.start);
            out.put(new.as_bytes(), start + place.start..start + place.end);
            at = start + place.end;
            Ok(())
        })?;
        start += chunk.valid().len() + chunk.invalid().len();
    }
    out.copy(at..text.bytes.len());
    out.text()
}

/// Whether a character is newer than Unicode 9, and normalization would do something to it.
fn newer(c: char) -> bool {
    let behind = NEWER.partition_point(|(first, _)| *first <= c);
    behind > 0 && c <= NEWER[behind - 1].1
}

impl Form {
    fn apply(self, text: Text<'_>) -> Result<Text<'_>> {
        if std::str::from_utf8(&text.bytes).is_ok_and(|valid| valid.is_ascii() || self.has(valid)) {
            return Ok(text);
        }
        let (mut out, mut start) = (Rewriter::new(&text), 0);
        for chunk in text.bytes.utf8_chunks() {
            self.each_segment(chunk.valid(), |segment, at| {
                let range = start + at..start + at + segment.len();
                if segment.is_ascii() || segment.chars().next().is_none_or(newer) || self.has(segment) {
                    out.copy(range);
                    return;
                }
                let normal = self.of(segment);
                if normal == segment { out.copy(range) } else { out.put(normal.as_bytes(), range) }
            });
            start += chunk.valid().len();
            out.copy(start..start + chunk.invalid().len());
            start += chunk.invalid().len();
        }
        out.text()
    }

    /// Cut a text where what stands on one side has no part in what the other becomes.
    fn each_segment<'t>(self, text: &'t str, mut visit: impl FnMut(&'t str, usize)) {
        let (mut start, mut alone) = (0, false);
        for (at, c) in text.char_indices() {
            let new = !c.is_ascii() && newer(c);
            if at > start && (new || alone || self.begins(c)) {
                visit(&text[start..at], start);
                start = at;
            }
            alone = new;
        }
        if start < text.len() {
            visit(&text[start..], start);
        }
    }

    /// Whether nothing before a character has a part in what it becomes.
    fn begins(self, c: char) -> bool {
        if c < '\u{300}' {
            return true;
        }
        let first = match self {
            Self::Nfc | Self::Nfd => std::iter::once(c).nfd().next(),
            Self::Nfkc | Self::Nfkd => std::iter::once(c).nfkd().next(),
        };
        let first = first.unwrap_or(c);
        canonical_combining_class(first) == 0 && is_nfc_quick(std::iter::once(first)) != IsNormalized::Maybe
    }

    /// Whether a text certainly has the form.
    fn has(self, text: &str) -> bool {
        let found = match self {
            Self::Nfc => is_nfc_quick(text.chars()),
            Self::Nfd => is_nfd_quick(text.chars()),
            Self::Nfkc => is_nfkc_quick(text.chars()),
            Self::Nfkd => is_nfkd_quick(text.chars()),
        };
        found == IsNormalized::Yes
    }

    fn of(self, text: &str) -> String {
        match self {
            Self::Nfc => text.nfc().collect(),
            Self::Nfd => text.nfd().collect(),
            Self::Nfkc => text.nfkc().collect(),
            Self::Nfkd => text.nfkd().collect(),
        }
    }
}

impl SentencePiece {
    fn apply<'a>(&self, text: Text<'a>) -> Result<Text<'a>> {
        let simple = self.charsmap.is_none() && !self.squeeze;
        let text = if simple { text } else { self.mapped(&text)? };
        if text.bytes.is_empty() {
            return Ok(text);
        }
        let mut text = if self.prefix { prepend(text, " ") } else { text };
        while let Some(gone) = Some(blank_at_end(&text.bytes)).filter(|gone| self.squeeze && *gone > 0) {
            let length = text.bytes.len() - gone;
            text.bytes.to_mut().truncate(length);
            if let Some(spans) = &mut text.spans {
                spans.truncate(length);
            }
        }
        replace(text, &self.marks, " ")
    }

    /// Map characters, and squeeze white space but for that at the end.
    fn mapped(&self, text: &Text<'_>) -> Result<Text<'static>> {
        let data = &*text.bytes;
        let (mut out, mut at, mut spaced) = (Rewriter::new(text), 0, self.squeeze);
        while at < data.len() {
            let here = Input::new(data).span(at..data.len()).anchored(Anchored::Yes);
            let whole = self.kept.as_ref().and_then(|kept| kept.find(here)).map(|place| place.len());
            let new = if whole.is_some() { None } else { self.charsmap.as_ref().and_then(|map| map.longest(&data[at..])) };
            let length = whole.or(new.map(|(length, _)| length)).unwrap_or_else(|| character(&data[at..]));
            let piece = new.map_or(&data[at..at + length], |(_, new)| new);
            let skip = if spaced { piece.iter().take_while(|byte| **byte == b' ').count() } else { 0 };
            match new {
                Some((_, new)) => out.put(&new[skip..], at..at + length),
                None => out.copy(at + skip..at + length),
            }
            if self.squeeze && skip < piece.len() {
                spaced = piece.last() == Some(&b' ');
            }
            at += length;
        }
        out.text()
    }
}

/// How many bytes a space, or what is written for one, takes at the end of a text.
fn blank_at_end(text: &[u8]) -> usize {
    if text.ends_with(b" ") {
        1
    } else if text.ends_with(SPACE_MARK.as_bytes()) {
        SPACE_MARK.len()
    } else {
        0
    }
}

/// The length of the character that a text begins with; 1 for a byte that begins none.
pub(crate) fn character(text: &[u8]) -> usize {
    let first = &text[..text.len().min(4)];
    first.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()).map_or(1, char::len_utf8)
}
