//! The pattern of cl100k_base (GPT-3.5 and GPT-4): words with any one character before them, numbers of up to three digits, white space by lines.

use super::text::Text;
use crate::unicode::Classes;

pub(super) const REGEX: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Where the pretoken that begins at `i` ends.
pub(super) fn end(text: &Text<'_>, i: usize) -> usize {
    let end = text.contraction(i, true);
    if end > i {
        return end;
    }
    let (class, length) = text.at(i);
    if class.within(Classes::NUMBER) {
        return text.digits(i);
    }
    let start = if class.within(Classes::LETTERS) || text.breaks(i) { i } else { i + length };
    let end = text.run(start, Classes::LETTERS);
    if end > start {
        return end;
    }
    let end = text.punctuation(i, b"\r\n");
    if end > i { end } else { text.lines(i) }
}
