//! What can be read off a chat template's source before it is compiled: the text constants and the names that it uses, and where its `{% generation %}` tags
//! stand. What a template puts into a variable goes through a check, which is written into the source here (`bounds.rs`).

use std::collections::BTreeSet;

use super::bounds::with_checks;
use super::percent::with_percent;

/// The call that stands in for `{% generation %}`.
pub(super) const SPAN: &str = "_generation_span";

/// What may make the engine recurse on its stack, or nest values deeper than a few hundred times the length of a line.
const RECURSIVE: [&str; 14] =
    ["macro", "call", "caller", "recursive", "include", "import", "from", "extends", "block", "batch", "slice", "groupby", "generation", "endgeneration"];
/// Sources longer than this may do so by their length alone.
const FLAT_BYTES: usize = 1 << 15;

/// A template's source, read once.
#[derive(Default)]
pub(super) struct Source {
    /// The source to compile: newlines as Jinja reads them, `{% generation %}` written as a call.
    pub text: String,
    /// The text constants.
    pub constants: BTreeSet<String>,
    /// The names of variables, attributes and keywords.
    pub names: BTreeSet<String>,
    /// Whether it has `{% generation %}`.
    pub spans: bool,
    /// Whether rendering needs little stack.
    pub flat: bool,
}

/// A text constant without its quotes, its escapes resolved.
fn unescaped(raw: &str) -> String {
    let (mut out, mut rest) = (String::new(), raw.chars());
    while let Some(c) = rest.next() {
        let next = if c == '\\' { rest.next() } else { None };
        match next {
            None => out.push(c),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
        }
    }
    out
}

/// The length in bytes of a constant behind its opening quote.
pub(super) fn constant_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at,
            _ => {}
        }
    }
    rest.len()
}

impl Source {
    /// Read a source. Time O(n).
    pub fn read(raw: &str) -> Self {
        let raw = raw.replace("\r\n", "\n").replace('\r', "\n");
        let mut this = Self::default();
        let mut rest = raw.as_str();
        while let Some(at) = rest.find('{') {
            let (before, here) = rest.split_at(at);
            this.text.push_str(before);
            let length = match here.get(..2) {
                Some("{#") => here.find("#}").map_or(here.len(), |end| end + 2),
                Some("{{") => this.block(here, "}}"),
                Some("{%") => this.block(here, "%}"),
                _ => 1,
            };
            let (block, behind) = here.split_at(length);
            rest = behind;
            match block.trim_start_matches("{%").trim_start_matches(['-', '+']).trim_end_matches("%}").trim_end_matches(['-', '+']).trim() {
                "generation" if block.starts_with("{%") => {
                    this.spans = true;
                    this.text.push_str(&block.replacen("generation", &format!("call {SPAN}()"), 1));
                }
                "endgeneration" if block.starts_with("{%") => this.text.push_str(&block.replacen("endgeneration", "endcall", 1)),
                word => {
                    this.text.push_str(&with_checks(&with_percent(block)));
                    if word == "raw" && block.starts_with("{%") {
                        let end = rest.find("endraw").unwrap_or(rest.len());
                        this.text.push_str(&rest[..end]);
                        // What is left of the closing tag reads like any text.
                        rest = &rest[end..];
                    }
                }
            }
        }
        this.text.push_str(rest);
        this.flat = raw.len() < FLAT_BYTES && !RECURSIVE.iter().any(|&name| this.names.contains(name));
        this
    }

    /// Collect what stands in a block, and give the block's length.
    fn block(&mut self, here: &str, end: &str) -> usize {
        let mut at = 2;
        while let Some(c) = here[at..].chars().next() {
            let rest = &here[at..];
            if rest.starts_with(end) {
                return at + end.len();
            }
            at += match c {
                '"' | '\'' => {
                    let length = constant_length(&rest[1..], c);
                    self.constants.insert(unescaped(&rest[1..][..length]));
                    (length + 2).min(rest.len())
                }
                _ if c.is_ascii_alphabetic() || c == '_' => {
                    let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                    self.names.insert(rest[..length].into());
                    length
                }
                _ => c.len_utf8(),
            };
        }
        here.len()
    }
}
