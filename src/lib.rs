//! Everything around a language model except the model.
//!
//! ```text
//! text ──split──▶ pretokens ──merge──▶ ids ──▶ (your model) ──▶ logits ──sample──▶ id ──decode──▶ text
//! corpus ─split─▶ word counts ──train──▶ vocabulary        examples ──prompt──▶ parts ──encode──▶ ids
//! ```
//!
//! Six verbs (split, merge, train, sample, decode, prompt) and one noun that they share (vocabulary). The main types are [`Pattern`], [`Vocabulary`],
//! [`Tokenizer`], [`WordCounts`], [`sample::Sampler`] and [`prompt::Template`].
//!
//! Train a tokenizer, and use it:
//!
//! ```
//! use toklet::{Pattern, Special, Tokenizer, WordCounts, threads::Pulse, train::{Options, train}};
//!
//! let quiet = Pulse::default(); // watches nothing and never stops; see `threads` for one that does
//! let counts = WordCounts::of_texts(&[b"low lower lowest slow"], Pattern::new("gpt2")?, None, &quiet)?;
//! let vocabulary = train(&counts, &Options::new(260), &quiet)?;
//! let tok = Tokenizer::new(vocabulary, "gpt2", &quiet)?;
//! let ids = tok.encode("slower, lower".as_bytes(), &Special::Text, &quiet)?;
//! assert_eq!(tok.decoder().text(&ids, true, &quiet)?, "slower, lower");
//! # Ok::<(), toklet::Error>(())
//! ```
//!
//! Untrusted input: any bytes are text, of any length; time is linear in them, but for `n log n` inside one pretoken; memory is bounded by a small multiple of
//! them. What can't be done is an [`Error`], never a panic. Text never becomes a special token by itself.
//!
//! The modules, in the data's order: [`unicode`], [`text`], [`pipeline`], [`split`], [`vocab`], [`merge`], [`special`], [`encode`], [`counter`], [`chunks`],
//! [`decode`], [`count`], [`train`], [`formats`], [`philox`], [`sample`], [`prompt`], [`chat`]; and [`threads`] and [`error`], which all of them use.

mod boundary;
#[cfg(test)]
mod chance;
mod charsmap;
pub mod chat;
pub mod chunks;
pub mod count;
pub mod counter;
pub mod decode;
mod dropout;
pub mod encode;
pub mod error;
pub mod formats;
mod in_order;
mod limit;
mod lookup;
pub mod merge;
mod newer;
mod normalize;
mod offsets;
mod pages;
mod pairs;
pub mod philox;
pub mod pipeline;
mod pretokenize;
pub mod prompt;
#[cfg(feature = "python")]
mod python;
pub mod sample;
pub mod special;
pub mod split;
pub mod text;
pub mod threads;
pub mod train;
pub mod unicode;
pub mod vocab;
#[cfg(target_arch = "x86_64")]
mod width;

pub use count::WordCounts;
pub use encode::Tokenizer;
pub use error::{Error, Result};
pub use special::Special;
pub use split::Pattern;
pub use vocab::Vocabulary;
