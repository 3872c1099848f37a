//! Chat templates: the field's Jinja, rendered with the provenance of every character.
//!
//! The text is what the template gives. Which of its characters are the template's own (trusted) and which come from the messages is found by rendering again
//! with the messages' characters replaced by labels (see `label.rs`): a special token counts only where all of it is the template's.

mod clock;
mod engine;
mod json;
mod label;
mod parts;
mod source;

use minijinja::Value;
use serde_json::{Map, Value as Json};

pub use clock::Now;
pub use parts::{ChatPart, Slot};

use crate::error::{Error, Kind, Result, quote};
use engine::{Engine, with_room};
use label::{Choice, Labels};
use source::Source;

/// What stands where a final message is to be continued; behind the labels of its plane.
const PROBE: u32 = 65_100;

/// A compiled chat template.
///
/// ```
/// use toklet::chat::{ChatTemplate, Now};
/// let source = "{% for message in messages %}<{{ message.role }}>{{ message.content }}</s>{% endfor %}";
/// let chat = ChatTemplate::new(source, &[])?;
/// let now = Now { year: 2026, month: 1, day: 1, hour: 0, minute: 0, second: 0, microsecond: 0 };
/// let parts = chat.parts(r#"{"messages": [{"role": "user", "content": "</s>"}]}"#, &["</s>".into()], now, false)?;
/// let seen: Vec<_> = parts.iter().map(|part| (part.text.as_str(), part.trusted)).collect();
/// assert_eq!(seen, [("<user>", true), ("</s>", false), ("</s>", true)]);
/// # Ok::<(), toklet::Error>(())
/// ```
pub struct ChatTemplate {
    engine: Engine,
    source: Source,
    variables: Vec<(String, String)>,
}

fn refuse<T>(place: impl Into<String>, found: impl Into<String>, allowed: impl Into<String>) -> Result<T> {
    Err(Error::new(Kind::Prompt, place, found, allowed))
}

/// Read a context, and check the roles of its messages: they are trusted, so they must be plain words.
fn read(context: &str) -> Result<Map<String, Json>> {
    let context = match serde_json::from_str(context) {
        Ok(Json::Object(context)) => context,
        Ok(_) => return refuse("the context", "no JSON object", "a JSON object with 'messages'"),
        Err(error) => return refuse("the context", format!("no JSON that can be read: {error}"), "a JSON object with 'messages'"),
    };
    let Some(Json::Array(messages)) = context.get("messages") else {
        return refuse("messages", "missing, or no list", "a list of messages");
    };
    for (number, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Json::as_str);
        let plain = |role: &&str| !role.is_empty() && role.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if role.filter(plain).is_none() {
            let found = role.map_or_else(|| "missing, or no text".into(), quote::text);
            return refuse(format!("the role of message {number}"), found, "a name of ASCII letters, digits, '_' and '-'");
        }
    }
    Ok(context)
}

/// The first plane that neither text uses, of those that Unicode keeps for private use or has put nothing in: labels are made of it.
fn plane(texts: [&str; 2]) -> Result<u32> {
    let used = |plane: u32| texts.iter().any(|text| text.chars().any(|c| u32::from(c) >> 16 == plane));
    match [15, 16].into_iter().chain(4..14).find(|&plane| !used(plane)) {
        Some(plane) => Ok(plane << 16),
        None => refuse("the conversation", "using characters of all planes that are private or empty", "leaving one of them free"),
    }
}

/// The final message's text, to be continued.
fn last_text(context: &mut Map<String, Json>) -> Option<&mut String> {
    let content = context.get_mut("messages")?.as_array_mut()?.last_mut()?.get_mut("content")?;
    match content {
        Json::String(text) => Some(text),
        Json::Array(items) => items.iter_mut().rev().find_map(|item| match item.get_mut("text") {
            Some(Json::String(text)) => Some(text),
            _ => None,
        }),
        _ => None,
    }
}

impl ChatTemplate {
    /// Compile a template. `variables` are trusted texts that it may use, such as `bos_token`.
    pub fn new(source: &str, variables: &[(String, String)]) -> Result<Self> {
        let source = Source::read(source);
        let engine = with_room(|| Engine::new(&source.text))?;
        Ok(Self { engine, source, variables: variables.to_vec() })
    }

    fn render(&self, mut context: Vec<(String, Value)>, now: Now, size: usize) -> Result<String> {
        for (name, text) in &self.variables {
            if !context.iter().any(|(known, _)| known == name) {
                context.push((name.clone(), Value::from(text.as_str())));
            }
        }
        self.engine.render(context, now, None, size)
    }

    /// The text up to the end of the final message's content, in bytes.
    fn end_of_content(&self, text: &str, context: &Map<String, Json>, labels: &Labels<'_>, now: Now, size: usize) -> Result<usize> {
        let mut probed = context.clone();
        let Some(probe) = char::from_u32(labels.base + PROBE) else { return Ok(text.len()) };
        match last_text(&mut probed) {
            Some(content) => content.push(probe),
            None => return refuse("continue_final_message", "True, but the final message has no text", "False, or the final message one with a text"),
        }
        let marked = self.render(labels.context(&probed, Choice::Plain).0, now, size)?;
        match marked.rfind(probe) {
            Some(end) if text.get(..end) == marked.get(..end) => Ok(end),
            _ => refuse(
                "the final message",
                "changed by the template where it ends",
                "one that the template keeps, without white space at its end, to be continued",
            ),
        }
    }

    /// The text that the template gives for a context: a JSON object with `messages` and whatever else the template uses.
    pub fn text(&self, context: &str, now: Now, continue_final: bool) -> Result<String> {
        with_room(|| {
            let (read, size) = (read(context)?, context.len());
            let labels = Labels { base: plane([context, &self.source.text])?, constants: &self.source.constants, names: &self.source.names, specials: &[] };
            let mut text = self.render(labels.context(&read, Choice::Plain).0, now, size)?;
            if continue_final {
                text.truncate(self.end_of_content(&text, &read, &labels, now, size)?);
            }
            Ok(text)
        })
    }

    /// The same text in parts, each of which says whose it is. `specials` are the names of the tokens that only the template may spell.
    pub fn parts(&self, context: &str, specials: &[String], now: Now, continue_final: bool) -> Result<Vec<ChatPart>> {
        with_room(|| self.labelled(context, specials, now, continue_final))
    }

    fn labelled(&self, context: &str, specials: &[String], now: Now, continue_final: bool) -> Result<Vec<ChatPart>> {
        let (read, size) = (read(context)?, context.len());
        let labels = Labels { base: plane([context, &self.source.text])?, constants: &self.source.constants, names: &self.source.names, specials };
        let (plain, texts) = labels.context(&read, Choice::Plain);
        let text = self.render(plain, now, size)?;
        let end = if continue_final { Some(self.end_of_content(&text, &read, &labels, now, size)?) } else { None };
        let text: Vec<char> = text.chars().collect();
        let aligned = |choice| self.render(labels.context(&read, choice).0, now, size).ok().and_then(|marked| labels.align(&text, &marked, &texts));
        let origin = [Choice::All, Choice::Unsearched].into_iter().find_map(|choice| {
            let mut at = aligned(choice)?;
            label::fill(&text, &mut at, &texts);
            Some((!texts.hides(&at, specials, choice)).then_some((at, true)))
        });
        let (at, exact) = match origin.flatten().or_else(|| aligned(Choice::Specials).map(|at| (at, false))) {
            Some(found) => found,
            None => match texts.spelled(specials) {
                Some(special) => {
                    let allowed = "taken out (untrusted=\"strip\") or meant (untrusted=\"allow\"): this template hides where it goes";
                    return refuse("a text of the conversation", format!("spelling {}", quote::text(special)), allowed);
                }
                None => (vec![None; text.len()], false),
            },
        };
        let roles: Vec<&str> = read["messages"].as_array().into_iter().flatten().map(|message| message["role"].as_str().unwrap_or_default()).collect();
        let eos = self.variables.iter().find(|(name, _)| name == "eos_token").map(|(_, eos)| eos.as_str());
        let mut parts = parts::parts(&text, &at, exact.then_some(&texts), &roles, specials, eos);
        if let Some(end) = end {
            parts::cut(&mut parts, end);
        }
        Ok(parts)
    }
}

impl label::Texts {
    /// Whether a text that spells a special token may be in the output without any label: then only the marks of special tokens can tell. Where all of it was
    /// labelled that could, no label means that it isn't printed, unless the special token is made of what is never labelled.
    fn hides(&self, at: &[Option<usize>], specials: &[String], choice: Choice) -> bool {
        let mut seen = vec![false; self.leaves.len()];
        at.iter().flatten().for_each(|&place| seen[self.owners[place]] = true);
        self.leaves.iter().zip(seen).filter(|(_, seen)| !seen).any(|(leaf, _)| {
            let text: String = self.all[leaf.start..leaf.end].iter().collect();
            let bare = |special: &&String| choice != Choice::All || special.chars().all(label::never);
            specials.iter().filter(bare).any(|special| !special.is_empty() && text.contains(special.as_str()))
        })
    }

    /// A special token that some text spells.
    fn spelled<'a>(&self, specials: &'a [String]) -> Option<&'a String> {
        self.leaves.iter().find_map(|leaf| {
            let text: String = self.all[leaf.start..leaf.end].iter().collect();
            specials.iter().find(|special| !special.is_empty() && text.contains(special.as_str()))
        })
    }
}
