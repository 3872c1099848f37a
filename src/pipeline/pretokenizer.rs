//! Reads the pre-tokenizer of a tokenizer.json: steps that cut, what is put before a text, and whether tokens are spelled in bytes or in characters.

use serde_json::{Value, json};

use super::fields::{Fields, get};
use super::normalizer::finder;
use super::swapped;
use crate::error::{Error, Kind, Result};
use crate::normalize::SPACE_MARK;
use crate::pretokenize::{Behavior, Cutter, Sought};
use crate::split::Pattern;
use crate::split::regex::Expression;

const BEHAVIORS: [(&str, Behavior); 5] = [
    ("Isolated", Behavior::Isolated),
    ("Removed", Behavior::Removed),
    ("MergedWithPrevious", Behavior::MergedWithPrevious),
    ("MergedWithNext", Behavior::MergedWithNext),
    ("Contiguous", Behavior::Contiguous),
];

/// Where a space is put before a text that doesn't begin with one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Prefix {
    #[default]
    Never,
    /// Before what stands at the start of the whole text.
    First,
    /// Before every text that stands between added tokens.
    Always,
}

/// What a pre-tokenizer says.
#[derive(Default)]
pub(super) struct PreTokenizer {
    pub(super) cutters: Vec<Cutter>,
    pub(super) prefix: Prefix,
    pub(super) byte_level: bool,
    pub(super) metaspace: bool,
}

impl PreTokenizer {
    /// Read it; `spaced` says that the normalizer has written spaces as ▁.
    pub(super) fn read(fields: &Fields<'_>, said: &Value, spaced: bool) -> Result<Self> {
        let (steps, mut this) = (together(fields.steps("pre_tokenizer", said, "pretokenizers")?), Self::default());
        for (i, step) in steps.iter().enumerate() {
            match fields.word("pre_tokenizer.type", get(step, "type"), &["ByteLevel", "Split", "Digits", "Metaspace"])? {
                0 => {
                    let behind = Value::from(&steps[i + 1..]);
                    fields.need("the pre-tokenizer behind ByteLevel", &behind, i + 1 == steps.len(), "nothing: bytes can't be cut")?;
                    this.bytes(fields, step, spaced)?;
                }
                1 => this.split(fields, step, spaced)?,
                2 => this.digits(fields, step)?,
                _ => this.meta(fields, step)?,
            }
        }
        Ok(this)
    }

    fn prefixed(&mut self, fields: &Fields<'_>, field: &str, scheme: &str, prefix: Prefix) -> Result<()> {
        fields.need(field, &json!(scheme), prefix == Prefix::Never || self.cutters.is_empty(), "false behind a step that cuts")?;
        self.prefix = prefix;
        Ok(())
    }

    /// ByteLevel: tokens are spelled in bytes; by itself it cuts as GPT-2 does.
    fn bytes(&mut self, fields: &Fields<'_>, step: &Value, spaced: bool) -> Result<()> {
        self.byte_level = true;
        fields.need("ByteLevel", step, !self.metaspace && !spaced, "without ▁ for spaces")?;
        let before = fields.flag("add_prefix_space", get(step, "add_prefix_space"), true)?;
        let (scheme, prefix) = if before { ("always", Prefix::Always) } else { ("never", Prefix::Never) };
        self.prefixed(fields, "add_prefix_space", scheme, prefix)?;
        if fields.flag("use_regex", get(step, "use_regex"), true)? {
            self.cutters.push(Cutter { sought: Sought::BuiltIn(Pattern::new("gpt2")?), behavior: Behavior::Isolated, invert: false });
        }
        Ok(())
    }

    /// Split: by a text or a regular expression.
    fn split(&mut self, fields: &Fields<'_>, step: &Value, spaced: bool) -> Result<()> {
        let (regex, text) = (get(step, "pattern.Regex"), get(step, "pattern.String"));
        let (_, behavior) = BEHAVIORS[fields.word("behavior", get(step, "behavior"), &BEHAVIORS.map(|(name, _)| name))?];
        let invert = fields.flag("invert", get(step, "invert"), false)?;
        fields.need("Split", step, !self.metaspace, "in front of Metaspace, which writes spaces as ▁")?;
        let sought = if text.is_null() {
            let pattern = fields.text("pattern.Regex", regex)?;
            fields.need("pattern.Regex", regex, !pattern.is_empty(), "a regular expression that isn't empty")?;
            fields.need("pattern.Regex", regex, !spaced, "a text: spaces are written as ▁")?;
            sought(pattern)?
        } else {
            let text = fields.text("pattern.String", text)?;
            fields.need("pattern.String", get(step, "pattern.String"), !text.is_empty(), "a text that isn't empty")?;
            Sought::Text(finder(&if spaced { swapped(text) } else { text.to_owned() })?)
        };
        self.cutters.push(Cutter { sought, behavior, invert });
        Ok(())
    }

    /// Digits: each by itself, or those that stand together.
    fn digits(&mut self, fields: &Fields<'_>, step: &Value) -> Result<()> {
        let alone = fields.flag("individual_digits", get(step, "individual_digits"), false)?;
        let behavior = if alone { Behavior::Isolated } else { Behavior::Contiguous };
        self.cutters.push(Cutter { sought: Sought::Digits, behavior, invert: false });
        Ok(())
    }

    /// Metaspace: a ▁ for each space, and one before the text; cut in front of each.
    fn meta(&mut self, fields: &Fields<'_>, step: &Value) -> Result<()> {
        fields.word("replacement", get(step, "replacement"), &[SPACE_MARK])?;
        let after = self.cutters.iter().all(|cutter| matches!(cutter.sought, Sought::Digits));
        fields.need("Metaspace", step, !self.metaspace && after, "there once, and not behind Split")?;
        let scheme = scheme(fields, step)?;
        self.prefixed(fields, "prepend_scheme", ["always", "first", "never"][scheme], [Prefix::Always, Prefix::First, Prefix::Never][scheme])?;
        self.metaspace = true;
        if fields.flag("split", get(step, "split"), true)? {
            self.cutters.push(Cutter { sought: Sought::Text(finder(" ")?), behavior: Behavior::MergedWithNext, invert: false });
        }
        Ok(())
    }
}

/// Read where a ▁ is put: always, first, never.
pub(super) fn scheme(fields: &Fields<'_>, step: &Value) -> Result<usize> {
    let always = json!("always");
    fields.word("prepend_scheme", step.get("prepend_scheme").unwrap_or(&always), &["always", "first", "never"])
}

/// The steps, where those as which a built-in pattern is published are one. A line break may stand in them as itself.
fn together(mut steps: &[Value]) -> Vec<Value> {
    let mut joined = Vec::with_capacity(steps.len());
    while let Some((step, behind)) = steps.split_first() {
        let published = Pattern::of_steps(|at| isolated(steps.get(at)?).map(|regex| regex.replace('\r', r"\r").replace('\n', r"\n")));
        steps = match published {
            Some(pattern) => {
                joined.push(json!({"type": "Split", "pattern": {"Regex": pattern.regex()}, "behavior": "Isolated", "invert": false}));
                &steps[pattern.steps().len()..]
            }
            None => {
                joined.push(step.clone());
                behind
            }
        };
    }
    joined
}

/// The regular expression that a step is no more than.
fn isolated(step: &Value) -> Option<&str> {
    let (regex, invert) = (get(step, "pattern.Regex").as_str()?, get(step, "invert"));
    let whole = get(step, "type") == "Split" && get(step, "behavior") == "Isolated" && get(step, "pattern.String").is_null();
    (whole && (invert.is_null() || invert == false)).then_some(regex)
}

/// What a regular expression looks for: a built-in pattern where it is one.
fn sought(regex: &str) -> Result<Sought> {
    let pattern = Pattern::new(regex)?;
    if Pattern::built_in().any(|(_, known)| known == pattern.regex()) {
        return Ok(Sought::BuiltIn(pattern));
    }
    let compiled = Expression::new(regex).map_err(|error| Error::new(Kind::Argument, "pattern", regex, format!("a regular expression ({error})")))?;
    Ok(Sought::Regex(Box::new(compiled)))
}
