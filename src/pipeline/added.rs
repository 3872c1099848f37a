//! Reads the added tokens of a tokenizer.json.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::fields::{Fields, get};
use crate::error::{Result, quote};
use crate::special::AddedToken;

/// Read them.
pub(super) fn read(fields: &Fields<'_>, said: &Value) -> Result<Vec<AddedToken>> {
    let (mut added, mut seen, none) = (Vec::new(), HashSet::new(), json!([]));
    for token in fields.list("added_tokens", if said.is_null() { &none } else { said })? {
        let found = get(token, "content");
        let content = found.as_str().unwrap_or_default();
        fields.need("the content of an added token", found, found.is_string(), "a text")?;
        let flag = |flag: &str| fields.flag(&format!("{flag} of {}", quote::text(content)), get(token, flag), false);
        let (special, lstrip, rstrip) = (flag("special")?, flag("lstrip")?, flag("rstrip")?);
        let (single_word, normalized) = (flag("single_word")?, flag("normalized")?);
        fields.need("an added token", found, seen.insert(content), "one that isn't added twice")?;
        let id = fields.id(content, get(token, "id"))?;
        added.push(AddedToken { content: content.to_owned(), id, special, lstrip, rstrip, single_word, normalized });
    }
    Ok(added)
}
