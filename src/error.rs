//! Everything that can go wrong, as one sentence: what is wrong, what was found there, what is allowed there.
//!
//! An error has a kind, a place, what was found and what is allowed; the sentence is made from these, so that no message can leave one out. The
//! limits stand here as well, each with its reason.

use std::fmt;

/// Four times the largest vocabulary in use; bounds every table that a file can ask for.
pub const MAX_IDS: u32 = 1 << 20;
/// The longest token of a published vocabulary has 128 bytes.
pub const MAX_TOKEN_BYTES: usize = 4_096;
/// Above it a 32-bit float can't tell one index from the next, and no model has more.
pub const MAX_LOGITS: usize = 1 << 24;
/// A tokenizer file: ten times the largest one published.
pub const MAX_FILE_BYTES: usize = 1 << 28;
/// One text in one call: offsets are 32 bits wide.
pub const MAX_TEXT_BYTES: usize = u32::MAX as usize;
/// One more than a signed 64-bit integer holds is refused, never wrapped.
pub const MAX_COUNT: u64 = i64::MAX.unsigned_abs();
/// More workers than any machine in sight has use for in one call.
pub const MAX_THREADS: usize = 64;

/// What a function that can refuse gives.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A parameter is outside its range.
    Argument,
    /// A text can't be encoded: a special token stands where none is allowed, or a pattern gave up on it.
    Text,
    /// An id or a token that the vocabulary doesn't have.
    Token,
    /// Tables that contradict themselves: ids twice, bytes missing, merges whose parts don't exist.
    Vocabulary,
    /// A file that isn't what its name says, or asks for what toklet doesn't support.
    Format,
    /// A corpus that nothing can be learnt from, or counts that can't be added.
    Corpus,
    /// A row of logits with a NaN in it, or with nothing allowed.
    Logits,
    /// A template that can't be read, or a slot that is missing or unknown.
    Prompt,
    /// The operating system refused a file; `place` is its path, `found` the reason.
    Io(std::io::ErrorKind, Option<i32>),
    /// The caller asked to stop.
    Interrupted,
    /// A bug in toklet.
    Internal,
}

/// A refusal: `place` says what is wrong, `found` what it is, `allowed` what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The kind.
    pub kind: Kind,
    /// What is wrong.
    pub place: String,
    /// What it is.
    pub found: String,
    /// What it must be.
    pub allowed: String,
}

impl Error {
    /// Make an error of a kind from its three parts.
    pub fn new(kind: Kind, place: impl Into<String>, found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { kind, place: place.into(), found: found.into(), allowed: allowed.into() }
    }

    /// A refusal by the operating system, for the file at `path`.
    pub fn io(path: impl Into<String>, error: &std::io::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or(&text);
        Self::new(Kind::Io(error.kind(), error.raw_os_error()), path, reason, "a file that can be read and written")
    }

    /// The caller asked to stop.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "the call", "interrupted", "left to finish")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; it must be {}", self.place, self.found, self.allowed)
    }
}

impl std::error::Error for Error {}

/// Values as messages show them: as Python writes them, so that both backends say the same (but for a few characters that can't be seen).
pub mod quote {
    /// A text in quotes.
    pub fn text(text: &str) -> String {
        let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
        let mut out = String::from(quote);
        for character in text.chars() {
            match character {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c == quote => out.extend(['\\', c]),
                c if hidden(c) && u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                c if hidden(c) && u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => out.push(c),
            }
        }
        out.push(quote);
        out
    }

    /// Whether a character can't be seen, or is not there to be seen: controls, white space other than the space, marks of direction, private use.
    fn hidden(c: char) -> bool {
        c.is_control()
            || (c.is_whitespace() && c != ' ')
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}')
    }

    /// Bytes in quotes, behind a `b`.
    pub fn bytes(bytes: &[u8]) -> String {
        let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
        let mut out = format!("b{quote}");
        for &byte in bytes {
            match byte {
                b'\\' => out.push_str("\\\\"),
                b'\n' => out.push_str("\\n"),
                b'\r' => out.push_str("\\r"),
                b'\t' => out.push_str("\\t"),
                b if char::from(b) == quote => out.extend(['\\', quote]),
                0x20..0x7f => out.push(char::from(byte)),
                _ => out.push_str(&format!("\\x{byte:02x}")),
            }
        }
        out.push(quote);
        out
    }
}
