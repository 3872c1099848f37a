//! The special tokens that a model expects around a text or two: what tokenizer.json calls TemplateProcessing.
//!
//! `encode` gives the ids of a text alone. The template is put around them where it is asked for.

use serde_json::Value;

use super::fields::{Fields, NULL, get};
use crate::error::{Result, quote};

/// A place in a template: the first text, the second, or ids.
enum Item {
    First,
    Second,
    Ids(Vec<u32>),
}

/// What stands around one text, and around two.
pub(crate) struct Template {
    single: Vec<Item>,
    pair: Vec<Item>,
}

impl Template {
    /// Read a post-processor. ByteLevel, which trims offsets alone, changes no ids.
    pub(super) fn read(fields: &Fields<'_>, said: &Value) -> Result<Option<Self>> {
        let mut made = None;
        for step in fields.steps("post_processor", said, "processors")? {
            if fields.word("post_processor.type", get(step, "type"), &["ByteLevel", "TemplateProcessing"])? == 0 {
                continue;
            }
            fields.need("post_processor", step, made.is_none(), "one template")?;
            let specials = get(step, "special_tokens");
            fields.object("special_tokens", specials)?;
            let items = |which: &str| items(fields, which, get(step, which), specials);
            made = Some(Self { single: items("single")?, pair: items("pair")? });
        }
        Ok(made)
    }

    /// Put the template around the ids of one text, or of two.
    pub(crate) fn around(&self, first: &[u32], second: Option<&[u32]>) -> Vec<u32> {
        let mut out = Vec::new();
        for item in if second.is_none() { &self.single } else { &self.pair } {
            out.extend_from_slice(match item {
                Item::First => first,
                Item::Second => second.unwrap_or(&[]),
                Item::Ids(ids) => ids,
            });
        }
        out
    }
}

fn items(fields: &Fields<'_>, which: &str, said: &Value, specials: &Value) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for item in fields.objects(which, said)? {
        if item.get("Sequence").is_some() {
            let words = if which == "pair" { &["A", "B"][..] } else { &["A"] };
            let place = fields.word(&format!("id of {which}"), get(item, "Sequence.id"), words)?;
            items.push(if place == 0 { Item::First } else { Item::Second });
            continue;
        }
        let name = fields.text(&format!("the special token of {which}"), get(item, "SpecialToken.id"))?;
        let listed = specials.get(name).map_or(&NULL, |special| get(special, "ids"));
        let ids = fields.list(&format!("ids of {}", quote::text(name)), listed)?;
        items.push(Item::Ids(ids.iter().map(|id| fields.id(name, id)).collect::<Result<_>>()?));
    }
    Ok(items)
}
