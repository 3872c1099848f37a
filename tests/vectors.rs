//! The core against the vectors that the reference made (`tools/vectors`): the same cases that the Python tests hold both backends to.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation)] // a vector that can't be read is a failed test

use serde_json::Value;
use toklet::prompt::{Part, Template, few_shot};
use toklet::sample::{Input, Mask, Sampler, Settings, Source, Step, log_softmax, softmax};
use toklet::threads::Pulse;
use toklet::train::{Options, Ties, train};
use toklet::{Pattern, Special, Tokenizer, Vocabulary, WordCounts};

fn cases(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap().clone();
    assert!(cases.len() > 10, "{name}.json holds {} cases", cases.len());
    cases
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(|item| text(item).to_owned()).collect()
}

fn hex(value: &Value) -> Vec<u8> {
    text(value).as_bytes().chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn pairs(value: &Value) -> Vec<(Vec<u8>, Vec<u8>)> {
    list(value).iter().map(|pair| (hex(&pair[0]), hex(&pair[1]))).collect()
}

fn integers<T: TryFrom<u64>>(value: &Value) -> Vec<T> {
    list(value).iter().map(|item| T::try_from(item.as_u64().unwrap()).ok().unwrap()).collect()
}

fn double(value: &Value) -> f64 {
    f64::from_bits(u64::from_str_radix(text(value), 16).unwrap())
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn doubles(value: &Value) -> Vec<f64> {
    list(value).iter().map(double).collect()
}

fn parts(value: &Value) -> Vec<Part> {
    let part = |part: &Value| {
        let (text, role, slot) = (text(&part[0]).to_owned(), part[2].as_str().map(str::to_owned), part[4].as_str().map(str::to_owned));
        Part { text, trusted: part[1].as_bool().unwrap(), role, message: part[3].as_u64().map(|n| n as usize), slot }
    };
    list(value).iter().map(part).collect()
}

#[test]
fn split() {
    for case in cases("split") {
        let (pattern, data) = (Pattern::new(text(&case["pattern"])).unwrap(), hex(&case["text"]));
        let found: Vec<Vec<u8>> = pattern.split(&data).unwrap().into_iter().map(<[u8]>::to_vec).collect();
        assert_eq!(found, list(&case["pretokens"]).iter().map(hex).collect::<Vec<_>>(), "{case}");
    }
}

#[test]
fn encode() {
    let quiet = Pulse::default();
    for vocabulary in cases("encode") {
        let (merges, specials) = (pairs(&vocabulary["merges"]), texts(&vocabulary["special_tokens"]));
        let tok = Tokenizer::from_merges(merges, specials, text(&vocabulary["pattern"]), &quiet).unwrap();
        for case in list(&vocabulary["cases"]) {
            let data = hex(&case["text"]);
            let (ids, offsets) = tok.encode_with_offsets(&data, &Special::Text, true, &quiet).unwrap();
            assert_eq!((ids, offsets), (integers(&case["ids"]), integers(&case["offsets"])), "{case}");
            assert_eq!(tok.encode(&data, &Special::Allow, &quiet).unwrap(), integers::<u32>(&case["allow"]), "{case}");
            let refused = tok.encode(&data, &Special::Error, &quiet).err().map(|error| error.to_string());
            assert_eq!(refused.as_deref(), case["error"].as_str(), "{case}");
        }
    }
}

#[test]
fn ranks() {
    let quiet = Pulse::default();
    for vocabulary in cases("ranks") {
        let longer = list(&vocabulary["tokens"]).iter().map(|token| (hex(&token[0]), u32::try_from(token[1].as_u64().unwrap()).unwrap()));
        let tokens = (0..=255u8).map(|byte| (vec![byte], 255 - u32::from(byte))).chain(longer).collect();
        let vocabulary_of = Vocabulary::new(tokens, None, vec![("<s>".into(), 400)], true, &quiet).unwrap();
        let tok = Tokenizer::new(vocabulary_of, text(&vocabulary["pattern"]), &quiet).unwrap();
        assert_eq!(toklet::merge::merges(tok.vocabulary(), &quiet).unwrap(), pairs(&vocabulary["merges"]));
        for case in list(&vocabulary["cases"]) {
            let ids = tok.encode(&hex(&case["text"]), &Special::Text, &quiet).unwrap();
            assert_eq!(ids, integers::<u32>(&case["ids"]), "{case}");
        }
    }
}

#[test]
fn training() {
    let quiet = Pulse::default();
    for case in cases("train") {
        let mut counts = WordCounts::new(Pattern::new("gpt2").unwrap());
        for word in list(&case["words"]) {
            counts.add_word(&hex(&word[0]), word[1].as_u64().unwrap(), &quiet).unwrap();
        }
        let options = Options {
            special_tokens: texts(&case["special_tokens"]),
            min_frequency: case["min_frequency"].as_u64().unwrap(),
            max_token_length: case["max_token_length"].as_u64().map(|length| usize::try_from(length).unwrap()),
            ties: Ties::named(text(&case["ties"])).unwrap(),
            ..Options::new(u32::try_from(case["vocab_size"].as_u64().unwrap()).unwrap())
        };
        let vocabulary = train(&counts, &options, &quiet).unwrap();
        assert_eq!(vocabulary.listed().unwrap(), pairs(&case["merges"]), "{case}");
    }
}

/// The settings of a JSON object: what it doesn't name is the default.
fn settings(given: &Value) -> Settings {
    let mut made = Settings::default();
    for (name, value) in given.as_object().unwrap() {
        let (number, whole) = (|| double(value), || value.as_u64().unwrap());
        let length = || value.as_u64().map(|n| usize::try_from(n).unwrap());
        let maybe = || (!value.is_null()).then(|| double(value));
        match name.as_str() {
            "temperature" => made.temperature = number(),
            "top_k" => made.top_k = length(),
            "top_p" => made.top_p = maybe(),
            "min_p" => made.min_p = maybe(),
            "seed" => made.seed = whole(),
            "typical_p" => made.typical_p = maybe(),
            "top_n_sigma" => made.top_n_sigma = maybe(),
            "xtc_probability" => made.xtc_probability = number(),
            "xtc_threshold" => made.xtc_threshold = number(),
            "repetition_penalty" => made.repetition_penalty = number(),
            "presence_penalty" => made.presence_penalty = number(),
            "frequency_penalty" => made.frequency_penalty = number(),
            "penalty_last_n" => made.penalty_last_n = length(),
            "dry_multiplier" => made.dry_multiplier = number(),
            "dry_base" => made.dry_base = number(),
            "dry_allowed_length" => made.dry_allowed_length = whole(),
            "dry_last_n" => made.dry_last_n = length(),
            "dry_sequence_breakers" => made.dry_sequence_breakers = integers(value),
            "mirostat" => made.mirostat = u8::try_from(whole()).unwrap(),
            "mirostat_tau" => made.mirostat_tau = number(),
            "mirostat_eta" => made.mirostat_eta = number(),
            "mirostat_mu" => made.mirostat_mu = maybe(),
            "logit_bias" => made.logit_bias = value.as_object().into_iter().flatten().map(|(id, x)| (id.parse().unwrap(), double(x))).collect(),
            "order" if value.is_string() => made.order = Step::order(text(value)).unwrap(),
            "order" => made.order = texts(value).iter().map(|name| Step::named(name).unwrap()).collect(),
            other => panic!("{other}"),
        }
    }
    made
}

/// What a case's settings make of a row, as singles or as doubles.
fn sampled<V: toklet::sample::Value>(case: &Value, row: &[V]) {
    let sampler = Sampler::new(settings(&case["settings"])).unwrap();
    let (history, words) = (integers::<u32>(&case["history"]), case["mask"].as_array().map(|_| integers::<u32>(&case["mask"])));
    let mask = words.as_ref().map_or(Mask::All, |words| Mask::Words(words));
    let input = |position| Input { row: Source::Plain(row), mask, history: &history, position, index: 0 };
    let positions = integers::<u64>(&case["positions"]);
    let ids: Vec<usize> = positions.iter().map(|position| sampler.sample(&input(*position)).unwrap()).collect();
    assert_eq!(ids, integers::<usize>(&case["ids"]), "{case}");
    if !case["distribution"].is_null() {
        assert_eq!(bits(&sampler.distribution(&input(positions[0])).unwrap()), bits(&doubles(&case["distribution"])), "{case}");
    }
}

#[test]
fn softmax_and_its_logarithm() {
    for case in cases("softmax") {
        let row = doubles(&case["row"]);
        let row = Source::Plain(&row[..]);
        assert_eq!(bits(&softmax(row, double(&case["temperature"]), 0).unwrap()), bits(&doubles(&case["softmax"])), "{case}");
        assert_eq!(bits(&log_softmax(row, 0).unwrap()), bits(&doubles(&case["log_softmax"])), "{case}");
    }
}

#[test]
fn sample() {
    for case in cases("sample").into_iter().chain(cases("streams")) {
        let row = doubles(&case["row"]);
        match case["single"].as_bool() {
            Some(true) => sampled(&case, &row.iter().map(|x| *x as f32).collect::<Vec<_>>()),
            _ => sampled(&case, &row),
        }
    }
}

#[test]
fn philox() {
    for case in cases("philox") {
        if case["words"].is_null() {
            let purpose = u32::try_from(case["purpose"].as_u64().unwrap()).unwrap();
            let number = toklet::philox::uniform(case["seed"].as_u64().unwrap(), case["position"].as_u64().unwrap(), purpose);
            assert_eq!(number.to_bits(), double(&case["uniform"]).to_bits(), "{case}");
        } else {
            let (counter, key) = (integers::<u32>(&case["counter"]), integers::<u32>(&case["key"]));
            let words = toklet::philox::philox(counter.try_into().unwrap(), key.try_into().unwrap());
            assert_eq!(words.to_vec(), integers::<u32>(&case["words"]), "{case}");
        }
    }
}

fn values(value: &Value) -> Vec<(String, String)> {
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect()
}

#[test]
fn prompt() {
    let quiet = Pulse::default();
    for case in cases("prompt") {
        if text(&case["kind"]) == "encode_parts" {
            let tok = Tokenizer::from_merges(pairs(&case["merges"]), texts(&case["special_tokens"]), "o200k", &quiet).unwrap();
            assert_eq!(tok.encode_parts(&parts(&case["parts"]), &quiet).unwrap(), integers::<u32>(&case["ids"]), "{case}");
            continue;
        }
        let found = Template::new(text(&case["source"])).and_then(|template| {
            if text(&case["kind"]) == "template" {
                return template.parts(&values(&case["values"]), None);
            }
            let examples: Vec<_> = list(&case["examples"]).iter().map(values).collect();
            let query = (!case["query"].is_null()).then(|| values(&case["query"]));
            few_shot(&template, &examples, text(&case["separator"]), query.as_deref(), case["stop_before"].as_str())
        });
        match found {
            Ok(found) => assert_eq!(found, parts(&case["parts"]), "{case}"),
            Err(error) => assert_eq!(Some(error.to_string().as_str()), case["error"].as_str(), "{case}"),
        }
    }
}

#[test]
fn parts_of_prompts() {
    let quiet = Pulse::default();
    for vocabulary in cases("parts") {
        let tok = Tokenizer::from_merges(pairs(&vocabulary["merges"]), texts(&vocabulary["special_tokens"]), text(&vocabulary["pattern"]), &quiet).unwrap();
        for case in list(&vocabulary["cases"]) {
            let part = |part: &Value| match part[1].as_bool() {
                Some(trusted) => vec![Part { text: text(&part[0]).into(), trusted, ..Part::default() }],
                None => vec![Part::default(), Part::trusted(text(&part[0])), Part::default()], // a special token by name
            };
            let given: Vec<Part> = list(&case["parts"]).iter().flat_map(part).collect();
            assert_eq!(tok.encode_parts(&given, &quiet).unwrap(), integers::<u32>(&case["ids"]), "{case}");
        }
    }
}
