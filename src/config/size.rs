/// Parses a number of bytes as Docker does: `1024`, `512k`, `64m`, `1.5g`, `2gb`, `1GiB`; all are powers of 1024.
///
/// `None` when the text is none of these or does not fit.
pub(super) fn parse_bytes(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let number_ends = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(number_ends);
    let shift = match unit {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    decimal(number, 1_u128 << shift)
}

/// Parses a number of CPUs (`0.5`, `2`) into billionths of a CPU.
pub(super) fn parse_cpus(text: &str) -> Option<i64> {
    decimal(text, 1_000_000_000)
}

/// A decimal number times `unit`, rounded down.
fn decimal(number: &str, unit: u128) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |s: &str| (1..=18).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u128 = whole.parse().ok()?;
    let part: u128 = fraction.parse().ok()?;
    let denominator = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    i64::try_from(whole * unit + part * unit / denominator).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_docker_reads_them() {
        let cases = [
            ("0", 0),
            ("1024", 1024),
            ("1b", 1),
            ("512k", 512 << 10),
            ("512m", 512 << 20),
            ("64MB", 64 << 20),
            ("1.5g", 3 << 29),
            ("2GiB", 2 << 30),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "m", "-1", "1x", "1 m", "1e3", ".5g", "99999999999999999999", "999999999t"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
        assert_eq!(parse_cpus("0.5"), Some(500_000_000));
        assert_eq!(parse_cpus("two"), None);
    }
}
