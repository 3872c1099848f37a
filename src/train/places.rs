//! Where a pair stands: slots in ascending order, kept as the steps between them, seven bits a byte. Most steps take one byte or two, where a slot takes four.

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

    /// The places, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let (mut steps, mut place) = (self.steps.iter(), 0u32);
        std::iter::from_fn(move || {
            let (mut step, mut shift) = (0, 0);
            loop {
                let byte = *steps.next()?;
                step |= u32::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    place = place.wrapping_add(step);
                    return Some(place);
                }
                shift += 7;
            }
        })
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
    }
}
