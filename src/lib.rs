//! toklet
pub mod count;
pub mod decode;
pub mod encode;
pub mod error;
pub mod formats;
pub mod merge;
mod offsets;
pub mod prompt;
pub mod split;
pub mod threads;
pub mod train;
pub mod unicode;
pub mod vocab;
pub use count::WordCounts;
pub use encode::{Special, Tokenizer};
pub use error::{Error, Result};
pub use split::Pattern;
pub use vocab::Vocabulary;
#[cfg(feature = "python")]
mod python;
