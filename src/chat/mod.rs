//! Chat templates: the field's Jinja, rendered with the provenance of every character.
//!
//! The text is what the template gives. Which of its characters are the template's own (trusted) and which come from the messages is found by rendering again
//! with the messages' characters replaced by labels (see `label.rs`): a special token counts only where all of it is the template's.

mod align;
mod bounds;
mod clock;
mod engine;
mod json;
mod label;
mod parts;
mod percent;
mod source;

use minijinja::Value;
use serde_json::{Map, Value as Json};

pub use clock::Now;
pub use parts::{ChatPart, Slot};

use crate::error::{Error, Kind, Result, quote};
use align::Run;
use engine::{Engine, with_room};
use label::{Choice, Labels, Plan, Texts};
use parts::About;
use source::Source;

/// The names under which templates look for what a model thought before it answered: what has one has the first two.
const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// A compiled chat template.
///
/// ```
/// use toklet::chat::{ChatTemplate, Context, Now};
/// let source = "{% for message in messages %}<{{ message.role }}>{{ message.content }}</s>{% endfor %}";
/// let chat = ChatTemplate::new(source, &[])?;
/// let now = Now { year: 2026, month: 1, day: 1, hour: 0, minute: 0, second: 0, microsecond: 0 };
/// let context = Context::read(r#"{"messages": [{"role": "user", "content": "</s>"}]}"#)?;
/// let parts = chat.parts(&context, &["</s>".into()], now, false)?;
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

/// What a template is rendered with: `messages` and whatever else it uses, as JSON has it.
#[derive(Clone, Debug)]
pub struct Context {
    given: Map<String, Json>,
    /// About how many bytes it holds.
    size: usize,
}

impl Context {
    /// Read a context from a JSON object.
    pub fn read(json: &str) -> Result<Self> {
        match serde_json::from_str(json) {
            Ok(Json::Object(given)) => Self::new(given, json.len()),
            Ok(_) => refuse("the context", "no JSON object", "a JSON object with 'messages'"),
            Err(error) => refuse("the context", format!("no JSON that can be read: {error}"), "a JSON object with 'messages'"),
        }
    }

    /// Take a context, and check the roles of its messages: they are trusted, so they must be plain words.
    pub(crate) fn new(mut given: Map<String, Json>, size: usize) -> Result<Self> {
        let Some(Json::Array(messages)) = given.get_mut("messages") else {
            return refuse("messages", "missing, or no list", "a list of messages");
        };
        for (number, message) in messages.iter_mut().enumerate() {
            let role = message.get("role").and_then(Json::as_str);
            let plain = |role: &&str| !role.is_empty() && role.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            if role.filter(plain).is_none() {
                let found = role.map_or_else(|| "missing, or no text".into(), quote::text);
                return refuse(format!("the role of message {number}"), found, "a name of ASCII letters, digits, '_' and '-'");
            }
            let reasoning = REASONING.iter().find_map(|name| message.get(name).filter(|value| !value.is_null()).cloned());
            if let (Some(reasoning), Some(message)) = (reasoning, message.as_object_mut()) {
                message.entry("thinking").or_insert_with(|| reasoning.clone());
                message.insert("reasoning_content".into(), reasoning);
            }
        }
        Ok(Self { given, size })
    }

    /// The roles of the messages.
    fn roles(&self) -> Vec<&str> {
        self.given["messages"].as_array().into_iter().flatten().map(|message| message["role"].as_str().unwrap_or_default()).collect()
    }
}

/// The first plane that neither the texts nor the source use, of those that Unicode keeps for private use or has put nothing in: labels are made of it.
fn plane(texts: &Texts<'_>, source: &str) -> Result<u32> {
    let used = source.chars().fold(texts.planes, |planes, c| planes | 1 << (u32::from(c) >> 16));
    match [15, 16].into_iter().chain(4..14).find(|&plane| used >> plane & 1 == 0) {
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
        if source.contains(bounds::CHECK) {
            return refuse("the chat template", format!("using {}", quote::text(bounds::CHECK)), "without that name, which is the engine's own");
        }
        let source = Source::read(source);
        let engine = with_room(|| Engine::new(&source.text))?;
        Ok(Self { engine, source, variables: variables.to_vec() })
    }

    /// The text that the template gives for a context.
    pub fn text(&self, context: &Context, now: Now, continue_final: bool) -> Result<String> {
        self.with_stack(|| {
            let mut text = self.plain(&context.given, now, context.size)?;
            if continue_final {
                text.truncate(self.end_of_content(&text, context, now)?);
            }
            Ok(text)
        })
    }

    /// The same text in parts, each of which says whose it is. `specials` are the names of the tokens that only the template may spell.
    pub fn parts(&self, context: &Context, specials: &[String], now: Now, continue_final: bool) -> Result<Vec<ChatPart>> {
        self.with_stack(|| {
            let text = self.plain(&context.given, now, context.size)?;
            let mut parts = self.cut(&text, context, specials, now)?;
            if continue_final {
                parts::cut(&mut parts, self.end_of_content(&text, context, now)?);
            }
            Ok(parts)
        })
    }

    /// Work on the caller's stack, if the template can't make the engine recurse; else with room.
    fn with_stack<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        if self.source.flat { work() } else { with_room(work) }
    }

    fn render(&self, mut context: Vec<(String, Value)>, now: Now, marks: Option<[char; 2]>, size: usize) -> Result<String> {
        for (name, text) in &self.variables {
            if !context.iter().any(|(known, _)| known == name) {
                context.push((name.clone(), Value::from(text.as_str())));
            }
        }
        self.engine.render(context, now, marks, size)
    }

    /// The text.
    fn plain(&self, given: &Map<String, Json>, now: Now, size: usize) -> Result<String> {
        self.render(given.iter().map(|(name, json)| (name.clone(), engine::value_of(json))).collect(), now, None, size)
    }

    /// The text up to the end of the final message's content, in bytes.
    fn end_of_content(&self, text: &str, context: &Context, now: Now) -> Result<usize> {
        let base = plane(&Texts::read(&context.given), &self.source.text)?;
        let (mut probed, probe) = (context.given.clone(), char::from_u32(base + label::PROBE).unwrap_or_default());
        match last_text(&mut probed) {
            Some(content) => content.push(probe),
            None => return refuse("continue_final_message", "True, but the final message has no text", "False, or the final message one with a text"),
        }
        let marked = self.plain(&probed, now, context.size)?;
        match marked.rfind(probe) {
            Some(end) if text.get(..end) == marked.get(..end) => Ok(end),
            _ => refuse(
                "the final message",
                "changed by the template where it ends",
                "one that the template keeps, without white space at its end, to be continued",
            ),
        }
    }

    /// Cut the text into parts: try the labels that tell most first.
    fn cut(&self, text: &str, context: &Context, specials: &[String], now: Now) -> Result<Vec<ChatPart>> {
        let texts = Texts::read(&context.given);
        let labels = Labels { base: plane(&texts, &self.source.text)?, constants: &self.source.constants, names: &self.source.names, specials };
        let marks = label::MARKS.map(|mark| char::from_u32(labels.base + mark).unwrap_or_default());
        let marks = Some(marks).filter(|_| self.source.spans);
        let (roles, eos) = (context.roles(), self.variables.iter().find(|(name, _)| name == "eos_token").map(|(_, eos)| eos.as_str()));
        let about = About { roles: &roles, specials, eos };
        for plan in plans(&labels, &texts) {
            let Ok(marked) = self.render(labels.context(&context.given, &texts, plan), now, marks, context.size) else { continue };
            let Some(mut aligned) = labels.align(text, &marked, &texts) else { continue };
            if plan.messages == Choice::Specials {
                return Ok(parts::parts(text, &aligned.runs, None, &[], &about));
            }
            aligned.grow(text, &texts);
            if !texts.hides(&aligned.runs, specials, plan) {
                return Ok(parts::parts(text, &aligned.runs, Some(&texts), &aligned.generated, &about));
            }
        }
        match texts.spelled(specials) {
            Some(special) => {
                let allowed = "taken out (untrusted=\"strip\") or meant (untrusted=\"allow\"): this template hides where it goes";
                refuse("a text of the conversation", format!("spelling {}", quote::text(special)), allowed)
            }
            None => Ok(parts::parts(text, &[], None, &[], &about)),
        }
    }
}

/// The ways to label, the one that tells most first. A template may look at tools more closely than at messages: so these come first together, then alone.
fn plans(labels: &Labels<'_>, texts: &Texts<'_>) -> impl Iterator<Item = Plan> {
    use Choice::{All, Every, Silent, Specials, Unsearched};
    let least = if !texts.silent.is_empty() { 0 } else { 2 - usize::from(labels.shy(texts)) }; // what would label no more than the next
    let ways = [(Silent, All), (Every, All), (All, All), (Unsearched, Unsearched), (All, Specials), (Unsearched, Specials), (Specials, Specials)];
    ways.into_iter().skip(least).map(|(messages, others)| Plan { messages, others })
}

impl Texts<'_> {
    /// Whether a text that spells a special token may be in the output without any label: then only the marks of special tokens can tell. Where all of it was
    /// labelled that could, no label means that it isn't printed, unless the special token is made of what is never labelled.
    fn hides(&self, runs: &[Run], specials: &[String], plan: Plan) -> bool {
        let mut seen = vec![false; self.leaves.len()];
        runs.iter().filter_map(|run| run.leaf).for_each(|leaf| seen[leaf] = true);
        self.leaves.iter().zip(seen).filter(|(_, seen)| !seen).any(|(leaf, _)| {
            let bare = |special: &&String| match plan.choice(leaf) {
                Choice::Specials => false,
                Choice::Unsearched => true,
                Choice::All | Choice::Every | Choice::Silent => special.chars().all(label::never),
            };
            specials.iter().filter(bare).any(|special| !special.is_empty() && leaf.text.contains(special.as_str()))
        })
    }

    /// A special token that some text spells.
    fn spelled<'a>(&self, specials: &'a [String]) -> Option<&'a String> {
        let mut texts = self.leaves.iter().map(|leaf| leaf.text);
        texts.find_map(|text| specials.iter().find(|special| !special.is_empty() && text.contains(special.as_str())))
    }
}
