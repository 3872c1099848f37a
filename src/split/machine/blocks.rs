//! The loops over blocks of 64 bytes, beside the machine itself: the classes of ASCII and of longer characters, steps as bits, and bits as places.
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded
//! from and stored to arrays that are as long or longer; 3. four bytes are gathered from a place under two to the power of sixteen, and the table is three
//! bytes longer than that. The safe twin of each is the plain version, and a test holds them equal.
#![allow(unsafe_code)]

use super::super::class::{ASCII, BLOCK, Class, PLANE};
#[cfg(target_arch = "x86_64")]
use crate::width::{Width, width};

/// Write the classes of the ASCII characters of a block, and say which bytes aren't ASCII.
pub(in crate::split) fn classify_ascii(block: &[u8; BLOCK], classes: &mut [u8; BLOCK]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    match width() {
        Width::Avx512Bytes => return unsafe { x86::classify_ascii_avx512(block, classes) }, // 1
        Width::Avx512 | Width::Avx2 => return unsafe { x86::classify_ascii_avx2(block, classes) }, // 1
        Width::Plain => {}
    }
    plain::classify_ascii(block, classes)
}

/// How many bytes behind a block `classify_wide` looks at.
pub(in crate::split) const BEHIND: usize = 3;

/// Write the classes of the characters of two and three bytes that begin in a block, where the processor has the vectors; `plane` has those of the basic plane.
/// Says which bytes are still to be looked at, and how many bytes behind the block go on its last character.
pub(in crate::split) fn classify_wide(text: &[u8; BLOCK + BEHIND], wides: u64, plane: &[u8; PLANE], classes: &mut [u8; BLOCK + BEHIND]) -> (u64, usize) {
    #[cfg(target_arch = "x86_64")]
    if width() >= Width::Avx512Bytes {
        return unsafe { x86::classify_wide_avx512(text, wides, plane, classes) }; // 1
    }
    let _ = (text, plane, classes);
    (wides, 0)
}

/// Which steps of a block begin a pretoken with their character, and which say that one began before.
pub(in crate::split) fn flags(steps: &[u8; BLOCK]) -> (u64, u64) {
    #[cfg(target_arch = "x86_64")]
    match width() {
        Width::Avx512Bytes | Width::Avx512 => return unsafe { x86::flags_avx512(steps) }, // 1
        Width::Avx2 => return unsafe { x86::flags_avx2(steps) },                          // 1
        Width::Plain => {}
    }
    plain::flags(steps)
}

/// The places of the bits that are set, counted from `base`, and how many they are.
pub(in crate::split) fn places(bits: u64, base: u32) -> ([u32; BLOCK], usize) {
    #[cfg(target_arch = "x86_64")]
    if width() >= Width::Avx512Bytes {
        return unsafe { x86::places_avx512(bits, base) }; // 1
    }
    plain::places(bits, base)
}

mod plain {
    use super::super::{AT_MARK, BEFORE, HERE};
    use super::{ASCII, BLOCK};

    pub(super) fn classify_ascii(block: &[u8; BLOCK], classes: &mut [u8; BLOCK]) -> u64 {
        for (byte, class) in block.iter().zip(classes) {
            *class = ASCII[usize::from(byte & 0x7F)];
        }
        bits(block, 0x80)
    }

    pub(super) fn flags(steps: &[u8; BLOCK]) -> (u64, u64) {
        (bits(steps, HERE), bits(steps, BEFORE) | bits(steps, AT_MARK))
    }

    pub(super) fn places(mut bits: u64, base: u32) -> ([u32; BLOCK], usize) {
        let (mut places, mut count) = ([0; BLOCK], 0);
        while bits != 0 {
            places[count] = base + bits.trailing_zeros();
            count += 1;
            bits &= bits - 1;
        }
        (places, count)
    }

    /// Which bytes of a block have a bit: eight at a time are brought side by side by a multiplication.
    fn bits(block: &[u8; BLOCK], bit: u8) -> u64 {
        let eight = |(place, eight): (usize, &[u8; 8])| {
            let ones = u64::from_le_bytes(*eight) >> bit.trailing_zeros() & 0x0101_0101_0101_0101;
            (ones.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * place)
        };
        block.as_chunks::<8>().0.iter().enumerate().map(eight).fold(0, |all, some| all | some)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::{AT_MARK, BEFORE};
    use super::{ASCII, BEHIND, BLOCK, Class, PLANE};

    const PLACES: [u8; BLOCK] = {
        let (mut places, mut place) = ([0; BLOCK], 0u8);
        while (place as usize) < BLOCK {
            places[place as usize] = place;
            place += 1;
        }
        places
    };

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub(super) fn classify_ascii_avx512(block: &[u8; BLOCK], classes: &mut [u8; BLOCK]) -> u64 {
        let (low, high) = ASCII.split_at(BLOCK);
        let load = |from: &[u8]| unsafe { _mm512_loadu_si512(from[..BLOCK].as_ptr().cast()) }; // 2
        let bytes = load(block);
        unsafe { _mm512_storeu_si512(classes.as_mut_ptr().cast(), _mm512_permutex2var_epi8(load(low), bytes, load(high))) }; // 2
        _mm512_movepi8_mask(bytes)
    }

    /// One look-up in sixteen classes for each high half that a byte may have.
    #[target_feature(enable = "avx2")]
    pub(super) fn classify_ascii_avx2(block: &[u8; BLOCK], classes: &mut [u8; BLOCK]) -> u64 {
        let mut wides = 0;
        for (half, (bytes, classes)) in block.as_chunks::<32>().0.iter().zip(classes.as_chunks_mut::<32>().0).enumerate() {
            let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }; // 2
            let mut found = _mm256_setzero_si256();
            for (high, row) in (0i8..).zip(ASCII.as_chunks::<16>().0) {
                let row = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(row.as_ptr().cast()) }); // 2
                // Zero in a byte's high half picks the row's class; any other picks nothing once its top bit is set.
                let low = _mm256_xor_si256(bytes, _mm256_set1_epi8(high << 4));
                found = _mm256_or_si256(found, _mm256_shuffle_epi8(row, _mm256_adds_epu8(low, _mm256_set1_epi8(0x70))));
            }
            unsafe { _mm256_storeu_si256(classes.as_mut_ptr().cast(), found) }; // 2
            wides |= u64::from(_mm256_movemask_epi8(bytes).cast_unsigned()) << (32 * half);
        }
        wides
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn flags_avx512(steps: &[u8; BLOCK]) -> (u64, u64) {
        let steps = unsafe { _mm512_loadu_si512(steps.as_ptr().cast()) }; // 2
        (_mm512_movepi8_mask(steps), _mm512_test_epi8_mask(steps, _mm512_set1_epi8((BEFORE | AT_MARK).cast_signed())))
    }

    /// A character is known by its first byte and the two behind it, whatever stands before; so those of a block are brought side by side, and looked up
    /// sixteen at a time.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,bmi2,popcnt")]
    pub(super) fn classify_wide_avx512(text: &[u8; BLOCK + BEHIND], wides: u64, plane: &[u8; PLANE], classes: &mut [u8; BLOCK + BEHIND]) -> (u64, usize) {
        let load = |from: usize| unsafe { _mm512_loadu_si512(text[from..from + BLOCK].as_ptr().cast()) }; // 2
        let byte = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
        let (one, two, three) = (load(0), load(1), load(2));
        let goes_on = |bytes| _mm512_cmplt_epi8_mask(bytes, byte(0xC0)); // as signed numbers, these are the least
        let within = |low: u8, high: u8| _mm512_cmpge_epu8_mask(one, byte(low)) & _mm512_cmple_epu8_mask(one, byte(high));
        let twos = within(0xC2, 0xDF) & goes_on(two);
        // What could be written in fewer bytes, and surrogates, are no characters.
        let high = _mm512_cmpge_epu8_mask(two, byte(0xA0));
        let none_such = (_mm512_cmpeq_epi8_mask(one, byte(0xE0)) & !high) | (_mm512_cmpeq_epi8_mask(one, byte(0xED)) & high);
        let threes = within(0xE0, 0xEF) & goes_on(two) & goes_on(three) & !none_such;
        let leads = twos | threes;
        let closed = [one, two, three].map(|bytes| {
            let mut closed = [0u8; BLOCK];
            unsafe { _mm512_storeu_si512(closed.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(leads, bytes)) }; // 2
            closed
        });
        let which = _pext_u64(threes, leads);
        let (mut found, mut done) = ([0u8; BLOCK], 0);
        while done < leads.count_ones() as usize {
            let load = |from: &[u8; BLOCK]| _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(from[done..done + 16].as_ptr().cast()) }); // 2
            let [one, two, three] = [load(&closed[0]), load(&closed[1]), load(&closed[2])];
            let low = |bytes, bits| _mm512_and_si512(bytes, _mm512_set1_epi32(bits));
            let of_two = _mm512_or_si512(_mm512_slli_epi32::<6>(low(one, 0x1F)), low(two, 0x3F));
            let front = _mm512_or_si512(_mm512_slli_epi32::<12>(low(one, 0x0F)), _mm512_slli_epi32::<6>(low(two, 0x3F)));
            let of_three = _mm512_or_si512(front, low(three, 0x3F));
            let code = _mm512_mask_mov_epi32(of_two, (which >> done & 0xFFFF) as u16, of_three);
            let class = unsafe { _mm512_i32gather_epi32::<1>(code, plane.as_ptr().cast()) }; // 3
            unsafe { _mm_storeu_si128(found[done..done + 16].as_mut_ptr().cast(), _mm512_cvtepi32_epi8(class)) }; // 2
            done += 16;
        }
        let behind = leads << 1 | threes << 2;
        let before = unsafe { _mm512_loadu_si512(classes.as_ptr().cast()) }; // 2
        let all = _mm512_mask_expand_epi8(before, leads, unsafe { _mm512_loadu_si512(found.as_ptr().cast()) }); // 2
        let all = _mm512_mask_mov_epi8(all, behind, byte(Class::More as u8));
        let all = _mm512_mask_mov_epi8(all, wides & !leads & !behind, byte(Class::Control as u8));
        unsafe { _mm512_storeu_si512(classes.as_mut_ptr().cast(), all) }; // 2
        classes[BLOCK..].fill(Class::More as u8);
        let fours = within(0xF0, 0xFF);
        (fours, usize::from(leads >> 63 == 1) + usize::from(threes >> 63 == 1).max(usize::from(threes >> 62 & 1 == 1)))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
    pub(super) fn places_avx512(bits: u64, base: u32) -> ([u32; BLOCK], usize) {
        let (mut places, count, base) = ([0; BLOCK], bits.count_ones() as usize, _mm512_set1_epi32(base.cast_signed()));
        let closed = _mm512_maskz_compress_epi8(bits, unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) }); // 2
        let mut bytes = [0u8; BLOCK];
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), closed) }; // 2
        for (bytes, places) in bytes.as_chunks::<16>().0.iter().zip(places.as_chunks_mut::<16>().0).take(count.div_ceil(16)) {
            // 2
            unsafe {
                let some = _mm512_cvtepu8_epi32(_mm_loadu_si128(bytes.as_ptr().cast()));
                _mm512_storeu_si512(places.as_mut_ptr().cast(), _mm512_add_epi32(some, base));
            }
        }
        (places, count)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn flags_avx2(steps: &[u8; BLOCK]) -> (u64, u64) {
        let (mut here, mut late) = (0, 0);
        for (half, steps) in steps.as_chunks::<32>().0.iter().enumerate() {
            let steps = unsafe { _mm256_loadu_si256(steps.as_ptr().cast()) }; // 2
            let either = _mm256_or_si256(_mm256_slli_epi16(steps, 1), _mm256_slli_epi16(steps, 2)); // bit 6, bit 5 at the top of their byte
            here |= u64::from(_mm256_movemask_epi8(steps).cast_unsigned()) << (32 * half);
            late |= u64::from(_mm256_movemask_epi8(either).cast_unsigned()) << (32 * half);
        }
        (here, late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;

    #[test]
    fn every_width_gives_what_plain_loops_give() {
        let mut next = chance(1);
        for _ in 0..10_000 {
            let block: [u8; BLOCK] = std::array::from_fn(|_| next(256).to_le_bytes()[0]);
            let found = |classify: &dyn Fn(&[u8; BLOCK], &mut [u8; BLOCK]) -> u64| {
                let mut classes = [0; BLOCK];
                let wides = classify(&block, &mut classes);
                (wides, (0..BLOCK).filter(|place| wides >> place & 1 == 0).map(|place| classes[place]).collect::<Vec<_>>())
            };
            let (classes, flags) = (found(&plain::classify_ascii), plain::flags(&block));
            let (bits, base) = (classes.0 & u64::from_le_bytes([block[0]; 8]), u32::from(block[1]));
            let (places, count) = super::places(bits, base);
            let (all, number) = plain::places(bits, base);
            assert_eq!(places[..count], all[..number]);
            assert_eq!(classes.0, block.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(byte >> 7)));
            #[cfg(target_arch = "x86_64")]
            {
                if width() >= Width::Avx2 {
                    assert_eq!((found(&|a, b| unsafe { x86::classify_ascii_avx2(a, b) }), unsafe { x86::flags_avx2(&block) }), (classes.clone(), flags));
                }
                if width() >= Width::Avx512Bytes {
                    assert_eq!((found(&|a, b| unsafe { x86::classify_ascii_avx512(a, b) }), unsafe { x86::flags_avx512(&block) }), (classes, flags));
                }
            }
        }
    }
}
