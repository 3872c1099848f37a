//! The pattern of Mistral's tekken: that of o200k, where words have no contractions and each digit is a pretoken.

use super::class::Class;
use super::machine::{Machine, State, Step, tabulate};
use super::o200k;

pub(super) const REGEX: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|",
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);
pub(super) static MACHINE: Machine = tabulate!(step);

const fn step(state: State, class: Class) -> Step {
    match class {
        Class::More => Step::on(state),
        Class::Number => o200k::but_for_contractions(state, class).and_no_more(),
        _ => o200k::but_for_contractions(state, class),
    }
}
