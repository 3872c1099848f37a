//! tokenizer.json, the format of the `tokenizers` library: BPE over bytes or over characters, with all that stands around it in the file.
//!
//! Where tokens are spelled in bytes, these are written as characters: a visible one stands for itself, the others for the code points from 256 on. What the
//! file asks for and toklet doesn't do is refused by its name, never left out. Special tokens also stand in the file's vocabulary, as in
//! published files, so that their ids are what the file says.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result, quote};
use crate::pipeline::Pipeline;
use crate::pipeline::fields::{Fields, get};
use crate::threads::Pulse;
use crate::vocab::{Parts, Vocabulary, never, visible};

/// What of a file stands around the vocabulary and the merges.
pub(super) const AROUND: [&str; 5] = ["added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder"];

/// The character that each byte is written as.
pub(super) fn alphabet() -> [char; 256] {
    let mut hidden = (256..).filter_map(char::from_u32);
    let mut written = |byte| if visible(byte) { char::from(byte) } else { hidden.next().unwrap_or('\0') };
    std::array::from_fn(|i| written(u8::try_from(i).unwrap_or(0)))
}

/// The byte that a token like `<0x0A>` stands for.
pub(super) fn byte_token(spelled: &str) -> Option<u8> {
    let digits = spelled.strip_prefix("<0x")?.strip_suffix('>')?;
    let upper = digits.len() == 2 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
    u8::from_str_radix(digits, 16).ok().filter(|_| upper)
}

/// What a field may say, at most; anything else asks for what toklet doesn't do.
fn supported() -> [(&'static str, Value); 9] {
    [
        ("truncation", json!([null])),
        ("padding", json!([null])),
        ("model.type", json!([null, "BPE"])),
        ("model.dropout", json!([null])),
        ("model.continuing_subword_prefix", json!([null, ""])),
        ("model.end_of_word_suffix", json!([null, ""])),
        ("model.fuse_unk", json!([null, false, true])),
        ("model.byte_fallback", json!([null, false, true])),
        ("model.ignore_merges", json!([null, false, true])),
    ]
}

/// Reads one tokenizer.json; every refusal names the file and the field.
struct Reader<'a> {
    fields: &'a Fields<'a>,
    file: Value,
    pipeline: Pipeline,
    bytes: HashMap<char, u8>,
}

/// Read what the JSON of a tokenizer.json says.
pub(super) fn of_file(fields: &Fields<'_>, file: Value, pulse: &Pulse) -> Result<Tokenizer> {
    fields.object("the whole", &file)?;
    for (field, allowed) in supported() {
        // What stands in a field's way, and isn't an object, is refused in its place.
        let top = &file[field.split('.').next().unwrap_or_default()];
        let found = if top.is_null() || top.is_object() { get(&file, field) } else { top };
        fields.one_of(field, found, allowed.as_array().map_or(&[], Vec::as_slice))?;
    }
    let (fallback, whole) = (get(&file, "model.byte_fallback") == true, get(&file, "model.ignore_merges"));
    fields.need("model.ignore_merges", whole, !(fallback && *whole == true), "false with byte_fallback: text could spell the tokens of bytes")?;
    let unknown = get(&file, "model.unk_token");
    if !unknown.is_null() {
        fields.text("model.unk_token", unknown)?;
    }
    let mut said: Value = AROUND.iter().map(|field| ((*field).to_owned(), get(&file, field).clone())).collect::<serde_json::Map<_, _>>().into();
    said["model"] = json!({"unk_token": unknown, "fuse_unk": get(&file, "model.fuse_unk") == true});
    refuse_ours(fields, &said)?;
    let pipeline = Pipeline::read(said, fields)?;
    Reader { fields, file, pipeline, bytes: alphabet().into_iter().zip(0..=255).collect() }.tokenizer(fallback, pulse)
}

/// Refuse what a pipeline may say and a file may not.
fn refuse_ours(fields: &Fields<'_>, said: &Value) -> Result<()> {
    for part in fields.steps("normalizer", get(said, "normalizer"), "normalizers")? {
        fields.need("normalizer.type", get(part, "type"), get(part, "type") != "SentencePiece", "a normalizer of the format")?;
    }
    Ok(())
}

impl Reader<'_> {
    /// Read the whole file.
    fn tokenizer(mut self, fallback: bool, pulse: &Pulse) -> Result<Tokenizer> {
        let (mut tokens, mut bytes) = (Vec::new(), vec![None; 256]);
        let added: HashMap<&str, (u32, bool)> = self.pipeline.added().iter().map(|token| (&*token.content, (token.id, token.special))).collect();
        let vocab = get(&self.file, "model.vocab");
        for (spelled, id) in self.fields.object("model.vocab", vocab)? {
            pulse.tick(0)?;
            let id = self.fields.id(spelled, id)?;
            let found = added.get(spelled.as_str()).filter(|(added, _)| *added == id);
            if let Some(byte) = byte_token(spelled).filter(|_| fallback) {
                bytes[usize::from(byte)] = Some(id);
            } else if found.is_none_or(|(_, special)| !special && (!self.pipeline.byte_level() || self.readable(spelled))) {
                tokens.push((self.token(spelled)?, id));
            }
        }
        let mut merges: Vec<Parts> = Vec::new();
        for (number, merge) in self.fields.list("model.merges", get(&self.file, "model.merges"))?.iter().enumerate() {
            pulse.tick(0)?;
            let parts = two(merge);
            self.fields.need(&format!("merge {number}"), merge, parts.is_some(), "two tokens")?;
            let (left, right) = parts.unwrap_or_default();
            merges.push((self.token(left)?, self.token(right)?));
        }
        if fallback {
            let missing = bytes.iter().position(Option::is_none);
            self.fields.need("byte_fallback", &json!(missing), missing.is_none(), "false where the token of a byte is missing")?;
            self.pipeline.tell("bytes", json!(bytes));
        }
        self.put_together(tokens, merges, pulse)
    }

    fn put_together(self, tokens: Vec<(Vec<u8>, u32)>, merges: Vec<Parts>, pulse: &Pulse) -> Result<Tokenizer> {
        let (whole, specials) = (get(&self.file, "model.ignore_merges") == true, self.pipeline.specials());
        let bytes: std::collections::HashSet<&[u8]> = tokens.iter().map(|(token, _)| &token[..]).filter(|token| token.len() == 1).collect();
        let complete = (0..=255).filter(|byte| never(*byte)).all(|byte| bytes.contains(&[byte][..]));
        if self.pipeline.plain() && get(&self.file, "model.unk_token").is_null() && complete {
            let pattern = self.pipeline.pattern();
            return Tokenizer::new(Vocabulary::new(tokens, Some(merges), specials, whole, pulse)?, &pattern, pulse);
        }
        let kind = self.pipeline.kind(&tokens);
        Tokenizer::with_pipeline(Vocabulary::of_symbols(tokens, Some(merges), specials, whole, kind, pulse)?, self.pipeline, pulse)
    }

    /// Whether a token is written in the characters that stand for bytes.
    fn readable(&self, spelled: &str) -> bool {
        spelled.chars().all(|character| self.bytes.contains_key(&character))
    }

    /// Read a token.
    fn token(&self, spelled: &str) -> Result<Vec<u8>> {
        if !self.pipeline.byte_level() {
            return Ok(self.pipeline.spelled_as(spelled));
        }
        spelled.chars().map(|character| self.bytes.get(&character).copied()).collect::<Option<_>>().ok_or_else(|| {
            let place = format!("the token {} of {}", quote::text(spelled), self.fields.name);
            Error::new(Kind::Format, place, "not byte-level", "written in the 256 characters that stand for bytes")
        })
    }
}

/// The two tokens of a merge: a list of two, or a text with one space.
fn two(merge: &Value) -> Option<(&str, &str)> {
    match merge {
        Value::String(text) => text.split_once(' ').filter(|(_, right)| !right.contains(' ')),
        Value::Array(pair) if pair.len() == 2 => Some((pair[0].as_str()?, pair[1].as_str()?)),
        _ => None,
    }
}
