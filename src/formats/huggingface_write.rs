//! Writes a tokenizer.json, for the `tokenizers` library to give the same ids.

use serde_json::{Map, Value, json};

use super::huggingface::{AROUND, alphabet};
use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result, quote};
use crate::merge::merges;
use crate::normalize::SPACE_MARK;
use crate::pipeline::Pipeline;
use crate::pipeline::fields::get;
use crate::split::Pattern;
use crate::threads::Pulse;
use crate::vocab::{Parts, Vocabulary};

/// Write a tokenizer.json.
pub(super) fn text(tokenizer: &Tokenizer, pulse: &Pulse) -> Result<Vec<u8>> {
    let (vocabulary, alphabet) = (tokenizer.vocabulary(), alphabet());
    let bytes = |token: &[u8]| token.iter().map(|byte| alphabet[usize::from(*byte)]).collect::<String>();
    let spell = |token: &[u8]| match tokenizer.pipeline().filter(|pipeline| !pipeline.byte_level()) {
        Some(pipeline) => pipeline.spell(token),
        None => bytes(token),
    };
    let mut entries: Vec<(String, u32)> = vocabulary.tokens().into_iter().map(|(token, id)| (spell(token), id)).collect();
    entries.extend((0..=255u8).zip(&vocabulary.kind().bytes).map(|(byte, id)| (format!("<0x{byte:02X}>"), *id)));
    let mut known: std::collections::HashSet<String> = entries.iter().map(|(name, _)| name.clone()).collect();
    for (name, id) in needed(tokenizer, &entries) {
        if !known.insert(name.clone()) {
            let place = format!("the special token {}", quote::text(&name));
            let allowed = "no other token's name: tokenizer.json can't tell them apart";
            return Err(Error::new(Kind::Format, place, "an ordinary token too", allowed));
        }
        entries.push((name, id));
    }
    entries.sort_by_key(|(_, id)| *id);
    let vocab: Map<String, Value> = entries.into_iter().map(|(name, id)| (name, id.into())).collect();
    let said = tokenizer.pipeline().map_or_else(|| Ok(around(tokenizer)), in_their_words)?;
    let parts = if vocabulary.kind().ranks.is_empty() { merges(vocabulary, pulse)? } else { all_cuts(vocabulary, pulse)? };
    let merges: Vec<Value> = parts.iter().map(|(left, right)| json!([spell(left), spell(right)])).collect();
    let model = json!({
        "type": "BPE", "dropout": null, "unk_token": get(&said, "model.unk_token"), "continuing_subword_prefix": null, "end_of_word_suffix": null,
        "fuse_unk": get(&said, "model.fuse_unk") == true, "byte_fallback": !vocabulary.kind().bytes.is_empty(), "ignore_merges": vocabulary.whole(),
        "vocab": vocab, "merges": merges,
    });
    let mut file = json!({"version": "1.0", "truncation": null, "padding": null});
    for field in AROUND {
        file[field] = get(&said, field).clone();
    }
    file["model"] = model;
    Ok(file.to_string().into_bytes())
}

/// Every way to make a token of two, by rank: where scores decide, each of them is a merge.
fn all_cuts(vocabulary: &Vocabulary, pulse: &Pulse) -> Result<Vec<Parts>> {
    let mut cuts = Vec::new();
    for (token, id) in vocabulary.tokens() {
        pulse.tick(0)?;
        for (left, right) in (1..token.len()).map(|cut| token.split_at(cut)) {
            if let (Some(one), Some(other)) = (vocabulary.ordinary(left), vocabulary.ordinary(right)) {
                cuts.push(((vocabulary.rank(id), id, one, other), (left.to_vec(), right.to_vec())));
            }
        }
    }
    cuts.sort_unstable();
    Ok(cuts.into_iter().map(|(_, parts)| parts).collect())
}

/// The added tokens that have to stand in the vocabulary for their ids: `tokenizers` numbers those that don't from its end on.
fn needed(tokenizer: &Tokenizer, entries: &[(String, u32)]) -> Vec<(String, u32)> {
    let vocabulary = tokenizer.vocabulary();
    let mut others: Vec<_> = vocabulary.specials().iter().chain(&vocabulary.kind().added).cloned().collect();
    if tokenizer.pipeline().is_some() {
        others.sort_by_key(|(_, id)| *id);
        let last = entries.iter().map(|(_, id)| *id).max().unwrap_or(0);
        let inside = others.partition_point(|(_, id)| *id < last);
        let first = entries.len() + inside;
        if others[inside..].iter().zip(first..).all(|((_, id), at)| *id as usize == at) {
            others.truncate(inside);
        }
    }
    others
}

/// What stands around a vocabulary that a pattern and special tokens say all of.
fn around(tokenizer: &Tokenizer) -> Value {
    let mut specials = tokenizer.vocabulary().specials().to_vec();
    specials.sort_by_key(|(_, id)| *id);
    let added: Vec<_> = specials.into_iter().map(|(name, id)| added_token(&name, id)).collect();
    let byte_level = |use_regex, space| json!({"type": "ByteLevel", "add_prefix_space": space, "trim_offsets": true, "use_regex": use_regex});
    let regex = tokenizer.pattern().regex();
    let pre_tokenizer = if Pattern::built_in().any(|(name, known)| name == "gpt2" && known == regex) {
        byte_level(true, false)
    } else if regex.is_empty() {
        byte_level(false, false) // an empty regular expression would cut everywhere
    } else {
        let split = |regex: &str| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
        let steps: Vec<_> = tokenizer.pattern().steps().into_iter().map(split).chain([byte_level(false, false)]).collect();
        json!({"type": "Sequence", "pretokenizers": steps})
    };
    json!({"added_tokens": added, "pre_tokenizer": pre_tokenizer, "decoder": byte_level(true, true), "model": {}})
}

/// A special token, as files have it.
pub(super) fn added_token(name: &str, id: u32) -> Value {
    json!({"id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
}

/// What a pipeline says in words that `tokenizers` knows: sentencepiece's normalizer, where it does no more than put spaces, is two of theirs.
fn in_their_words(pipeline: &Pipeline) -> Result<Value> {
    let (mut said, steps) = (pipeline.said().clone(), get(pipeline.said(), "normalizer"));
    if get(steps, "type") != "SentencePiece" {
        return Ok(said);
    }
    let (prefix, kept) = (get(steps, "prefix") == true, get(steps, "kept") != &json!([]));
    if get(steps, "precompiled_charsmap") != "" || get(steps, "squeeze") == true || (kept && prefix) {
        let allowed = "one that tokenizer.json can say: without a map of characters, squeezed spaces or user-defined symbols";
        return Err(Error::new(Kind::Format, "the normalizer", "sentencepiece's", allowed));
    }
    let spaces = json!({"type": "Replace", "pattern": {"String": " "}, "content": SPACE_MARK});
    let listed = if prefix { vec![json!({"type": "Prepend", "prepend": SPACE_MARK}), spaces] } else { vec![spaces] };
    said["normalizer"] = json!({"type": "Sequence", "normalizers": listed});
    Ok(said)
}
