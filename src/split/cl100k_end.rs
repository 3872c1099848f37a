//! The pattern of cl100k_base as tiktoken has had it of late: that of cl100k, where the white space at the end of a text is one pretoken, whatever line breaks
//! are in it.
//!
//! In the possessive spelling nothing else differs: what a possessive part takes could go on nothing behind it. The published vocabulary has no token of a line
//! break and other white space behind, so its ids are the same with both patterns; those of another vocabulary needn't be.

use super::cl100k;
use super::class::Class;
use super::machine::{Machine, State, Step, tabulate};

pub(super) const REGEX: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+\z|\s*[\r\n]+|\s+(?!\S)|\s+";
pub(super) const SPELLINGS: [&str; 1] =
    [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"];
pub(super) static MACHINE: Machine = tabulate!(step);

const fn step(state: State, class: Class) -> Step {
    match class {
        Class::End => Step::on(State::Ended),
        _ => cl100k::step(state, class),
    }
}
