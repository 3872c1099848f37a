//! Where a pair stands: slots in ascending order, kept as the steps between them, seven bits a byte. Most steps take one byte or two, where a slot takes four.
//!
//! What did not work: chains of chunks of 28 bytes in one memory for all lists spare the allocations, a seventh of the time on code, and cost as much where
//! they are written and read: on code nothing was won, and many scripts took a fifth longer.

#[derive(Default)]
pub(super) struct Places {
    steps: Vec<u8>,
    last: u32,
}

impl Places {
    /// No places yet, but room for `places`, if they lie close together.
    pub(super) fn with_room(places: usize) -> Self {
        Self { steps: Vec::with_capacity(places), last: 0 }
    }

    /// Add a place behind the last one.
    pub(super) fn push(&mut self, place: u32) {
        let mut step = place.wrapping_sub(std::mem::replace(&mut self.last, place));
        while step >= 0x80 {
            self.steps.push(step.to_le_bytes()[0] | 0x80);
            step >>= 7;
        }
        self.steps.push(step.to_le_bytes()[0]);
    }

    /// Add the places of a later piece: but for the first, they are the same steps.
    pub(super) fn append(&mut self, later: Self) {
        let mut steps = later.steps.iter();
        let Some(first) = next(&mut steps, 0) else { return };
        self.steps.reserve_exact(later.steps.len());
        self.push(first);
        self.steps.extend_from_slice(steps.as_slice());
        self.last = later.last;
    }

    /// The places, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let (mut steps, mut place) = (self.steps.iter(), 0);
        std::iter::from_fn(move || {
            place = next(&mut steps, place)?;
            Some(place)
        })
    }
}

/// The place that the next step leads to.
fn next(steps: &mut std::slice::Iter<'_, u8>, place: u32) -> Option<u32> {
    let (mut step, mut shift) = (0, 0);
    loop {
        let byte = *steps.next()?;
        step |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(place.wrapping_add(step));
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back() {
        let expected = [0, 1, 127, 128, 255, 1 << 14, (1 << 14) + 1, 1 << 21, 1 << 28, u32::MAX - 1, u32::MAX];
        let mut places = Places::default();
        expected.iter().for_each(|place| places.push(*place));
        assert_eq!(places.iter().collect::<Vec<_>>(), expected);
        for cut in 0..=expected.len() {
            let [mut one, mut other] = [Places::default(), Places::default()];
            expected[..cut].iter().for_each(|place| one.push(*place));
            expected[cut..].iter().for_each(|place| other.push(*place));
            one.append(other);
            assert!(one.steps == places.steps && one.last == places.last, "{cut}");
        }
    }
}
