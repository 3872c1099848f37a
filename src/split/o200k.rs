//! The pattern of o200k_base (GPT-4o and later): words are cut before an upper-case letter that follows a lower-case one, and keep their contraction.

use super::class::Class;
use super::machine::State::{Ended, Other, Others, Own0, Own1, Own2, Own3, Own4, Own5, Own6, OwnMark0, OwnMark1, Tail, Word};
use super::machine::{Machine, State, Step, tabulate};
use super::moves;

pub(super) const REGEX: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);
pub(super) static MACHINE: Machine = tabulate!(step);

/// Upper-case letters only; those or none, then letters without case or marks.
const UPPER: State = Own0;
const CASELESS: State = Own1;
/// The first upper-case letter behind those without case: a pretoken begins here unless a lower-case letter follows. More of them.
const CAPITAL: State = OwnMark0;
const CAPITALS: State = Own2;
/// A quote behind a word: a pretoken begins here unless it is a contraction. The same with `l`, `L`, `v` or `r`, `V` or `R` behind.
const WORD_QUOTE: State = OwnMark1;
const WORD_QUOTE_LOWER_L: State = Own3;
const WORD_QUOTE_UPPER_L: State = Own4;
const WORD_QUOTE_LOWER_V: State = Own5;
const WORD_QUOTE_UPPER_V: State = Own6;

const fn step(state: State, class: Class) -> Step {
    match (state, class) {
        (_, Class::More) => Step::on(state),
        (UPPER | CASELESS | Word, Class::Quote) => Step::on(WORD_QUOTE),
        (CAPITAL | CAPITALS, Class::Quote) => step(Word, class).and_at_mark(),
        (WORD_QUOTE, Class::LowerS | Class::UpperS | Class::LongS) => Step::on(Ended),
        (WORD_QUOTE, Class::LowerL) => Step::on(WORD_QUOTE_LOWER_L),
        (WORD_QUOTE, Class::UpperL) => Step::on(WORD_QUOTE_UPPER_L),
        (WORD_QUOTE, Class::LowerV) => Step::on(WORD_QUOTE_LOWER_V),
        (WORD_QUOTE, Class::UpperV) => Step::on(WORD_QUOTE_UPPER_V),
        (WORD_QUOTE_LOWER_L | WORD_QUOTE_UPPER_L, Class::LowerL | Class::UpperL) => Step::on(Ended),
        (WORD_QUOTE_LOWER_V | WORD_QUOTE_UPPER_V, Class::LowerE | Class::UpperE) => Step::on(Ended),
        // No contraction: a pretoken began with the quote.
        (WORD_QUOTE, _) => but_for_contractions(Other, class).and_at_mark(),
        (WORD_QUOTE_LOWER_L | WORD_QUOTE_LOWER_V, _) => step(Word, class).and_at_mark(),
        (WORD_QUOTE_UPPER_L | WORD_QUOTE_UPPER_V, _) => step(UPPER, class).and_at_mark(),
        _ => but_for_contractions(state, class),
    }
}

/// The pattern where no word has a contraction.
pub(super) const fn but_for_contractions(state: State, class: Class) -> Step {
    if matches!(state, CAPITAL | CAPITALS) && !is_letter(class) {
        return but_for_contractions(Word, class).and_at_mark();
    }
    match class {
        Class::End => moves::end(state),
        Class::Newline if matches!(state, Other | Others | Tail) => Step::on(Tail),
        Class::Slash if matches!(state, Tail) => Step::on(Tail),
        Class::Space | Class::Blank | Class::Newline => moves::space(state, class, true),
        Class::Number => moves::up_to_three_digits(state),
        Class::Mark if matches!(state, Others) => Step::on(Others),
        Class::Other | Class::Slash | Class::Quote => match state {
            Other | Others => Step::on(Others),
            _ => moves::visible(state, Some(Others), None, Other),
        },
        _ => letter(state, class),
    }
}

const fn is_letter(class: Class) -> bool {
    !matches!(class, Class::End | Class::Space | Class::Blank | Class::Newline | Class::Number | Class::Other | Class::Slash | Class::Quote)
}

/// A letter or a mark: upper-case ones, then lower-case ones; those without case, and marks, are both.
const fn letter(state: State, class: Class) -> Step {
    let (alone, behind_caseless, behind_capitals) = match class {
        Class::Letter | Class::Mark => (CASELESS, CASELESS, CASELESS),
        Class::Lower | Class::LowerS | Class::LowerL | Class::LowerV | Class::LowerE | Class::LongS => (Word, Word, Word),
        _ => (UPPER, CAPITAL, CAPITALS),
    };
    match state {
        Other | UPPER => Step::on(alone),
        CASELESS => Step::on(behind_caseless),
        CAPITAL | CAPITALS => Step::on(behind_capitals),
        Word if matches!(alone, UPPER) => Step::begin(UPPER),
        Word => Step::on(Word),
        _ => moves::visible(state, Some(alone), Some(alone), alone),
    }
}
