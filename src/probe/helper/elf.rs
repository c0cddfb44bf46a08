//! As much of the ELF format as tells which build a program is, and whether it runs without any other file (`elf(5)`).

use std::ops::Range;

const PROGRAM_INTERPRETER: u32 = 3;
const NOTE: u32 = 4;
/// The type of the note in which the linker puts a build ID.
const BUILD_ID: u32 = 3;

/// Whether the program is linked statically; `None` when it is no ELF file of 64 bits in this machine's byte order.
pub(super) fn is_static(head: &[u8]) -> Option<bool> {
    Some(segments(head)?.iter().all(|(kind, _)| *kind != PROGRAM_INTERPRETER))
}

/// What the linker calls this build, in hexadecimal digits, as far as it is within these first bytes of the file.
pub(super) fn build_id(head: &[u8]) -> Option<String> {
    let notes = segments(head)?.into_iter().filter(|(kind, _)| *kind == NOTE);
    notes.filter_map(|(_, place)| build_id_in(head.get(place)?)).next()
}

/// Finds the build ID among notes: sizes of name and description, type, name, description, each padded to four bytes.
fn build_id_in(mut notes: &[u8]) -> Option<String> {
    let padded = |size: u32| usize::try_from(size).ok()?.checked_next_multiple_of(4);
    loop {
        let name_size = word(notes, 0)?;
        let size = word(notes, 4)?;
        let kind = word(notes, 8)?;
        let rest = notes.get(12..)?;
        let (name, rest) = rest.split_at_checked(padded(name_size)?)?;
        if kind == BUILD_ID && name == b"GNU\0" {
            let id = rest.get(..usize::try_from(size).ok()?).filter(|id| !id.is_empty())?;
            return Some(id.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        notes = rest.get(padded(size)?..)?;
    }
}

/// The types of the program's segments, and where each is in the file.
fn segments(head: &[u8]) -> Option<Vec<(u32, Range<usize>)>> {
    const CLASS_64: u8 = 2;
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    if head.get(..4)? != b"\x7fELF" || head.get(4..6)? != [CLASS_64, order] {
        return None;
    }
    let table = usize::try_from(long(head, 32)?).ok()?;
    let size = usize::from(half(head, 54)?);
    let count = usize::from(half(head, 56)?);
    let mut segments = Vec::new();
    for index in 0..count {
        let at = table.checked_add(index.checked_mul(size)?)?;
        let entry = head.get(at..)?;
        let start = usize::try_from(long(entry, 8)?).ok()?;
        let length = usize::try_from(long(entry, 32)?).ok()?;
        segments.push((word(entry, 0)?, start..start.checked_add(length)?));
    }
    Some(segments)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_interpreter_makes_a_program_dynamic() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert_eq!(is_static(&own), Some(cfg!(target_feature = "crt-static")));

        let mut program = own[..4096].to_vec();
        let table = u64::from_ne_bytes(program[32..40].try_into().unwrap()) as usize;
        program[table..table + 4].copy_from_slice(&PROGRAM_INTERPRETER.to_ne_bytes());
        assert_eq!(is_static(&program), Some(false));
        assert_eq!(is_static(b"#!/bin/sh\n"), None);
        assert_eq!(is_static(&own[..60]), None);
    }

    #[test]
    fn the_build_id_is_the_linkers() {
        let note = |kind: u32, id: &[u8]| {
            let mut note = Vec::new();
            for word in [4, id.len() as u32, kind] {
                note.extend(word.to_ne_bytes());
            }
            note.extend(b"GNU\0");
            note.extend(id);
            note.resize(note.len().next_multiple_of(4), 0);
            note
        };
        let notes = [note(1, &[9; 16]), note(BUILD_ID, &[0xab, 0x01])].concat();
        assert_eq!(build_id_in(&notes).as_deref(), Some("ab01"));
        assert_eq!(build_id_in(&note(1, &[9; 16])), None);
        assert_eq!(build_id_in(&notes[..notes.len() - 4]), None);
        assert_eq!(build_id(b"#!/bin/sh\n"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, table: u64) {
            is_static(&bytes);
            let mut file = b"\x7fELF\x02\x01".to_vec();
            file.resize(32, 0);
            file.extend(table.to_ne_bytes());
            file.extend(bytes);
            is_static(&file);
            build_id(&file);
            build_id_in(&file[32..]);
        }
    }
}
