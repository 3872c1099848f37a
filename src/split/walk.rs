//! Follows an automaton over a text by hand, in all the states that it can be in, and counts them: what an engine does at worst.

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

use crate::error::Result;
use crate::threads::Pulse;

/// How many steps there are between two looks at whether to stop: under a millisecond's.
const TICK_EVERY: usize = 1 << 16;

/// Goes over a text as automata do, and counts the steps.
pub(super) struct Walk<'p> {
    pulse: &'p Pulse,
    /// Steps since the last tick.
    steps: usize,
    /// The states that are alive, and those that they lead to; and which of all states have been come by when.
    alive: Vec<StateID>,
    next: Vec<StateID>,
    waiting: Vec<StateID>,
    met: Vec<usize>,
    turn: usize,
}

impl<'p> Walk<'p> {
    pub(super) fn new(pulse: &'p Pulse) -> Self {
        let [alive, next, waiting] = [const { Vec::new() }; 3];
        Self { pulse, steps: 0, alive, next, waiting, met: Vec::new(), turn: 0 }
    }

    /// Count steps, and tick now and then.
    pub(super) fn count(&mut self, steps: usize) -> Result<()> {
        self.steps += steps;
        if self.steps < TICK_EVERY {
            return Ok(());
        }
        self.steps = 0;
        self.pulse.tick(0)
    }

    /// Follow an automaton from its start, or from some states, until it dies or so many steps are done; gives how many bytes it reads, and how many steps that
    /// takes.
    pub(super) fn follow(&mut self, nfa: &NFA, begun: &[StateID], text: &[u8], most: usize) -> Result<(usize, usize)> {
        self.met.resize(nfa.states().len(), 0);
        self.waiting.extend_from_slice(begun);
        let mut steps = self.arrive(nfa);
        for (read, byte) in text.iter().enumerate() {
            if self.alive.is_empty() || steps >= most {
                return Ok((read, steps));
            }
            let before = steps;
            self.waiting.extend(self.alive.iter().filter_map(|state| upon(nfa.state(*state), *byte)));
            steps += self.alive.len() + self.arrive(nfa);
            self.count(steps - before)?;
        }
        Ok((text.len(), steps))
    }

    /// Make the states alive that those that wait lead to; gives how many have been come by.
    fn arrive(&mut self, nfa: &NFA) -> usize {
        let mut steps = 0;
        self.turn += 1;
        while let Some(state) = self.waiting.pop() {
            steps += 1;
            if std::mem::replace(&mut self.met[state], self.turn) == self.turn {
                continue;
            }
            match nfa.state(state) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => self.next.push(state),
                State::Look { next, .. } | State::Capture { next, .. } => self.waiting.push(*next),
                State::Union { alternates } => self.waiting.extend_from_slice(alternates),
                State::BinaryUnion { alt1, alt2 } => self.waiting.extend([*alt1, *alt2]),
                State::Fail | State::Match { .. } => {}
            }
        }
        self.alive.clear();
        std::mem::swap(&mut self.alive, &mut self.next);
        steps
    }
}

/// Where a state leads upon a byte.
pub(super) fn upon(state: &State, byte: u8) -> Option<StateID> {
    match state {
        State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
        State::Sparse(sparse) => sparse.matches_byte(byte),
        State::Dense(dense) => dense.matches_byte(byte),
        _ => None,
    }
}
