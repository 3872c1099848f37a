//! Where each character of a rendered conversation comes from: the conversation is rendered again with its characters replaced by labels, and the two texts
//! are compared (`align.rs`). A label is a private-use character that says which character of the input it stands for.

use std::collections::BTreeSet;
use std::ops::Range;
use std::slice;

use minijinja::Value;
use serde_json::{Map, Value as Json};

use super::engine::value_of;

/// Labels run through so many characters of a private-use plane and begin again.
pub(super) const CYCLE: usize = 65_000;
const LAST: u32 = 65_000;
/// Behind the labels of the plane: what stands where a final message is to be continued, and around what the template says that a model generates.
pub(super) const PROBE: u32 = 65_100;
pub(super) const MARKS: [u32; 2] = [65_101, 65_102];
/// Behind these: what stands for a content that is empty, for the first so many of them.
const SILENT: u32 = 65_110;
const MOST_SILENT: usize = 400;

/// A text of the conversation, the place of its first character among all of them, and the message that it belongs to.
pub(super) struct Leaf<'a> {
    pub text: &'a str,
    pub places: Range<usize>,
    pub message: Option<usize>,
    /// Whether it is the name of a field.
    key: bool,
    /// Whether it is what a message says: its content, or a text in the list that its content is.
    said: bool,
    /// Which of the empty contents it is, if it is one.
    silent: Option<usize>,
    /// Whether none of its characters is labelled otherwise.
    bare: bool,
}

/// Where in the context a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// A message.
    Message,
    /// The content of one.
    Content,
    /// Anywhere else.
    Inner,
}

/// All texts that aren't the template's, in the order in which they stand in the context.
#[derive(Default)]
pub(super) struct Texts<'a> {
    pub all: Vec<char>,
    pub leaves: Vec<Leaf<'a>>,
    /// Which of them are empty contents.
    pub silent: Vec<usize>,
    /// Which of Unicode's planes they use, a bit for each.
    pub planes: u32,
}

impl<'a> Texts<'a> {
    /// Read a context.
    pub fn read(context: &'a Map<String, Json>) -> Self {
        let mut this = Self::default();
        for (name, json) in context {
            match (name.as_str(), json) {
                ("messages", Json::Array(messages)) => {
                    messages.iter().enumerate().for_each(|(number, message)| this.take(message, Some(number), Level::Message))
                }
                _ => this.take(json, None, Level::Inner),
            }
        }
        this
    }

    fn take(&mut self, json: &'a Json, message: Option<usize>, level: Level) {
        match json {
            Json::String(text) => self.push(text, message, false, level == Level::Content),
            Json::Array(items) => items.iter().for_each(|item| self.take(item, message, level)),
            Json::Object(table) => {
                for (key, item) in table {
                    self.push(key, message, true, false);
                    match (level, key.as_str()) {
                        (Level::Message, "role") => {} // it has been looked at: it is a plain word
                        (Level::Message, "content") | (Level::Content, "text") => self.take(item, message, Level::Content),
                        _ => self.take(item, message, Level::Inner),
                    }
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, text: &'a str, message: Option<usize>, key: bool, said: bool) {
        let start = self.all.len();
        if text.is_ascii() {
            self.all.extend(text.bytes().map(char::from));
        } else {
            self.all.extend(text.chars());
            self.planes = text.chars().fold(self.planes, |planes, c| planes | 1 << (u32::from(c) >> 16));
        }
        let bare = !text.is_empty() && text.chars().all(never);
        let silent = (said && text.is_empty() && self.silent.len() < MOST_SILENT).then_some(self.silent.len());
        self.silent.extend(silent.map(|_| self.leaves.len()));
        self.leaves.push(Leaf { text, places: start..self.all.len(), message, key, said, silent, bare });
    }

    /// The number of the text that a place lies in.
    pub fn leaf_of(&self, place: usize) -> usize {
        self.leaves.partition_point(|leaf| leaf.places.end <= place)
    }
}

/// How characters are chosen for labels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// As below, and a label stands for a content that is empty.
    Silent,
    /// All but white space, quotes, backslashes and controls; of texts that are nothing else, all; and what messages say even where the template knows the
    /// word.
    Every,
    /// All but white space, quotes, backslashes and controls.
    All,
    /// Those that the template's text constants don't spell, either.
    Unsearched,
    /// The first of each special token, and where half of one stands at an end.
    Specials,
}

/// How the texts of messages are labelled, and how all others.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub messages: Choice,
    pub others: Choice,
}

impl Plan {
    /// How a text is labelled.
    pub fn choice(&self, leaf: &Leaf<'_>) -> Choice {
        if leaf.message.is_some() { self.messages } else { self.others }
    }
}

/// What a walk over the context needs to know.
pub(super) struct Labels<'a> {
    pub base: u32,
    pub constants: &'a BTreeSet<String>,
    pub names: &'a BTreeSet<String>,
    pub specials: &'a [String],
}

fn wordlike(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

impl Labels<'_> {
    /// The label of a place, as a number.
    fn label(&self, place: usize) -> u32 {
        self.base + u32::try_from(place % CYCLE).unwrap_or(0)
    }

    /// The label of the place behind that of a label.
    pub fn behind(&self, label: u32) -> u32 {
        if label + 1 == self.base + LAST { self.base } else { label + 1 }
    }

    /// The place, up to whole cycles, that a character is a label of.
    pub fn place(&self, c: char) -> Option<usize> {
        u32::from(c).checked_sub(self.base).and_then(|offset| usize::try_from(offset).ok()).filter(|&offset| offset < CYCLE)
    }

    /// Whether the template knows the text as a word, such as a type or the name of a field.
    fn known(&self, text: &str, key: bool) -> bool {
        wordlike(text)
            && (self.constants.contains(text) || (key && self.names.contains(text)))
            && !self.specials.iter().any(|special| text.contains(special.as_str()))
    }

    /// Whether only `Choice::Every` labels some text of a message.
    pub fn shy(&self, texts: &Texts<'_>) -> bool {
        texts.leaves.iter().any(|leaf| leaf.message.is_some() && (leaf.bare || (leaf.said && self.known(leaf.text, false))))
    }

    /// Which of the empty contents a character stands for, as a number.
    pub fn silence(&self, c: char) -> Option<usize> {
        let number = u32::from(c).checked_sub(self.base + SILENT).and_then(|number| usize::try_from(number).ok());
        number.filter(|&number| number < MOST_SILENT)
    }

    /// A text with its labels.
    fn text(&self, leaf: &Leaf<'_>, plan: Plan) -> Value {
        let (text, choice) = (leaf.text, plan.choice(leaf));
        if let (Choice::Silent, Some(number)) = (choice, leaf.silent) {
            return Value::from(u32::try_from(number).ok().and_then(|number| char::from_u32(self.base + SILENT + number)).unwrap_or_default());
        }
        let most = matches!(choice, Choice::Silent | Choice::Every);
        let meant = leaf.said && most;
        if choice != Choice::Specials && !meant && self.known(text, leaf.key) {
            return Value::from(text);
        }
        let labelled = match choice {
            Choice::Silent | Choice::Every | Choice::All => None,
            Choice::Unsearched => Some(self.unsearched(text)),
            Choice::Specials => Some(self.special(text, leaf.key)),
        };
        let (every, mut out) = (leaf.bare && most, String::with_capacity(text.len() * 4));
        let mut label = self.label(leaf.places.start);
        for (at, c) in text.char_indices() {
            let chosen = labelled.as_ref().is_none_or(|labelled| labelled[at]) && (every || choice == Choice::Specials || !never(c));
            out.push(if chosen { char::from_u32(label).unwrap_or(c) } else { c });
            label = self.behind(label);
        }
        Value::from(out)
    }

    /// Which bytes of a text the template's constants don't spell.
    fn unsearched(&self, text: &str) -> Vec<bool> {
        let mut labelled = vec![true; text.len()];
        for constant in self.constants {
            let single = constant.len() == 1 && !constant.bytes().all(|b| b.is_ascii_alphanumeric());
            if constant.len() >= 2 || single {
                for at in places(text, constant) {
                    labelled[at..at + constant.len()].fill(false);
                }
            }
        }
        labelled
    }

    /// Where special tokens begin in a text, and halves of them at its ends.
    fn special(&self, text: &str, key: bool) -> Vec<bool> {
        let mut labelled = vec![false; text.len()];
        for special in self.specials.iter().filter(|special| !special.is_empty()) {
            places(text, special).for_each(|at| labelled[at] = true);
            let cuts = || special.char_indices().map(|(at, _)| at).filter(|&at| at > 0);
            if let Some(at) = cuts().rev().find(|&at| text.ends_with(&special[..at])) {
                labelled[text.len() - at] = true;
            }
            if !text.is_empty() && (cuts().any(|at| text.starts_with(&special[at..])) || (special.contains(text) && !self.known(text, key))) {
                labelled[0] = true;
            }
        }
        labelled
    }

    /// A part of the context as a value of the engine; its texts are the next leaves.
    fn value<'b>(&self, json: &Json, top: bool, plan: Plan, leaves: &mut slice::Iter<'b, Leaf<'b>>) -> Value {
        match json {
            Json::String(_) => leaves.next().map_or_else(|| Value::from(()), |leaf| self.text(leaf, plan)),
            Json::Array(items) => Value::from(items.iter().map(|item| self.value(item, false, plan, leaves)).collect::<Vec<_>>()),
            Json::Object(table) => {
                let mut pairs = Vec::with_capacity(table.len());
                for (name, item) in table {
                    let key = leaves.next().map_or_else(|| Value::from(()), |leaf| self.text(leaf, plan));
                    pairs.push((key, if top && name == "role" { value_of(item) } else { self.value(item, false, plan, leaves) }));
                }
                Value::from_pairs(pairs)
            }
            plain => value_of(plain),
        }
    }

    /// The variables of a context, labelled.
    pub fn context(&self, context: &Map<String, Json>, texts: &Texts<'_>, plan: Plan) -> Vec<(String, Value)> {
        let mut leaves = texts.leaves.iter();
        let mut one = |(name, json): (&String, &Json)| {
            let value = match (name.as_str(), json) {
                ("messages", Json::Array(messages)) => {
                    Value::from(messages.iter().map(|message| self.value(message, true, plan, &mut leaves)).collect::<Vec<_>>())
                }
                _ => self.value(json, false, plan, &mut leaves),
            };
            (name.clone(), value)
        };
        context.iter().map(&mut one).collect()
    }
}

/// Whether a character isn't labelled: what templates strip, and what JSON writes otherwise.
pub(super) fn never(c: char) -> bool {
    if c.is_ascii() {
        return c <= ' ' || matches!(c, '"' | '\\' | '\x7f');
    }
    c.is_whitespace() || c.is_control()
}

/// Where a text occurs in another, overlaps included.
fn places(text: &str, needle: &str) -> impl Iterator<Item = usize> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + text.get(from..)?.find(needle)?;
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
        Some(at)
    })
}
