//! Law: in a prompt a special token is exactly what trusted text spells, longest first, whatever the values say; and the ids stand for the whole text.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use toklet::prompt::{Part, Template, few_shot};
use toklet::threads::Pulse;
use toklet::{Special, Tokenizer};

const SPECIALS: [&str; 4] = ["<|end|>", "<|end|><|end|>", "<|", "end"];
static TOK: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::from_merges(vec![], SPECIALS.map(String::from).into(), "o200k", &Pulse::default()).unwrap());

const WORDS: [&str; 16] = ["<|end|>", "<|", "en", "d", "|>", "{{", "}}", "{{ a }}", "{{ b }}", "{{a}}", " ", "\n", "é", "<", "|", "1"];

fn spelled(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| WORDS[usize::from(byte % 16)]).collect()
}

/// The special tokens that a text spells, by the plainest search.
fn found(mut text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    while let Some(character) = text.chars().next() {
        let longest = SPECIALS.iter().enumerate().filter(|(_, name)| text.starts_with(*name)).max_by_key(|(_, name)| name.len());
        ids.extend(longest.map(|(i, _)| 256 + i as u32));
        text = &text[longest.map_or(character.len_utf8(), |(_, name)| name.len())..];
    }
    ids
}

fn check(parts: &[Part]) {
    let pulse = Pulse::default();
    let text: String = parts.iter().map(|part| part.text.as_str()).collect();
    let runs = parts.chunk_by(|one, other| one.trusted == other.trusted).filter(|run| run[0].trusted);
    let expected: Vec<u32> = runs.flat_map(|run| found(&run.iter().map(|part| part.text.as_str()).collect::<String>())).collect();
    let ids = TOK.encode_parts(parts, &pulse).unwrap();
    assert_eq!(ids.iter().copied().filter(|id| *id >= 256).collect::<Vec<_>>(), expected, "{parts:?}");
    assert_eq!(TOK.decoder().bytes(&ids, &pulse).unwrap(), text.as_bytes());
    let strange: Vec<_> = parts.iter().map(|part| Part { trusted: false, ..part.clone() }).collect();
    assert_eq!(TOK.encode_parts(&strange, &pulse), TOK.encode(text.as_bytes(), &Special::Text, &pulse));
}

fuzz_target!(|input: (Vec<u8>, [Vec<u8>; 2], Vec<u8>, bool)| {
    let (source, [a, b], separator, stop) = input;
    let Ok(template) = Template::new(&spelled(&source)) else { return };
    let values: Vec<_> = template.slots().iter().cloned().zip([spelled(&a), spelled(&b)].into_iter().cycle()).collect();
    let parts = template.parts(&values, None).unwrap();
    let filled: Vec<&Part> = parts.iter().filter(|part| !part.trusted).collect();
    assert!(filled.iter().all(|part| values.iter().any(|(_, value)| *value == part.text)));
    check(&parts);
    let stop = template.slots().first().map(String::as_str).filter(|_| stop);
    check(&few_shot(&template, &[&values[..], &values], &spelled(&separator), Some(&values), stop).unwrap());
});
