//! The two loops over blocks of 64 bytes, beside the machine itself: the classes of ASCII, and steps as bits.
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded from and
//! stored to arrays of their very size. The safe twin of each is the plain version, and a test holds them equal.
#![allow(unsafe_code)]

use super::super::class::{ASCII, BLOCK};
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
    use super::{ASCII, BLOCK};

    const PLACES: [u8; BLOCK] = {
        let (mut places, mut place) = ([0; BLOCK], 0);
        while place < BLOCK {
            places[place] = place as u8;
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

    #[test]
    fn every_width_gives_what_plain_loops_give() {
        let mut seed = 1u64;
        for _ in 0..10_000 {
            let block: [u8; BLOCK] = std::array::from_fn(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            });
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
