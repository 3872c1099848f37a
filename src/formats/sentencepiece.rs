//! A sentencepiece model (`.model`): BPE over characters, whose merges are ordered by the scores of what they make.
//!
//! Two neighbours are joined where the model has a piece for both together, the piece with the highest score first, the leftmost of equal ones. Bytes are the
//! last resort for characters that are no piece. Control symbols and the unknown piece are special tokens; user-defined symbols are found before
//! anything is merged.

use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};

use super::huggingface::byte_token;
use super::huggingface_write::added_token;
use super::protobuf::{Message, Value};
use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result, quote};
use crate::normalize::SPACE_MARK;
use crate::pipeline::fields::Fields;
use crate::pipeline::{Pipeline, swapped};
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

const NORMAL: u64 = 1;
const UNKNOWN: u64 = 2;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
const UNUSED: u64 = 5;
const BYTE: u64 = 6;

pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    pub(super) score: f32,
    pub(super) kind: u64,
}

/// What a file says: the pieces, whose place is their id, and the settings that matter.
struct Model<'a> {
    name: &'a str,
    pieces: Vec<Piece<'a>>,
    trainer: BTreeMap<u64, Value<'a>>,
    normalizer: BTreeMap<u64, Value<'a>>,
    denormalizer: BTreeMap<u64, Value<'a>>,
    post_processor: Json,
}

/// Make a tokenizer of pieces that another format has.
pub(super) fn of_pieces(pieces: Vec<Piece<'_>>, name: &str, prefix: bool, squeeze: bool, post_processor: Json, pulse: &Pulse) -> Result<Tokenizer> {
    let flag = |value: bool| Value::Number(u64::from(value));
    let (trainer, normalizer) = (BTreeMap::from([(3, Value::Number(2))]), BTreeMap::from([(3, flag(prefix)), (4, flag(squeeze))]));
    let model = Model { name, pieces, trainer, normalizer, denormalizer: BTreeMap::new(), post_processor };
    model.check(pulse)?;
    model.tokenizer(pulse)
}

/// Read a sentencepiece model.
pub(super) fn read(data: &[u8], name: &str, pulse: &Pulse) -> Result<Tokenizer> {
    let (trainer, normalizer, denormalizer) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut model = Model { name, pieces: Vec::new(), trainer, normalizer, denormalizer, post_processor: Json::Null };
    for field in Message::new(data, name) {
        let (number, value) = field?;
        let settings = match number {
            1 => {
                pulse.tick(0)?;
                model.piece(value)?;
                continue;
            }
            2 => &mut model.trainer,
            3 => &mut model.normalizer,
            5 => &mut model.denormalizer,
            _ => continue,
        };
        for field in Message::new(value.bytes().unwrap_or(&[]), name) {
            let (number, value) = field?;
            settings.insert(number, value);
        }
    }
    model.check(pulse)?;
    model.tokenizer(pulse)
}

impl<'a> Model<'a> {
    fn refused(&self, place: impl std::fmt::Display, found: impl Into<String>, allowed: &str) -> Error {
        Error::new(Kind::Format, format!("{place} of {}", self.name), found, allowed)
    }

    /// Read one piece.
    fn piece(&mut self, value: Value<'a>) -> Result<()> {
        let mut said = BTreeMap::from([(1, Value::Bytes(&[])), (2, Value::Bytes(&[0; 4])), (3, Value::Number(NORMAL))]);
        for field in Message::new(value.bytes().unwrap_or(&[]), self.name) {
            let (number, value) = field?;
            said.insert(number, value);
        }
        let place = format!("piece {}", self.pieces.len());
        let score = said[&2].bytes().and_then(|bytes| bytes.try_into().ok()).map(f32::from_le_bytes);
        let (Some(text), Some(score), Some(kind)) = (said[&1].bytes(), score, said[&3].number()) else {
            return Err(self.refused(place, "of other fields", "a text, a score and a type"));
        };
        let text = std::str::from_utf8(text).map_err(|_| self.refused(place, quote::bytes(text), "UTF-8"))?;
        self.pieces.push(Piece { text, score, kind });
        Ok(())
    }

    fn number(settings: &BTreeMap<u64, Value<'_>>, field: u64, default: u64) -> u64 {
        settings.get(&field).and_then(|value| value.number()).unwrap_or(default)
    }

    /// Refuse what toklet doesn't do.
    fn check(&self, pulse: &Pulse) -> Result<()> {
        match Self::number(&self.trainer, 3, 1) {
            2 => {}
            kind => return Err(self.refused("model_type", ["another", "unigram", "BPE", "word", "char"][usize::try_from(kind).unwrap_or(0) % 5], "BPE")),
        }
        if Self::number(&self.trainer, 24, 0) != 0 {
            return Err(self.refused("treat_whitespace_as_suffix", "true", "false"));
        }
        if Self::number(&self.normalizer, 5, 1) == 0 {
            return Err(self.refused("escape_whitespaces", "false", "true"));
        }
        if self.denormalizer.get(&2).and_then(|map| map.bytes()).is_some_and(|map| !map.is_empty()) {
            return Err(self.refused("denormalizer_spec", "a map of characters", "empty"));
        }
        for (piece, id) in self.pieces.iter().zip(0..) {
            pulse.tick(0)?;
            if !matches!(piece.kind, NORMAL | UNKNOWN | CONTROL | USER_DEFINED | BYTE) {
                let found = if piece.kind == UNUSED { "unused".into() } else { piece.kind.to_string() };
                return Err(self.refused(format!("the type of piece {id}"), found, "normal, unknown, control, user-defined or byte"));
            }
            if piece.score.is_nan() {
                return Err(self.refused(format!("the score of piece {id}"), "nan", "a number"));
            }
            if piece.kind == BYTE && byte_token(piece.text).is_none() {
                return Err(self.refused(format!("the byte piece {id}"), quote::text(piece.text), "like '<0x0A>'"));
            }
        }
        let mut seen = HashSet::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            pulse.tick(0)?;
            if !seen.insert((piece.text, piece.kind)) {
                return Err(self.refused("the pieces", "one text twice", "texts that are all different"));
            }
        }
        self.check_kinds(pulse)
    }

    fn check_kinds(&self, pulse: &Pulse) -> Result<()> {
        let unknown: Vec<_> = self.of(UNKNOWN).map(|(text, _)| quote::text(text)).collect();
        if unknown.len() != 1 {
            return Err(self.refused("the unknown pieces", format!("[{}]", unknown.join(", ")), "one"));
        }
        let mut normal = HashSet::with_capacity(self.pieces.len());
        normal.extend(self.of(NORMAL).map(|(text, _)| text));
        for piece in self.of(NORMAL).map(|(text, _)| text) {
            pulse.tick(0)?;
            if let Some(c) = piece.chars().find(|c| !normal.contains(&*c.to_string())) {
                let place = format!("the character {} of the piece {}", quote::text(&c.to_string()), quote::text(piece));
                return Err(self.refused(place, "no piece", "a piece too"));
            }
        }
        let bytes = self.of(BYTE).count();
        if bytes > 0 && bytes < 256 {
            return Err(self.refused("the byte pieces", bytes.to_string(), "256, or none"));
        }
        Ok(())
    }

    /// The pieces of a kind, and their ids.
    fn of(&self, kind: u64) -> impl Iterator<Item = (&'a str, u32)> {
        self.pieces.iter().zip(0..).filter(move |(piece, _)| piece.kind == kind).map(|(piece, id)| (piece.text, id))
    }

    /// The ranks of the normal pieces: by their scores, the highest first; equal scores share one.
    fn ranks(&self) -> Vec<usize> {
        let scores = || self.pieces.iter().filter(|piece| piece.kind == NORMAL).map(|piece| piece.score + 0.0); // one zero, not two
        let mut ordered: Vec<f32> = scores().collect();
        ordered.sort_unstable_by(|one, other| other.total_cmp(one));
        ordered.dedup();
        scores().map(|score| ordered.partition_point(|other| *other > score)).collect()
    }

    fn added(&self) -> Vec<Json> {
        let mut added: Vec<_> = [UNKNOWN, CONTROL].iter().flat_map(|kind| self.of(*kind)).map(|(name, id)| (id, added_token(name, id))).collect();
        for (name, id) in self.of(USER_DEFINED) {
            let mut token = added_token(&swapped(name), id);
            (token["special"], token["normalized"]) = (json!(false), json!(true));
            added.push((id, token));
        }
        added.sort_by_key(|(id, _)| *id);
        added.into_iter().map(|(_, token)| token).collect()
    }

    fn said(&self) -> Json {
        let prefix = Self::number(&self.normalizer, 3, 1) != 0;
        let charsmap = self.normalizer.get(&2).and_then(|map| map.bytes()).unwrap_or(&[]);
        let mut decoders =
            vec![json!({"type": "Replace", "pattern": {"String": SPACE_MARK}, "content": " "}), json!({"type": "ByteFallback"}), json!({"type": "Fuse"})];
        if prefix {
            decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        }
        let mut bytes: Vec<_> = self.of(BYTE).filter_map(|(text, id)| Some((byte_token(text)?, id))).collect();
        bytes.sort_unstable();
        json!({
            "added_tokens": self.added(),
            "normalizer": {
                "type": "SentencePiece", "precompiled_charsmap": BASE64_STANDARD.encode(charsmap), "squeeze": Self::number(&self.normalizer, 4, 1) != 0,
                "prefix": prefix, "kept": self.of(USER_DEFINED).map(|(text, _)| text).collect::<Vec<_>>(),
            },
            "pre_tokenizer": null,
            "post_processor": self.post_processor,
            "decoder": {"type": "Sequence", "decoders": decoders},
            "model": {
                "unk_token": self.of(UNKNOWN).map(|(text, _)| text).next(), "fuse_unk": true,
                "bytes": bytes.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), "ranks": self.ranks(),
            },
        })
    }

    fn tokenizer(&self, pulse: &Pulse) -> Result<Tokenizer> {
        let said = self.said();
        pulse.tick(0)?;
        let pipeline = Pipeline::read(said, &Fields { name: self.name })?;
        let tokens = self.of(NORMAL).map(|(text, id)| pulse.tick(0).map(|()| (swapped(text).into_bytes(), id))).collect::<Result<Vec<_>>>()?;
        let kind = pipeline.kind(&tokens);
        Tokenizer::with_pipeline(Vocabulary::of_symbols(tokens, None, pipeline.specials(), false, kind, pulse)?, pipeline, pulse)
    }
}
