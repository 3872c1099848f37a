//! A text as a program holds it: bytes, or characters of one, two or four bytes each, as Python does. Those are written as UTF-8 where they are encoded, by the
//! worker that encodes them, and a str is read from UTF-8 right into its place: no copy of the whole is kept.
//!
//! Most characters of most texts are ASCII, and lie together: so many are looked at in one step, and copied if they all are. (CPython's own ways take
//! characters one by one from the first on that isn't ASCII.) Others have as a rule as many bytes as their neighbours, so up to four are checked and read in
//! one step, by masks over eight or twelve bytes.

#[cfg(target_arch = "x86_64")]
mod wide;

use crate::error::{Error, Kind, Result};
use crate::pages::{self, Untouched};
use crate::threads::Pulse;

/// How many characters are looked at in one step.
const BLOCK: usize = 32;
/// How many blocks there are between two looks at whether to stop.
const TICK_EVERY: usize = 1 << 12;
/// How many bytes are read before there is such a look.
const SOME: usize = 1 << 13;

/// A text that may have to be written as UTF-8 before it is used.
pub trait Text: Sync {
    /// The memory that it lies in.
    fn memory(&self) -> &[u8];

    /// Its bytes; where they don't lie anywhere they are written into `room`.
    fn utf8<'a>(&'a self, room: &'a mut Vec<u8>, pulse: &Pulse) -> Result<&'a [u8]>;
}

impl Text for &[u8] {
    fn memory(&self) -> &[u8] {
        self
    }

    fn utf8<'a>(&'a self, _: &'a mut Vec<u8>, _: &Pulse) -> Result<&'a [u8]> {
        Ok(self)
    }
}

/// What a character is held in.
pub(crate) trait Unit: Copy + Into<u32> + From<u8> + bytemuck::Pod {
    /// How many bytes of UTF-8 a character has at most.
    const MOST: usize;
    /// As a character that is known to fit.
    fn of(character: char) -> Self;
    /// As much of these bits as it holds.
    fn cut(bits: u16) -> Self;
    /// The lowest byte.
    fn low(self) -> u8;
}

impl Unit for u8 {
    const MOST: usize = 2;

    fn of(character: char) -> Self {
        u32::from(character).to_le_bytes()[0]
    }

    fn cut(bits: u16) -> Self {
        bits.to_le_bytes()[0]
    }

    fn low(self) -> u8 {
        self
    }
}

impl Unit for u16 {
    const MOST: usize = 3;

    fn of(character: char) -> Self {
        let [low, high, ..] = u32::from(character).to_le_bytes();
        Self::from_le_bytes([low, high])
    }

    fn cut(bits: u16) -> Self {
        bits
    }

    fn low(self) -> u8 {
        self.to_le_bytes()[0]
    }
}

impl Unit for u32 {
    const MOST: usize = 4;

    fn of(character: char) -> Self {
        character.into()
    }

    fn cut(bits: u16) -> Self {
        bits.into()
    }

    fn low(self) -> u8 {
        self.to_le_bytes()[0]
    }
}

/// Write characters as UTF-8 into `out`; `place` is what an error calls the text.
pub(crate) fn write<U: Unit>(characters: &[U], out: &mut Vec<u8>, place: &dyn Fn() -> String, pulse: &Pulse) -> Result<()> {
    out.clear();
    pages::make_room(out, U::MOST * characters.len()); // what isn't written is never touched
    let mut room = [0; 4 * BLOCK];
    let (blocks, rest) = characters.as_chunks::<BLOCK>();
    for (number, block) in blocks.iter().enumerate() {
        if number % TICK_EVERY == 0 {
            pulse.tick(0)?;
        }
        if block.iter().fold(0, |all, unit| all | (*unit).into()) < 0x80 {
            out.extend_from_slice(&block.map(U::low));
        } else {
            let size = write_block(block, &mut room).map_err(|i| lone_surrogate(characters, number * BLOCK + i, place))?;
            out.extend_from_slice(&room[..size]);
        }
    }
    let size = write_block(rest, &mut room).map_err(|i| lone_surrogate(characters, characters.len() - rest.len() + i, place))?;
    out.extend_from_slice(&room[..size]);
    Ok(())
}

/// Write some characters, and give how many bytes they are; or which of them is a lone surrogate.
fn write_block<U: Unit>(block: &[U], room: &mut [u8; 4 * BLOCK]) -> std::result::Result<usize, usize> {
    let mut size = 0;
    for (i, &unit) in block.iter().enumerate() {
        if unit.into() < 0x80 {
            room[size] = unit.low();
            size += 1;
        } else {
            size += char::from_u32(unit.into()).ok_or(i)?.encode_utf8(&mut room[size..]).len();
        }
    }
    Ok(size)
}

fn lone_surrogate<U: Unit>(characters: &[U], at: usize, place: &dyn Fn() -> String) -> Error {
    let (place, found) = (format!("character {at} of {}", place()), format!("the lone surrogate '\\u{:04x}'", characters[at].into()));
    Error::new(Kind::Text, place, found, "a character that UTF-8 can hold")
}

/// As many zeros behind a text let all of it be read in steps of many characters.
pub(crate) const ZEROS: usize = 3 * BLOCK;

/// Read UTF-8 as characters, which must fit into their units; gives how many bytes were read, and how many characters. It ends where `data` has an end, behind
/// which may only be zeros, before a character that isn't whole, before what isn't UTF-8, and where there is no more place. Places behind the last character
/// may be overwritten.
pub(crate) fn read<U: Unit>(data: &[u8], end: usize, out: &mut [U]) -> (usize, usize) {
    let (mut at, mut count) = (0, 0);
    while at < end {
        #[cfg(target_arch = "x86_64")]
        {
            let (size, read) = wide::read(&data[at..], end - at, &mut out[count..]);
            (at, count) = (at + size, count + read);
            if at >= end {
                break;
            }
        }
        match (data[at..].first_chunk::<BLOCK>(), out[count..].first_chunk_mut::<BLOCK>()) {
            (Some(block), Some(place)) if block.is_ascii() => {
                place.iter_mut().zip(block).for_each(|(unit, byte)| *unit = U::from(*byte));
                (at, count) = (at + BLOCK, count + BLOCK);
            }
            (Some(_), Some(_)) => {
                let stop = end.min(at + BLOCK);
                while let (true, Some(sixteen), Some(place)) = (at < stop, data[at..].first_chunk(), out[count..].first_chunk_mut()) {
                    let (size, read) = read_some(sixteen, place);
                    if read == 0 {
                        return (at, count);
                    }
                    (at, count) = (at + size, count + read);
                }
            }
            _ => match (character(&data[at..end]), out.get_mut(count)) {
                (Some((size, character)), Some(place)) => {
                    *place = U::of(character);
                    (at, count) = (at + size, count + 1);
                }
                _ => return (at, count),
            },
        }
    }
    let zeros = at - end; // each was read as a character
    (end, count - zeros)
}

/// Read UTF-8 as the characters that there is place for; gives whether it is UTF-8, and as many.
pub(crate) fn read_all<U: Unit>(mut data: &[u8], out: &mut Untouched<'_, U>, pulse: &Pulse) -> Result<bool> {
    let mut count = 0;
    while !data.is_empty() {
        pulse.tick(0)?;
        let size = data.len().min(SOME);
        let (size, read) = read(&data[..size], size, out.lend(count, size));
        if size == 0 {
            return Ok(false);
        }
        (data, count) = (&data[size..], count + read);
    }
    Ok(count == out.len())
}

/// As many characters have room in one step.
const STEP: usize = 8;

/// Read the first characters of sixteen bytes, those that are of one length: up to seven of one byte, four of two, four of three, one of four. Gives how many
/// bytes they are, and how many there are: none where what comes first isn't UTF-8. Behind them `out` may be overwritten.
#[inline(always)]
fn read_some<U: Unit>(data: &[u8; 16], out: &mut [U; STEP]) -> (usize, usize) {
    let sixteen = u128::from_le_bytes(*data);
    let [low, _]: [u64; 2] = bytemuck::cast([sixteen.to_le()]);
    let eight = u64::from_le(low);
    match data[0] {
        0..0x80 => {
            out.iter_mut().zip(data).for_each(|(unit, byte)| *unit = U::from(*byte & 0x7F));
            let count = ((eight & 0x8080_8080_8080_8080) | 1 << 63).trailing_zeros() as usize / 8;
            (count, count)
        }
        0xC2..0xE0 => {
            // In each sixteen bits: what isn't a first byte with one behind it that goes on; and one too low.
            let wrong = (eight & 0xC0E0_C0E0_C0E0_C0E0) ^ 0x80C0_80C0_80C0_80C0;
            let low = (0x0020_0020_0020_0020 - (eight & 0x001E_001E_001E_001E)) & 0x0020_0020_0020_0020;
            let count = (wrong | low).trailing_zeros() as usize / 16;
            let four = (eight & 0x001F_001F_001F_001F) << 6 | eight >> 8 & 0x003F_003F_003F_003F;
            let four: [u16; 4] = bytemuck::cast(four.to_le());
            out.iter_mut().zip(four).for_each(|(unit, bits)| *unit = U::cut(u16::from_le(bits)));
            (2 * count, count)
        }
        0xE0..0xF0 => {
            let wrong = (sixteen & 0xC0C0F0_C0C0F0_C0C0F0_C0C0F0) ^ 0x8080E0_8080E0_8080E0_8080E0;
            let most = wrong.trailing_zeros() as usize / 24;
            let four: [u32; 4] = std::array::from_fn(|i| {
                let [one, two, three] = [data[3 * i], data[3 * i + 1], data[3 * i + 2]].map(u32::from);
                (one & 0x0F) << 12 | (two & 0x3F) << 6 | three & 0x3F
            });
            // A bit for what is too low or a surrogate.
            let bad = four.iter().rev().fold(1u32, |bad, bits| bad << 1 | u32::from(*bits < 0x800) | u32::from(bits >> 11 == 0xD800 >> 11));
            let count = most.min(bad.trailing_zeros() as usize);
            out.iter_mut().zip(four).for_each(|(unit, bits)| *unit = U::cut(bits.to_le_bytes().first_chunk().map_or(0, |low| u16::from_le_bytes(*low))));
            (3 * count, count)
        }
        _ => match character(data) {
            Some((size, character)) => {
                out[0] = U::of(character);
                (size, 1)
            }
            None => (0, 0),
        },
    }
}

/// The character that some bytes begin with, and its length.
fn character(data: &[u8]) -> Option<(usize, char)> {
    let size = match *data.first()? {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0.. => 4,
    };
    Some((size, std::str::from_utf8(data.get(..size)?).ok()?.chars().next()?))
}

/// The largest character that UTF-8 of this kind may hold: U+007F, U+00FF, U+FFFF or U+10FFFF. It shows in the largest byte.
pub(crate) fn widest(data: &[u8]) -> u32 {
    match data.iter().copied().fold(0, u8::max) {
        0..0x80 => 0x7F,
        0x80..0xC4 => 0xFF,
        0xC4..0xF0 => 0xFFFF,
        _ => 0x10_FFFF,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;

    /// Texts of each width, and with borders at each place.
    fn texts() -> Vec<String> {
        let mut texts = vec![String::new()];
        for character in ["a", "é", "\u{ff}", "\u{100}", "ю", "中", "\u{ffff}", "\u{10000}", "🙂", "\u{10ffff}"] {
            for size in [1, 2, 15, 16, 31, 32, 33, 64, 100] {
                texts.extend([character.repeat(size), format!("{}{character}{}", "x".repeat(size), "y".repeat(size)), "abc\0".repeat(size) + character]);
            }
        }
        texts
    }

    fn there_and_back<U: Unit>(text: &str) {
        let pulse = Pulse::default();
        let mut units = vec![U::from(0); text.chars().count()];
        assert_eq!(read(text.as_bytes(), text.len(), &mut units), (text.len(), units.len()));
        assert!(units.iter().map(|unit| (*unit).into()).eq(text.chars().map(u32::from)), "{text:?}");
        let mut written = b"before".to_vec();
        write(&units, &mut written, &String::new, &pulse).unwrap();
        assert_eq!(written, text.as_bytes());
    }

    #[test]
    fn characters_are_written_and_read_in_each_width_that_holds_them() {
        for text in texts() {
            let most = text.chars().max().map_or(0, u32::from);
            assert_eq!(widest(text.as_bytes()), [0x7F, 0xFF, 0xFFFF, 0x10_FFFF].into_iter().find(|bound| most <= *bound).unwrap());
            match widest(text.as_bytes()) {
                0x7F | 0xFF => there_and_back::<u8>(&text),
                _ => (),
            }
            if most <= 0xFFFF {
                there_and_back::<u16>(&text);
            }
            there_and_back::<u32>(&text);
        }
    }

    fn units_of<U: Unit>(data: &[u8], end: usize) -> (usize, Vec<u32>) {
        let mut units = vec![U::from(b'?'); data.len()];
        let (size, count) = read(data, end, &mut units);
        (size, units[..count].iter().map(|unit| (*unit).into()).collect())
    }

    #[test]
    fn bytes_are_read_as_far_as_they_are_utf8() {
        let mut next = chance(1);
        let letters = ["a", "é", "ю", "\u{7ff}", "\u{800}", "中", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}", "\u{10ffff}"];
        let wrong: [&[u8]; 9] =
            [b"\x80", b"\xC0\x80", b"\xC1\xBF", b"\xE0\x9F\xBF", b"\xED\xA0\x80", b"\xED\xBF\xBF", b"\xF0\x8F\xBF\xBF", b"\xF4\x90\x80\x80", b"\xFF"];
        for round in 0..40_000 {
            let (mut data, most) = (Vec::new(), [2, 4, letters.len()][round % 3]);
            for _ in 0..next(12) {
                let letter = if next(16) == 0 { wrong[next(wrong.len())] } else { letters[next(most)].as_bytes() };
                data.extend(letter.repeat(1 + next(12)));
            }
            data.truncate(data.len() - data.len().min(next(4)));
            let good = std::str::from_utf8(&data).map_or_else(|error| error.valid_up_to(), str::len);
            let characters: Vec<u32> = std::str::from_utf8(&data[..good]).unwrap().chars().map(u32::from).collect();
            for zeros in [0, ZEROS] {
                let longer = [&data[..], &vec![0; zeros]].concat();
                assert_eq!(units_of::<u32>(&longer, data.len()), (good, characters.clone()), "{data:x?}");
                if widest(&data) <= 0xFFFF {
                    assert_eq!(units_of::<u16>(&longer, data.len()), (good, characters.clone()), "{data:x?}");
                }
                if widest(&data) <= 0xFF {
                    assert_eq!(units_of::<u8>(&longer, data.len()), (good, characters.clone()), "{data:x?}");
                }
            }
        }
    }

    #[test]
    fn a_lone_surrogate_is_refused_by_its_place() {
        for at in [0, 1, 31, 32, 100] {
            let mut units = vec![u16::from(b'a'); 120];
            units[at] = 0xDC80;
            let error = write(&units, &mut Vec::new(), &|| "text".into(), &Pulse::default()).unwrap_err();
            assert_eq!((error.place, error.found), (format!("character {at} of text"), "the lone surrogate '\\udc80'".into()));
        }
    }
}
