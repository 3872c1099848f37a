//! Files -> texts to count: read in blocks, cut where that is safe, split at separators.
//!
//! In a file that is read in pieces a cut is safe where a line break stands between two characters that are not white space: there every built-in pattern ends
//! a pretoken. Files are read, not mapped: a file that somebody truncates under a map ends the process, and copying a block costs a hundredth of counting it.
//! Small files are counted many at a time, for one of them is too little for several workers.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use aho_corasick::AhoCorasick;

use super::Counter;
use crate::error::{Error, Kind, Result};
use crate::threads::Pulse;

const BLOCK: usize = 1 << 22;
/// How many small files are held before they are counted.
const FILES: usize = 1 << 12;

impl Counter {
    /// Count files; a separator belongs to no pretoken.
    pub fn count_files(&mut self, paths: &[impl AsRef<Path>], separator: Option<&[u8]>, pulse: &Pulse) -> Result<()> {
        let separators = separator.map(Separators::new).transpose()?;
        let mut read = Vec::new();
        for path in paths {
            read.push(self.count_but_the_end(path.as_ref(), separators.as_ref(), pulse)?);
            if read.iter().map(Vec::len).sum::<usize>() >= BLOCK || read.len() >= FILES {
                self.count_texts(&read, separators.as_ref(), pulse)?;
                read.clear();
            }
        }
        self.count_texts(&read, separators.as_ref(), pulse)
    }

    /// Count a file block by block, each while the next one is read, and give its end, which is all of a small file. What has been read and can't be cut yet is
    /// held, and searched only once.
    fn count_but_the_end(&mut self, path: &Path, separators: Option<&Separators>, pulse: &Pulse) -> Result<Vec<u8>> {
        let refused = |error| Error::io(path.to_string_lossy(), &error);
        let mut file = File::open(path).map_err(refused)?;
        let mut more = |held: &mut Vec<u8>| file.by_ref().take(BLOCK as u64).read_to_end(held).map(|read| read == BLOCK).map_err(refused);
        let (mut held, mut next, mut searched) = (Vec::new(), Vec::new(), 0);
        let mut whole = more(&mut held)?;
        while whole {
            let end = self.last_cut(&held, searched, separators);
            searched = held.len() - end;
            if end == 0 {
                whole = more(&mut held)?;
                continue;
            }
            next.clear();
            next.extend_from_slice(&held[end..]);
            whole = self.count_texts_beside(&[&held[..end]], separators, || more(&mut next), pulse)?.unwrap_or(false);
            std::mem::swap(&mut held, &mut next);
        }
        Ok(held)
    }

    fn count_texts(&mut self, texts: &[impl AsRef<[u8]>], separators: Option<&Separators>, pulse: &Pulse) -> Result<()> {
        self.count_texts_beside(texts, separators, || Ok(()), pulse).map(drop)
    }

    fn count_texts_beside<T: Send>(
        &mut self,
        texts: &[impl AsRef<[u8]>],
        separators: Option<&Separators>,
        first: impl FnOnce() -> Result<T> + Send,
        pulse: &Pulse,
    ) -> Result<Option<T>> {
        let texts = texts.iter().map(AsRef::as_ref);
        let documents: Vec<&[u8]> = match separators {
            Some(separators) => texts.flat_map(|text| separators.split(text)).collect(),
            None => texts.collect(),
        };
        self.count_beside(&documents, first, pulse)
    }

    /// Up to where what has been read of a file can be counted before the rest is known; 0 if nowhere behind what was searched before.
    fn last_cut(&self, held: &[u8], searched: usize, separators: Option<&Separators>) -> usize {
        let before = |bytes: usize| searched.saturating_sub(bytes); // a place that straddles what was searched and what is new
        let breakable = separators.is_none_or(|separators| !separators.text.contains(&b'\n'));
        let fresh = &held[before(2)..];
        let safe = breakable.then(|| self.pattern.safe_cut(fresh, fresh.len())).flatten().map(|cut| before(2) + cut);
        let behind = separators.and_then(|separators| {
            let start = before(separators.text.len());
            separators.last_end(&held[start..]).map(|end| start + end)
        });
        safe.max(behind).unwrap_or(0)
    }
}

/// What stands between the documents of a file.
struct Separators {
    text: Vec<u8>,
    finder: AhoCorasick,
}

impl Separators {
    fn new(text: &[u8]) -> Result<Self> {
        let refuse = |found: String| Error::new(Kind::Argument, "separator", found, "a text that isn't empty, or None");
        if text.is_empty() {
            return Err(refuse("''".into()));
        }
        Ok(Self { text: text.to_vec(), finder: AhoCorasick::new([text]).map_err(|error| refuse(error.to_string()))? })
    }

    fn split<'a>(&self, data: &'a [u8]) -> Vec<&'a [u8]> {
        let mut at = 0;
        let mut documents: Vec<_> = self.finder.find_iter(data).map(|found| &data[std::mem::replace(&mut at, found.end())..found.start()]).collect();
        documents.push(&data[at..]);
        documents
    }

    fn last_end(&self, data: &[u8]) -> Option<usize> {
        self.finder.find_iter(data).last().map(|found| found.end())
    }
}
