//! The tokenizer inside a GGUF file, from the metadata at its start: the tensors are never read.
//!
//! `tokenizer.ggml.model` says which kind it is: `gpt2` is byte-level BPE, with tokens and merges as in a tokenizer.json and the pattern by a name; `llama` is
//! sentencepiece's, with scores. Both are read as those files are.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::sentencepiece::{self, Piece};
use super::{huggingface, huggingface_write::added_token};
use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result, quote};
use crate::pipeline::fields::Fields;
use crate::threads::Pulse;

/// Metadata is a few megabytes; what is longer is refused before it is read.
pub(super) const HEAD_BYTES: usize = 1 << 26;

/// The patterns that `tokenizer.ggml.pre` names, and whether a pretoken that is a token is taken whole. That of Llama 3 cuts as cl100k's does.
const PATTERNS: [(&str, &str, bool); 12] = [
    ("gpt-2", "gpt2", false),
    ("phi-2", "gpt2", false),
    ("mpt", "gpt2", false),
    ("olmo", "gpt2", false),
    ("llama-bpe", "cl100k", true),
    ("dbrx", "cl100k", true),
    ("smaug-bpe", "cl100k", true),
    ("qwen2", "qwen2", false),
    ("qwen35", "qwen3.5", false),
    ("gpt-4o", "o200k", true),
    ("tekken", "tekken", true),
    ("deepseek-v3", "deepseek_v3", false),
];

/// A value that a tokenizer may need; of the others only the length is known.
enum Value<'a> {
    Number(u64),
    Text(&'a [u8]),
    Texts(Vec<&'a [u8]>),
    Numbers(Vec<u32>),
    Other,
}

struct Head<'a> {
    rest: &'a [u8],
    name: &'a str,
}

impl<'a> Head<'a> {
    fn refused(&self, found: impl Into<String>) -> Error {
        Error::new(Kind::Format, self.name, found, "a GGUF file of version 2 or 3 whose metadata is whole")
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.rest.len()).ok_or_else(|| self.refused("cut off"))?;
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: u64) -> Result<u64> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn text(&mut self) -> Result<&'a [u8]> {
        let length = self.number(8)?;
        self.take(length)
    }

    /// How many bytes a number of a type has.
    fn width(&self, kind: u64) -> Result<u64> {
        match kind {
            0 | 1 | 7 => Ok(1),
            2 | 3 => Ok(2),
            4..=6 => Ok(4),
            10..=12 => Ok(8),
            _ => Err(self.refused(format!("a value of type {kind}"))),
        }
    }

    fn value(&mut self, pulse: &Pulse) -> Result<Value<'a>> {
        match self.number(4)? {
            8 => Ok(Value::Text(self.text()?)),
            9 => self.array(pulse),
            kind @ (6 | 12) => self.take(self.width(kind)?).map(|_| Value::Other),
            kind => self.number(self.width(kind)?).map(Value::Number),
        }
    }

    fn array(&mut self, pulse: &Pulse) -> Result<Value<'a>> {
        let (kind, length) = (self.number(4)?, self.number(8)?);
        if kind == 8 {
            let mut texts = Vec::new(); // grows with what is there, not with what is claimed
            for _ in 0..length {
                pulse.tick(0)?;
                texts.push(self.text()?);
            }
            return Ok(Value::Texts(texts));
        }
        let width = self.width(kind)?;
        let bytes = self.take(width.saturating_mul(length))?;
        if width != 4 {
            return Ok(Value::Other);
        }
        Ok(Value::Numbers(bytes.chunks_exact(4).filter_map(|chunk| chunk.first_chunk().map(|number| u32::from_le_bytes(*number))).collect()))
    }
}

/// The keys of a tokenizer, without what all of them begin with.
struct Keys<'a> {
    values: HashMap<String, Value<'a>>,
    fields: Fields<'a>,
}

/// Read the tokenizer of a GGUF file, of which the start is given.
pub(super) fn read(data: &[u8], name: &str, pulse: &Pulse) -> Result<Tokenizer> {
    let mut head = Head { rest: data, name };
    if head.take(4).unwrap_or(&[]) != b"GGUF" || !matches!(head.number(4)?, 2 | 3) {
        return Err(head.refused("another file"));
    }
    let (_tensors, count) = (head.number(8)?, head.number(8)?);
    let mut values = HashMap::new();
    for _ in 0..count {
        let key = String::from_utf8_lossy(head.text()?).into_owned();
        let value = head.value(pulse)?;
        if let Some(key) = key.strip_prefix("tokenizer.ggml.") {
            values.insert(key.to_owned(), value);
        }
    }
    let keys = Keys { values, fields: Fields { name } };
    match keys.text("model")? {
        "gpt2" => keys.gpt2(pulse),
        "llama" => keys.llama(pulse),
        kind => Err(keys.refused("model", quote::text(kind), "'gpt2' or 'llama'")),
    }
}

impl Keys<'_> {
    fn refused(&self, key: &str, found: impl Into<String>, allowed: &str) -> Error {
        self.fields.refused(&format!("tokenizer.ggml.{key}"), found, allowed)
    }

    fn utf8<'t>(&self, key: &str, text: &'t [u8]) -> Result<&'t str> {
        std::str::from_utf8(text).map_err(|_| self.refused(key, quote::bytes(text), "UTF-8"))
    }

    fn text(&self, key: &str) -> Result<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) => self.utf8(key, text),
            _ => Err(self.refused(key, "missing", "a text")),
        }
    }

    fn texts(&self, key: &str, pulse: &Pulse) -> Result<Vec<&str>> {
        match self.values.get(key) {
            Some(Value::Texts(texts)) => texts.iter().map(|text| pulse.tick(0).and_then(|()| self.utf8(key, text))).collect(),
            _ => Err(self.refused(key, "missing", "a list of texts")),
        }
    }

    fn numbers(&self, key: &str, length: usize) -> Result<&[u32]> {
        match self.values.get(key) {
            Some(Value::Numbers(numbers)) if numbers.len() == length => Ok(numbers),
            _ => Err(self.refused(key, "missing or of another length", &format!("a list of {length} numbers"))),
        }
    }

    fn number(&self, key: &str) -> Option<u64> {
        match self.values.get(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Byte-level BPE, as a tokenizer.json would say it.
    fn gpt2(&self, pulse: &Pulse) -> Result<Tokenizer> {
        let tokens = self.texts("tokens", pulse)?;
        let kinds = self.numbers("token_type", tokens.len())?;
        let pre = self.text("pre")?;
        let Some((_, pattern, whole)) = PATTERNS.iter().find(|(name, _, _)| *name == pre) else {
            let known: Vec<_> = PATTERNS.iter().map(|(name, _, _)| *name).collect();
            return Err(self.refused("pre", quote::text(pre), &format!("one of {}", known.join(", "))));
        };
        let (mut vocab, mut added) = (Map::new(), Vec::new());
        for ((token, kind), id) in tokens.iter().zip(kinds).zip(0u32..) {
            pulse.tick(0)?;
            if matches!(kind, 2..=4) {
                let mut entry = added_token(token, id);
                entry["special"] = json!(*kind != 4);
                added.push(entry);
            } else if *kind == 1 && vocab.insert((*token).to_owned(), id.into()).is_some() {
                return Err(self.refused("tokens", format!("{} twice", quote::text(token)), "texts that are all different"));
            }
        }
        let regex = crate::Pattern::new(pattern)?.regex().to_owned();
        let split = json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
        let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
        let file = json!({
            "added_tokens": added, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]}, "post_processor": self.template(&tokens),
            "model": {"type": "BPE", "ignore_merges": whole, "vocab": vocab, "merges": self.texts("merges", pulse)?},
        });
        huggingface::of_file(&self.fields, file, pulse)
    }

    /// The template of a file that asks for a token at the start or at the end.
    fn template(&self, tokens: &[&str]) -> Json {
        let token = |flag: &str, id: &str| {
            let id = self.number(id).filter(|_| self.number(flag) == Some(1))?;
            Some((*tokens.get(usize::try_from(id).ok()?)?, id))
        };
        let (first, last) = (token("add_bos_token", "bos_token_id"), token("add_eos_token", "eos_token_id"));
        let piece = |name: &str| json!({"SpecialToken": {"id": name, "type_id": 0}});
        let around =
            |text: Json| -> Vec<Json> { first.iter().map(|(name, _)| piece(name)).chain([text]).chain(last.iter().map(|(name, _)| piece(name))).collect() };
        let ids: Map<String, Json> =
            first.iter().chain(&last).map(|(name, id)| ((*name).to_owned(), json!({"id": name, "ids": [id], "tokens": [name]}))).collect();
        if ids.is_empty() {
            return Json::Null;
        }
        let text = |name: &str| around(json!({"Sequence": {"id": name, "type_id": 0}}));
        let pair = [text("A"), text("B")].concat();
        json!({"type": "TemplateProcessing", "single": text("A"), "pair": pair, "special_tokens": ids})
    }

    /// sentencepiece's BPE.
    fn llama(&self, pulse: &Pulse) -> Result<Tokenizer> {
        let tokens = self.texts("tokens", pulse)?;
        let (kinds, scores) = (self.numbers("token_type", tokens.len())?, self.numbers("scores", tokens.len())?);
        let told = tokens.iter().zip(kinds).zip(scores);
        let pieces = told.map(|((text, kind), score)| Piece { text, score: f32::from_bits(*score), kind: u64::from(*kind) }).collect();
        let prefix = self.number("add_space_prefix").unwrap_or(1) != 0;
        let squeeze = self.number("remove_extra_whitespaces").unwrap_or(0) != 0;
        sentencepiece::of_pieces(pieces, self.fields.name, prefix, squeeze, self.template(&tokens), pulse)
    }
}
