//! Law: a file is refused, or it gives a tokenizer that obeys the laws: ids and bytes agree, text comes back, and saved and loaded it is the same. Where a
//! normalizer stands around the model, text needn't come back; then its places lie in the text, and there are as many ids as are counted.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use toklet::formats::{load, save};
use toklet::threads::Pulse;
use toklet::{Special, Tokenizer};

static FOLDER: LazyLock<String> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("toklet-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.to_str().unwrap().to_owned()
});

/// A good file of each kind; what is fuzzed is what is changed in it.
static GOOD: LazyLock<[(String, Vec<u8>); 6]> = LazyLock::new(|| {
    let parts = |left: &[u8], right: &[u8]| (left.to_vec(), right.to_vec());
    let merges = vec![parts(b"a", b"b"), parts(b" ", b"ab"), parts(b"ab", b"ab"), parts(&[0xC3], &[0xA9])];
    let quiet = Pulse::default();
    let [json, ranks] = ["json", "tiktoken"].map(|ending| {
        let path = format!("{}/good.{ending}", *FOLDER);
        let specials = if ending == "json" { vec!["<|end|>".into(), "<s>".into()] } else { vec![] };
        save(&Tokenizer::from_merges(merges.clone(), specials, "o200k", &quiet).unwrap(), &path, &quiet).unwrap();
        (path.clone(), std::fs::read(path).unwrap())
    });
    let others = [("characters.json", CHARACTERS.into()), ("good.model", model()), ("good.gguf", gguf()), ("tekken.json", tekken())];
    let [characters, model, gguf, tekken] = others.map(|(name, data)| (format!("{}/{name}", *FOLDER), data));
    let good = [json, ranks, characters, model, gguf, tekken];
    for (path, data) in &good {
        std::fs::write(path, data).unwrap();
        load(path, path.ends_with("tiktoken").then_some("o200k"), None, &quiet).expect("a good file");
    }
    good
});

/// A file of characters, with everything around it.
const CHARACTERS: &str = r#"{"added_tokens":[{"id":5,"content":"<s>","special":true,"rstrip":true},{"id":6,"content":"ab","normalized":true,"single_word":true}],
"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"String":"x"},"content":"bb"}]},
"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":true},{"type":"Digits"}]},
"decoder":{"type":"Metaspace","replacement":"\u2581"},
"model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"vocab":{"<unk>":0,"a":1,"b":2,"\u2581":3,"ba":4},"merges":["b a"]}}"#;

/// A sentencepiece model.
fn model() -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let piece =
        |text: &str, score: f32, kind: u8| field(1, &[field(1, text.as_bytes()), [&[0x15][..], &score.to_le_bytes()].concat(), vec![0x18, kind]].concat());
    let normal = ["ab", "a", "b", "\u{2581}", "\u{2581}a"].into_iter().zip(1u8..).map(|(text, rank)| piece(text, -f32::from(rank), 1));
    let pieces = std::iter::once(piece("<unk>", 0.0, 2)).chain([piece("<s>", 0.0, 3), piece("bb", 0.0, 4)]).chain(normal);
    pieces.chain([field(2, &[0x18, 2]), field(3, &[0x18, 1, 0x20, 1])]).flatten().collect()
}

/// The head of a GGUF file with a tokenizer of scores.
fn gguf() -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let array = |kind: u32, items: &[Vec<u8>]| [&9u32.to_le_bytes()[..], &kind.to_le_bytes(), &(items.len() as u64).to_le_bytes(), &items.concat()].concat();
    let tokens = ["<unk>", "<s>", "ab", "a", "b", "\u{2581}", "\u{2581}a"].map(text);
    let scores: Vec<_> = (0..7u8).map(|rank| (-f32::from(rank)).to_le_bytes().to_vec()).collect();
    let kinds = [2u32, 3, 1, 1, 1, 1, 1].map(|kind| kind.to_le_bytes().to_vec());
    let values = [
        ("model", [&8u32.to_le_bytes()[..], &text("llama")].concat()),
        ("tokens", array(8, &tokens)),
        ("scores", array(6, &scores)),
        ("token_type", array(5, &kinds)),
        ("add_bos_token", [&7u32.to_le_bytes()[..], &[1]].concat()),
    ];
    let head = [&b"GGUF"[..], &3u32.to_le_bytes(), &0u64.to_le_bytes(), &(values.len() as u64).to_le_bytes()].concat();
    values.into_iter().fold(head, |file, (key, value)| [file, text(&format!("tokenizer.ggml.{key}")), value].concat())
}

/// A tekken.json of the bytes and three tokens more, and 25 special ones.
fn tekken() -> Vec<u8> {
    let letter = |six: u8| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[usize::from(six)]);
    let bytes = (0..=255u8).map(|byte| format!("{}{}==", letter(byte >> 2), letter((byte & 3) << 4)));
    let tokens = bytes.chain(["YWI=", "YWJhYg==", "IGFi"].map(String::from)).enumerate();
    let vocab: Vec<String> = tokens.map(|(rank, token)| format!(r#"{{"rank":{rank},"token_bytes":"{token}"}}"#)).collect();
    let config = r#"{"pattern":"cl100k","default_vocab_size":284,"default_num_special_tokens":25}"#;
    format!(r#"{{"config":{config},"vocab":[{}],"special_tokens":[{{"rank":0,"token_str":"<|end|>"}}]}}"#, vocab.join(",")).into()
}

fn ids(tok: &Tokenizer) -> Option<Vec<u32>> {
    let text = " abab<|end|> \u{e9}\r\n  x1234 \0 'S".as_bytes();
    let (pulse, mut all) = (Pulse::default(), Vec::new());
    for special in [Special::Text, Special::Allow] {
        let ids = tok.encode(text, &special, &pulse).ok()?; // a pattern of the file's own may give up on a text
        assert_eq!(tok.count(text, &special, &pulse).unwrap(), ids.len());
        if tok.pipeline().is_some() {
            let (again, places) = tok.encode_with_offsets(text, &special, false, &pulse).unwrap();
            assert!(again == ids && places.iter().all(|place| *place as usize <= text.len()));
            all.extend(ids);
            continue;
        }
        assert_eq!(tok.decoder().bytes(&ids, &pulse).unwrap(), text);
        all.extend(ids);
    }
    Some(all)
}

fuzz_target!(|input: (u8, bool, Vec<(u16, u8, Vec<u8>)>)| {
    let (kind, whole, edits) = input;
    let (path, good) = &GOOD[usize::from(kind % 6)];
    let pattern = (kind % 6 == 1).then_some("cl100k");
    let mut data = if whole { Vec::new() } else { good.clone() };
    for (at, gone, new) in edits {
        let start = usize::from(at) % (data.len() + 1);
        let end = (start + usize::from(gone)).min(data.len());
        data.splice(start..end, new);
    }
    let quiet = Pulse::default();
    std::fs::write(path, data).unwrap();
    let Ok(tok) = load(path, pattern, None, &quiet) else { return };
    let vocabulary = tok.vocabulary();
    if tok.pipeline().is_some() {
        let (before, saved) = (ids(&tok), format!("{}/again.json", *FOLDER));
        if save(&tok, &saved, &quiet).is_ok() {
            assert_eq!(ids(&load(&saved, None, None, &quiet).unwrap()), before);
        }
        return;
    }
    assert!(vocabulary.tokens().into_iter().all(|(token, id)| vocabulary.token(id) == Ok(token) && vocabulary.id(token) == Ok(id)));
    assert!((0..=255u8).all(|byte| vocabulary.token(vocabulary.byte(byte)) == Ok(&[byte][..])));
    let before = ids(&tok);
    if save(&tok, path, &quiet).is_ok() {
        assert_eq!(ids(&load(path, pattern, None, &quiet).unwrap()), before);
    }
});
