//! The loops over blocks of 64 bytes, beside the machine itself: the classes of ASCII and of longer characters, steps as bits, and bits as places.
//!
//! Why the `unsafe` blocks are sound: 1. a function compiled for a width is called only behind the processor's own word that it has it; 2. vectors are loaded
//! from and stored to arrays that are as long or longer; 3. four bytes are gathered from a place under two to the power of sixteen, and the table is three
//! bytes longer than that; 4. places are written behind those that are counted already, sixty-four of them at most for each block, for which room is reserved
//! first, and counted once they are written. The safe twin of each is the plain version, and a test holds them equal.
#![allow(unsafe_code)]

use super::super::class::{ASCII, BLOCK, Class, PLANE, WINDOW};
use super::Machine;
#[cfg(target_arch = "x86_64")]
use crate::width::{Width, width};

/// How many bytes behind a block are looked at with it.
pub(in crate::split) const BEHIND: usize = 3;

/// How far a text is classified: where its last block begins and what follows that begins, and which of the block's bytes are left to be looked at.
pub(in crate::split) type Classified = (usize, usize, u64);

/// Write the classes of the characters of a text, block by block, for at least so many bytes, until a block has some left: beyond ASCII, or, where the
/// processor has the vectors, of four bytes or none at all. `plane` has the classes of the basic plane.
pub(in crate::split) fn classify(text: &[u8], length: usize, plane: &[u8; PLANE], classes: &mut [u8]) -> Classified {
    #[cfg(target_arch = "x86_64")]
    match width() {
        Width::Avx512Bytes => return unsafe { x86::classify_avx512(text, length, plane, classes) }, // 1
        Width::Avx512 | Width::Avx2 => return block_by_block(text, length, classes, |block, out| unsafe { x86::classify_ascii_avx2(block, out) }), // 1
        Width::Plain => {}
    }
    let _ = plane;
    block_by_block(text, length, classes, plain::classify_ascii)
}

fn block_by_block(text: &[u8], length: usize, classes: &mut [u8], ascii: impl Fn(&[u8; BLOCK], &mut [u8; BLOCK]) -> u64) -> Classified {
    for (block, (some, out)) in text.as_chunks().0.iter().zip(classes.as_chunks_mut().0).take(length.div_ceil(BLOCK)).enumerate() {
        let left = ascii(some, out);
        if left != 0 {
            return (block * BLOCK, (block + 1) * BLOCK, left);
        }
    }
    (0, length.next_multiple_of(BLOCK).min(text.len() / BLOCK * BLOCK), 0)
}

/// Write the steps of a window's first class bytes, where the processor has the vectors and no stretch goes its own way to its end; says whether it did.
pub(super) fn run(machine: &Machine, from: u8, classes: &[u8; WINDOW], steps: &mut [u8; WINDOW], length: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    if width() >= Width::Avx512Bytes {
        return unsafe { x86::run_avx512(machine, from, classes, steps, length) }; // 1
    }
    let _ = (machine, from, classes, steps, length);
    false
}

/// What a block of classes and steps says, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::split) struct Flags {
    /// The characters with which a pretoken begins, and the steps that say that one began before.
    pub(in crate::split) here: u64,
    pub(in crate::split) late: u64,
    /// Where a pretoken may begin, as what follows will decide.
    pub(in crate::split) marks: u64,
    /// The first bytes of characters.
    pub(in crate::split) first: u64,
}

/// Write the flags of some blocks.
pub(in crate::split) fn flags(classes: &[[u8; BLOCK]], steps: &[[u8; BLOCK]], flags: &mut [Flags]) {
    #[cfg(target_arch = "x86_64")]
    match width() {
        Width::Avx512Bytes | Width::Avx512 => return unsafe { x86::flags_avx512(classes, steps, flags) }, // 1
        Width::Avx2 => return unsafe { x86::flags_avx2(classes, steps, flags) },                          // 1
        Width::Plain => {}
    }
    plain::flags(classes, steps, flags);
}

/// Put down the places where pretokens begin, counted from `base`.
pub(in crate::split) fn places(blocks: &[Flags], base: u32, places: &mut Vec<u32>) {
    #[cfg(target_arch = "x86_64")]
    if width() >= Width::Avx512Bytes {
        return unsafe { x86::places_avx512(blocks, base, places) }; // 1
    }
    plain::places(blocks, base, places);
}

mod plain {
    use super::super::{AT_MARK, BEFORE, HERE, marks};
    use super::{ASCII, BLOCK, Class, Flags};

    pub(super) fn classify_ascii(block: &[u8; BLOCK], classes: &mut [u8; BLOCK]) -> u64 {
        for (byte, class) in block.iter().zip(classes) {
            *class = ASCII.as_flattened()[usize::from(byte & 0x7F)];
        }
        bits(block, 0x80)
    }

    pub(super) fn flags(classes: &[[u8; BLOCK]], steps: &[[u8; BLOCK]], flags: &mut [Flags]) {
        for ((classes, steps), flags) in classes.iter().zip(steps).zip(flags) {
            let late = bits(steps, BEFORE) | bits(steps, AT_MARK);
            let marks = bits(&steps.map(|step| u8::from(marks(step))), 1);
            *flags = Flags { here: bits(steps, HERE), late, marks, first: !bits(&classes.map(|class| u8::from(class == Class::More as u8)), 1) };
        }
    }

    pub(super) fn places(blocks: &[Flags], base: u32, places: &mut Vec<u32>) {
        for (flags, base) in blocks.iter().zip((base..).step_by(BLOCK)) {
            let mut bits = flags.here;
            while bits != 0 {
                places.push(base + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
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

    use super::super::{AT_MARK, BEFORE, MARKS, STATE};
    use super::{ASCII, BEHIND, BLOCK, Class, Classified, Flags, Machine, PLANE, WINDOW};

    const PLACES: [u8; BLOCK] = {
        let (mut places, mut place) = ([0; BLOCK], 0u8);
        while (place as usize) < BLOCK {
            places[place as usize] = place;
            place += 1;
        }
        places
    };

    /// The first bytes of an array; their place.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn load<const LENGTH: usize>(bytes: &[u8; LENGTH]) -> __m512i {
        const { assert!(LENGTH >= BLOCK) };
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) } // 2
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn store<const LENGTH: usize>(vector: __m512i, bytes: &mut [u8; LENGTH]) {
        const { assert!(LENGTH >= BLOCK) };
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), vector) } // 2
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi2,popcnt")]
    pub(super) fn classify_avx512(text: &[u8], length: usize, plane: &[u8; PLANE], classes: &mut [u8]) -> Classified {
        let (mut begun, mut at, mut left) = (0, 0, 0);
        while at < length
            && left == 0
            && let (Some(some), Some(out)) = (text[at..].first_chunk::<{ BLOCK + BEHIND }>(), classes[at..].first_chunk_mut())
        {
            begun = at;
            at += BLOCK;
            left = classify_ascii_avx512(some, out);
            if left != 0 {
                let behind;
                (left, behind) = classify_wide_avx512(some, left, plane, out);
                at += behind;
            }
        }
        (begun, at, left)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn classify_ascii_avx512(text: &[u8; BLOCK + BEHIND], classes: &mut [u8; BLOCK + BEHIND]) -> u64 {
        let ([low, high], bytes) = (ASCII, load(text));
        store(_mm512_permutex2var_epi8(load(&low), bytes, load(&high)), classes);
        _mm512_movepi8_mask(bytes)
    }

    /// One look-up in sixteen classes for each high half that a byte may have.
    #[target_feature(enable = "avx2")]
    pub(super) fn classify_ascii_avx2(block: &[u8; BLOCK], classes: &mut [u8; BLOCK]) -> u64 {
        let mut wides = 0;
        for (half, (bytes, classes)) in block.as_chunks::<32>().0.iter().zip(classes.as_chunks_mut::<32>().0).enumerate() {
            let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }; // 2
            let mut found = _mm256_setzero_si256();
            for (high, row) in (0i8..).zip(ASCII.as_flattened().as_chunks::<16>().0) {
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
    pub(super) fn flags_avx512(classes: &[[u8; BLOCK]], steps: &[[u8; BLOCK]], flags: &mut [Flags]) {
        let byte = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
        for ((classes, steps), flags) in classes.iter().zip(steps).zip(flags) {
            let (classes, steps) = (load(classes), load(steps));
            let marks = _mm512_cmpge_epu8_mask(_mm512_and_si512(steps, byte(STATE)), byte(MARKS));
            let first = _mm512_cmpneq_epi8_mask(classes, byte(Class::More as u8));
            *flags = Flags { here: _mm512_movepi8_mask(steps), late: _mm512_test_epi8_mask(steps, byte(BEFORE | AT_MARK)), marks, first };
        }
    }

    /// A character is known by its first byte and the two behind it, whatever stands before; so those of a block are brought side by side, and looked up
    /// sixteen at a time.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,bmi2,popcnt")]
    #[inline]
    fn classify_wide_avx512(text: &[u8; BLOCK + BEHIND], wides: u64, plane: &[u8; PLANE], classes: &mut [u8; BLOCK + BEHIND]) -> (u64, usize) {
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
            let mut closed = [0; BLOCK];
            store(_mm512_maskz_compress_epi8(leads, bytes), &mut closed);
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
        (within(0xF0, 0xFF), usize::from(leads >> 63 == 1) + usize::from(threes >> 63 == 1).max(usize::from(threes >> 62 & 1 == 1)))
    }

    /// A window's first stretches step side by side, one in each byte of a vector, all but the first from a guessed state. Then each begins again from where
    /// the one before it ended, until all are in the state that they were in the first time; so all those ends are right.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub(super) fn run_avx512(machine: &Machine, from: u8, classes: &[u8; WINDOW], steps: &mut [u8; WINDOW], length: usize) -> bool {
        let pages = machine.pages.each_ref().map(|page| [load(&page[0]), load(&page[1])]);
        let byte = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
        let next = |state, row| {
            let place = _mm512_ternarylogic_epi32::<0xCA>(byte(STATE), state, row);
            let [zero, one, two, three, four] = pages.map(|[low, high]| _mm512_permutex2var_epi8(low, place, high));
            let [odd, second, fourth] = [1, 2, 4].map(|bit| _mm512_test_epi8_mask(row, byte(bit)));
            let (zero, two) = (_mm512_mask_mov_epi8(zero, odd, one), _mm512_mask_mov_epi8(two, odd, three));
            _mm512_mask_mov_epi8(_mm512_mask_mov_epi8(zero, second, two), fourth, four)
        };
        let (steps, _) = steps.as_chunks_mut::<BLOCK>();
        transpose(classes.as_chunks().0, steps);
        let (mut wide, row_of) = ([[0; BLOCK]; BLOCK], load(&machine.rows));
        let mut state = _mm512_mask_mov_epi8(byte(Machine::START), 1, byte(from));
        for (row, step) in steps.iter_mut().zip(&mut wide) {
            let now = _mm512_permutexvar_epi8(load(row), row_of);
            store(now, row);
            state = next(state, now);
            store(state, step);
        }
        let before = _mm512_permutexvar_epi8(_mm512_sub_epi8(load(&PLACES), byte(1)), state);
        state = _mm512_mask_mov_epi8(before, 1, byte(from));
        let used = u64::MAX >> (BLOCK - length.div_ceil(BLOCK));
        for (row, step) in steps.iter().zip(&mut wide) {
            state = next(state, load(row));
            let others = _mm512_test_epi8_mask(_mm512_xor_si512(state, load(step)), byte(STATE));
            store(state, step);
            if others & used == 0 {
                transpose(&wide, steps);
                return true;
            }
        }
        false
    }

    /// Rows to columns: sixteen at a time, as four squares side by side that are each shuffled four times, as cards are.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn transpose(rows: &[[u8; BLOCK]], columns: &mut [[u8; BLOCK]]) {
        let Some(rows) = rows.first_chunk::<BLOCK>() else { return };
        for (sixteen, columns) in columns.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            let quarter = |row: usize| unsafe { _mm_loadu_si128(rows[row].as_chunks::<16>().0[sixteen].as_ptr().cast()) }; // 2
            let four = |row: usize| {
                let two = |row: usize| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(quarter(row)), quarter(row + 16));
                _mm512_inserti64x4::<1>(_mm512_castsi256_si512(two(row)), two(row + 32))
            };
            #[rustfmt::skip]
            let mut square = [four(0), four(1), four(2), four(3), four(4), four(5), four(6), four(7),
                four(8), four(9), four(10), four(11), four(12), four(13), four(14), four(15)];
            for _ in 0..4 {
                let low = |row: usize| _mm512_unpacklo_epi8(square[row], square[row + 8]);
                let high = |row: usize| _mm512_unpackhi_epi8(square[row], square[row + 8]);
                square =
                    [low(0), high(0), low(1), high(1), low(2), high(2), low(3), high(3), low(4), high(4), low(5), high(5), low(6), high(6), low(7), high(7)];
            }
            for (column, vector) in columns.iter_mut().zip(square) {
                store(vector, column);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
    pub(super) fn places_avx512(blocks: &[Flags], base: u32, places: &mut Vec<u32>) {
        places.reserve(blocks.len() * BLOCK);
        let (mut count, mut base) = (places.len(), _mm512_set1_epi32(base.cast_signed()));
        for Flags { here: bits, .. } in blocks {
            let closed = _mm512_maskz_compress_epi8(*bits, load(&PLACES));
            let sixteen = [
                _mm512_castsi512_si128(closed),
                _mm512_extracti32x4_epi32::<1>(closed),
                _mm512_extracti32x4_epi32::<2>(closed),
                _mm512_extracti32x4_epi32::<3>(closed),
            ];
            let some = bits.count_ones() as usize;
            for (at, bytes) in sixteen.into_iter().enumerate() {
                if at < 2 || 16 * at < some {
                    unsafe { _mm512_storeu_si512(places.as_mut_ptr().add(count + 16 * at).cast(), _mm512_add_epi32(_mm512_cvtepu8_epi32(bytes), base)) } // 4
                }
            }
            count += some;
            base = _mm512_add_epi32(base, _mm512_set1_epi32(64));
        }
        unsafe { places.set_len(count) } // 4
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn flags_avx2(classes: &[[u8; BLOCK]], steps: &[[u8; BLOCK]], flags: &mut [Flags]) {
        let byte = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
        for ((classes, steps), flags) in classes.iter().zip(steps).zip(flags) {
            *flags = Flags::default();
            for half in [1, 0] {
                let load = |bytes: &[u8; BLOCK]| unsafe { _mm256_loadu_si256(bytes.as_chunks::<32>().0[half].as_ptr().cast()) }; // 2
                let (classes, steps) = (load(classes), load(steps));
                let put = |bits: &mut u64, tops| *bits = *bits << 32 | u64::from(_mm256_movemask_epi8(tops).cast_unsigned());
                put(&mut flags.here, steps);
                put(&mut flags.late, _mm256_or_si256(_mm256_slli_epi16(steps, 1), _mm256_slli_epi16(steps, 2))); // bit 6, bit 5 at the top of their byte
                put(&mut flags.marks, _mm256_cmpgt_epi8(_mm256_and_si256(steps, byte(STATE)), byte(MARKS - 1)));
                put(&mut flags.first, _mm256_cmpgt_epi8(byte(0), _mm256_xor_si256(_mm256_cmpeq_epi8(classes, byte(Class::More as u8)), byte(0xFF))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;

    type Flag = fn(&[[u8; BLOCK]], &[[u8; BLOCK]], &mut [Flags]);

    #[test]
    fn every_width_gives_what_plain_loops_give() {
        let mut next = chance(1);
        for _ in 0..10_000 {
            let [block, steps]: [[u8; BLOCK]; 2] = std::array::from_fn(|_| std::array::from_fn(|_| next(256).to_le_bytes()[0]));
            let found = |classify: &dyn Fn(&[u8; BLOCK], &mut [u8; BLOCK]) -> u64| {
                let mut classes = [0; BLOCK];
                let wides = classify(&block, &mut classes);
                (wides, (0..BLOCK).filter(|place| wides >> place & 1 == 0).map(|place| classes[place]).collect::<Vec<_>>())
            };
            let flagged = |flag: Flag| {
                let mut flags = [Flags::default(); 2];
                flag(&[block.map(|byte| byte % 30), block], &[steps, block], &mut flags);
                flags
            };
            let (classes, flags) = (found(&plain::classify_ascii), flagged(plain::flags));
            let (mut all, mut some) = (vec![7], vec![7]);
            plain::places(&flags, u32::from(block[1]), &mut all);
            places(&flags, u32::from(block[1]), &mut some);
            assert_eq!(some, all);
            assert_eq!(flagged(super::flags), flags);
            assert_eq!(classes.0, block.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(byte >> 7)));
            #[cfg(target_arch = "x86_64")]
            if width() >= Width::Avx2 {
                assert_eq!(found(&|a, b| unsafe { x86::classify_ascii_avx2(a, b) }), classes);
                assert_eq!(flagged(|a, b, c| unsafe { x86::flags_avx2(a, b, c) }), flags);
            }
        }
    }
}
