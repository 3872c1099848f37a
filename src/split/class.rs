//! Text -> class bytes: one for each byte of a text, all that a pattern knows of it.
//!
//! The class of a character stands at its first byte, `More` at the others, so that a machine over class bytes runs over text of any script with the same step
//! a byte. A byte that belongs to no UTF-8 character is a character of its own, of class `Control`. The classes are those of `unicode`, cut finer where a
//! pattern asks for single characters or for some ranges of them: the quote and the letters of contractions, line breaks, the space and the slash, ASCII, Han
//! and kana. Most patterns see less: `coarse`.

use std::sync::LazyLock;

use super::machine::blocks::{self, BEHIND};
use crate::unicode::{Classes, class_of};

/// How many bytes are classified at a time: few enough that all that is known of them stays in the nearest cache; and of a short text, for which no more room
/// is made ready.
pub(super) const WINDOW: usize = 1 << 12;
pub(super) const SHORT: usize = 1 << 8;
pub(super) const BLOCK: usize = 64;
/// Room for what a last block, and a last character, write behind a window.
pub(super) const SPARE: usize = 2 * BLOCK;

/// What a pattern knows of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Punctuation and symbols of ASCII; beside what is coarser than that, all that has no other class.
    Other,
    /// `'`
    Quote,
    /// `/`
    Slash,
    /// U+0020
    Space,
    /// White space that is neither the space nor a line break.
    Blank,
    /// `\r`, `\n`
    Newline,
    Number,
    Mark,
    /// A letter without case, or a modifier.
    Letter,
    /// An ASCII letter, unless it is one of those below.
    Upper,
    Lower,
    /// `s t d m`, each of which makes a contraction with a quote before it.
    LowerS,
    /// `l`, of which two do.
    LowerL,
    /// `v r`, which do with an `e` behind.
    LowerV,
    LowerE,
    UpperS,
    UpperL,
    UpperV,
    UpperE,
    /// U+017F, which Unicode folds to `s`.
    LongS,
    /// Letters, and punctuation and symbols, beyond ASCII.
    WideUpper,
    WideLower,
    Symbol,
    /// Controls, format characters, what isn't assigned, and bytes that belong to no character.
    Control,
    /// The same of the characters from U+3040 to U+30FF (kana) and from U+4E00 to U+9FA5 (Han).
    CjkLetter,
    CjkMark,
    CjkSymbol,
    CjkControl,
    /// A byte that goes on a character.
    More,
    /// Behind the last character of a text.
    End,
}

use Class::{
    Blank, CjkControl, CjkLetter, CjkMark, CjkSymbol, Control, End, Letter, LongS, Lower, LowerE, LowerL, LowerS, LowerV, Mark, More, Newline, Number, Other,
    Quote, Slash, Space, Symbol, Upper, UpperE, UpperL, UpperS, UpperV, WideLower, WideUpper,
};

pub(super) const ALL_CLASSES: [Class; 30] = [
    Other, Quote, Slash, Space, Blank, Newline, Number, Mark, Letter, Upper, Lower, LowerS, LowerL, LowerV, LowerE, UpperS, UpperL, UpperV, UpperE, LongS,
    WideUpper, WideLower, Symbol, Control, CjkLetter, CjkMark, CjkSymbol, CjkControl, More, End,
];

impl Class {
    /// What patterns see that ask neither for ASCII nor for Han and kana, nor tell punctuation from controls.
    pub(super) const fn coarse(self) -> Self {
        match self {
            Symbol | Control | CjkSymbol | CjkControl => Other,
            WideUpper => Upper,
            WideLower => Lower,
            CjkLetter => Letter,
            CjkMark => Mark,
            class => class,
        }
    }

    /// What the others see.
    pub(super) const fn fine(self) -> Self {
        self
    }
}

/// The class of each ASCII character.
pub(super) const ASCII: [[u8; BLOCK]; 2] = {
    let (mut classes, mut byte) = ([[Control as u8; BLOCK]; 2], 0u8);
    while byte < 128 {
        classes.as_flattened_mut()[byte as usize] = match byte {
            b'\'' => Quote,
            b'/' => Slash,
            b' ' => Space,
            b'\r' | b'\n' => Newline,
            b'\t' | 0x0B | 0x0C => Blank,
            b'0'..=b'9' => Number,
            b's' | b't' | b'd' | b'm' => LowerS,
            b'l' => LowerL,
            b'v' | b'r' => LowerV,
            b'e' => LowerE,
            b'S' | b'T' | b'D' | b'M' => UpperS,
            b'L' => UpperL,
            b'V' | b'R' => UpperV,
            b'E' => UpperE,
            b'a'..=b'z' => Lower,
            b'A'..=b'Z' => Upper,
            b'!'..=b'~' => Other,
            _ => Control,
        } as u8;
        byte += 1;
    }
    classes
};

/// The characters of the basic plane, and three more so that four can be read anywhere.
pub(super) const PLANE: usize = (1 << 16) + 3;

/// Their classes, in one table of a byte each; most scripts touch a few lines of it.
static CLASSES: LazyLock<Box<[u8; PLANE]>> = LazyLock::new(|| {
    let mut classes = Box::new([Control as u8; PLANE]);
    classes.iter_mut().zip(0..1 << 16).for_each(|(class, code)| *class = of_unicode(code) as u8);
    classes
});

fn of_unicode(code: u32) -> Class {
    let cjk = matches!(code, 0x3040..=0x30FF | 0x4E00..=0x9FA5);
    match char::from_u32(code).map_or(Classes::OTHER, class_of) {
        Classes::SPACE => Blank,
        Classes::NUMBER => Number,
        Classes::UPPER => WideUpper,
        Classes::LOWER if code == 0x17F => LongS,
        Classes::LOWER => WideLower,
        Classes::LETTER if cjk => CjkLetter,
        Classes::LETTER => Letter,
        Classes::MARK if cjk => CjkMark,
        Classes::MARK => Mark,
        Classes::PUNCTUATION if cjk => CjkSymbol,
        Classes::PUNCTUATION => Symbol,
        _ if cjk => CjkControl,
        _ => Control,
    }
}

/// Make the table now: a first use is no time for it if the process may fork meanwhile.
pub(super) fn prepare() {
    LazyLock::force(&CLASSES);
}

/// The class of the character that begins with these four bytes, unless it is ASCII, and its length; `Control` and 1 where the first byte belongs to none.
fn wide(bytes: [u8; 4], plane: &[u8; PLANE]) -> (u8, u32) {
    let word = u32::from_le_bytes(bytes);
    let more = |place: u32| word >> (8 * place) & 0x3F;
    if word & 0xC0E0 == 0x80C0 && word & 0x1E != 0 {
        (plane[((word & 0x1F) << 6 | more(1)) as usize], 2)
    } else if word & 0xC0_C0F0 == 0x80_80E0 {
        let code = (word & 0x0F) << 12 | more(1) << 6 | more(2);
        // What could be written in fewer bytes, and surrogates, are no characters.
        if code >= 0x800 && code >> 11 != 0x1B { (plane[code as usize], 3) } else { (Control as u8, 1) }
    } else if word & 0xC0C0_C0F8 == 0x8080_80F0 {
        let code = (word & 0x07) << 18 | more(1) << 12 | more(2) << 6 | more(3);
        if (0x1_0000..0x11_0000).contains(&code) { (of_unicode(code) as u8, 4) } else { (Control as u8, 1) }
    } else {
        (Control as u8, 1)
    }
}

/// Write the classes of the characters that begin in the first bytes of a text, for which there is room and `SPARE`, and say how many bytes these characters
/// are.
pub(super) fn classify(data: &[u8], classes: &mut [u8]) -> usize {
    let (plane, mut at, length) = (&**CLASSES, 0, data.len().min(classes.len() - SPARE));
    while at < length {
        let (some, mut last) = (&data[at..], [0; BLOCK + BEHIND]);
        let some = if some.len() < last.len() {
            last[..some.len()].copy_from_slice(some);
            &last
        } else {
            some
        };
        let (block, done, mut wides) = blocks::classify(some, length - at, plane, &mut classes[at..]);
        let begun = at + block;
        at = (at + done).min(data.len());
        while wides != 0 {
            let place = wides.trailing_zeros();
            let first = begun + place as usize;
            let mut four = [0; 4];
            match data[first..].first_chunk() {
                Some(bytes) => four = *bytes,
                None => four[..data.len() - first].copy_from_slice(&data[first..]),
            }
            let (class, length) = wide(four, plane);
            classes[first] = class;
            let behind = first + length as usize;
            classes[first + 1..behind].fill(More as u8);
            at = at.max(behind);
            wides &= u64::MAX.checked_shl(place + length).unwrap_or(0);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;

    #[test]
    fn blocks_have_the_classes_that_one_character_after_the_other_has() {
        let pieces: [&[u8]; 16] = [
            b"a",
            b" ",
            b"'",
            "é".as_bytes(),
            "Ж".as_bytes(),
            "\u{301}".as_bytes(),
            "中".as_bytes(),
            "ア".as_bytes(),
            "\u{FFFD}".as_bytes(),
            "🙂".as_bytes(),
            &[0x80],
            &[0xE4, 0xB8],
            &[0xC0, 0xAF],
            &[0xED, 0xA0, 0x80],
            &[0xE0, 0x9F, 0xBF],
            &[0xF5, 0x80, 0x80, 0x80],
        ];
        let mut next = chance(1);
        for round in 0..3000 {
            let (length, some) = (next(300), 1 + next(pieces.len()));
            let mut text: Vec<u8> = (0..length).flat_map(|_| pieces[next(some)]).copied().collect();
            if round % 2 == 1 {
                text = text.iter().map(|byte| if next(20) == 0 { next(256).to_le_bytes()[0] } else { *byte }).collect();
            }
            let (mut plain, mut at) = (Vec::new(), 0);
            while at < text.len() && at < WINDOW {
                let four = std::array::from_fn(|behind| text.get(at + behind).copied().unwrap_or_default());
                let (class, length) = match text[at] {
                    byte @ ..0x80 => (ASCII.as_flattened()[usize::from(byte)], 1),
                    _ => wide(four, &CLASSES),
                };
                plain.push(class);
                plain.extend(std::iter::repeat_n(More as u8, length as usize - 1));
                at += length as usize;
            }
            let mut classes = [0; WINDOW + SPARE];
            assert_eq!(classify(&text, &mut classes), at);
            assert_eq!(classes[..at], plain, "{text:x?}");
        }
    }
}
