//! Where each character of a rendered conversation comes from: the conversation is rendered again with its characters replaced by labels, and the two texts
//! are compared. A label is a private-use character that says which character of the input it stands for.

use std::collections::BTreeSet;

use minijinja::Value;
use serde_json::Value as Json;

/// A text of the conversation: where it stands among all of them, and whose it is.
pub(super) struct Leaf {
    pub start: usize,
    pub end: usize,
    pub message: Option<usize>,
}

/// All texts that aren't the template's, in the order in which they stand in the context.
#[derive(Default)]
pub(super) struct Texts {
    pub all: Vec<char>,
    pub leaves: Vec<Leaf>,
    /// The leaf of each character.
    pub owners: Vec<usize>,
}

/// How characters are chosen for labels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// None.
    Plain,
    /// All but white space, quotes, backslashes and controls.
    All,
    /// Those that the template's text constants don't spell, either.
    Unsearched,
    /// The first of each special token, and where half of one stands at an end.
    Specials,
}

/// Labels run through so many characters of a private-use plane and begin again.
const CYCLE: usize = 65_000;

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
    /// The label of a place.
    fn label(&self, place: usize) -> char {
        u32::try_from(place % CYCLE).ok().and_then(|offset| char::from_u32(self.base + offset)).unwrap_or('\u{f0000}')
    }

    /// The place, up to whole cycles, that a character is a label of.
    fn place(&self, c: char) -> Option<usize> {
        u32::from(c).checked_sub(self.base).and_then(|offset| usize::try_from(offset).ok()).filter(|&offset| offset < CYCLE)
    }

    /// Whether the template knows the text as a word, such as a type or the name of a field.
    fn known(&self, text: &str, key: bool) -> bool {
        let known = self.constants.contains(text) || (key && self.names.contains(text));
        known && wordlike(text) && !self.specials.iter().any(|special| text.contains(special.as_str()))
    }

    /// Take a text in, and give it with its labels.
    fn text(&self, text: &str, key: bool, message: Option<usize>, choice: Choice, texts: &mut Texts) -> String {
        let start = texts.all.len();
        texts.all.extend(text.chars());
        texts.owners.resize(texts.all.len(), texts.leaves.len());
        texts.leaves.push(Leaf { start, end: texts.all.len(), message });
        let whole = choice != Choice::Specials && self.known(text, key);
        if choice == Choice::Plain || whole {
            return text.into();
        }
        let mut labelled = vec![choice != Choice::Specials; text.len()];
        if choice == Choice::Unsearched {
            for constant in self.constants {
                let single = constant.len() == 1 && !constant.bytes().all(|b| b.is_ascii_alphanumeric());
                if constant.len() >= 2 || single {
                    for at in places(text, constant) {
                        labelled[at..at + constant.len()].fill(false);
                    }
                }
            }
        }
        if choice == Choice::Specials {
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
        }
        let mut out = String::with_capacity(text.len() * 4);
        for (number, (at, c)) in text.char_indices().enumerate() {
            let skipped = choice != Choice::Specials && never(c);
            out.push(if labelled[at] && !skipped { self.label(start + number) } else { c });
        }
        out
    }

    /// A part of the context as a value of the engine, labelled.
    fn value(&self, json: &Json, message: Option<usize>, top: bool, choice: Choice, texts: &mut Texts) -> Value {
        match json {
            Json::String(text) => Value::from(self.text(text, false, message, choice, texts)),
            Json::Array(items) => Value::from(items.iter().map(|item| self.value(item, message, false, choice, texts)).collect::<Vec<_>>()),
            Json::Object(table) => {
                let mut pairs = Vec::with_capacity(table.len());
                for (key, item) in table {
                    let key = self.text(key, true, message, choice, texts);
                    // The role of a message has been looked at: it is a plain word.
                    let role = top && key == "role";
                    pairs.push((key, if role { super::engine::value_of(item) } else { self.value(item, message, false, choice, texts) }));
                }
                Value::from_pairs(pairs)
            }
            plain => super::engine::value_of(plain),
        }
    }

    /// The variables of a context, labelled, and all of its texts.
    pub fn context(&self, context: &serde_json::Map<String, Json>, choice: Choice) -> (Vec<(String, Value)>, Texts) {
        let (mut texts, mut variables) = (Texts::default(), Vec::with_capacity(context.len()));
        for (name, json) in context {
            let value = match (name.as_str(), json) {
                ("messages", Json::Array(messages)) => {
                    let one = |(number, message): (usize, &Json)| self.value(message, Some(number), true, choice, &mut texts);
                    Value::from(messages.iter().enumerate().map(one).collect::<Vec<_>>())
                }
                _ => self.value(json, None, false, choice, &mut texts),
            };
            variables.push((name.clone(), value));
        }
        (variables, texts)
    }

    /// For each character of the text, which character of the input it is, if it is one; nothing if the two texts don't run in parallel.
    pub fn align(&self, text: &[char], marked: &str, texts: &Texts) -> Option<Vec<Option<usize>>> {
        let mut at: Vec<Option<usize>> = Vec::with_capacity(text.len());
        let (mut count, mut next) = (0, 0);
        for c in marked.chars() {
            let original = *text.get(count)?;
            let found = match self.place(c) {
                Some(rest) => {
                    // Of the places that share this label, the next one that has this character.
                    let turn = |from: usize| from / CYCLE * CYCLE + rest + if from % CYCLE > rest { CYCLE } else { 0 };
                    let fits = |&place: &usize| texts.all.get(place) == Some(&original);
                    let ahead = (turn(next)..texts.all.len()).step_by(CYCLE).find(fits);
                    let place = ahead.or_else(|| (rest..texts.all.len()).step_by(CYCLE).find(fits)).unwrap_or(rest);
                    next = place + 1;
                    Some(place).filter(|&place| place < texts.all.len())
                }
                None if c == original => None,
                None => return None,
            };
            at.push(found);
            count += 1;
        }
        (count == text.len()).then_some(at)
    }
}

/// Whether a character is never labelled: what templates strip, and what JSON writes otherwise.
pub(super) fn never(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '"' || c == '\\'
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

/// Fill the gaps between labels, and grow their ends, where the text goes on as the input does.
pub(super) fn fill(text: &[char], at: &mut [Option<usize>], texts: &Texts) {
    let leaf_of = |place: usize| texts.owners[place];
    let mut last: Option<usize> = None;
    for here in 0..text.len() {
        let Some(place) = at[here] else { continue };
        let leaf = leaf_of(place);
        let before = last.and_then(|before| at[before].map(|from| (before, from))).filter(|&(_, from)| leaf_of(from) == leaf && from < place);
        if let Some((before, from)) = before {
            let (gap, source) = (&text[before + 1..here], &texts.all[from + 1..place]);
            if gap == source {
                (1..here - before).for_each(|step| at[before + step] = Some(from + step));
            } else if escaped(gap, source) {
                at[before + 1..here].fill(Some(from));
            }
        }
        last = Some(here);
    }
    for here in 1..text.len() {
        if let (Some(from), None) = (at[here - 1], at[here])
            && from + 1 < texts.leaves[leaf_of(from)].end
            && texts.all[from + 1] == text[here]
        {
            at[here] = Some(from + 1);
        }
    }
    for here in (1..text.len()).rev() {
        if let (None, Some(from)) = (at[here - 1], at[here])
            && from > texts.leaves[leaf_of(from)].start
            && texts.all[from - 1] == text[here - 1]
        {
            at[here - 1] = Some(from - 1);
        }
    }
}

/// Whether a gap is the source as JSON writes it.
fn escaped(gap: &[char], source: &[char]) -> bool {
    let mut rest = gap.iter();
    let fits = source.iter().all(|&c| {
        let code = match c {
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '"' | '\\' => c,
            _ => return rest.next() == Some(&c),
        };
        rest.next() == Some(&'\\') && rest.next() == Some(&code)
    });
    fits && rest.next().is_none()
}
