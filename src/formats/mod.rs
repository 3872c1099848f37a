//! Files that hold a tokenizer. Reading checks everything before it believes anything; writing is whole or not at all.

pub(crate) mod atomic;
mod gguf;
mod huggingface;
mod huggingface_write;
mod protobuf;
mod sentencepiece;
mod tekken;
mod tiktoken;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::encode::Tokenizer;
use crate::error::{Error, Kind, MAX_FILE_BYTES, Result};
use crate::pipeline::fields::Fields;
use crate::threads::Pulse;

/// Load a tokenizer.json, a tekken.json, a sentencepiece model (.model), the tokenizer of a GGUF file, or a file of ranks (.tiktoken), whose pattern and
/// special tokens the caller must say unless it is a published one.
pub fn load(path: impl AsRef<Path>, pattern: Option<&str>, special_tokens: Option<Vec<(String, u32)>>, pulse: &Pulse) -> Result<Tokenizer> {
    let (path, name) = (path.as_ref(), path.as_ref().to_string_lossy());
    let file = File::open(path).map_err(|error| Error::io(&*name, &error))?;
    let most = if name.ends_with(".gguf") { gguf::HEAD_BYTES } else { MAX_FILE_BYTES + 1 };
    let said = file.metadata().map_or(0, |about| usize::try_from(about.len()).unwrap_or(most));
    let mut data = Vec::with_capacity(said.min(most) + 1);
    file.take(most as u64).read_to_end(&mut data).map_err(|error| Error::io(&*name, &error))?;
    read(&data, &name, pattern, special_tokens, pulse)
}

/// Read the bytes of a file, whose kind its name says.
pub fn read(data: &[u8], name: &str, pattern: Option<&str>, special_tokens: Option<Vec<(String, u32)>>, pulse: &Pulse) -> Result<Tokenizer> {
    let refuse = |found: &str, allowed: &str| Err(Error::new(Kind::Format, name, found, allowed));
    if data.len() > MAX_FILE_BYTES {
        return refuse(&format!("over {MAX_FILE_BYTES} bytes long"), &format!("at most {MAX_FILE_BYTES}"));
    }
    if name.ends_with(".tiktoken") {
        return tiktoken::read(data, name, pattern, special_tokens, pulse);
    }
    let Some(kind) = [(".json", "a tokenizer.json"), (".model", "a sentencepiece model"), (".gguf", "a GGUF file")].iter().find(|(end, _)| name.ends_with(end))
    else {
        return refuse("a file of unknown kind", "a tokenizer.json or tekken.json (.json), a .model, a .gguf, or a file of ranks (.tiktoken)");
    };
    if pattern.is_some() || special_tokens.is_some() {
        return refuse(&format!("{}, which has a pattern and special tokens of its own", kind.1), "loaded without pattern= and special_tokens=");
    }
    match kind.0 {
        ".model" => sentencepiece::read(data, name, pulse),
        ".gguf" => gguf::read(data, name, pulse),
        _ => {
            let fields = Fields { name };
            let file = fields.parse(data, "a tokenizer.json", pulse)?;
            if tekken::is_one(&file) { tekken::read(&fields, &file, pulse) } else { huggingface::of_file(&fields, file, pulse) }
        }
    }
}

/// Save as tokenizer.json or as a file of ranks, by the ending of the name; whole or not at all.
pub fn save(tokenizer: &Tokenizer, path: impl AsRef<Path>, pulse: &Pulse) -> Result<()> {
    let path = path.as_ref();
    atomic::write(path, &text(tokenizer, &path.to_string_lossy(), pulse)?)
}

/// What is saved, by the ending of the name.
pub fn text(tokenizer: &Tokenizer, name: &str, pulse: &Pulse) -> Result<Vec<u8>> {
    if name.ends_with(".tiktoken") {
        tiktoken::text(tokenizer, pulse)
    } else if name.ends_with(".json") {
        huggingface_write::text(tokenizer, pulse)
    } else {
        Err(Error::new(Kind::Format, name, "a name of unknown kind", "one that ends in .json or .tiktoken"))
    }
}
