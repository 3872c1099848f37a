//! Reads the normalizer of a tokenizer.json: steps, and whether they turn every space into ▁ (which they then leave a space).

use aho_corasick::{AhoCorasick, MatchKind, StartKind};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::fields::{Fields, get};
use super::swapped;
use crate::charsmap::Charsmap;
use crate::error::{Error, Kind, MAX_TOKEN_BYTES, Result, quote};
use crate::normalize::{Form, SPACE_MARK, SentencePiece, Step};
use crate::split::regex::Expression;

const KINDS: [&str; 7] = ["NFC", "NFD", "NFKC", "NFKD", "Prepend", "Replace", "SentencePiece"];

/// Read it.
pub(super) fn read(fields: &Fields<'_>, said: &Value) -> Result<(Vec<Step>, bool)> {
    let parts = fields.steps("normalizer", said, "normalizers")?;
    for part in parts {
        fields.word("normalizer.type", get(part, "type"), &KINDS)?;
    }
    let marking = json!({"type": "Replace", "pattern": {"String": " "}, "content": SPACE_MARK});
    let marks = |part: &Value| ["type", "pattern", "content"].iter().all(|key| get(part, key) == get(&marking, key));
    let prepends = |part: &Value| get(part, "type") == "Prepend";
    // From there on a space stands where the file says ▁, and the other way round.
    let turn = parts.iter().position(marks).filter(|at| parts[at + 1..].iter().all(prepends));
    let mut steps = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        steps.push(match turn {
            Some(turn) if at == turn => Step::Replace(finder(SPACE_MARK)?, " ".into()),
            Some(turn) if at > turn => Step::Prepend(swapped(&short(fields, "normalizer.prepend", get(part, "prepend"))?)),
            _ => step(fields, part)?,
        });
    }
    let pieces = parts.iter().filter(|part| get(part, "type") == "SentencePiece").count();
    let spaced = turn.is_some() || (pieces == 1 && matches!(steps.last(), Some(Step::SentencePiece(_))));
    Ok((steps, spaced))
}

fn step(fields: &Fields<'_>, part: &Value) -> Result<Step> {
    match get(part, "type").as_str().unwrap_or_default() {
        "NFC" => Ok(Step::Form(Form::Nfc)),
        "NFD" => Ok(Step::Form(Form::Nfd)),
        "NFKC" => Ok(Step::Form(Form::Nfkc)),
        "NFKD" => Ok(Step::Form(Form::Nfkd)),
        "Prepend" => Ok(Step::Prepend(short(fields, "normalizer.prepend", get(part, "prepend"))?)),
        "Replace" => replace(fields, part),
        _ => sentencepiece(fields, part).map(|step| Step::SentencePiece(Box::new(step))),
    }
}

/// Read a text that is put into others.
fn short(fields: &Fields<'_>, field: &str, found: &Value) -> Result<String> {
    let text = fields.text(field, found)?;
    fields.need(field, found, text.len() <= MAX_TOKEN_BYTES, &format!("at most {MAX_TOKEN_BYTES} bytes long"))?;
    Ok(text.to_owned())
}

fn replace(fields: &Fields<'_>, part: &Value) -> Result<Step> {
    let (old, regex, field) = (get(part, "pattern.String"), get(part, "pattern.Regex"), "normalizer.pattern.String");
    if let Some(regex) = regex.as_str() {
        let refused = |error: String| Error::new(Kind::Argument, "normalizer.pattern.Regex", quote::text(regex), error);
        let compiled = Expression::new(regex).map_err(|error| refused(format!("a regular expression ({error})")))?;
        if compiled.takes_nothing() {
            return Err(refused("a regular expression that doesn't match an empty text".into()));
        }
        return Ok(Step::ReplaceRegex(Box::new(compiled), short(fields, "normalizer.content", get(part, "content"))?));
    }
    let text = fields.text(field, old)?;
    fields.need(field, old, !text.is_empty(), "a text that isn't empty")?;
    Ok(Step::Replace(finder(text)?, short(fields, "normalizer.content", get(part, "content"))?))
}

fn sentencepiece(fields: &Fields<'_>, part: &Value) -> Result<SentencePiece> {
    let field = "precompiled_charsmap";
    let data = BASE64_STANDARD.decode(fields.text(field, get(part, field))?).map_err(|_| fields.refused(field, "no base64", "base64"))?;
    let kept: Vec<_> = get(part, "kept").as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let kept = (!kept.is_empty()).then(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).start_kind(StartKind::Anchored).build(&kept));
    Ok(SentencePiece {
        charsmap: if data.is_empty() { None } else { Some(Charsmap::new(&data, fields.name)?) },
        squeeze: get(part, "squeeze") == &json!(true),
        prefix: get(part, "prefix") == &json!(true),
        kept: kept.transpose().map_err(|error| too_much(&error))?,
        marks: finder(SPACE_MARK)?,
    })
}

/// What finds one text.
pub(super) fn finder(text: &str) -> Result<AhoCorasick> {
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build([text]).map_err(|error| too_much(&error))
}

fn too_much(error: &aho_corasick::BuildError) -> Error {
    Error::new(Kind::Format, "the texts to look for", error.to_string(), "few and short enough to be searched for")
}
