//! The pattern of cl100k_base (GPT-3.5 and GPT-4) and of Llama 3: words with any one character before them, numbers of up to three digits, white space by
//! lines.

use super::class::Class;
use super::machine::State::{Ended, Other, Others, Quote, QuoteL, QuoteV, Tail, Word};
use super::machine::{Machine, State, Step, tabulate};
use super::moves;

pub(super) const REGEX: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
pub(super) const SPELLINGS: [&str; 2] =
    ["llama3", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"];
pub(super) static MACHINE: Machine = tabulate!(step);

pub(super) const fn step(state: State, class: Class) -> Step {
    match class {
        Class::More => Step::on(state),
        Class::End => moves::end(state),
        Class::Newline if matches!(state, Other | Others | Quote | Tail) => Step::on(Tail),
        Class::Space | Class::Blank | Class::Newline => moves::space(state, class, true),
        Class::Number => moves::up_to_three_digits(state),
        Class::Other | Class::Slash | Class::Mark | Class::Quote => match state {
            Other | Others | Quote => Step::on(Others),
            _ => moves::visible(state, Some(Others), None, if matches!(class, Class::Quote) { Quote } else { Other }),
        },
        _ => match (state, class) {
            (Quote, Class::LowerS | Class::UpperS | Class::LongS) => Step::on(Ended),
            (QuoteL, Class::LowerL | Class::UpperL) | (QuoteV, Class::LowerE | Class::UpperE) => Step::on(Ended),
            (Quote, Class::LowerL | Class::UpperL) => Step::on(QuoteL),
            (Quote, Class::LowerV | Class::UpperV) => Step::on(QuoteV),
            (Word | Other | Quote | QuoteL | QuoteV, _) => Step::on(Word),
            _ => moves::visible(state, Some(Word), Some(Word), Word),
        },
    }
}
