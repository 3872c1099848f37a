//! Memory for tables of fixed size and for results, and fetching a place of it ahead of its use.
//!
//! Large tables ask for huge pages before they are first touched: a random place costs less where addresses are dear to translate, as on a virtual machine
//! (English that is new is encoded 7 % faster since what merging asks, 2 MB, has such pages). Touching new memory for the first time gets
//! cheaper too: 4 KB took 1.5 microseconds, and 0.13 as a part of a huge page.
//!
//! Why the `unsafe` blocks are sound: 1. whole pages are mapped, given back once (those behind a table that gets shorter at once), and named to the system only
//! in between; 2. a mapping is as long as its slice, begins at a multiple of any alignment, belongs to the table alone, and is zero, which is a value of every
//! T; 3. it is memory like that of a Vec; 4. a prefetch changes nothing that a program can see, and may be asked for any address; 5. nor does advice on how
//! large pages shall be, whatever else lies in the first and the last of them; 6. memory before `ready` has been made zero, a value of every T, and may have
//! been written since: all of it is ready once all has been lent. The safe twin of a mapping is the Vec that small tables are.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

const HUGE: usize = 1 << 21;
const PAGE: usize = 1 << 12;

/// Memory for a table of fixed size, zero to begin with; on Linux, where it fills half a huge page, it is mapped for itself and asks for such.
pub(crate) struct Pages<T>(Memory<T>);

enum Memory<T> {
    Plain(Vec<T>),
    #[cfg(target_os = "linux")]
    Mapped(NonNull<T>, usize),
}

// 3
unsafe impl<T: Send> Send for Pages<T> {}
unsafe impl<T: Sync> Sync for Pages<T> {}

impl<T: bytemuck::Zeroable> Pages<T> {
    /// Memory for so many.
    pub(crate) fn new(length: usize) -> Self {
        #[cfg(target_os = "linux")]
        if length * size_of::<T>() >= HUGE / 2
            && let Some(mapped) = Self::map(length)
        {
            return mapped;
        }
        Self(Memory::Plain(bytemuck::zeroed_vec(length)))
    }

    /// Map whole huge pages: what lies before and behind them in the mapping is given back.
    #[cfg(target_os = "linux")]
    fn map(length: usize) -> Option<Self> {
        use libc::{MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, madvise, mmap, munmap};

        let size = Self::mapped_size(length);
        // 1
        unsafe {
            let mapping = mmap(std::ptr::null_mut(), size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if mapping == MAP_FAILED {
                return None;
            }
            let before = mapping.addr().next_multiple_of(HUGE) - mapping.addr();
            let first = mapping.byte_add(before);
            if before > 0 {
                munmap(mapping, before);
            }
            munmap(first.byte_add(size), HUGE - before);
            madvise(first, size, MADV_HUGEPAGE);
            NonNull::new(first.cast()).map(|first| Self(Memory::Mapped(first, length)))
        }
    }
}

impl<T> Pages<T> {
    /// Keep only the first so many, and give back the memory behind them.
    pub(crate) fn truncate(&mut self, length: usize) {
        match &mut self.0 {
            Memory::Plain(memory) => {
                memory.truncate(length);
                memory.shrink_to_fit();
            }
            #[cfg(target_os = "linux")]
            Memory::Mapped(first, mapped) => {
                let all = Self::mapped_size(*mapped);
                *mapped = length.min(*mapped);
                let kept = Self::mapped_size(*mapped);
                if kept < all {
                    // 1
                    unsafe { libc::munmap(first.as_ptr().byte_add(kept).cast(), all - kept) };
                }
            }
        }
    }

    fn mapped_size(length: usize) -> usize {
        (length * size_of::<T>()).next_multiple_of(HUGE).max(HUGE)
    }
}

impl<T> Drop for Pages<T> {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        if let Memory::Mapped(first, length) = self.0 {
            // 1
            unsafe { libc::munmap(first.as_ptr().cast(), Self::mapped_size(length)) };
        }
    }
}

impl<T> Deref for Pages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Memory::Plain(memory) => memory,
            // 2
            #[cfg(target_os = "linux")]
            Memory::Mapped(first, length) => unsafe { std::slice::from_raw_parts(first.as_ptr(), *length) },
        }
    }
}

impl<T> DerefMut for Pages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Memory::Plain(memory) => memory,
            // 2
            #[cfg(target_os = "linux")]
            Memory::Mapped(first, length) => unsafe { std::slice::from_raw_parts_mut(first.as_ptr(), *length) },
        }
    }
}

/// Room for so many numbers that are to come; much of it asks for huge pages.
pub(crate) fn room<T: bytemuck::Pod>(length: usize) -> Vec<T> {
    let mut room = Vec::new();
    make_room(&mut room, length);
    room
}

/// Make room for so many more numbers.
pub(crate) fn make_room<T: bytemuck::Pod>(room: &mut Vec<T>, length: usize) {
    room.reserve(length);
    untouched(room.spare_capacity_mut());
}

/// Make room for up to so many more numbers, or for as many of them as the system gives memory for. What isn't written is never touched.
pub(crate) fn make_room_up_to<T: bytemuck::Pod>(room: &mut Vec<T>, mut length: usize) {
    while room.try_reserve(length).is_err() {
        length /= 2;
    }
    untouched(room.spare_capacity_mut());
}

/// Give so many numbers, which are written into their place.
pub(crate) fn filled<T: bytemuck::Pod, E>(length: usize, fill: impl FnOnce(&mut Untouched<'_, T>) -> Result<(), E>) -> Result<Vec<T>, E> {
    let mut made = room(length);
    let mut places = Untouched::new(&mut made.spare_capacity_mut()[..length]);
    fill(&mut places)?;
    places.lend(0, length);
    // 6
    unsafe { made.set_len(length) };
    Ok(made)
}

/// Memory that is to be touched for the first time where it is written. It is zero when it is lent out, made so a few kilobytes at a time: they are near then.
pub(crate) struct Untouched<'a, T> {
    memory: &'a mut [MaybeUninit<T>],
    /// How much of it has been made zero.
    ready: usize,
}

impl<'a, T: bytemuck::Pod> Untouched<'a, T> {
    /// Memory as it comes.
    pub(crate) fn new(memory: &'a mut [MaybeUninit<T>]) -> Self {
        untouched(memory);
        Self { memory, ready: 0 }
    }

    /// How much there is.
    pub(crate) fn len(&self) -> usize {
        self.memory.len()
    }

    /// Lend out so much of it, or as much as there is.
    pub(crate) fn lend(&mut self, from: usize, length: usize) -> &mut [T] {
        let end = self.memory.len().min(from.saturating_add(length));
        if self.ready < end {
            self.memory[self.ready..end].fill(MaybeUninit::zeroed());
            self.ready = end;
        }
        let places = &mut self.memory[from.min(end)..end];
        // 6
        unsafe { std::slice::from_raw_parts_mut(places.as_mut_ptr().cast(), places.len()) }
    }
}

/// Ask for huge pages for much memory that is to be touched for the first time.
pub(crate) fn untouched<T>(memory: &mut [T]) {
    #[cfg(target_os = "linux")]
    if size_of_val(memory) >= 2 * HUGE {
        let first = memory.as_ptr().cast::<u8>();
        let page = first.wrapping_sub(first.addr() % PAGE);
        let size = (first.addr() - page.addr() + size_of_val(memory)).next_multiple_of(PAGE);
        // 5
        unsafe { libc::madvise(page.cast_mut().cast(), size, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

/// Fetch a text ahead of its use: what begins a page is not foreseen by the processor.
pub(crate) fn prefetch_text(text: &[u8]) {
    (0..text.len().min(PAGE)).step_by(64).for_each(|place| prefetch(text, place));
}

/// Fetch a place ahead of its use.
pub(crate) fn prefetch<T>(places: &[T], place: usize) {
    prefetch_at(places.as_ptr().wrapping_add(place));
}

/// Fetch what lies at an address ahead of its use, if anything does.
pub(crate) fn prefetch_at<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // 4
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_zero_when_it_is_lent_and_keeps_what_is_written() {
        for length in [0, 1, 9, 100] {
            let made: std::result::Result<Vec<u32>, ()> = filled(length, |out| {
                for from in (0..length + 5).step_by(3) {
                    let lent = out.lend(from, 7);
                    assert_eq!(lent.len(), length.saturating_sub(from).min(7));
                    assert!(lent.iter().enumerate().all(|(i, number)| *number == if i < 4 && from > 0 { 9 } else { 0 }), "{from} {lent:?}");
                    lent.fill(9);
                }
                assert!(out.len() == length && out.lend(length, usize::MAX).is_empty());
                Ok(())
            });
            assert_eq!(made, Ok(vec![9; length]));
        }
        let some: std::result::Result<Vec<u8>, ()> = filled(5, |out| {
            out.lend(1, 2).fill(7);
            Ok(())
        });
        assert_eq!(some, Ok(vec![0, 7, 7, 0, 0]));
    }

    #[test]
    fn a_table_is_zero_and_keeps_its_beginning_when_it_gets_shorter() {
        for length in [0, 5, HUGE / 8 - 1, HUGE / 8, HUGE / 4 - 1, HUGE / 4, 3 * HUGE / 4 + 1] {
            let mut table: Pages<u32> = Pages::new(length);
            assert!(table.len() == length && table.iter().all(|number| *number == 0));
            (7..).zip(table.iter_mut()).for_each(|(i, number)| *number = i);
            for shorter in [length + 1, length, length / 2, length / 3, 1, 0] {
                table.truncate(shorter);
                assert!(table.len() == shorter.min(length) && (7..).zip(table.iter()).all(|(i, number)| *number == i));
            }
        }
    }
}
