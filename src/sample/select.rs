//! Which ids stay: the k largest, and the smallest set of the largest whose probability reaches p.

use super::exp::exp;
use super::{Logit, add};

/// The ids of the k largest, largest first, the lower id first among equals; a NaN comes behind every number. Time O(V + k log k).
///
/// ```
/// assert_eq!(toklet::sample::top_k(&[1.0_f32, 3.0, 3.0, 2.0], 3), [1, 2, 3]);
/// ```
pub fn top_k<T: Logit>(logits: &[T], k: usize) -> Vec<usize> {
    let descending = |one: &usize, other: &usize| {
        let (x, y) = (logits[*one], logits[*other]);
        // Without a place for NaN the order is no order, and the sort may panic.
        let by_value = y.partial_cmp(&x).unwrap_or_else(|| nan(x).cmp(&nan(y)));
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

fn nan<T: Logit>(x: T) -> bool {
    x.into().is_nan()
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

#[cfg(test)]
mod tests {
    use super::top_k;

    #[test]
    fn nan_has_a_place_in_the_order() {
        assert_eq!(top_k(&[f32::NAN, 1.0, f32::NEG_INFINITY, -f32::NAN, 2.0], 5), [4, 1, 2, 0, 3]);
        for n in [50_u32, 1_000] {
            let row: Vec<f64> = (0..n).map(|id| if id * 7_919 % 5 == 0 { f64::NAN } else { f64::from(id * 7_919 % 101) }).collect();
            let all = top_k(&row, row.len());
            let numbers = row.iter().filter(|x| !x.is_nan()).count();
            assert!(all[..numbers].windows(2).all(|ids| (-row[ids[0]], ids[0]) < (-row[ids[1]], ids[1])));
            assert!(all[numbers..].iter().all(|id| row[*id].is_nan()) && top_k(&row, 20) == all[..20]);
        }
    }
}
