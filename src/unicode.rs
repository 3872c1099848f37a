//! What a character is: space, number, upper, lower, other letter, mark, punctuation, or anything else.
//!
//! Eight classes are the coarsest partition in which every built-in pattern can be written. They come from one generated table that the reference reads
//! too, since Unicode differs between Python releases, regex engines and operating systems (131,756 letters in CPython 3.11, 141,028 here, 158,172 in a
//! popular regex package), and one letter more or less changes ids.

use std::sync::LazyLock;

/// The version of Unicode that the table was made from.
pub const UNICODE_VERSION: &str = "16.0.0";

/// A set of classes; the class of a character is a set of one.
///
/// ```
/// use toklet::unicode::{Classes, class_of};
/// assert!(class_of('é').within(Classes::LETTERS));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Classes(u8);

impl Classes {
    /// Nothing: what lies behind the end of a text.
    pub const NONE: Self = Self(0);
    /// None of the others: controls, format characters, what isn't assigned.
    pub const OTHER: Self = Self(1);
    /// White space.
    pub const SPACE: Self = Self(2);
    /// Numbers (N).
    pub const NUMBER: Self = Self(4);
    /// Marks (M).
    pub const MARK: Self = Self(8);
    /// Upper-case and title-case letters (Lu, Lt).
    pub const UPPER: Self = Self(16);
    /// Lower-case letters (Ll).
    pub const LOWER: Self = Self(32);
    /// Letters without case, and modifiers (Lo, Lm).
    pub const LETTER: Self = Self(64);
    /// Punctuation and symbols (P, S).
    pub const PUNCTUATION: Self = Self(128);
    /// All letters (L).
    pub const LETTERS: Self = Self(16 | 32 | 64);

    /// Join two sets.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Say whether the class is one of a set.
    pub const fn within(self, set: Self) -> bool {
        self.0 & set.0 != 0
    }
}

const NAMES: [(&str, Classes); 7] = [
    ("space", Classes::SPACE),
    ("number", Classes::NUMBER),
    ("mark", Classes::MARK),
    ("upper", Classes::UPPER),
    ("lower", Classes::LOWER),
    ("letter", Classes::LETTER),
    ("punctuation", Classes::PUNCTUATION),
];

/// Two stages: the high bits of a code point choose a page, the low eight a class in it. A page that is as the one before isn't stored again.
struct Table {
    pages: Vec<u16>,
    classes: Vec<[Classes; 256]>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut flat = vec![Classes::OTHER; 0x11_0000];
    for line in include_str!("../python/toklet/reference/unicode_classes.txt").lines().skip(1) {
        let mut fields = line.split(' ');
        let mut code = || usize::from_str_radix(fields.next().unwrap_or(""), 16).unwrap_or(0);
        let (first, last) = (code(), code());
        let named = fields.next().unwrap_or("");
        let class = NAMES.iter().find(|(name, _)| *name == named).map_or(Classes::OTHER, |(_, class)| *class);
        flat[first..=last].fill(class);
    }
    let mut table = Table { pages: Vec::new(), classes: Vec::new() };
    for page in flat.as_chunks::<256>().0 {
        if table.classes.last() != Some(page) {
            table.classes.push(*page);
        }
        table.pages.push(u16::try_from(table.classes.len() - 1).unwrap_or_default());
    }
    table
});

/// The classes of ASCII, known when the program is compiled: one look-up in 128 bytes, where the table takes two and a check that it is there.
const ASCII: [Classes; 128] = {
    let (mut classes, mut code) = ([Classes::OTHER; 128], 0u8);
    while code < 128 {
        classes[code as usize] = match code {
            b'\t'..=b'\r' | b' ' => Classes::SPACE,
            b'0'..=b'9' => Classes::NUMBER,
            b'A'..=b'Z' => Classes::UPPER,
            b'a'..=b'z' => Classes::LOWER,
            b'!'..=b'~' => Classes::PUNCTUATION,
            _ => Classes::OTHER,
        };
        code += 1;
    }
    classes
};

/// The class of an ASCII character; the byte must be under 128, and a larger one is taken modulo 128.
pub(crate) fn class_of_ascii(byte: u8) -> Classes {
    ASCII[usize::from(byte & 0x7F)]
}

/// The class of a character.
pub fn class_of(character: char) -> Classes {
    let code = character as usize;
    TABLE.classes[usize::from(TABLE.pages[code >> 8])][code & 0xFF]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_letters_as_the_engine_that_users_compare_with() {
        let letters = (0..=0x10_FFFF).filter_map(char::from_u32).filter(|c| class_of(*c).within(Classes::LETTERS)).count();
        assert_eq!(letters, 141_028);
        assert!((0..128).all(|byte| class_of(char::from(byte)) == class_of_ascii(byte)));
        assert_eq!(class_of('\u{85}'), Classes::SPACE);
        assert_eq!(class_of('\u{200b}'), Classes::OTHER);
    }
}
