//! Law: any bytes come back from their ids; count, batch and offsets agree with encode; a stream says what decode says; truncating keeps its word.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use toklet::decode::Stream;
use toklet::threads::Pulse;
use toklet::{Special, Tokenizer};

static TOKENIZERS: LazyLock<Vec<Tokenizer>> = LazyLock::new(|| {
    let pair = |text: &str| text.split_once('+').map(|(left, right)| (left.into(), right.into())).unwrap();
    let mut merges: Vec<(Vec<u8>, Vec<u8>)> = ["a+b", " + ", "  +  ", "a+a", "aa+aa", " +a", "1+2", "'+s", "<+|", "|+>"].map(pair).into();
    merges.extend([(vec![0xC3], vec![0xA9]), (vec![0xF0], vec![0x9F]), (vec![0xF0, 0x9F], vec![0x98]), (vec![0x80], vec![0xFF])]);
    let make = |pattern| Tokenizer::from_merges(merges.clone(), vec!["<|end|>".into(), "<|".into(), "a".into()], pattern, &Pulse::default()).unwrap();
    ["gpt2", "cl100k", "o200k", r"\w+|(?=\s)\s\s?"].map(make).into()
});

/// What half of the texts are made of: characters of each length, whole and broken, and what the merges and the special tokens are about.
static PIECES: LazyLock<Vec<&[u8]>> = LazyLock::new(|| {
    let joined = b"a~b~ ~\n~'s~12~<|end|>~<|~\xC3\xA9~\xE5\xAD\x97~\xF0\x9F\x98\x80~\xF0\x9F~\x98\x80~\xE5~\xFF~!";
    joined.split(|byte| *byte == b'~').collect()
});

fuzz_target!(|input: (u8, Vec<u8>, usize)| {
    let (choice, mut text, room) = input;
    if choice & 4 == 0 {
        text = text.into_iter().map(|byte| PIECES[usize::from(byte % 16)]).collect::<Vec<_>>().concat();
    }
    let (tok, pulse) = (&TOKENIZERS[usize::from(choice % 4)], Pulse::default());
    for special in [Special::Text, Special::Allow, Special::Only(vec!["<|end|>".into()])] {
        let ids = tok.encode(&text, &special, &pulse).unwrap();
        assert_eq!(tok.decoder().bytes(&ids, &pulse).unwrap(), text);
        assert_eq!(tok.count(&text, &special, &pulse).unwrap(), ids.len());
        assert_eq!(tok.encode_batch(&[&text[..], b"", &text], &special, Some(2), &pulse).unwrap().0, ids.repeat(2));
        let characters = String::from_utf8_lossy(&text).chars().count() as u32;
        for (unit, end) in [(false, text.len() as u32), (true, characters)] {
            let (same, offsets) = tok.encode_with_offsets(&text, &special, unit, &pulse).unwrap();
            let spans = offsets.as_chunks::<2>().0;
            assert!(same == ids && spans.len() == ids.len() && spans.iter().all(|[start, end]| start < end));
            assert!(spans.windows(2).all(|two| if unit { two[1][0] <= two[0][1] && two[0][0] <= two[1][0] } else { two[0][1] == two[1][0] }));
            let is_utf8 = std::str::from_utf8(&text).is_ok();
            assert!(spans.first().is_none_or(|span| span[0] == 0) && spans.last().is_none_or(|span| span[1] == end || unit && !is_utf8));
        }
        let mut stream = Stream::new(tok.vocabulary().clone());
        let pieces: String = ids.iter().map(|id| stream.push(*id).unwrap()).collect();
        assert_eq!(pieces + &stream.end(), tok.decoder().text(&ids, false, &pulse).unwrap());
    }
    assert!(tok.encode(&text, &Special::Text, &pulse).unwrap().iter().all(|id| tok.vocabulary().specials().iter().all(|(_, special)| id != special)));
    for keep in ["head", "tail", "middle"] {
        let kept = tok.truncate(&text, room % 64, keep, &pulse).unwrap();
        assert!(tok.count(kept, &Special::Text, &pulse).unwrap() <= room % 64 && (std::str::from_utf8(&text).is_err() || std::str::from_utf8(kept).is_ok()));
    }
});
