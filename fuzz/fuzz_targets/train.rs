//! Law: training gives the merges that its definition gives, on any number of threads; and the tokenizer encodes the corpus, which comes back.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use toklet::threads::Pulse;
use toklet::train::{Options, train};
use toklet::{Pattern, Special, Tokenizer, WordCounts};

type Token = Vec<u8>;

/// The most frequent pair, of equal ones that of the smaller ids, is joined everywhere, from the left; and so on.
fn by_definition(counts: &WordCounts, options: &Options) -> Vec<(Token, Token)> {
    let mut words: Vec<(Vec<Token>, u64)> =
        counts.items(&Pulse::default()).unwrap().iter().map(|(word, n)| (word.iter().map(|byte| vec![*byte]).collect(), *n)).collect();
    let mut ids: BTreeMap<Token, usize> = (0..=255u8).map(|byte| (vec![byte], usize::from(byte))).collect();
    let mut merges = Vec::new();
    while ids.len() < options.vocab_size as usize {
        let mut pairs: BTreeMap<(usize, usize), (u64, Token, Token)> = BTreeMap::new();
        for (word, n) in &words {
            for two in word.windows(2).filter(|two| two[0].len() + two[1].len() <= options.max_token_length.unwrap_or(4_096)) {
                pairs.entry((ids[&two[0]], ids[&two[1]])).or_insert_with(|| (0, two[0].clone(), two[1].clone())).0 += n;
            }
        }
        let best = pairs.into_iter().min_by_key(|(pair, (n, _, _))| (std::cmp::Reverse(*n), *pair));
        let Some((_, (_, left, right))) = best.filter(|(_, (n, _, _))| *n >= options.min_frequency) else { break };
        let (made, fresh) = ([&left[..], &right].concat(), ids.len());
        ids.entry(made.clone()).or_insert(fresh);
        for (word, _) in &mut words {
            let mut at = 0;
            while at + 1 < word.len() {
                if word[at] == left && word[at + 1] == right {
                    word.splice(at..at + 2, [made.clone()]);
                }
                at += 1;
            }
        }
        merges.push((left, right));
    }
    merges
}

fuzz_target!(|input: (Vec<Vec<u8>>, u8, u8, u8)| {
    let (texts, size, min_frequency, longest) = input;
    let letters = |text: &Vec<u8>| text.iter().map(|byte| b"aaabbc \xC3\xA9A1'"[usize::from(byte % 12)]).collect::<Vec<u8>>();
    let texts: Vec<Vec<u8>> = texts.iter().take(50).map(letters).collect();
    let (borrowed, pulse): (Vec<&[u8]>, _) = (texts.iter().map(Vec::as_slice).collect(), Pulse::default());
    let mut options = Options::new(256 + u32::from(size % 40));
    options.min_frequency = u64::from(min_frequency % 3) + 1;
    options.max_token_length = (longest > 0).then_some(usize::from(longest));
    let count = |threads| WordCounts::of_texts(&borrowed, Pattern::new("gpt2").unwrap(), Some(threads), &pulse).unwrap();
    let (one, three) = (count(1), count(3));
    assert_eq!(one.items(&pulse).unwrap(), three.items(&pulse).unwrap());
    if one.is_empty() {
        return;
    }
    let (trained, same) = (train(&one, &options, &pulse).unwrap(), train(&three, &options, &pulse).unwrap());
    assert_eq!(trained.listed(), same.listed());
    assert_eq!(trained.listed(), Some(&by_definition(&one, &options)[..]));
    let tok = Tokenizer::new(trained, "gpt2", &pulse).unwrap();
    for text in borrowed {
        assert_eq!(tok.decoder().bytes(&tok.encode(text, &Special::Text, &pulse).unwrap(), &pulse).unwrap(), text);
    }
});
