//! The parts of a rendered conversation: stretches of text of one origin, and the turn that each belongs to.

use std::collections::BTreeMap;

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
fn close(text: &[char], from: usize, end: usize, specials: &[String], eos: Option<&str>) -> Option<usize> {
    let tail: String = text[from..end].iter().collect();
    let (mut at, mut first) = (0, None);
    while at < tail.len() {
        let fits = |special: &&String| !special.is_empty() && tail[at..].starts_with(special.as_str());
        if let Some(special) = specials.iter().filter(fits).max_by_key(|special| special.len()) {
            at += special.len();
            let behind = from + tail[..at].chars().count();
            let opened = special.strip_prefix("</").map(|rest| format!("<{rest}"));
            let paired = opened.is_some_and(|opened| specials.contains(&opened)) && eos != Some(special.as_str());
            if !paired {
                return Some(behind);
            }
            first = first.or(Some(behind));
        } else {
            at += tail[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    first
}

/// Cut the text into parts. `at` says which character of the input each character is; `texts` whose those are, if that is known.
pub(super) fn parts(text: &[char], at: &[Option<usize>], texts: Option<&Texts>, roles: &[&str], specials: &[String], eos: Option<&str>) -> Vec<ChatPart> {
    let mut owner: Vec<(Option<usize>, Option<Slot>)> = vec![(None, None); text.len()];
    if let Some(texts) = texts {
        let leaf_of = |place: usize| texts.owners[place];
        let mut printed: BTreeMap<usize, usize> = BTreeMap::new(); // how far each text has been printed: a text that is printed again is an echo
        let mut open: Option<(usize, usize)> = None; // the message whose content ended last, and where
        let mut here = 0;
        while here <= text.len() {
            let place = at.get(here).copied().flatten();
            if place.is_none() && here < text.len() {
                here += 1;
                continue;
            }
            let leaf = place.map(leaf_of);
            let message = leaf.and_then(|leaf| texts.leaves[leaf].message);
            let end = (here..text.len()).find(|&next| at[next].map(leaf_of) != leaf).unwrap_or(text.len());
            let fresh = leaf.zip(place).is_none_or(|(leaf, place)| printed.get(&leaf).is_none_or(|&until| until <= place));
            match open {
                Some((turn, from)) if Some(turn) == message && fresh => owner[from..here].fill((message, Some(Slot::Content))),
                Some((turn, from)) => {
                    let until = close(text, from, here, specials, eos).unwrap_or(from);
                    owner[from..until].fill((Some(turn), Some(Slot::Close)));
                }
                None => {}
            }
            if here == text.len() {
                break;
            }
            owner[here..end].fill((message, (fresh && message.is_some()).then_some(Slot::Content)));
            if let (Some(leaf), Some(last)) = (leaf, at[end - 1]) {
                let until = printed.entry(leaf).or_default();
                *until = (*until).max(last + 1);
            }
            open = message.filter(|_| fresh).map(|message| (message, end));
            here = end;
        }
    }
    let mut out = Vec::new();
    let mut start = 0;
    for end in 1..=text.len() {
        let kind = |j: usize| (at[j].is_none(), owner[j]);
        if end == text.len() || kind(end) != kind(start) {
            let (message, slot) = owner[start];
            let role = message.and_then(|message| roles.get(message)).map(|&role| role.to_owned());
            out.push(ChatPart { text: text[start..end].iter().collect(), trusted: at[start].is_none(), role, message, slot });
            start = end;
        }
    }
    out
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
