//! tokenizer.json, the format of the `tokenizers` library: byte-level BPE, with the pattern and the special tokens in the file.
//!
//! Bytes are written as characters: a visible one stands for itself, the others for the code points from 256 on. What the file asks for and toklet doesn't
//! do is refused by its name, never left out. Special tokens also stand in the file's vocabulary, as in published files, so that their ids are what the
//! file says.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::json::{Unique, repeated_key};
use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result, quote};
use crate::split::Pattern;
use crate::vocab::Vocabulary;

/// Whether a byte stands for itself in this format.
pub fn visible(byte: u8) -> bool {
    matches!(byte, 33..=126 | 161..=172 | 174..=255)
}

/// The character that each byte is written as.
fn alphabet() -> [char; 256] {
    let mut hidden = (256..).filter_map(char::from_u32);
    let mut written = |byte| if visible(byte) { char::from(byte) } else { hidden.next().unwrap_or('\0') };
    std::array::from_fn(|i| written(u8::try_from(i).unwrap_or(0)))
}

/// Write a tokenizer.json.
pub(super) fn text(tokenizer: &Tokenizer) -> Result<Vec<u8>> {
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
    let merges: Vec<Value> = vocabulary.merges().iter().map(|(left, right)| json!([spell(left), spell(right)])).collect();
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

/// Reads one tokenizer.json; every refusal names the file and the field.
struct Reader<'a> {
    name: &'a str,
    file: Value,
    bytes: HashMap<char, u8>,
}

/// Read a tokenizer.json.
pub(super) fn read(data: &[u8], name: &str) -> Result<Tokenizer> {
    let refuse = |found: String, allowed: &str| Error::new(Kind::Format, name, found, allowed);
    let Unique(file) = serde_json::from_slice(data).map_err(|error| match repeated_key(&error) {
        Some(key) => refuse(format!("saying {} twice", quote::text(&key)), "an object whose keys are all different"),
        None => refuse(format!("not JSON ({error})"), "a tokenizer.json"),
    })?;
    if !file.is_object() {
        return Err(refuse("not a JSON object".into(), "a tokenizer.json"));
    }
    Reader { name, file, bytes: alphabet().into_iter().zip(0..=255).collect() }.tokenizer()
}

impl Reader<'_> {
    fn refuse<T>(&self, field: &str, found: &Value, allowed: &str) -> Result<T> {
        let found: String = found.to_string().chars().take(80).collect();
        Err(Error::new(Kind::Format, format!("{field} of {}", self.name), found, allowed))
    }

    /// Refuse a field that asks for what toklet doesn't do.
    fn need(&self, field: &str, found: &Value, allowed: &[Value]) -> Result<()> {
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
        let id = found.as_u64().and_then(|id| u32::try_from(id).ok());
        id.map_or_else(|| self.refuse(&format!("the id of {}", quote::text(token)), found, "an integer"), Ok)
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
        self.object("pre_tokenizer", step)?;
        let one = std::slice::from_ref(step);
        let steps = if step["type"] == "Sequence" { self.list("pre_tokenizer.pretokenizers", &step["pretokenizers"])?.as_slice() } else { one };
        let kinds = steps.iter().map(|step| step["type"].clone()).collect();
        self.need("the pre-tokenizers", &Value::Array(kinds), &[json!(["ByteLevel"]), json!(["Split", "ByteLevel"])])?;
        let (first, last) = (&steps[0], &steps[steps.len() - 1]);
        self.need("add_prefix_space", &last["add_prefix_space"], &[json!(false)])?;
        let alone = steps.len() == 1;
        self.need("use_regex", last.get("use_regex").unwrap_or(&json!(true)), &[json!(alone)])?;
        if alone {
            return Ok("gpt2");
        }
        self.need("behavior", &first["behavior"], &[json!("Isolated")])?;
        self.need("invert", first.get("invert").unwrap_or(&json!(false)), &[json!(false)])?;
        first["pattern"]["Regex"].as_str().map_or_else(|| self.refuse("pattern", &first["pattern"], "a {\"Regex\": …}"), Ok)
    }

    fn specials(&self) -> Result<Vec<(String, u32)>> {
        let (mut specials, mut seen, none) = (Vec::new(), HashSet::new(), json!([]));
        for token in self.list("added_tokens", self.file.get("added_tokens").unwrap_or(&none))? {
            let Some(content) = token["content"].as_str() else {
                return self.refuse("an added token", token, "an object with its content");
            };
            for flag in ["single_word", "lstrip", "rstrip"] {
                self.need(&format!("{flag} of {}", quote::text(content)), token.get(flag).unwrap_or(&json!(false)), &[json!(false)])?;
            }
            if !seen.insert(content) {
                return self.refuse("an added token", &token["content"], "one that isn't added twice");
            }
            specials.push((content.to_owned(), self.id(content, &token["id"])?));
        }
        Ok(specials)
    }

    /// Read the whole file.
    fn tokenizer(&self) -> Result<Tokenizer> {
        let none = Value::Null;
        for field in ["normalizer", "truncation", "padding"] {
            self.need(field, &self.file[field], &[Value::Null])?;
        }
        let post = &self.file["post_processor"];
        self.need("post_processor", if post.is_object() { &post["type"] } else { post }, &[json!(null), json!("ByteLevel")])?;
        let model = &self.file["model"];
        self.object("model", model)?;
        self.need("model.type", model.get("type").unwrap_or(&json!("BPE")), &[json!("BPE")])?;
        for (field, allowed) in [("dropout", &[json!(null)][..]), ("unk_token", &[json!(null)]), ("byte_fallback", &[json!(null), json!(false)])] {
            self.need(&format!("model.{field}"), model.get(field).unwrap_or(&none), allowed)?;
        }
        for field in ["continuing_subword_prefix", "end_of_word_suffix"] {
            self.need(&format!("model.{field}"), &model[field], &[json!(null), json!("")])?;
        }
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
        let whole = model.get("ignore_merges").unwrap_or(&Value::Bool(false));
        self.need("model.ignore_merges", whole, &[json!(false), json!(true)])?;
        let whole = whole == &Value::Bool(true);
        Tokenizer::new(Vocabulary::new(tokens, Some(merges), specials, whole)?, self.pattern()?)
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
