//! The pattern of GPT-2, r50k and p50k: contractions, words, numbers, punctuation (each with the space before it), white space.

use super::class::Class;
use super::machine::State::{Number1, Other, Others, Quote, QuoteL, QuoteV, Word};
use super::machine::{Machine, State, Step, tabulate};
use super::moves;

pub(super) const REGEX: &str = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
pub(super) const SPELLINGS: [&str; 4] = [
    "r50k",
    "p50k",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
];
pub(super) static MACHINE: Machine = tabulate!(step);

const fn step(state: State, class: Class) -> Step {
    match (state, class) {
        (_, Class::More) => Step::on(state),
        (Quote, Class::LowerS) | (QuoteL, Class::LowerL) | (QuoteV, Class::LowerE) => Step::on(State::Ended),
        (Quote, Class::LowerL) => Step::on(QuoteL),
        (Quote, Class::LowerV) => Step::on(QuoteV),
        (QuoteL | QuoteV, _) => plain(Word, class).and_before(), // no contraction: the letter begins a word
        _ => plain(state, class),
    }
}

const fn plain(state: State, class: Class) -> Step {
    match class {
        Class::End => moves::end(state),
        Class::Space | Class::Blank | Class::Newline => moves::space(state, class, false),
        Class::Number => match state {
            Number1 => Step::on(Number1),
            _ => moves::visible(state, Some(Number1), None, Number1),
        },
        Class::Other | Class::Slash | Class::Mark | Class::Quote => match state {
            Other | Others | Quote => Step::on(Others),
            _ => moves::visible(state, Some(Others), None, if matches!(class, Class::Quote) { Quote } else { Other }),
        },
        _ => match state {
            Word => Step::on(Word),
            _ => moves::visible(state, Some(Word), None, Word),
        },
    }
}
