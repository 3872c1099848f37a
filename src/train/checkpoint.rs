//! The merges learnt so far, in a file: what a long training goes on from after it was stopped or the machine went down.
//!
//! The file is replaced whole or not at all. It says which training it is of, by a hash of the counts and of every option that merges depend on, and another
//! training refuses it. The size of the vocabulary is no such option: merges of a smaller one are the first merges of a larger one.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Options;
use crate::count::WordCounts;
use crate::error::{Error, Kind, Result};
use crate::formats::atomic;
use crate::threads::Pulse;
use crate::vocab::{Parts, Vocabulary};

/// Seconds of work that a crash may cost.
const EVERY: Duration = Duration::from_secs(10);

pub(super) struct Checkpoint<'a> {
    path: &'a Path,
    of: String,
    saved: Cell<(usize, Instant)>,
}

impl<'a> Checkpoint<'a> {
    pub(super) fn new(path: &'a Path, counts: &WordCounts, options: &Options, pulse: &Pulse) -> Result<Self> {
        Ok(Self { path, of: identity(counts, options, pulse)?, saved: Cell::new((0, Instant::now())) })
    }

    /// The first merges, `most` at most; none if there is no such file yet.
    pub(super) fn load(&self, most: usize) -> Result<Vec<Parts>> {
        let text = match std::fs::read(self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.map_err(|error| Error::io(self.path.to_string_lossy(), &error))?,
        };
        let refuse = |found: &str| Error::new(Kind::Format, self.path.to_string_lossy(), found, "a checkpoint of this training, or a path where no file is");
        let file: Value = serde_json::from_slice(&text).map_err(|_| refuse("no checkpoint of toklet"))?;
        let merges = file["merges"].as_array().and_then(|merges| merges.iter().map(parts).collect::<Option<Vec<_>>>());
        let mut merges = merges.ok_or_else(|| refuse("no checkpoint of toklet"))?;
        if file["training"].as_str() != Some(&self.of) {
            return Err(refuse("a checkpoint of other counts or other options"));
        }
        self.saved.set((merges.len(), Instant::now()));
        merges.truncate(most);
        Ok(merges)
    }

    /// Save, if the last time was long ago.
    pub(super) fn save_now_and_then(&self, merges: &[Parts]) -> Result<()> {
        if self.saved.get().1.elapsed() < EVERY { Ok(()) } else { self.save(merges) }
    }

    /// Save, if there is anything new.
    pub(super) fn save(&self, merges: &[Parts]) -> Result<()> {
        if merges.len() > self.saved.get().0 {
            let merges: Vec<[String; 2]> = merges.iter().map(|(left, right)| [hex(left), hex(right)]).collect();
            atomic::write(self.path, json!({ "training": self.of, "merges": merges }).to_string().as_bytes())?;
        }
        self.saved.set((self.saved.get().0.max(merges.len()), Instant::now()));
        Ok(())
    }
}

/// A hash of all that merges depend on.
fn identity(counts: &WordCounts, options: &Options, pulse: &Pulse) -> Result<String> {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let longest = options.max_token_length.unwrap_or(0) as u64;
    add(counts.pattern().regex().as_bytes());
    add(options.ties.name().as_bytes());
    add(&options.min_frequency.to_le_bytes());
    add(&longest.to_le_bytes());
    if let Some((words, pattern)) = &options.superwords {
        add(&u64::from(*words).to_le_bytes());
        add(pattern.regex().as_bytes());
    }
    for (token, id) in options.extend.as_deref().map(Vocabulary::tokens).unwrap_or_default() {
        add(token);
        add(&u64::from(id).to_le_bytes());
    }
    for (left, right) in options.extend.as_deref().and_then(Vocabulary::listed).unwrap_or_default() {
        add(left);
        add(right);
    }
    for (word, n) in counts.items(pulse)? {
        pulse.tick(0)?;
        add(word);
        add(&n.to_le_bytes());
    }
    Ok(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &Value) -> Option<Vec<u8>> {
    let hex = hex.as_str()?;
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

fn parts(pair: &Value) -> Option<Parts> {
    match pair.as_array()?.as_slice() {
        [left, right] => Some((bytes(left)?, bytes(right)?)),
        _ => None,
    }
}
