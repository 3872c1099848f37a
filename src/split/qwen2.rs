//! The pattern of Qwen from the first to 3: that of cl100k, where each digit is a pretoken.

use super::cl100k;
use super::class::Class;
use super::machine::{Machine, State, Step, tabulate};

pub(super) const REGEX: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
pub(super) const SPELLINGS: [&str; 2] = ["qwen2.5", "qwen3"];
pub(super) static MACHINE: Machine = tabulate!(step);

pub(super) const fn step(state: State, class: Class) -> Step {
    match class {
        Class::Number => cl100k::step(state, class).and_no_more(),
        _ => cl100k::step(state, class),
    }
}
