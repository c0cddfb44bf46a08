//! As much of the ELF format as tells whether a program runs without any other file (`elf(5)`).

const PROGRAM_INTERPRETER: u32 = 3;

/// Whether the program is linked statically; `None` when it is no ELF file of 64 bits in this machine's byte order.
pub(super) fn is_static(head: &[u8]) -> Option<bool> {
    const CLASS_64: u8 = 2;
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    if head.get(..4)? != b"\x7fELF" || head.get(4..6)? != [CLASS_64, order] {
        return None;
    }
    let table = usize::try_from(u64::from_ne_bytes(head.get(32..40)?.try_into().ok()?)).ok()?;
    let size = usize::from(half(head, 54)?);
    let count = usize::from(half(head, 56)?);
    for index in 0..count {
        let at = table.checked_add(index.checked_mul(size)?)?;
        let kind = u32::from_ne_bytes(head.get(at..at.checked_add(4)?)?.try_into().ok()?);
        if kind == PROGRAM_INTERPRETER {
            return Some(false);
        }
    }
    Some(true)
}

fn half(head: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(head.get(at..at + 2)?.try_into().ok()?))
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

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, table: u64) {
            is_static(&bytes);
            let mut file = b"\x7fELF\x02\x01".to_vec();
            file.resize(32, 0);
            file.extend(table.to_ne_bytes());
            file.extend(bytes);
            is_static(&file);
        }
    }
}
