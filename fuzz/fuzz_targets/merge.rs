//! Law: both ways to merge, the short and the long one, give what the definition of BPE gives: again and again the pair of lowest rank, the leftmost one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toklet::Vocabulary;
use toklet::merge::Merger;
use toklet::threads::Pulse;

fn by_definition(vocabulary: &Vocabulary, pretoken: &[u8]) -> Vec<u32> {
    let mut ids: Vec<u32> = pretoken.iter().map(|byte| vocabulary.byte(*byte)).collect();
    let lowest = |ids: &[u32]| {
        let found = ids.windows(2).enumerate().filter_map(|(at, pair)| Some((vocabulary.merge_of(pair[0], pair[1])?, at)));
        found.min_by_key(|(merge, at)| (merge.rank, *at))
    };
    while let Some((merge, at)) = lowest(&ids) {
        ids.splice(at..at + 2, [merge.id]);
    }
    ids
}

fuzz_target!(|input: (Vec<(u8, u8)>, Vec<u8>, u8, bool)| {
    let (choices, pretoken, letters, ranks) = input;
    let letter = |byte: u8| b'a' + byte % (letters % 4 + 1); // few letters, so that many pairs can be joined
    let mut known: Vec<Vec<u8>> = (b'a'..=b'd').map(|byte| vec![byte]).collect();
    let mut merges = Vec::new();
    for (left, right) in choices {
        let pair = (known[usize::from(left) % known.len()].clone(), known[usize::from(right) % known.len()].clone());
        let made = [&pair.0[..], &pair.1].concat();
        if made.len() <= 64 && !merges.contains(&pair) {
            known.extend((!known.contains(&made)).then_some(made));
            merges.push(pair);
        }
    }
    let quiet = Pulse::default();
    let plain = (0..=255u8).map(|byte| vec![byte]).filter(|byte| !known.contains(byte));
    let tokens = plain.chain(known.iter().cloned()).zip(0..).collect();
    let built = if ranks { Vocabulary::new(tokens, None, vec![], true, &quiet) } else { Vocabulary::from_merges(merges, vec![], &quiet) };
    let (vocabulary, mut merger) = (built.expect("these tables fit together"), Merger::default());
    let short: Vec<u8> = pretoken.into_iter().map(letter).collect();
    for text in [short.clone(), short.repeat(129 / short.len().max(1) + 1)] {
        assert_eq!(merger.merge(&vocabulary, &text, &quiet).unwrap(), by_definition(&vocabulary, &text));
    }
});
