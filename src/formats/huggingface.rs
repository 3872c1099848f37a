//! tokenizer.json, the format of the `tokenizers` library: byte-level BPE, with the pattern and the special tokens in the file.
//!
//! Bytes are written as characters: a visible one stands for itself, the others for the code points from 256 on. What the file asks for and toklet doesn't
//! do is refused by its name, never left out. Special tokens also stand in the file's vocabulary, as in published files, so that their ids are what the
//! file says.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::json::{Unique, repeated_key};
use crate::encode::Tokenizer;
use crate::error::{Error, Kind, MAX_IDS, Result, quote};
use crate::merge::merges;
use crate::split::Pattern;
use crate::threads::Pulse;
use crate::vocab::{Vocabulary, visible};

/// The character that each byte is written as.
fn alphabet() -> [char; 256] {
    let mut hidden = (256..).filter_map(char::from_u32);
    let mut written = |byte| if visible(byte) { char::from(byte) } else { hidden.next().unwrap_or('\0') };
    std::array::from_fn(|i| written(u8::try_from(i).unwrap_or(0)))
}

/// Write a tokenizer.json.
pub(super) fn text(tokenizer: &Tokenizer, pulse: &Pulse) -> Result<Vec<u8>> {
    let (vocabulary, alphabet) = (tokenizer.vocabulary(), alphabet());
    let spell = |token: &[u8]| token.iter().map(|byte| alphabet[usize::from(*byte)]).collect::<String>();
    let mut vocab: Map<String, Value> = vocabulary.tokens().into_iter().map(|(token, id)| (spell(token), id.into())).collect();
    let mut specials = vocabulary.specials().to_vec();
    specials.sort_by_key(|(_, id)| *id);
    let mut added = Vec::new();
    for (name, id) in specials {
        if vocab.contains_key(&name) {
            let place = format!("the special token {}", quote::text(&name));
            let allowed = "no other token's name: tokenizer.json can't tell them apart";
            return Err(Error::new(Kind::Format, place, "an ordinary token too", allowed));
        }
        vocab.insert(name.clone(), id.into());
        added.push(json!({"id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}));
    }
    let byte_level = |use_regex, space| json!({"type": "ByteLevel", "add_prefix_space": space, "trim_offsets": true, "use_regex": use_regex});
    let regex = tokenizer.pattern().regex();
    let pre_tokenizer = if Pattern::built_in().any(|(name, known)| name == "gpt2" && known == regex) {
        byte_level(true, false)
    } else {
        let split = json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
        json!({"type": "Sequence", "pretokenizers": [split, byte_level(false, false)]})
    };
    let merges: Vec<Value> = merges(vocabulary, pulse)?.iter().map(|(left, right)| json!([spell(left), spell(right)])).collect();
    let model = json!({
        "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
        "byte_fallback": false, "ignore_merges": vocabulary.whole(), "vocab": vocab, "merges": merges,
    });
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null, "pre_tokenizer": pre_tokenizer,
        "post_processor": null, "decoder": byte_level(true, true), "model": model,
    });
    Ok(file.to_string().into_bytes())
}

/// What a field may say, at most; anything else asks for what toklet doesn't do.
fn supported() -> [(&'static str, Value); 12] {
    [
        ("normalizer", json!([null])),
        ("truncation", json!([null])),
        ("padding", json!([null])),
        ("post_processor.type", json!([null, "ByteLevel"])),
        ("decoder.type", json!([null, "ByteLevel"])),
        ("model.type", json!([null, "BPE"])),
        ("model.dropout", json!([null])),
        ("model.unk_token", json!([null])),
        ("model.continuing_subword_prefix", json!([null, ""])),
        ("model.end_of_word_suffix", json!([null, ""])),
        ("model.byte_fallback", json!([null, false])),
        ("model.ignore_merges", json!([null, false, true])),
    ]
}

/// Reads one tokenizer.json; every refusal names the file and the field.
struct Reader<'a> {
    name: &'a str,
    file: Value,
    bytes: HashMap<char, u8>,
}

/// Read a tokenizer.json.
pub(super) fn read(data: &[u8], name: &str, pulse: &Pulse) -> Result<Tokenizer> {
    let Unique(file) = serde_json::from_slice(data).map_err(|error| match repeated_key(&error) {
        Some(key) => Error::new(Kind::Format, name, format!("saying {} twice", quote::text(&key)), "an object whose keys are all different"),
        None => Error::new(Kind::Format, name, "not JSON", "a tokenizer.json"),
    })?;
    Reader { name, file, bytes: alphabet().into_iter().zip(0..=255).collect() }.tokenizer(pulse)
}

impl Reader<'_> {
    fn refuse<T>(&self, field: &str, found: &Value, allowed: &str) -> Result<T> {
        let found: String = found.to_string().chars().take(80).collect();
        Err(Error::new(Kind::Format, format!("{field} of {}", self.name), found, allowed))
    }

    /// Refuse a value that isn't in the list of those allowed.
    fn one_of(&self, field: &str, found: &Value, allowed: &Value) -> Result<()> {
        let allowed = allowed.as_array().map_or(&[][..], Vec::as_slice);
        let written: Vec<_> = allowed.iter().map(Value::to_string).collect();
        if allowed.contains(found) { Ok(()) } else { self.refuse(field, found, &written.join(" or ")) }
    }

    fn list<'v>(&self, field: &str, found: &'v Value) -> Result<&'v Vec<Value>> {
        found.as_array().map_or_else(|| self.refuse(field, found, "a list"), Ok)
    }

    fn object<'v>(&self, field: &str, found: &'v Value) -> Result<&'v Map<String, Value>> {
        found.as_object().map_or_else(|| self.refuse(field, found, "an object"), Ok)
    }

    fn id(&self, token: &str, found: &Value) -> Result<u32> {
        let field = || format!("the id of {}", quote::text(token));
        let outside = |id: String| Error::new(Kind::Vocabulary, field(), id, format!("from 0 to {}", MAX_IDS - 1));
        match (found.as_i64(), found.as_f64()) {
            (Some(id), _) => u32::try_from(id).ok().filter(|id| *id < MAX_IDS).ok_or_else(|| outside(id.to_string())),
            (None, Some(wide)) if wide.abs() >= 2.0_f64.powi(63) => Err(outside(format!("{wide:.0}"))),
            _ => self.refuse(&field(), found, "an integer"),
        }
    }

    /// Read characters as bytes.
    fn token(&self, spelled: &str) -> Result<Vec<u8>> {
        spelled.chars().map(|character| self.bytes.get(&character).copied()).collect::<Option<_>>().ok_or_else(|| {
            let place = format!("the token {} of {}", quote::text(spelled), self.name);
            Error::new(Kind::Format, place, "not byte-level", "written in the 256 characters that stand for bytes")
        })
    }

    /// Read how the file cuts text.
    fn pattern(&self) -> Result<&str> {
        let step = &self.file["pre_tokenizer"];
        let sequence = step["type"] == "Sequence";
        let steps = if sequence { self.list("pre_tokenizer.pretokenizers", &step["pretokenizers"])? } else { std::slice::from_ref(step) };
        let kinds = steps.iter().map(|step| step["type"].clone()).collect();
        self.one_of("the pre-tokenizers", &Value::Array(kinds), &json!([["ByteLevel"], ["Split", "ByteLevel"]]))?;
        let (first, last, alone) = (&steps[0], &steps[steps.len() - 1], steps.len() == 1);
        self.one_of("add_prefix_space", &last["add_prefix_space"], &json!([false]))?;
        self.one_of("use_regex", last.get("use_regex").unwrap_or(&json!(true)), &json!([alone]))?;
        if alone {
            return Ok("gpt2");
        }
        self.one_of("behavior", &first["behavior"], &json!(["Isolated"]))?;
        self.one_of("invert", first.get("invert").unwrap_or(&json!(false)), &json!([false]))?;
        let regex = &first["pattern"]["Regex"];
        regex.as_str().map_or_else(|| self.refuse("pattern.Regex", regex, "a regular expression"), Ok)
    }

    /// Read the added tokens.
    fn specials(&self) -> Result<Vec<(String, u32)>> {
        let (mut specials, mut seen, none) = (Vec::new(), HashSet::new(), json!([]));
        let added = &self.file["added_tokens"];
        for token in self.list("added_tokens", if added.is_null() { &none } else { added })? {
            let Some(content) = token["content"].as_str() else {
                return self.refuse("the content of an added token", &token["content"], "a text");
            };
            self.one_of(&format!("special of {}", quote::text(content)), &token["special"], &json!([true]))?;
            for flag in ["single_word", "lstrip", "rstrip"] {
                self.one_of(&format!("{flag} of {}", quote::text(content)), token.get(flag).unwrap_or(&json!(false)), &json!([false]))?;
            }
            if !seen.insert(content) {
                return self.refuse("an added token", &token["content"], "one that isn't added twice");
            }
            specials.push((content.to_owned(), self.id(content, &token["id"])?));
        }
        Ok(specials)
    }

    /// Read the whole file.
    fn tokenizer(&self, pulse: &Pulse) -> Result<Tokenizer> {
        self.object("the whole", &self.file)?;
        for (field, allowed) in supported() {
            // What stands in a field's way, and isn't an object, is refused in its place.
            let found = field.split('.').fold(&self.file, |found, key| if found.is_object() { &found[key] } else { found });
            self.one_of(field, found, &allowed)?;
        }
        let model = &self.file["model"];
        let specials = self.specials()?;
        let special_ids: HashMap<_, _> = specials.iter().map(|(name, id)| (name.as_str(), *id)).collect();
        let mut tokens = Vec::new();
        for (spelled, id) in self.object("model.vocab", &model["vocab"])? {
            let id = self.id(spelled, id)?;
            if special_ids.get(spelled.as_str()) != Some(&id) {
                tokens.push((self.token(spelled)?, id));
            }
        }
        let mut merges = Vec::new();
        for (number, merge) in self.list("model.merges", &model["merges"])?.iter().enumerate() {
            let Some((left, right)) = two(merge) else {
                return self.refuse(&format!("merge {number}"), merge, "two tokens");
            };
            merges.push((self.token(left)?, self.token(right)?));
        }
        let whole = model["ignore_merges"] == Value::Bool(true);
        Tokenizer::new(Vocabulary::new(tokens, Some(merges), specials, whole, pulse)?, self.pattern()?, pulse)
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
