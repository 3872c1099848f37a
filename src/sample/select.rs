//! Which ids stay: the k largest, and the smallest set of the largest whose probability reaches p.

use std::cmp::Ordering;

use super::exp::exp;
use super::{Logit, add};

/// The ids of the k largest, largest first, the lower id first among equals. Time O(V + k log k).
///
/// ```
/// assert_eq!(toklet::sample::top_k(&[1.0_f32, 3.0, 3.0, 2.0], 3), [1, 2, 3]);
/// ```
pub fn top_k<T: Logit>(logits: &[T], k: usize) -> Vec<usize> {
    let descending = |one: &usize, other: &usize| {
        let by_value = logits[*other].partial_cmp(&logits[*one]).unwrap_or(Ordering::Equal);
        by_value.then(one.cmp(other))
    };
    let mut ids: Vec<usize> = (0..logits.len()).collect();
    if k < ids.len() {
        ids.select_nth_unstable_by(k, descending);
        ids.truncate(k);
    }
    ids.sort_unstable_by(descending);
    ids
}

/// Of ids in falling order, the first ones whose weight reaches p times the weight of all; the one that reaches it stays.
pub(super) fn top_p(x: &[f64], mut ids: Vec<usize>, p: f64) -> Vec<usize> {
    if p >= 1.0 {
        return ids;
    }
    let weights: Vec<f64> = ids.iter().map(|id| exp(x[*id])).collect();
    let (needed, mut mass) = (p * add(&weights), 0.0);
    let reached = |weight: &f64| {
        mass += weight;
        mass >= needed
    };
    let kept = weights.iter().position(reached).map_or(ids.len(), |last| last + 1);
    ids.truncate(kept);
    ids
}
