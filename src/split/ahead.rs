//! How far ahead of its matches a regular expression reads, where nothing else counts it.
//!
//! What the engine goes back over is counted in steps, and what it reads once and gives out again is the text. What is left is what it reads and lets lie: a
//! look-ahead of any length, a group that is not gone back into, and a part that it leaves to its linear engine, which reads on in hope of more. `.*b|.`
//! reads to the end of a line for each of its characters. So an expression is taken apart when it is compiled. Where it may read ahead by more than a few
//! characters an automaton is made of all that may be read from a place on, in any order of trying (the trail): where that dies, nothing reads on. It is
//! followed state by state, and how many it is in at each byte, all together, is what a search may cost: so much does the engine do at worst, when what it
//! remembers of its automata doesn't suffice.
//!
//! Mostly it needn't be followed. Begun in all of its states at once it tells whether any trail, wherever it came from, goes on for long: if a block of the
//! text is thin, which is to say that all have died before it ends, what begins in the block before it reads at most two blocks. That is asked once for each
//! block, and mostly answered by its first byte.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use fancy_regex::{Assertion, Expr, LookAround};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::primitives::StateID;

use super::walk::{Walk, upon};
use crate::error::Result;

/// How many characters may be read ahead for nothing.
const NEAR: usize = 64;
/// How many times a place may be come by before it counts as one that every step back leads to.
const FEW: usize = 4;
/// How many bytes a block has.
pub(super) const BLOCK: usize = 256;
/// How many states a trail may have for all of them to be begun in at once: three times as many as those of the patterns in use. Where a trail is too large for
/// an automaton, a byte of it counts as many.
const STATES: usize = 1 << 12;
/// What an automaton may be made of; where that isn't enough, all that follows is read.
const AUTOMATON_BYTES: usize = 1 << 24;
/// How many of its states an automaton takes over a byte, on average, that is run backwards: one of so many.
const BACK: usize = 1 << 4;

/// How often what is read ahead may be read for one place at which a match may begin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Dear {
    Never,
    Once,
    /// At every step back.
    Often,
    /// And on every way on, which goes round and round as long as there is text.
    Always,
}

/// An expression that may read far ahead.
pub(super) struct Ahead {
    trail: Option<Trail>,
    pub(super) dear: Dear,
    /// What a byte that it looks back over counts; 0 if it doesn't look far back.
    back: usize,
}

/// A trail's automaton; and where it can be behind each byte, wherever it was before, which is told of one with few states alone.
struct Trail {
    nfa: NFA,
    behind: Option<Box<[Behind]>>,
}

/// Made when it is first asked for.
type Behind = OnceLock<Box<[StateID]>>;

impl Ahead {
    /// Of an expression that has been compiled; nothing if it never reads far.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        let Ok(tree) = Expr::parse_tree(pattern) else { return None };
        let mut reader = Reader { group: usize::MAX };
        reader.group = reader.widest_group(&tree.expr);
        let (mut dear, mut trails) = (Dear::Never, Vec::new());
        for part in alternatives(&tree.expr) {
            let this = reader.dear(part);
            dear = dear.max(this);
            if this != Dear::Never {
                let mut trail = String::new();
                reader.trail(part, &mut trail);
                trails.push(trail);
            }
        }
        let mut behind = Vec::new();
        reader.behind(&tree.expr, &mut behind);
        let back = if behind.is_empty() { 0 } else { automaton(&behind.join("|")).map_or(STATES, |nfa| 1 + nfa.states().len() / BACK) };
        (dear != Dear::Never).then(|| Self { trail: Trail::of(&trails.join("|")), dear, back })
    }

    /// What it costs to read from a place of a text as far as a search that begins there may, counted until it is as much as matters.
    pub(super) fn cost(&self, text: &str, at: usize, most: usize, walk: &mut Walk<'_>) -> Result<usize> {
        let rest = &text.as_bytes()[at..];
        let (read, steps) = match &self.trail {
            Some(trail) => walk.follow(&trail.nfa, &[trail.nfa.start_anchored()], rest, most.saturating_add(1))?,
            None => (rest.len(), rest.len().saturating_mul(STATES)),
        };
        let steps = steps.max(at.saturating_mul(self.back));
        Ok(if self.dear == Dear::Always { steps.saturating_mul(read.max(1)) } else { steps })
    }

    /// Whether nothing that begins before a block, which begins at a place, reads on behind it; and what it costs to know.
    pub(super) fn is_thin(&self, text: &str, block: usize, walk: &mut Walk<'_>) -> Result<(bool, usize)> {
        let Some((first, rest)) = text.as_bytes().get(block..).and_then(<[u8]>::split_first) else { return Ok((true, 0)) };
        match self.trail.as_ref().filter(|_| self.back == 0).and_then(|trail| Some((&trail.nfa, trail.behind(*first)?))) {
            None => Ok((false, 0)),
            Some((nfa, begun)) => {
                let rest = &rest[..rest.len().min(BLOCK - 1)];
                let (read, steps) = walk.follow(nfa, begun, rest, usize::MAX)?;
                Ok((read < rest.len(), steps))
            }
        }
    }
}

fn automaton(trail: &str) -> Option<NFA> {
    let config = NFA::config().nfa_size_limit(Some(AUTOMATON_BYTES)).which_captures(WhichCaptures::None);
    NFA::compiler().configure(config).build(trail).ok()
}

impl Trail {
    fn of(trail: &str) -> Option<Self> {
        let nfa = automaton(trail)?;
        let behind = (nfa.states().len() <= STATES).then(|| (0..=u8::MAX).map(|_| Behind::new()).collect());
        Some(Self { nfa, behind })
    }

    fn behind(&self, byte: u8) -> Option<&[StateID]> {
        let behind = self.behind.as_ref()?.get(usize::from(byte))?;
        let trail = |next: &StateID| self.nfa.is_always_start_anchored() || *next != self.nfa.start_unanchored(); // the way to a start isn't part of the trail
        let next = || self.nfa.states().iter().filter_map(|state| upon(state, byte)).filter(trail).collect::<BTreeSet<_>>();
        Some(behind.get_or_init(|| next().into_iter().collect()))
    }
}

/// The outermost alternatives.
fn alternatives(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Alt(parts) => parts.iter().flat_map(alternatives).collect(),
        Expr::Group(inner) => alternatives(inner),
        other => vec![other],
    }
}

/// Whether the engine goes through an expression by itself, step by step; what has nothing of this is left to the linear one.
fn stepwise(expr: &Expr) -> bool {
    expr.has_descendant_or_self(|part| {
        matches!(
            part,
            Expr::LookAround(..) | Expr::AtomicGroup(_) | Expr::Backref { .. } | Expr::Conditional { .. } | Expr::SubroutineCall(_) | Expr::Absent(_)
        )
    })
}

/// Whether an expression matches nothing wherever nothing else of it matches.
fn may_be_empty(expr: &Expr) -> bool {
    match expr {
        Expr::Empty | Expr::KeepOut => true,
        Expr::Repeat { child, lo, .. } => *lo == 0 || may_be_empty(child),
        Expr::Group(inner) => may_be_empty(inner),
        Expr::AtomicGroup(inner) => may_be_empty(inner),
        Expr::Concat(parts) => parts.iter().all(may_be_empty),
        Expr::Alt(parts) => parts.iter().any(may_be_empty),
        _ => false,
    }
}

/// In how many ways an expression can match at a place, all of which may be tried.
fn ways(expr: &Expr) -> usize {
    match expr {
        Expr::Concat(parts) => parts.iter().map(ways).fold(1, usize::saturating_mul),
        Expr::Alt(parts) => parts.iter().map(ways).fold(0, usize::saturating_add),
        Expr::Group(inner) => ways(inner),
        Expr::Repeat { hi: usize::MAX, .. } => usize::MAX,
        Expr::Repeat { child, lo, hi, .. } => (1 + hi.saturating_sub(*lo)).saturating_mul(ways(child).saturating_pow(u32::try_from(*hi).unwrap_or(u32::MAX))),
        _ => 1,
    }
}

/// Takes an expression apart.
struct Reader {
    /// How many characters what a group has taken may have, which may be asked for again.
    group: usize,
}

impl Reader {
    fn widest_group(&self, expr: &Expr) -> usize {
        let own = if let Expr::Group(inner) = expr { self.width(inner) } else { 0 };
        if expr.is_leaf_node() { own } else { expr.children_iter().map(|child| self.widest_group(child)).fold(own, usize::max) }
    }

    /// How many characters are read at most.
    fn width(&self, expr: &Expr) -> usize {
        match expr {
            Expr::Assertion(Assertion::EndTextIgnoreTrailingNewlines { .. }) => usize::MAX,
            Expr::Empty | Expr::Assertion(_) | Expr::KeepOut | Expr::ContinueFromPreviousMatchEnd | Expr::BackrefExistsCondition { .. } => 0,
            Expr::Any { .. } | Expr::Delegate { .. } => 1,
            Expr::GeneralNewline { .. } => 2,
            Expr::Literal { val, .. } => val.len(),
            Expr::LiteralBytes { bytes } => bytes.len(),
            Expr::Backref { .. } => self.group,
            Expr::Alt(parts) => parts.iter().map(|part| self.width(part)).fold(0, usize::max),
            Expr::Concat(_) | Expr::Conditional { .. } | Expr::Group(_) | Expr::LookAround(..) | Expr::AtomicGroup(_) => {
                expr.children_iter().map(|part| self.width(part)).fold(0, usize::saturating_add)
            }
            Expr::Repeat { child, hi, .. } => self.width(child).saturating_mul(*hi),
            _ => usize::MAX,
        }
    }

    /// Whether what is read is soon part of a match or given up: then a search reads little more than it finds.
    fn tight(&self, expr: &Expr) -> bool {
        if self.width(expr) <= NEAR {
            return true;
        }
        match expr {
            Expr::Group(inner) => self.tight(inner),
            Expr::AtomicGroup(inner) => self.tight(inner),
            Expr::Alt(parts) => parts.iter().all(|part| self.tight(part)),
            Expr::Repeat { child, lo, .. } => (self.width(child) <= NEAR && self.width(child).saturating_mul(*lo) <= NEAR) || (*lo <= 1 && self.tight(child)),
            Expr::Concat(parts) => self.tight_in_turn(parts),
            _ => false,
        }
    }

    /// The same of parts that follow each other: behind the first that is long, nothing may be missing.
    fn tight_in_turn(&self, parts: &[Expr]) -> bool {
        let long = parts.iter().position(|part| self.width(part) > NEAR).unwrap_or(parts.len());
        parts[long..].iter().all(|part| self.tight(part)) && parts.iter().skip(long + 1).all(may_be_empty)
    }

    /// How dear an outermost alternative is.
    fn dear(&self, expr: &Expr) -> Dear {
        if self.tight(expr) {
            return Dear::Never;
        }
        let Expr::Concat(parts) = expr else { return if stepwise(expr) { self.within(expr, 1) } else { Dear::Once } };
        let Some(last) = parts.iter().rposition(stepwise) else { return Dear::Once };
        let (taken, rest) = parts.split_at(last + 1);
        let mut dear = self.in_turn(taken, 1);
        if !self.tight_in_turn(rest) {
            dear = dear.max(often(taken.iter().map(ways).fold(1, usize::saturating_mul)));
        }
        // The engine takes what stands before a look-ahead at the end as one part with it.
        let (ahead, before) = taken.split_last().map_or((&Expr::Empty, taken), |(ahead, before)| (ahead, before));
        let as_one = rest.is_empty() && matches!(ahead, Expr::LookAround(_, LookAround::LookAhead));
        if as_one && !self.tight_in_turn(before) { dear.max(Dear::Once) } else { dear }
    }

    /// How dear a part is that the engine goes through by itself, and comes to in so many ways.
    fn within(&self, expr: &Expr, come: usize) -> Dear {
        match expr {
            _ if self.width(expr) <= NEAR => Dear::Never,
            Expr::LookAround(..) | Expr::AtomicGroup(_) | Expr::Backref { .. } | Expr::Assertion(_) => often(come),
            Expr::Group(inner) => self.within(inner, come),
            Expr::Concat(parts) => self.in_turn(parts, come),
            Expr::Alt(parts) => parts.iter().map(|part| self.within(part, come)).max().unwrap_or(Dear::Never),
            Expr::Repeat { child, hi: ..=1, .. } => self.within(child, come),
            Expr::Repeat { child, .. } if self.within(child, usize::MAX) == Dear::Never => Dear::Never,
            Expr::Repeat { .. } | Expr::Conditional { .. } | Expr::SubroutineCall(_) | Expr::Absent(_) => Dear::Always,
            _ => Dear::Never,
        }
    }

    fn in_turn(&self, parts: &[Expr], mut come: usize) -> Dear {
        let mut dear = Dear::Never;
        for part in parts {
            dear = dear.max(self.within(part, come));
            come = come.saturating_mul(ways(part));
        }
        dear
    }

    /// What is looked back over that may be long.
    fn behind(&self, expr: &Expr, out: &mut Vec<String>) {
        if let Expr::LookAround(inner, LookAround::LookBehind | LookAround::LookBehindNeg) = expr
            && self.width(inner) > NEAR
        {
            let mut trail = String::new();
            self.trail(inner, &mut trail);
            out.push(trail);
        }
        if !expr.is_leaf_node() {
            expr.children_iter().for_each(|child| self.behind(child, out));
        }
    }

    /// Write what may be read: a look-ahead is read or not, and what follows is read behind either; what has no width is always there.
    fn trail(&self, expr: &Expr, out: &mut String) {
        match expr {
            Expr::Assertion(Assertion::EndTextIgnoreTrailingNewlines { .. }) => out.push_str(r"[\r\n]*"),
            Expr::LookAround(_, LookAround::LookBehind | LookAround::LookBehindNeg) => {}
            Expr::Empty | Expr::Assertion(_) | Expr::KeepOut | Expr::ContinueFromPreviousMatchEnd | Expr::BackrefExistsCondition { .. } => {}
            Expr::Any { .. } | Expr::Literal { .. } | Expr::Delegate { .. } => expr.to_str(out, 2),
            Expr::LookAround(inner, _) => self.group(inner, "?", out),
            Expr::AtomicGroup(inner) => self.group(inner, "", out),
            Expr::Group(inner) => self.group(inner, "", out),
            Expr::Repeat { child, lo, hi: usize::MAX, .. } => self.group(child, &format!("{{{lo},}}"), out),
            Expr::Repeat { child, lo, hi, .. } => self.group(child, &format!("{{{lo},{hi}}}"), out),
            Expr::Concat(parts) => parts.iter().for_each(|part| self.trail(part, out)),
            Expr::Alt(parts) => {
                for (turn, part) in parts.iter().enumerate() {
                    out.push_str(if turn == 0 { "(?:" } else { "|" });
                    self.trail(part, out);
                }
                out.push(')');
            }
            Expr::Conditional { condition, true_branch, false_branch } => {
                [condition, true_branch, false_branch].iter().for_each(|part| self.group(part, "?", out))
            }
            other if self.width(other) <= NEAR => out.push_str(&format!("(?s:.){{0,{}}}", self.width(other))),
            _ => out.push_str("(?s:.)*"),
        }
    }

    fn group(&self, inner: &Expr, how_often: &str, out: &mut String) {
        out.push_str("(?:");
        self.trail(inner, out);
        out.push(')');
        out.push_str(how_often);
    }
}

fn often(come: usize) -> Dear {
    if come <= FEW { Dear::Once } else { Dear::Often }
}
