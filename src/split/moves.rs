//! The moves that patterns share: what white space does, and what a visible character does behind it.
//!
//! `\s+(?!\S)|\s+`: a run of white space leaves its last character to what follows. `\s*[\r\n]+` before these, in patterns that look at lines: a run with a
//! line break in it ends behind the last one, and what white space follows that is a run of its own.

use super::class::Class;
use super::machine::State::{self, Blank, Blanks, Ended, Line, LineBlank, LineBlanks, LineSpace, LineSpaces, Number1, Number2, Number3, Space, Spaces};
use super::machine::Step;

/// White space behind anything; a line break counts as such if the pattern looks at `lines`.
pub(super) const fn space(state: State, class: Class, lines: bool) -> Step {
    let newline = lines && matches!(class, Class::Newline);
    let (one, more, behind_line, more_behind_line) = match class {
        Class::Space => (Space, Spaces, LineSpace, LineSpaces),
        _ => (Blank, Blanks, LineBlank, LineBlanks),
    };
    match state {
        Space | Blank | Spaces | Blanks | Line | LineSpace | LineBlank | LineSpaces | LineBlanks if newline => Step::on(Line),
        Space | Blank | Spaces | Blanks => Step::on(more),
        Line => Step::on(behind_line),
        LineSpace | LineBlank | LineSpaces | LineBlanks => Step::on(more_behind_line),
        _ => Step::begin(if newline { Line } else { one }),
    }
}

/// A visible character that doesn't go on the pretoken before it, unless that is white space whose last character is the first of a pretoken with it: a space
/// where that leads to a state `with_space`, other white space where there is a state `with_blank`. Else it is the first of a pretoken itself: `alone`.
pub(super) const fn visible(state: State, with_space: Option<State>, with_blank: Option<State>, alone: State) -> Step {
    let joined = match state {
        Space | Spaces | LineSpace | LineSpaces => with_space,
        Blank | Blanks | LineBlank | LineBlanks => with_blank,
        _ => None,
    };
    let step = match joined {
        Some(together) => Step::on(together),
        None => Step::begin(alone),
    };
    match state {
        Spaces | Blanks => step.and_before(),
        LineSpace | LineBlank => step.and_at_mark(),
        LineSpaces | LineBlanks => step.and_at_mark().and_before(),
        _ => step,
    }
}

/// `\p{N}{1,3}`: a number that isn't the fourth of a pretoken goes on it.
pub(super) const fn up_to_three_digits(state: State) -> Step {
    match state {
        Number1 => Step::on(Number2),
        Number2 => Step::on(Number3),
        _ => visible(state, None, None, Number1),
    }
}

/// The end of a text.
pub(super) const fn end(state: State) -> Step {
    ended(state, Step::on(Ended))
}

/// A character that is the first of a pretoken, as if the text before it had ended: white space keeps its last character.
pub(super) const fn apart(state: State, alone: State) -> Step {
    ended(state, Step::begin(alone))
}

/// White space that could have been no pretoken's beginning is one after all.
const fn ended(state: State, step: Step) -> Step {
    match state {
        LineSpace | LineBlank | LineSpaces | LineBlanks => step.and_at_mark(),
        _ => step,
    }
}
