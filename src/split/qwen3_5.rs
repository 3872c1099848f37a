//! The pattern of Qwen 3.5: that of Qwen 2, where a mark is a letter.

use super::class::Class;
use super::machine::{Machine, State, Step, tabulate};
use super::qwen2;

pub(super) const REGEX: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
pub(super) static MACHINE: Machine = tabulate!(step);

const fn step(state: State, class: Class) -> Step {
    match class {
        Class::Mark => qwen2::step(state, Class::Letter),
        _ => qwen2::step(state, class),
    }
}
