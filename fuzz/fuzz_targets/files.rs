//! Law: a file is refused, or it gives a tokenizer that obeys the laws: ids and bytes agree, text comes back, and saved and loaded it is the same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use toklet::decode::decode_bytes;
use toklet::formats::{load, save};
use toklet::threads::Pulse;
use toklet::{Special, Tokenizer};

static FOLDER: LazyLock<String> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("toklet-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.to_str().unwrap().to_owned()
});

/// A good file of each kind; what is fuzzed is what is changed in it.
static GOOD: LazyLock<[(String, Vec<u8>); 2]> = LazyLock::new(|| {
    let parts = |left: &[u8], right: &[u8]| (left.to_vec(), right.to_vec());
    let merges = vec![parts(b"a", b"b"), parts(b" ", b"ab"), parts(b"ab", b"ab"), parts(&[0xC3], &[0xA9])];
    let quiet = Pulse::default();
    ["json", "tiktoken"].map(|ending| {
        let path = format!("{}/good.{ending}", *FOLDER);
        let specials = if ending == "json" { vec!["<|end|>".into(), "<s>".into()] } else { vec![] };
        save(&Tokenizer::from_merges(merges.clone(), specials, "o200k", &quiet).unwrap(), &path, &quiet).unwrap();
        (path.clone(), std::fs::read(path).unwrap())
    })
});

fn ids(tok: &Tokenizer) -> Option<Vec<u32>> {
    let text = " abab<|end|> \u{e9}\r\n  x1234 \0 'S".as_bytes();
    let (pulse, mut all) = (Pulse::default(), Vec::new());
    for special in [Special::Text, Special::Allow] {
        let ids = tok.encode(text, &special, &pulse).ok()?; // a pattern of the file's own may give up on a text
        assert_eq!(decode_bytes(tok.vocabulary(), &ids, &pulse).unwrap(), text);
        all.extend(ids);
    }
    Some(all)
}

fuzz_target!(|input: (bool, bool, Vec<(u16, u8, Vec<u8>)>)| {
    let (json, whole, edits) = input;
    let (path, good) = &GOOD[usize::from(!json)];
    let mut data = if whole { Vec::new() } else { good.clone() };
    for (at, gone, new) in edits {
        let start = usize::from(at) % (data.len() + 1);
        let end = (start + usize::from(gone)).min(data.len());
        data.splice(start..end, new);
    }
    let quiet = Pulse::default();
    std::fs::write(path, data).unwrap();
    let Ok(tok) = load(path, (!json).then_some("cl100k"), None, &quiet) else { return };
    let vocabulary = tok.vocabulary();
    assert!(vocabulary.tokens().into_iter().all(|(token, id)| vocabulary.token(id) == Ok(token) && vocabulary.id(token) == Ok(id)));
    assert!((0..=255u8).all(|byte| vocabulary.token(vocabulary.byte(byte)) == Ok(&[byte][..])));
    let before = ids(&tok);
    if save(&tok, path, &quiet).is_ok() {
        assert_eq!(ids(&load(path, (!json).then_some("cl100k"), None, &quiet).unwrap()), before);
    }
});
