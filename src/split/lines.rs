//! The pattern of superwords: a line with the line breaks behind it. Merges may cross words, but no line.

use super::class::Class;
use super::machine::State::{Ended, Line, Word};
use super::machine::{Machine, State, Step, tabulate};

pub(super) const REGEX: &str = r"[^\r\n]*[\r\n]+|[^\r\n]+";
pub(super) static MACHINE: Machine = tabulate!(step);

const fn step(state: State, class: Class) -> Step {
    match (state, class) {
        (_, Class::More) => Step::on(state),
        (_, Class::End) => Step::on(Ended),
        (_, Class::Newline) => Step::on(Line),
        (Line, _) => Step::begin(Word),
        _ => Step::on(Word),
    }
}
