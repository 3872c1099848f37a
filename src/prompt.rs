//! Templates and few-shot prompts: the format of the examples is the program.
//!
//! A template is text with `{{ slots }}`. Rendered, it becomes parts: the template's own text is trusted, what fills a slot is not, and only trusted text can
//! spell a special token (see `Tokenizer::encode_parts`). Braces inside a value are harmless: values are never read again. A few-shot prompt is the template
//! filled with each example, joined by a separator, and the template filled with the query up to the slot that the model has to fill.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Kind, Result, quote};
use crate::unicode::{Classes, class_of};

/// A stretch of a prompt, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The text.
    pub text: String,
    /// Whether it is the template's own: then a special token that it spells is one.
    pub trusted: bool,
    /// Who says it, in a chat.
    pub role: Option<String>,
    /// The number of its message, or of its example.
    pub message: Option<usize>,
    /// The slot that it fills.
    pub slot: Option<String>,
}

impl Part {
    /// Text of the template's own.
    pub fn trusted(text: impl Into<String>) -> Self {
        Self { text: text.into(), trusted: true, ..Self::default() }
    }
}

/// The values of the slots, by name.
pub type Values = [(String, String)];

/// Text with slots.
///
/// ```
/// use toklet::prompt::Template;
/// let qa = Template::new("Q: {{ question }}\nA: {{ answer }}")?;
/// assert_eq!(qa.slots(), ["question", "answer"]);
/// let parts = qa.parts(&[("question".into(), "2 + 2?".into())], Some("answer"))?;
/// assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), "Q: 2 + 2?\nA: ");
/// # Ok::<(), toklet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Template {
    /// The text before each slot; the text behind the last one stands in `end`.
    pieces: Vec<Piece>,
    end: String,
    slots: Vec<String>,
}

/// Some text and the slot behind it.
#[derive(Clone, Debug)]
struct Piece {
    literal: String,
    name: String,
    /// Whether the white space around a value is taken off.
    trim: bool,
}

fn refuse<T>(place: impl Into<String>, found: impl Into<String>, allowed: impl Into<String>) -> Result<T> {
    Err(Error::new(Kind::Prompt, place, found, allowed))
}

impl Template {
    /// Read a template.
    pub fn new(source: &str) -> Result<Self> {
        let (mut this, mut rest) = (Self { pieces: Vec::new(), end: String::new(), slots: Vec::new() }, source);
        let mut insides = Vec::new();
        while let Some((literal, behind)) = rest.split_once("{{") {
            let Some((inside, behind)) = behind.split_once("}}") else {
                let shown: String = rest[literal.len()..].chars().take(20).collect();
                return refuse("the template", format!("{} without its end", quote::text(&shown)), "'{{', a slot's name and '}}'");
            };
            insides.push((literal, inside));
            rest = behind;
        }
        this.end = rest.into();
        let mut seen = BTreeSet::new();
        for (literal, inside) in insides {
            let (name, filter) = inside.split_once('|').map_or((inside, None), |(name, filter)| (name, Some(filter.trim_matches(' '))));
            let name = name.trim_matches(' ');
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) || !matches!(filter, None | Some("trim")) {
                return refuse("the slot", quote::text(inside), "a name of ASCII letters, digits and '_', or such a name and '| trim'");
            }
            if seen.insert(name) {
                this.slots.push(name.into());
            }
            this.pieces.push(Piece { literal: literal.into(), name: name.into(), trim: filter.is_some() });
        }
        Ok(this)
    }

    /// The names of the slots, in the order in which they first occur.
    pub fn slots(&self) -> &[String] {
        &self.slots
    }

    /// The names as messages list them.
    fn listed(&self) -> String {
        format!("[{}]", self.slots.iter().map(|name| quote::text(name)).collect::<Vec<_>>().join(", "))
    }

    /// Fill the slots, up to the slot `stop_before` if it is given. Time O(n log n) in slots and values.
    pub fn parts(&self, values: &Values, stop_before: Option<&str>) -> Result<Vec<Part>> {
        let stop = stop_before.map(|stop| self.pieces.iter().position(|piece| piece.name == stop).ok_or(stop)).transpose();
        let stop = stop.or_else(|unknown| refuse("stop_before", quote::text(unknown), format!("one of the template's slots: {}", self.listed())))?;
        let filled = &self.pieces[..stop.unwrap_or(self.pieces.len())];
        let known: BTreeMap<&str, &String> = values.iter().rev().map(|(name, value)| (name.as_str(), value)).collect();
        let mut parts = Vec::new();
        for Piece { literal, name, trim } in filled {
            let Some(&value) = known.get(name.as_str()) else {
                let allowed = format!("given a value: the template's slots are {}", self.listed());
                return refuse(format!("the slot {}", quote::text(name)), "not filled", allowed);
            };
            let text = if *trim { value.trim_matches(|c| class_of(c).within(Classes::SPACE)) } else { value };
            parts.extend([Part::trusted(literal), Part { text: text.into(), slot: Some(name.clone()), ..Part::default() }]);
        }
        let slots: BTreeSet<&String> = self.slots.iter().collect();
        if let Some((unknown, _)) = values.iter().find(|(name, _)| !slots.contains(name)) {
            return refuse("the slot", quote::text(unknown), format!("one of the template's: {}", self.listed()));
        }
        let last = stop.map_or(&self.end, |stop| &self.pieces[stop].literal);
        parts.push(Part::trusted(last));
        parts.retain(|part| !part.text.is_empty());
        Ok(parts)
    }
}

/// Join the filled examples, and the query that the model is to complete; the parts of each know its number, as `message`.
///
/// ```
/// use toklet::prompt::{Template, few_shot};
/// let (en, fr) = (|word: &str| ("en".into(), word.into()), |word: &str| ("fr".into(), word.into()));
/// let template = Template::new("{{ en }} = {{ fr }}")?;
/// let parts = few_shot(&template, &[vec![en("cat"), fr("chat")]], "\n", Some(&[en("dog")]), Some("fr"))?;
/// assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), "cat = chat\ndog = ");
/// # Ok::<(), toklet::Error>(())
/// ```
pub fn few_shot<E: AsRef<Values>>(
    template: &Template,
    examples: &[E],
    separator: &str,
    query: Option<&Values>,
    stop_before: Option<&str>,
) -> Result<Vec<Part>> {
    let mut shots = examples.iter().map(|example| template.parts(example.as_ref(), None)).collect::<Result<Vec<_>>>()?;
    if let Some(query) = query {
        shots.push(template.parts(query, stop_before)?);
    }
    let between = (!separator.is_empty()).then(|| Part::trusted(separator));
    let mut parts = Vec::new();
    for (number, shot) in shots.into_iter().enumerate() {
        parts.extend(between.clone().filter(|_| number > 0));
        parts.extend(shot.into_iter().map(|part| Part { message: Some(number), ..part }));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T>(result: Result<T>) -> String {
        result.map_or_else(|error| error.to_string(), |_| "nothing".into())
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(said(Template::new("a {{ b")), "the template is '{{ b' without its end; it must be '{{', a slot's name and '}}'");
        assert_eq!(said(Template::new("{{ 9a }}")), "the slot is ' 9a '; it must be a name of ASCII letters, digits and '_', or such a name and '| trim'");
        let (template, value) = (Template::new("{{ a }}{{ b }}").unwrap(), |name: &str| (name.to_string(), "v".to_string()));
        let missing = "the slot 'a' is not filled; it must be given a value: the template's slots are ['a', 'b']";
        assert_eq!(said(template.parts(&[value("x"), value("b")], None)), missing);
        let unknown = "the slot is 'x'; it must be one of the template's: ['a', 'b']";
        assert_eq!(said(template.parts(&[value("b"), value("x"), value("a"), value("c")], None)), unknown);
        assert_eq!(said(template.parts(&[], Some("x"))), "stop_before is 'x'; it must be one of the template's slots: ['a', 'b']");
    }

    #[test]
    fn values_are_never_read_again() {
        let parts = Template::new("{{ a }}").unwrap().parts(&[("a".into(), "{{ a }}".into())], None);
        assert_eq!(parts, Ok(vec![Part { text: "{{ a }}".into(), slot: Some("a".into()), ..Part::default() }]));
    }
}
