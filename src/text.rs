//! A text as a program holds it: bytes, or characters of one, two or four bytes each, as Python does. Those are written as UTF-8 where they are encoded, by the
//! worker that encodes them, and a str is read from UTF-8 right into its place: no copy of the whole is kept.
//!
//! Most characters of most texts are ASCII, and lie together: so many are looked at in one step, and copied if they all are. (CPython's own ways take
//! characters one by one from the first on that isn't ASCII.)

use crate::error::{Error, Kind, Result};
use crate::pages;
use crate::threads::Pulse;

/// How many characters are looked at in one step.
const BLOCK: usize = 32;
/// How many blocks there are between two looks at whether to stop.
const TICK_EVERY: usize = 1 << 12;

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
    /// The lowest byte.
    fn low(self) -> u8;
}

impl Unit for u8 {
    const MOST: usize = 2;

    fn of(character: char) -> Self {
        u32::from(character).to_le_bytes()[0]
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

    fn low(self) -> u8 {
        self.to_le_bytes()[0]
    }
}

impl Unit for u32 {
    const MOST: usize = 4;

    fn of(character: char) -> Self {
        character.into()
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

/// Read UTF-8 as characters, as many as there is place for: all of them must fit into their units.
pub(crate) fn read<U: Unit>(mut text: &str, out: &mut [U], pulse: &Pulse) -> Result<()> {
    let (mut at, mut steps) = (0, 0);
    while at < out.len() && !text.is_empty() {
        if steps % TICK_EVERY == 0 {
            pulse.tick(0)?;
        }
        steps += 1;
        match (text.as_bytes().first_chunk::<BLOCK>(), out.get_mut(at..at + BLOCK)) {
            (Some(block), Some(place)) if block.is_ascii() => {
                place.iter_mut().zip(block).for_each(|(unit, byte)| *unit = U::from(*byte));
                (at, text) = (at + BLOCK, &text[BLOCK..]);
            }
            (_, _) => {
                let mut characters = text.chars();
                for (unit, character) in out[at..].iter_mut().zip(characters.by_ref().take(BLOCK / 2)) {
                    *unit = U::of(character);
                    at += 1;
                }
                text = characters.as_str();
            }
        }
    }
    Ok(())
}

/// The largest character that a text of this kind may hold: U+007F, U+00FF, U+FFFF or U+10FFFF. It shows in the largest byte.
pub(crate) fn widest(text: &str) -> u32 {
    match text.bytes().fold(0, u8::max) {
        0..0x80 => 0x7F,
        0x80..0xC4 => 0xFF,
        0xC4..0xF0 => 0xFFFF,
        _ => 0x10_FFFF,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        read(text, &mut units, &pulse).unwrap();
        assert!(units.iter().map(|unit| (*unit).into()).eq(text.chars().map(u32::from)), "{text:?}");
        let mut written = b"before".to_vec();
        write(&units, &mut written, &String::new, &pulse).unwrap();
        assert_eq!(written, text.as_bytes());
    }

    #[test]
    fn characters_are_written_and_read_in_each_width_that_holds_them() {
        for text in texts() {
            let most = text.chars().max().map_or(0, u32::from);
            assert_eq!(widest(&text), [0x7F, 0xFF, 0xFFFF, 0x10_FFFF].into_iter().find(|bound| most <= *bound).unwrap());
            match widest(&text) {
                0x7F | 0xFF => there_and_back::<u8>(&text),
                _ => (),
            }
            if most <= 0xFFFF {
                there_and_back::<u16>(&text);
            }
            there_and_back::<u32>(&text);
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
