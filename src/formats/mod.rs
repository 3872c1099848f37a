//! Files that hold a tokenizer. Reading checks everything before it believes anything; writing is whole or not at all.

mod atomic;
mod huggingface;
mod huggingface_write;

mod protobuf;
mod sentencepiece;
mod tiktoken;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::encode::Tokenizer;
use crate::error::{Error, Kind, MAX_FILE_BYTES, Result};
use crate::threads::Pulse;

/// Load a tokenizer.json, or a file of ranks (.tiktoken), whose pattern and special tokens the caller must say unless it is a published one.
pub fn load(path: impl AsRef<Path>, pattern: Option<&str>, special_tokens: Option<Vec<(String, u32)>>, pulse: &Pulse) -> Result<Tokenizer> {
    let (path, name) = (path.as_ref(), path.as_ref().to_string_lossy());
    let mut data = Vec::new();
    let file = File::open(path).map_err(|error| Error::io(&*name, &error))?;
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut data).map_err(|error| Error::io(&*name, &error))?;
    let refuse = |found: &str, allowed: &str| Err(Error::new(Kind::Format, &*name, found, allowed));
    if data.len() > MAX_FILE_BYTES {
        return refuse(&format!("over {MAX_FILE_BYTES} bytes long"), &format!("at most {MAX_FILE_BYTES}"));
    }
    if name.ends_with(".tiktoken") {
        return tiktoken::read(&data, &name, pattern, special_tokens, pulse);
    }
    if name.ends_with(".model") {
        return sentencepiece::read(&data, &name, pulse);
    }
    if !name.ends_with(".json") {
        return refuse("a file of unknown kind", "a tokenizer.json (.json) or a file of ranks (.tiktoken)");
    }
    if pattern.is_some() || special_tokens.is_some() {
        return refuse("a tokenizer.json, which has a pattern and special tokens of its own", "loaded without pattern= and special_tokens=");
    }
    huggingface::read(&data, &name, pulse)
}

/// Save as tokenizer.json or as a file of ranks, by the ending of the name; whole or not at all.
pub fn save(tokenizer: &Tokenizer, path: impl AsRef<Path>, pulse: &Pulse) -> Result<()> {
    let (path, name) = (path.as_ref(), path.as_ref().to_string_lossy());
    let text = if name.ends_with(".tiktoken") {
        tiktoken::text(tokenizer, pulse)?
    } else if name.ends_with(".json") {
        huggingface_write::text(tokenizer, pulse)?
    } else {
        return Err(Error::new(Kind::Format, &*name, "a name of unknown kind", "one that ends in .json or .tiktoken"));
    };
    atomic::write(path, &text)
}
