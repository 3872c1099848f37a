//! The pattern of o200k_base (GPT-4o and later): words are cut before an upper-case letter that follows a lower-case one, and keep their contraction.

use super::text::Text;
use crate::unicode::Classes;

pub(super) const REGEX: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);
const EITHER: Classes = Classes::LETTER.or(Classes::MARK);
const UPPERLIKE: Classes = EITHER.or(Classes::UPPER);
const LOWERLIKE: Classes = EITHER.or(Classes::LOWER);

/// Where the pretoken that begins at `i` ends.
pub(super) fn end(text: &Text<'_>, i: usize) -> usize {
    let (class, length) = text.at(i);
    if class.within(Classes::NUMBER) {
        return text.digits(i);
    }
    let bare = class.within(Classes::LETTERS) || text.breaks(i);
    let starts = if bare { [i, i] } else { [i + length, i] };
    for form in [word, capitals] {
        for start in starts {
            let end = form(text, start);
            if end > start {
                return text.contraction(end, true);
            }
        }
    }
    let end = text.punctuation(i, b"\r\n/");
    if end > i { end } else { text.lines(i) }
}

/// `[upper-like]*[lower-like]+`, or `i`: with no lower-case letter behind, the last character that is both gives itself up to the second half.
fn word(text: &Text<'_>, i: usize) -> usize {
    let (mut upper, mut last_either) = (i, i);
    loop {
        let (class, length) = text.at(upper);
        if !class.within(UPPERLIKE) {
            let end = text.run(upper, LOWERLIKE);
            return if end > upper { end } else { last_either };
        }
        upper += length;
        if class.within(EITHER) {
            last_either = upper;
        }
    }
}

/// `[upper-like]+[lower-like]*`, or `i`.
fn capitals(text: &Text<'_>, i: usize) -> usize {
    let upper = text.run(i, UPPERLIKE);
    if upper > i { text.run(upper, LOWERLIKE) } else { i }
}
