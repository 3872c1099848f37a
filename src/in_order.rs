//! Parts of a batch, from workers that end them in any order -> all of it, in order.
//!
//! What is next is copied behind the rest as soon as it is there, and its memory goes to the next part: so little memory is touched for the first time, and
//! the parts need not be joined when all else is done. What comes early is kept until its turn.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::pages;

/// The ids of some texts, and where each text's end.
#[derive(Default)]
pub(crate) struct Encoded {
    pub(crate) ids: Vec<u32>,
    pub(crate) ends: Vec<usize>,
}

/// What is joined so far, and what isn't its turn yet. Only one worker at a time joins; the others leave their parts to it and go on.
pub(crate) struct InOrder {
    joined: Mutex<Encoded>,
    waiting: Mutex<Waiting>,
    jobs: usize,
}

/// The parts whose turn comes, and memory for others.
#[derive(Default)]
struct Waiting {
    parts: BTreeMap<usize, Encoded>,
    next: usize,
    spare: Vec<Encoded>,
}

impl InOrder {
    /// Begin to join the parts of so many jobs, whose texts have so many bytes.
    pub(crate) fn new(jobs: usize, bytes: usize) -> Self {
        let mut joined = Encoded::default();
        if jobs > 1 {
            pages::make_room_up_to(&mut joined.ids, bytes);
        }
        Self { joined: Mutex::new(joined), waiting: Mutex::default(), jobs }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty part for texts of so many bytes, in memory that has been used, if there is such.
    pub(crate) fn part(&self, bytes: usize) -> Encoded {
        let spare = self.waiting().spare.pop();
        let mut part = spare.unwrap_or_default();
        pages::make_room_up_to(&mut part.ids, bytes);
        part
    }

    /// Add the part of a job, and join what can be joined by now.
    pub(crate) fn add(&self, job: usize, part: Encoded) {
        self.waiting().parts.insert(job, part);
        // Who comes while another joins leaves; so who has joined looks again.
        while self.waiting().is_due()
            && let Ok(mut joined) = self.joined.try_lock()
        {
            while let Some(mut part) = self.due() {
                if self.jobs == 1 {
                    *joined = part;
                    return;
                }
                let before = joined.ids.len();
                joined.ids.extend_from_slice(&part.ids);
                joined.ends.extend(part.ends.iter().map(|end| before + end));
                part.ids.clear();
                part.ends.clear();
                self.waiting().spare.push(part);
            }
        }
    }

    /// Take out the part whose turn it is.
    fn due(&self) -> Option<Encoded> {
        let mut waiting = self.waiting();
        let next = waiting.next;
        let part = waiting.parts.remove(&next)?;
        waiting.next += 1;
        Some(part)
    }

    /// All of it.
    pub(crate) fn all(self) -> Encoded {
        self.joined.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_due(&self) -> bool {
        self.parts.contains_key(&self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;
    use crate::error::Result;
    use crate::threads::parallel;

    #[test]
    fn parts_come_in_order_whoever_ends_first() -> Result<()> {
        for seed in 0..50 {
            let mut next = chance(seed);
            let texts: Vec<Vec<u32>> = (0..1 + next(60)).map(|_| (0..next(3000)).map(|_| u32::try_from(next(1 << 20)).unwrap_or_default()).collect()).collect();
            let joined = InOrder::new(texts.len(), 2 * texts.len());
            parallel(1 + next(4), texts.len(), |job| {
                let mut part = joined.part(4);
                part.ids.extend(&texts[job]);
                part.ends.extend([0, texts[job].len()]);
                joined.add(job, part);
                Ok(())
            })?;
            let (all, mut end) = (joined.all(), 0);
            assert_eq!(all.ids, texts.concat());
            let ends = texts.iter().flat_map(|text| {
                end += text.len();
                [end - text.len(), end]
            });
            assert_eq!(all.ends, ends.collect::<Vec<_>>());
        }
        Ok(())
    }

    #[test]
    fn what_comes_early_waits() {
        let joined = InOrder::new(3, 0);
        let part = |id| Encoded { ids: vec![id], ends: vec![1] };
        [2, 0, 1].into_iter().for_each(|job| joined.add(job, part(u32::try_from(job).unwrap_or_default())));
        let all = joined.all();
        assert_eq!((all.ids, all.ends), (vec![0, 1, 2], vec![1, 2, 3]));
    }
}
