use std::fmt::Write as _;
use std::time::Duration;

/// A text that is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// A number without a unit.
    #[error("the unit is missing: use ms, s, m or h, as in 30s")]
    NoUnit,
    /// Not a number where one belongs, or not a unit.
    #[error("write numbers with the units us, ms, s, m or h, as in 500ms, 2s or 1m30s")]
    Syntax,
    /// The units are not in falling order.
    #[error("write each unit once, the largest first, as in 1m30s")]
    Order,
    /// More than a year.
    #[error("a duration is at most 8760h")]
    TooLong,
}

/// The units, largest first, in nanoseconds.
const UNITS: [(&str, u128); 5] =
    [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000)];

const LONGEST: u128 = 8760 * 3_600_000_000_000;

/// Parses a duration as compose writes them: `500ms`, `2s`, `1.5s`, `10m`, `1h`, `1m30s`; and `0`.
///
/// # Errors
/// Says what is wrong with the text, without repeating it.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut total: u128 = 0;
    let mut smallest = u128::MAX;
    while !rest.is_empty() {
        let number_ends = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_ends);
        let unit_ends = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (name, tail) = tail.split_at(unit_ends);
        if name.is_empty() && tail.is_empty() && number.parse::<f64>().is_ok() {
            return Err(InvalidDuration::NoUnit);
        }
        let unit = UNITS.iter().find(|(unit, _)| *unit == name).ok_or(InvalidDuration::Syntax)?.1;
        if unit >= smallest {
            return Err(InvalidDuration::Order);
        }
        smallest = unit;
        total = total
            .checked_add(scaled(number, unit).ok_or(InvalidDuration::Syntax)??)
            .ok_or(InvalidDuration::TooLong)?;
        rest = tail;
    }
    if smallest == u128::MAX {
        return Err(InvalidDuration::Syntax);
    }
    let total = (total <= LONGEST).then_some(total).and_then(|nanos| u64::try_from(nanos).ok());
    total.map(Duration::from_nanos).ok_or(InvalidDuration::TooLong)
}

/// `number` times `unit`; `None` when the number is none, an error when it is beyond every bound.
fn scaled(number: &str, unit: u128) -> Option<Result<u128, InvalidDuration>> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    if whole.len() > 18 {
        return Some(Err(InvalidDuration::TooLong));
    }
    let whole: u128 = whole.parse().ok()?;
    let part: u128 = fraction.parse().ok()?;
    let denominator = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    Some(Ok(whole * unit + part * unit / denominator))
}

/// A text that is not an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write days, as in 90d, or a duration, as in 12h")]
pub struct InvalidAge;

const DAY: u64 = 86_400;

/// A hundred years: a bound that keeps every computation with ages within its numbers.
const OLDEST_DAYS: u64 = 36_500;

/// Parses an age: whole days, as in `90d`, or a duration as [`parse_duration`] reads it.
///
/// # Errors
/// Says how ages are written.
pub fn parse_age(text: &str) -> Result<Duration, InvalidAge> {
    match text.strip_suffix('d') {
        Some(days) if !days.is_empty() && days.bytes().all(|b| b.is_ascii_digit()) => {
            let days: u64 = days.parse().map_err(|_| InvalidAge)?;
            if days <= OLDEST_DAYS { Ok(Duration::from_secs(days * DAY)) } else { Err(InvalidAge) }
        }
        _ => parse_duration(text).map_err(|_| InvalidAge),
    }
}

/// Writes an age in the form that [`parse_age`] reads.
pub fn show_age(age: Duration) -> String {
    let days = age.as_secs() / DAY;
    if days > 0 && age == Duration::from_secs(days * DAY) { format!("{days}d") } else { show_duration(age) }
}

/// Writes a duration in the form that [`parse_duration`] reads, to the microsecond.
pub fn show_duration(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut text = String::new();
    for (name, unit) in UNITS {
        if rest >= unit {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{name}", rest / unit);
            rest %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_they_are_written_in_compose_files() {
        let cases = [
            ("0", 0),
            ("0s", 0),
            ("500ms", 500),
            ("2s", 2000),
            ("1.5s", 1500),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("1m30s", 90_000),
            ("1h2m3s4ms", 3_723_004),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for text in ["", "s", "abc", "1x", "-1s", "1 s", "1s ", ".s", "1.s", "1..2s", "1S", "½s", "1m30"] {
            let error = parse_duration(text).unwrap_err();
            assert!(matches!(error, InvalidDuration::Syntax | InvalidDuration::NoUnit), "{text}: {error:?}");
        }
        assert_eq!(parse_duration("30"), Err(InvalidDuration::NoUnit));
        assert_eq!(parse_duration("1s1m"), Err(InvalidDuration::Order));
        assert_eq!(parse_duration("1s1s"), Err(InvalidDuration::Order));
        assert_eq!(parse_duration("8761h"), Err(InvalidDuration::TooLong));
        assert_eq!(parse_duration(&format!("{}h", "9".repeat(400))), Err(InvalidDuration::TooLong));
    }

    #[test]
    fn an_age_may_be_given_in_days() {
        let hours = |hours: u64| Ok(Duration::from_secs(hours * 3600));
        assert_eq!(parse_age("90d"), hours(90 * 24));
        assert_eq!(parse_age("36h"), hours(36));
        assert_eq!(parse_age("0"), hours(0));
        for text in ["", "d", "1.5d", "-1d", "1d12h", "36501d", "99999999999999999999d", "soon", "30"] {
            assert_eq!(parse_age(text), Err(InvalidAge), "{text}");
        }
        for text in ["90d", "36h", "1m30s"] {
            assert_eq!(show_age(parse_age(text).unwrap()), text);
        }
        assert_eq!(show_age(Duration::from_secs(DAY)), "1d");
    }

    #[test]
    fn a_duration_is_shown_with_its_units() {
        assert_eq!(show_duration(Duration::from_millis(90_500)), "1m30s500ms");
        assert_eq!(show_duration(Duration::ZERO), "0s");
    }
}
