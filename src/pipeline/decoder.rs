//! Reads the decoder of a tokenizer.json, which must give back the text that was encoded.

use serde_json::{Value, json};

use super::fields::{Fields, get};
use super::pretokenizer::scheme;
use crate::error::Result;
use crate::normalize::SPACE_MARK;

/// Read it: whether it drops a space at the start.
pub(super) fn read(fields: &Fields<'_>, said: &Value, byte_level: bool, spaced: bool) -> Result<bool> {
    let mut strip = false;
    for step in fields.steps("decoder", said, "decoders")? {
        let kind = get(step, "type");
        if byte_level {
            fields.word("decoder.type", kind, &["ByteLevel"])?;
            continue;
        }
        fields.word("decoder.type", kind, &["Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"])?;
        let kind = kind.as_str().unwrap_or_default();
        if ["Replace", "Metaspace"].contains(&kind) {
            fields.need(&format!("decoder.{kind}"), step, spaced, "there only where spaces are written as ▁")?;
        }
        match kind {
            "Replace" => {
                fields.one_of("decoder.pattern", get(step, "pattern"), &[json!({"String": SPACE_MARK})])?;
                fields.word("decoder.content", get(step, "content"), &[" "])?;
            }
            "Strip" => {
                fields.word("decoder.content", get(step, "content"), &[" "])?;
                strip = fields.one_of("decoder.start", get(step, "start"), &[json!(0), json!(1)])? == 1;
                fields.one_of("decoder.stop", get(step, "stop"), &[json!(0)])?;
            }
            "Metaspace" => strip = scheme(fields, step)? < 2,
            _ => {}
        }
    }
    Ok(strip)
}
