//! The pattern of DeepSeek V3 and R1: numbers of up to three digits, then Han and kana, are cut out; words of what stands between, or of ASCII letters behind a
//! sign.
//!
//! It is published as three expressions, each of which cuts what the one before it left. So white space is at its end before a number, and a sign before kana;
//! and what no expression matches, characters that are neither signs nor letters nor white space, is a pretoken too, but for the last of them before a letter.

use super::class::Class;
use super::machine::State::{Number1, Number2, Number3, Other, Others, Own0, Own1, Own2, Own3, Own4, Own5, Own6, Tail, Word};
use super::machine::{Machine, State, Step, tabulate};
use super::moves;

pub(super) const STEPS: [&str; 3] = [
    r"\p{N}{1,3}",
    "[一-龥\u{3040}-ゟ゠-ヿ]+",
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
];

/// The three in one, for engines that take one expression; `[^\P{L}…]` are letters but for those.
pub(super) const REGEX: &str = concat!(
    r"\p{N}{1,3}",
    r"|[\u3040\u3097\u3098]?[\u3041-\u3096\u3099\u309A\u309D-\u309F\u30A1-\u30FA\u30FC-\u30FF\u4E00-\u9FA5]+",
    r"|[\u309B\u309C\u30A0\u30FB]+",
    r"|[\u3040\u3097\u3098]+(?![\u3041-\u3096\u3099\u309A\u309D-\u309F\u30A1-\u30FA\u30FC-\u30FF\u4E00-\u9FA5])",
    r"|[!-/:-@\[-`{-~][A-Za-z]+",
    r"|[^\r\n\p{L}\p{N}\p{P}\p{S}\u3040-\u30FF]?(?:[^\P{L}\u3040-\u30FF\u4E00-\u9FA5]|[^\P{M}\u3099\u309A])+",
    r"| ?(?:[^\P{P}\u30A0\u30FB]|[^\P{S}\u309B\u309C])+[\r\n]*",
    r"|\s*[\r\n]+|\s+(?![^\s\p{N}\u3040-\u30FF\u4E00-\u9FA5])|\s+",
    r"|[^\s\p{L}\p{M}\p{N}\p{P}\p{S}\u3040\u3097\u3098]+(?![^\P{L}\u3040-\u30FF\u4E00-\u9FA5]|[^\P{M}\u3099\u309A])",
);
pub(super) static MACHINE: Machine = tabulate!(step, fine);

/// A sign of ASCII, then its letters.
const SIGNED: State = Own0;
/// One character of no expression, which may go with the letter behind it; several of them.
const CONTROL: State = Own1;
const CONTROLS: State = Own2;
/// The same of Han and kana, and letters, and signs.
const CJK_CONTROL: State = Own3;
const CJK_CONTROLS: State = Own4;
const CJK_WORD: State = Own5;
const CJK_SIGNS: State = Own6;

const fn step(state: State, class: Class) -> Step {
    match class {
        Class::More => Step::on(state),
        Class::End => moves::end(state),
        Class::Newline if matches!(state, Other | Others | Tail) => Step::on(Tail),
        Class::Space | Class::Blank | Class::Newline => moves::space(state, class, true),
        Class::Number => match state {
            Number1 => Step::on(Number2),
            Number2 => Step::on(Number3),
            _ => moves::apart(state, Number1),
        },
        Class::CjkLetter | Class::CjkMark => match state {
            CJK_WORD | CJK_CONTROL => Step::on(CJK_WORD),
            CJK_CONTROLS => Step::on(CJK_WORD).and_before(),
            _ => moves::apart(state, CJK_WORD),
        },
        Class::CjkSymbol => match state {
            CJK_SIGNS => Step::on(CJK_SIGNS),
            _ => moves::apart(state, CJK_SIGNS),
        },
        Class::CjkControl => match state {
            CJK_CONTROL | CJK_CONTROLS => Step::on(CJK_CONTROLS),
            _ => moves::apart(state, CJK_CONTROL),
        },
        Class::Control => match state {
            CONTROL | CONTROLS => Step::on(CONTROLS),
            _ => moves::visible(state, None, None, CONTROL),
        },
        Class::Other | Class::Slash | Class::Quote | Class::Symbol => match state {
            Other | Others => Step::on(Others),
            _ => moves::visible(state, Some(Others), None, if matches!(class, Class::Symbol) { Others } else { Other }),
        },
        _ => match state {
            Other | SIGNED if ascii(class) => Step::on(SIGNED),
            Word | CONTROL => Step::on(Word),
            CONTROLS => Step::on(Word).and_before(),
            _ => moves::visible(state, Some(Word), Some(Word), Word),
        },
    }
}

/// Whether a letter or a mark is an ASCII letter.
const fn ascii(class: Class) -> bool {
    !matches!(class, Class::Letter | Class::Mark | Class::WideUpper | Class::WideLower | Class::LongS)
}
