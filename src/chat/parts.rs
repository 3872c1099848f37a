//! The parts of a rendered conversation: stretches of text of one origin, and the turn that each belongs to.
//!
//! An answer is what its message says through the special token that ends the turn; where the template itself says what a model generates, an answer is that.

use std::collections::BTreeMap;
use std::ops::Range;

use super::align::Run;
use super::label::Texts;

/// What a stretch is to its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// What the message says, and what the template puts between the pieces of it.
    Content,
    /// From the end of the content through the special token that closes the turn.
    Close,
}

/// A stretch of a rendered conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatPart {
    /// The text.
    pub text: String,
    /// Whether it is the template's own, so that a special token that it spells is one.
    pub trusted: bool,
    /// The role of the message that it belongs to, if it belongs to one.
    pub role: Option<String>,
    /// The number of that message.
    pub message: Option<usize>,
    /// What it is to that message.
    pub slot: Option<Slot>,
}

/// Where the close behind `from` ends: behind the first special token, other than a tag's end whose beginning is special too.
fn close(text: &str, gap: Range<usize>, specials: &[String], eos: Option<&str>) -> Option<usize> {
    let (mut at, mut first) = (gap.start, None);
    while at < gap.end {
        let rest = &text[at..gap.end];
        let fits = |special: &&String| !special.is_empty() && rest.starts_with(special.as_str());
        if let Some(special) = specials.iter().filter(fits).max_by_key(|special| special.len()) {
            at += special.len();
            let opened = special.strip_prefix("</").map(|rest| format!("<{rest}"));
            let paired = opened.is_some_and(|opened| specials.contains(&opened)) && eos != Some(special.as_str());
            if !paired {
                return Some(at);
            }
            first = first.or(Some(at));
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    first
}

/// Whose a stretch is: a message's, and what it is to it.
type Owner = (Option<usize>, Option<Slot>);

/// A stretch of the text, whether it is the template's own, and whose it is.
type Stretch = (Range<usize>, bool, Owner);

/// Stretches of the text, one after the other.
#[derive(Default)]
struct Stretches(Vec<Stretch>);

impl Stretches {
    /// Go on to a place.
    fn push(&mut self, end: usize, trusted: bool, owner: Owner) {
        let start = self.0.last().map_or(0, |(bytes, ..)| bytes.end);
        match self.0.last_mut() {
            Some((bytes, same, whose)) if (*same, *whose) == (trusted, owner) => bytes.end = end,
            _ if end > start => self.0.push((start..end, trusted, owner)),
            _ => {}
        }
    }
}

/// What the cutting needs to know of a conversation and its tokenizer.
pub(super) struct About<'a> {
    pub roles: &'a [&'a str],
    pub specials: &'a [String],
    pub eos: Option<&'a str>,
}

/// Cut the text into parts. `texts` say whose the runs are, if that is known.
pub(super) fn parts(text: &str, runs: &[Run], texts: Option<&Texts<'_>>, generated: &[Range<usize>], about: &About<'_>) -> Vec<ChatPart> {
    let mut found = Stretches::default();
    let mut printed: BTreeMap<usize, usize> = BTreeMap::new(); // how far each text has been printed: a text that is printed again is an echo
    let mut open: Option<(usize, usize)> = None; // the message whose content ended last, and where
    for run in runs {
        let Some((leaf, texts)) = run.leaf.zip(texts) else {
            if texts.is_none() {
                found.push(run.bytes.end, run.leaf.is_none(), (None, None));
            }
            continue;
        };
        let message = texts.leaves[leaf].message;
        let fresh = printed.get(&leaf).is_none_or(|&until| until <= run.places.start);
        match open {
            Some((turn, _)) if Some(turn) == message && fresh => found.push(run.bytes.start, true, (message, Some(Slot::Content))),
            Some((turn, from)) => {
                found.push(close(text, from..run.bytes.start, about.specials, about.eos).unwrap_or(from), true, (Some(turn), Some(Slot::Close)))
            }
            None => {}
        }
        found.push(run.bytes.start, true, (None, None));
        found.push(run.bytes.end, false, (message, (fresh && message.is_some()).then_some(Slot::Content)));
        let until = printed.entry(leaf).or_default();
        *until = (*until).max(run.places.end);
        open = message.filter(|_| fresh).map(|message| (message, run.bytes.end));
    }
    if let Some((turn, from)) = open {
        found.push(close(text, from..text.len(), about.specials, about.eos).unwrap_or(from), true, (Some(turn), Some(Slot::Close)));
    }
    found.push(text.len(), true, (None, None));
    let stretches = if generated.is_empty() { found.0 } else { only_generated(&found.0, generated, about.roles) };
    let one = |(bytes, trusted, (message, slot)): Stretch| {
        let role = message.and_then(|message| about.roles.get(message)).map(|&role| role.to_owned());
        ChatPart { text: text[bytes].into(), trusted, role, message, slot }
    };
    stretches.into_iter().map(one).collect()
}

/// Where a template says what a model generates: the answers are that, and nothing else is.
fn only_generated(stretches: &[Stretch], generated: &[Range<usize>], roles: &[&str]) -> Vec<Stretch> {
    let answers = |message: usize| roles.get(message) == Some(&"assistant");
    let mut last = None;
    let turns: Vec<(Option<usize>, bool)> = generated
        .iter()
        .map(|span| {
            let from = stretches.partition_point(|(bytes, ..)| bytes.end <= span.start);
            let said = stretches[from..].iter().take_while(|(bytes, ..)| bytes.start < span.end).find(|(_, trusted, _)| !trusted);
            last = said.and_then(|(.., (message, _))| *message).or_else(|| (last.map_or(0, |last| last + 1)..roles.len()).find(|&message| answers(message)));
            (last, said.is_none()) // where nothing is said, all of it ends the turn
        })
        .collect();
    let (mut found, mut closed) = (Stretches::default(), None); // `closed` is the span whose turn has ended
    for (bytes, trusted, (message, slot)) in stretches {
        let outside = if message.is_some_and(answers) { (None, None) } else { (*message, *slot) };
        let mut start = bytes.start;
        while start < bytes.end {
            let at = generated.partition_point(|span| span.end <= start);
            start = match generated.get(at) {
                Some(span) if span.start <= start => {
                    closed = closed.filter(|_| *trusted).or((*slot == Some(Slot::Close)).then_some(at));
                    let (turn, silent) = turns[at];
                    let slot = if silent || closed == Some(at) { Slot::Close } else { Slot::Content };
                    found.push(span.end.min(bytes.end), *trusted, (turn, Some(slot)));
                    span.end.min(bytes.end)
                }
                span => {
                    let end = span.map_or(bytes.end, |span| span.start.min(bytes.end));
                    found.push(end, *trusted, outside);
                    end
                }
            };
        }
    }
    found.0
}

/// Keep what stands before a place, in bytes.
pub(super) fn cut(parts: &mut Vec<ChatPart>, mut end: usize) {
    for part in parts.iter_mut() {
        let kept = end.min(part.text.len());
        part.text.truncate(kept);
        end -= kept;
    }
    parts.retain(|part| !part.text.is_empty());
}
