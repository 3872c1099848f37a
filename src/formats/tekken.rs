//! tekken.json, the format of Mistral's newer models: ranks and a pattern, as tiktoken has them, behind the special tokens, which have the first ids.
//!
//! Of the ranks in the file only so many count that the vocabulary has its default size. Older files don't name their special tokens; all that aren't named are
//! called `<SPECIAL_n>`.

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::encode::Tokenizer;
use crate::error::{MAX_IDS, Result, quote};
use crate::pipeline::fields::{Fields, get};
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

/// The first special tokens of a file that names none.
const OLDER: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// Whether a file is one of these.
pub(super) fn is_one(file: &Value) -> bool {
    get(file, "vocab").is_array() && get(file, "config").is_object()
}

/// Read one.
pub(super) fn read(fields: &Fields<'_>, file: &Value, pulse: &Pulse) -> Result<Tokenizer> {
    let number = |field: &str| {
        let found = get(file, field);
        let number = found.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= MAX_IDS);
        fields.need(field, found, number.is_some(), &format!("an integer from 0 to {MAX_IDS}"))?;
        Ok(number.unwrap_or_default())
    };
    let (size, reserved) = (number("config.default_vocab_size")?, number("config.default_num_special_tokens")?);
    let pattern = fields.text("config.pattern", get(file, "config.pattern"))?;
    let (mut tokens, mut seen) = (Vec::new(), HashSet::new());
    for entry in fields.objects("vocab", get(file, "vocab"))? {
        pulse.tick(0)?;
        let rank = fields.id("a token", get(entry, "rank"))?;
        let spelled = fields.text("token_bytes", get(entry, "token_bytes"))?;
        let token =
            BASE64_STANDARD.decode(spelled).map_err(|_| fields.refused("token_bytes", quote::text(&spelled.chars().take(40).collect::<String>()), "base64"))?;
        if rank < size.saturating_sub(reserved) {
            if !seen.insert(token.clone()) {
                return Err(fields.refused(&format!("the token {rank}"), format!("{} again", quote::bytes(&token)), "a new token"));
            }
            tokens.push((token, rank + reserved));
        }
    }
    let specials = specials(fields, get(file, "special_tokens"), reserved)?;
    Tokenizer::new(Vocabulary::new(tokens, None, specials, true, pulse)?, pattern, pulse)
}

/// The special tokens: those that are named, then those that aren't.
fn specials(fields: &Fields<'_>, said: &Value, reserved: u32) -> Result<Vec<(String, u32)>> {
    let mut named: Vec<(String, u32)> = OLDER.iter().map(|name| (*name).to_owned()).zip(0..).collect();
    if !said.is_null() {
        let mut seen = HashSet::new();
        named.clear();
        for entry in fields.objects("special_tokens", said)? {
            let name = fields.text("token_str", get(entry, "token_str"))?;
            fields.need("token_str", get(entry, "token_str"), seen.insert(name), "a name of its own")?;
            named.push((name.to_owned(), fields.id(name, get(entry, "rank"))?));
        }
    }
    let most = named.iter().map(|(_, id)| id + 1).max().unwrap_or(0);
    fields.need("config.default_num_special_tokens", &reserved.into(), most <= reserved, &format!("at least {most}, as many as are named"))?;
    let taken: HashSet<u32> = named.iter().map(|(_, id)| *id).collect();
    named.extend((0..reserved).filter(|id| !taken.contains(id)).map(|id| (format!("<SPECIAL_{id}>"), id)));
    named.sort_by_key(|(_, id)| *id);
    Ok(named)
}
