//! Law: the pretokens of any bytes join to these bytes, none is empty, and on UTF-8 each scanner cuts as its own regular expression does in the engine.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use toklet::Pattern;

/// Each built-in pattern, and the same regular expression spelled so that the engine runs it.
static PATTERNS: LazyLock<Vec<(Pattern, Pattern)>> = LazyLock::new(|| {
    let both = |(name, regex): (&str, &str)| (Pattern::new(name).unwrap(), Pattern::new(&format!("(?:{regex})")).unwrap());
    Pattern::built_in().map(both).collect()
});

/// Characters of every class and of every part that a pattern names, so that few bytes of input make a telling text.
static LETTERS: LazyLock<Vec<char>> =
    LazyLock::new(|| " \t\n\r\u{a0}\u{2028}\u{85}'slLvERſabéAÉǅªʰ字\u{301}\u{489}1٣Ⅷ½/!😀\u{200b}\u{10ffff}".chars().collect());

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let (scanner, engine) = &PATTERNS[usize::from(*first) % PATTERNS.len()];
    let spelled: String = rest.iter().map(|byte| LETTERS[usize::from(*byte) % LETTERS.len()]).collect();
    let text = if first & 4 == 0 { spelled.as_bytes() } else { rest }.repeat(1 + usize::from(first >> 6)); // long texts take other ways
    let text = &text[..];
    let cut: Vec<&[u8]> = scanner.split(text).expect("a machine never gives up");
    assert_eq!(cut.concat(), text);
    assert!(cut.iter().all(|pretoken| !pretoken.is_empty()));
    let other: toklet::Result<Vec<&[u8]>> = engine.split(text);
    let Ok(other) = other else { return };
    assert_eq!(other.concat(), text);
    if let Ok(text) = std::str::from_utf8(text) {
        assert_eq!(cut, other, "{text:?}");
    }
});
