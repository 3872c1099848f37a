//! How far ahead of its matches a regular expression reads, where nothing else counts it.
//!
//! What the engine goes back over is counted in steps, and what it reads once and gives out again is the text. What is left is what it reads and lets lie: a
//! look-ahead of any length, a group that is not gone back into, and a part that it leaves to its linear engine, which reads on in hope of more. `.*b|.`
//! reads to the end of a line for each of its characters. So an expression is taken apart when it is compiled. Where it may read ahead by more than a few
//! characters an automaton is made of all that may be read from a place on, in any order of trying (the trail): where that dies, nothing reads on. Run over
//! the text it tells what a search may have cost.
//!
//! Mostly it needn't run. Begun in all of its states at once it tells whether any trail, wherever it came from, goes on for long: if a block of the text is
//! thin, which is to say that all have died before it ends, what begins in the block before it reads at most two blocks. That is asked once for each block,
//! and mostly answered by its first word.

use std::panic::{RefUnwindSafe, UnwindSafe};

use fancy_regex::{Assertion, Expr, LookAround};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{Builder, NFA, State, Transition, WhichCaptures};
use regex_automata::util::pool::Pool;
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input, MatchKind};

/// How many characters may be read ahead for nothing.
const NEAR: usize = 64;
/// How many times a place may be come by before it counts as one that every step back leads to.
const FEW: usize = 4;
/// How many bytes a block has.
pub(super) const BLOCK: usize = 256;
/// How many states a trail may have for all of them to be begun in at once: three times as many as those of the patterns in use.
const STATES: usize = 1 << 12;
/// What a byte counts for so many of a trail's states, all of which may have to be gone through; where the trail is too large for an automaton, for as many as
/// there may be.
const A_STEP: usize = 1 << 6;
const LARGE: usize = STATES / A_STEP;
/// What an automaton may be made of; where that isn't enough, all that follows is read.
const AUTOMATON_BYTES: usize = 1 << 22;

/// How often what is read ahead may be read for one place at which a match may begin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Dear {
    Never,
    Once,
    /// At every step.
    Often,
}

/// The states of an automaton that have been come by, for each thread.
type Caches = Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// An expression that may read far ahead.
pub(super) struct Ahead {
    trail: Option<Trail>,
    /// At every step, not just once for each place at which a match may begin.
    pub(super) often: bool,
    /// It looks back, too.
    back: bool,
}

/// A trail's automaton: anchored, it begins where the trail does, and else anywhere in it.
struct Trail {
    dfa: DFA,
    caches: Caches,
    /// What a byte of it counts, and whether it can be begun in all of its states.
    a_byte: usize,
    anywhere: bool,
}

impl Ahead {
    /// Of an expression that has been compiled; nothing if it never reads far.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        let Ok(tree) = Expr::parse_tree(pattern) else { return None };
        let mut reader = Reader { group: usize::MAX };
        reader.group = reader.widest_group(&tree.expr);
        let (mut often, mut trails) = (false, Vec::new());
        for part in alternatives(&tree.expr) {
            let dear = reader.dear(part);
            often |= dear == Dear::Often;
            if dear != Dear::Never {
                let mut trail = String::new();
                reader.trail(part, &mut trail);
                trails.push(trail);
            }
        }
        let looks_back =
            |part: &Expr| matches!(part, Expr::LookAround(inner, LookAround::LookBehind | LookAround::LookBehindNeg) if reader.width(inner) > NEAR);
        (!trails.is_empty()).then(|| Self { trail: automaton(&trails.join("|")), often, back: tree.expr.has_descendant_or_self(looks_back) })
    }

    /// How many bytes a search that begins at a place of a text may read, counted until there are as many as matter.
    pub(super) fn from(&self, text: &str, at: usize, most: usize) -> usize {
        let forth = self.alive(text, at, most, Anchored::Yes);
        (if self.back { forth.max(at) } else { forth }).saturating_mul(self.trail.as_ref().map_or(LARGE, |trail| trail.a_byte))
    }

    /// Whether nothing that begins before a block, which begins at a place, reads on behind it; and what it costs to know.
    pub(super) fn is_thin(&self, text: &str, block: usize) -> (bool, usize) {
        let Some(trail) = self.trail.as_ref().filter(|trail| trail.anywhere && !self.back) else { return (false, 0) };
        let read = if block >= text.len() { 0 } else { self.alive(text, block, BLOCK, Anchored::No) };
        (read < BLOCK, read * trail.a_byte)
    }

    /// After how many bytes from a place on nothing can be read any more.
    fn alive(&self, text: &str, at: usize, most: usize, begun: Anchored) -> usize {
        let rest = &text.as_bytes()[at..];
        let read = self.trail.as_ref().and_then(|trail| dies(&trail.dfa, &mut trail.caches.get(), &rest[..rest.len().min(most)], begun));
        read.unwrap_or(rest.len().min(most))
    }
}

/// Where an automaton dies in a text.
fn dies(dfa: &DFA, cache: &mut Cache, text: &[u8], begun: Anchored) -> Option<usize> {
    let mut state = dfa.start_state_forward(cache, &Input::new(text).anchored(begun)).ok()?;
    for (read, byte) in text.iter().enumerate() {
        state = dfa.next_state(cache, state, *byte).ok()?;
        if state.is_dead() {
            return Some(read);
        }
    }
    None
}

fn automaton(trail: &str) -> Option<Trail> {
    let config = NFA::config().nfa_size_limit(Some(AUTOMATON_BYTES)).which_captures(WhichCaptures::None);
    let one = NFA::compiler().configure(config).build(trail).ok()?;
    let mut all = Builder::new();
    all.start_pattern().ok()?;
    let (mut met, mut waiting) = (vec![false; one.states().len()], vec![one.start_anchored()]);
    while let Some(state) = waiting.pop() {
        if !std::mem::replace(&mut met[state], true) {
            waiting.extend(behind(one.state(state)).into_iter().map(|part| part.next));
        }
    }
    for state in one.states() {
        let next = behind(state);
        match state {
            State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => all.add_sparse(next),
            State::Match { .. } => all.add_match(),
            _ => all.add_union(next.into_iter().map(|part| part.next).collect()),
        }
        .ok()?;
    }
    let anywhere = (0..met.len()).filter(|state| met[*state]).map(StateID::new).collect::<Result<_, _>>().ok()?;
    let anywhere = all.add_union(anywhere).ok()?;
    all.finish_pattern(one.start_anchored()).ok()?;
    let config = DFA::config().match_kind(MatchKind::All).skip_cache_capacity_check(true);
    let dfa = DFA::builder().configure(config).build_from_nfa(all.build(one.start_anchored(), anywhere).ok()?).ok()?;
    let same = dfa.clone();
    Some(Trail { dfa, caches: Pool::new(Box::new(move || same.create_cache())), a_byte: 1 + met.len() / A_STEP, anywhere: met.len() <= STATES })
}

/// What follows a state, and upon which bytes where it takes one.
fn behind(state: &State) -> Vec<Transition> {
    let anyhow = |next: &StateID| Transition { start: 0, end: u8::MAX, next: *next };
    match state {
        State::ByteRange { trans } => vec![*trans],
        State::Sparse(sparse) => sparse.transitions.to_vec(),
        State::Dense(dense) => (0..=u8::MAX).zip(&dense.transitions).map(|(byte, next)| Transition { start: byte, end: byte, next: *next }).collect(),
        State::Look { next, .. } | State::Capture { next, .. } => vec![anyhow(next)],
        State::Union { alternates } => alternates.iter().map(anyhow).collect(),
        State::BinaryUnion { alt1, alt2 } => vec![anyhow(alt1), anyhow(alt2)],
        State::Fail | State::Match { .. } => Vec::new(),
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
            Expr::Repeat { child, hi, .. } => self.within(child, if *hi > 1 { usize::MAX } else { come }),
            Expr::Conditional { .. } | Expr::SubroutineCall(_) | Expr::Absent(_) => Dear::Often,
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
