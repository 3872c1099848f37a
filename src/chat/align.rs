//! A text and its rendering with labels, side by side: runs, stretches of the text that are consecutive characters of one text of the conversation, or the
//! template's own.
//!
//! What is between two runs of one text, and goes on as that text does, is taken for its own too: it is then not trusted, which is never the dangerous mistake.

use std::ops::Range;

use super::label::{CYCLE, Labels, MARKS, Texts};

/// A stretch of the text, in bytes: the template's own, or the characters of some places of a text of the conversation.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub bytes: Range<usize>,
    pub leaf: Option<usize>,
    pub places: Range<usize>,
}

/// A text and a rendering with labels, side by side.
pub(super) struct Aligned {
    pub runs: Vec<Run>,
    /// What the template says that a model generates, in bytes.
    pub generated: Vec<Range<usize>>,
}

impl Labels<'_> {
    /// For each character of the text, which character of the input it is, if it is one; nothing if the two texts don't run in parallel. Time O(n).
    pub fn align(&self, text: &str, marked: &str, texts: &Texts<'_>) -> Option<Aligned> {
        let [open, close] = MARKS.map(|mark| self.base + mark);
        let mut found = Aligned { runs: Vec::new(), generated: Vec::new() };
        let (mut rest, mut at, mut next, mut last) = (text.chars(), 0, 0, None);
        let mut marked = marked.chars();
        while let Some(c) = marked.next() {
            if u32::from(c) == open {
                found.generated.push(at..at);
                continue;
            }
            if u32::from(c) == close {
                found.generated.last_mut()?.end = at;
                continue;
            }
            if let Some(&leaf) = self.silence(c).and_then(|number| texts.silent.get(number)) {
                found.runs.push(Run { bytes: at..at, leaf: Some(leaf), places: texts.leaves[leaf].places.clone() });
                continue;
            }
            let original = rest.next()?;
            let place = match self.place(c) {
                Some(label) => self.meant(label, next, original, texts),
                None if c == original => None,
                None => return None,
            };
            let start = at;
            at += original.len_utf8();
            let Some(place) = place else {
                match found.runs.last_mut() {
                    Some(run) if run.leaf.is_none() => run.bytes.end = at,
                    _ => found.runs.push(Run { bytes: start..at, leaf: None, places: 0..0 }),
                }
                continue;
            };
            let leaf = last.filter(|&leaf: &usize| texts.leaves[leaf].places.contains(&place)).unwrap_or_else(|| texts.leaf_of(place));
            last = Some(leaf);
            next = place + 1;
            // Most labels are followed by the next one.
            let mut label = self.behind(u32::from(c));
            for &input in &texts.all[next..texts.leaves[leaf].places.end] {
                let (mut one, mut other) = (marked.clone(), rest.clone());
                if one.next().map(u32::from) != Some(label) || other.next() != Some(input) {
                    break;
                }
                (marked, rest, label) = (one, other, self.behind(label));
                at += input.len_utf8();
                next += 1;
            }
            found.push(Run { bytes: start..at, leaf: Some(leaf), places: place..next }, text, texts);
        }
        (at == text.len()).then_some(found)
    }

    /// Of the places that share a label, the next one from `next` on that has this character.
    fn meant(&self, label: usize, next: usize, original: char, texts: &Texts<'_>) -> Option<usize> {
        let fits = |&place: &usize| texts.all.get(place) == Some(&original);
        let turn = next / CYCLE * CYCLE + label + if next % CYCLE > label { CYCLE } else { 0 };
        let ahead = (turn..texts.all.len()).step_by(CYCLE).find(fits);
        ahead.or_else(|| (label..texts.all.len()).step_by(CYCLE).find(fits)).or(Some(label)).filter(|&place| place < texts.all.len())
    }
}

impl Aligned {
    /// Go on with labels: a gap before them that is the input's own is filled.
    fn push(&mut self, run: Run, text: &str, texts: &Texts<'_>) {
        let before = self.runs.iter().rposition(|run| run.leaf.is_some()).filter(|&at| self.runs[at].leaf == run.leaf);
        let between = |at: usize| (&text[self.runs[at].bytes.end..run.bytes.start], self.runs[at].places.end..run.places.start);
        match before.filter(|&at| self.runs[at].places.end <= run.places.start).map(|at| (at, between(at))) {
            Some((at, (gap, input))) if reads_on(gap, &texts.all[input.clone()]) => {
                self.runs.truncate(at + 1);
                (self.runs[at].bytes.end, self.runs[at].places.end) = (run.bytes.end, run.places.end);
            }
            _ => self.runs.push(run),
        }
    }

    /// Let runs grow where the text goes on as the input does. White space is claimed as a whole or not at all: of what a template strips, some looks like its
    /// own.
    pub fn grow(&mut self, text: &str, texts: &Texts<'_>) {
        let runs = &mut self.runs;
        for at in 0..runs.len() {
            let Some(leaf) = runs[at].leaf else { continue };
            let whole = &texts.leaves[leaf].places;
            if let Some(gap) = runs.get(at + 1).filter(|gap| gap.leaf.is_none()).map(|gap| gap.bytes.clone()) {
                let rest = &texts.all[runs[at].places.end..whole.end];
                let claimed = claim(text[gap.clone()].chars(), rest.iter().copied());
                let bytes: usize = rest[..claimed].iter().map(|c| c.len_utf8()).sum();
                runs[at].places.end += claimed;
                runs[at].bytes.end += bytes;
                runs[at + 1].bytes.start += bytes;
            }
        }
        for at in (1..runs.len()).rev() {
            let Some(leaf) = runs[at].leaf else { continue };
            let whole = &texts.leaves[leaf].places;
            if runs[at - 1].leaf.is_none() {
                let rest = &texts.all[whole.start..runs[at].places.start];
                let claimed = claim(text[runs[at - 1].bytes.clone()].chars().rev(), rest.iter().rev().copied());
                let bytes: usize = rest[rest.len() - claimed..].iter().map(|c| c.len_utf8()).sum();
                runs[at].places.start -= claimed;
                runs[at].bytes.start -= bytes;
                runs[at - 1].bytes.end -= bytes;
            }
        }
        runs.retain(|run| !run.bytes.is_empty() || run.leaf.is_some_and(|leaf| texts.leaves[leaf].text.is_empty()));
    }
}

/// How many characters of a gap go on as the input does.
fn claim(gap: impl Iterator<Item = char>, input: impl Iterator<Item = char> + Clone) -> usize {
    let same = gap.zip(input.clone()).take_while(|(one, other)| one == other).count();
    let open = input.clone().nth(same).is_some_and(char::is_whitespace);
    let blank = || input.clone().take(same).collect::<Vec<_>>().iter().rev().take_while(|c| c.is_whitespace()).count();
    if open { same - blank() } else { same }
}

/// Whether a gap is the input, as it is or as JSON writes it.
fn reads_on(gap: &str, input: &[char]) -> bool {
    gap.chars().eq(input.iter().copied()) || escaped(gap, input)
}

fn escaped(gap: &str, input: &[char]) -> bool {
    let mut rest = gap.chars();
    let fits = input.iter().all(|&c| {
        let code = match c {
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '"' | '\\' => c,
            _ => return rest.next() == Some(c),
        };
        rest.next() == Some('\\') && rest.next() == Some(code)
    });
    fits && rest.next().is_none()
}
