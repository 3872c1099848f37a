//! Files of ranks: a line a token, its bytes in base64 and its rank, which is its id.
//!
//! Neither the pattern nor the special tokens stand in the file. The published encodings are known by their SHA-256; for any other file the caller must say
//! them.

use std::collections::HashSet;
use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::encode::Tokenizer;
use crate::error::{Error, Kind, Result, quote};
use crate::merge::unreached;
use crate::threads::Pulse;
use crate::vocab::Vocabulary;

struct Published {
    sha256: &'static str,
    pattern: &'static str,
    specials: &'static [(&'static str, u32)],
}

const PUBLISHED: [Published; 6] = [
    Published { sha256: "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930", pattern: "gpt2", specials: &[("<|endoftext|>", 50256)] },
    Published { sha256: "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069", pattern: "gpt2", specials: &[("<|endoftext|>", 50256)] },
    Published {
        sha256: "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        pattern: "cl100k",
        specials: &[
            ("<|endoftext|>", 100_257),
            ("<|fim_prefix|>", 100_258),
            ("<|fim_middle|>", 100_259),
            ("<|fim_suffix|>", 100_260),
            ("<|endofprompt|>", 100_276),
        ],
    },
    Published {
        sha256: "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        pattern: "o200k",
        specials: &[("<|endoftext|>", 199_999), ("<|endofprompt|>", 200_018)],
    },
    // Whisper: those that all of its models have; how many languages follow depends on the model.
    Published { sha256: WHISPER, pattern: "gpt2", specials: &[("<|endoftext|>", 50_257), ("<|startoftranscript|>", 50_258)] },
    // Qwen up to 2.5, which has more special tokens in some versions than in others.
    Published {
        sha256: "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186",
        pattern: "qwen2",
        specials: &[("<|endoftext|>", 151_643), ("<|im_start|>", 151_644), ("<|im_end|>", 151_645)],
    },
];

/// Its last line has a token of no bytes, which no text has: it is left out.
const WHISPER: &str = "b34b360dbb493e781e479794586d661700670d65564001f23024971d1f2fa126";

/// How many bytes of the file there are between two looks at whether to stop.
const TICK_EVERY: usize = 1 << 20;
/// About as many bytes has a line.
const LINE: usize = 16;

/// Read the ranks.
pub(super) fn read(data: &[u8], name: &str, pattern: Option<&str>, special_tokens: Option<Vec<(String, u32)>>, pulse: &Pulse) -> Result<Tokenizer> {
    let mut digest = Sha256::new();
    for some in data.chunks(TICK_EVERY) {
        pulse.tick(0)?;
        digest.update(some);
    }
    let sha256 = digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // writing to a String can't fail
        hex
    });
    let known = PUBLISHED.iter().find(|published| published.sha256 == sha256);
    let Some(wanted) = pattern.or(known.map(|known| known.pattern)) else {
        let allowed = "loaded with pattern= (and special_tokens=, if it has any)";
        return Err(Error::new(Kind::Format, name, "not one of the published files", allowed));
    };
    let published = known.filter(|_| pattern.is_none()).map_or(&[][..], |known| known.specials);
    let specials = special_tokens.unwrap_or_else(|| published.iter().map(|(name, id)| ((*name).into(), *id)).collect());
    let data = if sha256 == WHISPER { data.trim_ascii_end().strip_suffix(b"= 50256").unwrap_or(data) } else { data };
    let mut room = vec![0; data.len()];
    let vocabulary = ranks(data, name, &mut room, pulse).and_then(|ranks| Vocabulary::new(ranks, None, specials, true, pulse));
    let vocabulary = vocabulary.or_else(|error| Err(if error.kind == Kind::Interrupted { error } else { repeated(data, name, pulse)?.unwrap_or(error) }))?;
    Tokenizer::new(vocabulary, wanted, pulse)
}

/// The tokens, written into `room`, which is as long as the file, and their ranks.
fn ranks<'a>(data: &[u8], name: &str, mut room: &'a mut [u8], pulse: &Pulse) -> Result<Vec<(&'a [u8], u32)>> {
    let mut ranks = Vec::with_capacity(data.len() / LINE);
    for (line, number) in lines(data, pulse) {
        let line = line?;
        let Some((size, rank)) = token_and_rank(line, room) else {
            let found = quote::text(&String::from_utf8_lossy(&line[..line.len().min(40)]));
            return Err(Error::new(Kind::Format, format!("line {number} of {name}"), found, "a token in base64 and its rank"));
        };
        let (token, rest) = room.split_at_mut(size);
        ranks.push((&*token, rank));
        room = rest;
    }
    Ok(ranks)
}

/// The first line whose token stands in a line before it, up to the first line that can't be read. That is said first of what a file is refused for; a
/// vocabulary has no token twice, so one that came to be needs no such look.
fn repeated(data: &[u8], name: &str, pulse: &Pulse) -> Result<Option<Error>> {
    let (mut seen, mut all) = (HashSet::with_capacity_and_hasher(data.len() / LINE, foldhash::fast::RandomState::default()), vec![0; data.len()]);
    let mut room = &mut all[..];
    for (line, number) in lines(data, pulse) {
        let line = line?;
        let Some((size, _)) = token_and_rank(line, room) else { return Ok(None) };
        let (token, rest) = room.split_at_mut(size);
        room = rest;
        if !seen.insert(&*token) {
            let found = format!("the token {} again", quote::bytes(token));
            return Ok(Some(Error::new(Kind::Format, format!("line {number} of {name}"), found, "a new token")));
        }
    }
    Ok(None)
}

/// The lines that aren't blank, and their numbers.
fn lines<'a>(data: &'a [u8], pulse: &Pulse) -> impl Iterator<Item = (Result<&'a [u8]>, usize)> {
    let ticked = data.split(|byte| *byte == b'\n').map(|line| pulse.tick(0).map(|()| line));
    ticked.zip(1..).filter(|(line, _)| line.as_ref().map_or(true, |line| !line.trim_ascii().is_empty()))
}

/// Write a token into `room`, which is as long as the line at least; gives its size, and its rank.
fn token_and_rank(line: &[u8], room: &mut [u8]) -> Option<(usize, u32)> {
    let line = line.trim_ascii();
    let (token, rank) = line.split_at(line.iter().position(u8::is_ascii_whitespace)?);
    let rank = rank.trim_ascii_start();
    let plain = rank.len() <= 9 && rank.iter().all(u8::is_ascii_digit);
    let size = BASE64_STANDARD.decode_slice(token, room).ok().filter(|_| plain)?;
    Some((size, rank.iter().fold(0, |rank, digit| 10 * rank + u32::from(digit - b'0'))))
}

/// Write the ranks. Merges say the same as ranks where each token is what its own merges lead to, in the order of the ids; others can't be written so.
pub(super) fn text(tokenizer: &Tokenizer, pulse: &Pulse) -> Result<Vec<u8>> {
    let vocabulary = tokenizer.vocabulary();
    if tokenizer.pipeline().is_some() {
        let found = "one with more around it than a pattern and special tokens";
        return Err(Error::new(Kind::Format, "the tokenizer", found, "saved as tokenizer.json: ranks can't say it"));
    }
    if let Some(merges) = vocabulary.listed() {
        let made: Vec<_> = merges.iter().filter_map(|(left, right)| vocabulary.ordinary(&[&left[..], right].concat())).collect();
        let all = vocabulary.whole() || unreached(vocabulary, pulse)?.is_empty();
        if !all || !made.is_sorted_by(|one, other| one < other) || made.len() + 256 != vocabulary.tokens().len() {
            let found = "one with a token that its merges don't lead to, or merges out of order";
            return Err(Error::new(Kind::Format, "the vocabulary", found, "saved as tokenizer.json: ranks can't say it"));
        }
    }
    let mut out = String::new();
    for (token, rank) in vocabulary.tokens() {
        BASE64_STANDARD.encode_string(token, &mut out);
        let _ = writeln!(out, " {rank}"); // writing to a String can't fail
    }
    Ok(out.into_bytes())
}
