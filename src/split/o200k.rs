//! The pattern of o200k_base (GPT-4o and later): words are cut before an upper-case letter that follows a lower-case one, and keep their contraction.

use super::class::Class;
use super::machine::State::{
    Capital, Capitals, Caseless, Ended, Other, Others, Tail, Upper, Word, WordQuote, WordQuoteLowerL, WordQuoteLowerV, WordQuoteUpperL, WordQuoteUpperV,
};
use super::machine::{Machine, State, Step, tabulate};
use super::moves;

pub(super) const REGEX: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);
pub(super) static MACHINE: Machine = tabulate!(step);

const fn step(state: State, class: Class) -> Step {
    match (state, class) {
        (_, Class::More) => Step::on(state),
        (Upper | Caseless | Word, Class::Quote) => Step::on(WordQuote),
        (Capital | Capitals, Class::Quote) => step(Word, class).and_at_mark(),
        (WordQuote, Class::LowerS | Class::UpperS | Class::LongS) => Step::on(Ended),
        (WordQuote, Class::LowerL) => Step::on(WordQuoteLowerL),
        (WordQuote, Class::UpperL) => Step::on(WordQuoteUpperL),
        (WordQuote, Class::LowerV) => Step::on(WordQuoteLowerV),
        (WordQuote, Class::UpperV) => Step::on(WordQuoteUpperV),
        (WordQuoteLowerL | WordQuoteUpperL, Class::LowerL | Class::UpperL) => Step::on(Ended),
        (WordQuoteLowerV | WordQuoteUpperV, Class::LowerE | Class::UpperE) => Step::on(Ended),
        // No contraction: a pretoken began with the quote.
        (WordQuote, _) => but_for_contractions(Other, class).and_at_mark(),
        (WordQuoteLowerL | WordQuoteLowerV, _) => step(Word, class).and_at_mark(),
        (WordQuoteUpperL | WordQuoteUpperV, _) => step(Upper, class).and_at_mark(),
        _ => but_for_contractions(state, class),
    }
}

/// The pattern where no word has a contraction.
pub(super) const fn but_for_contractions(state: State, class: Class) -> Step {
    if matches!(state, Capital | Capitals) && !is_letter(class) {
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
        Class::Letter | Class::Mark => (Caseless, Caseless, Caseless),
        Class::Lower | Class::LowerS | Class::LowerL | Class::LowerV | Class::LowerE | Class::LongS => (Word, Word, Word),
        _ => (Upper, Capital, Capitals),
    };
    match state {
        Other | Upper => Step::on(alone),
        Caseless => Step::on(behind_caseless),
        Capital | Capitals => Step::on(behind_capitals),
        Word if matches!(alone, Upper) => Step::begin(Upper),
        Word => Step::on(Word),
        _ => moves::visible(state, Some(alone), Some(alone), alone),
    }
}
