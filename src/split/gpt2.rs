//! The pattern of GPT-2, r50k and p50k: contractions, words, numbers, punctuation (each with the space before it), white space.

use super::text::Text;
use crate::unicode::Classes;

pub(super) const REGEX: &str = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
pub(super) const SPELLINGS: [&str; 4] = [
    "r50k",
    "p50k",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
];

/// Where the pretoken that begins at `i` ends.
pub(super) fn end(text: &Text<'_>, i: usize) -> usize {
    let end = text.contraction(i, false);
    if end > i {
        return end;
    }
    let start = if text.byte(i) == b' ' && i + 1 < text.data.len() { i + 1 } else { i };
    let (class, _) = text.at(start);
    if class.within(Classes::LETTERS) {
        return text.run(start, Classes::LETTERS);
    }
    if class.within(Classes::NUMBER) {
        return text.run(start, Classes::NUMBER);
    }
    if class.within(Classes::SPACE) { text.blanks(i) } else { text.punctuation(start, b"") }
}
