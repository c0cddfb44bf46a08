/// The length of a body and a fingerprint of its bytes (64-bit FNV-1a), as the sample app answers `POST /digest`.
pub fn digest(body: &[u8]) -> String {
    let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{} {hash:016x}\n", body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_makes_another_digest() {
        assert_eq!(digest(b"foobar"), "6 85944171f73967e8\n");
        assert_ne!(digest(b"foobar"), digest(b"foobaz"));
    }
}
