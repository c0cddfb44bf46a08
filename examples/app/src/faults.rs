use hyper::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// The faults by the names they have in `POST /fault?name=value`; in the environment the names are in capitals.
pub const NAMES: [&str; 10] = [
    "fail_health",
    "hang",
    "status",
    "latency",
    "exit_after",
    "fail_rate",
    "redirect",
    "host_check",
    "spare_health",
    "big_header",
];

/// What goes wrong at the moment. `/fault` itself always works, so that every fault can be taken back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    pub health: Option<HealthFault>,
    /// Accepts requests and never answers.
    pub hang: bool,
    /// The status of every answer.
    pub status: Option<StatusCode>,
    /// Added before every answer.
    pub latency: Duration,
    /// Ends the process with status 1, this long after it was set.
    pub exit_after: Option<Duration>,
    /// The share of requests that are answered 500, from 0 to 1. Evenly spread, not drawn by chance.
    pub fail_rate: f64,
    /// Answers every GET with a redirect to the same path over https, unless `X-Forwarded-Proto` says that it is.
    pub redirect: bool,
    /// Refuses with 403 every request for another host.
    pub host_check: Option<String>,
    /// Leaves `/health` alone: an app that looks well and is not.
    pub spare_health: bool,
    /// So many KB of cookies come with every answer, as after a login.
    pub big_header: u16,
    failures_due: f64,
}

/// How `/health` alone fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HealthFault {
    Fail,
    Hang,
}

impl Faults {
    /// Switches one fault; an empty value, `0` or `off` switches it off.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let off = matches!(value, "" | "0" | "off" | "false");
        let wrong = |expected: &str| format!("{name}={value}: expected {expected}");
        match name.to_ascii_lowercase().as_str() {
            "fail_health" => {
                self.health = match value {
                    _ if off => None,
                    "hang" => Some(HealthFault::Hang),
                    "1" | "503" | "true" => Some(HealthFault::Fail),
                    _ => return Err(wrong("1, hang or 0")),
                }
            }
            "hang" => self.hang = flag(value).ok_or_else(|| wrong("1 or 0"))?,
            "status" => {
                self.status = match off {
                    true => None,
                    false => Some(value.parse().map_err(|_| wrong("a status such as 500"))?),
                }
            }
            "latency" => self.latency = duration(value).map_err(|why| wrong(&why))?,
            "exit_after" => {
                self.exit_after = match value {
                    "" | "off" => None,
                    value => Some(duration(value).map_err(|why| wrong(&why))?),
                }
            }
            "fail_rate" => {
                let rate = if off { Ok(0.0) } else { value.parse() };
                self.fail_rate = rate
                    .ok()
                    .filter(|rate| (0.0..=1.0).contains(rate))
                    .ok_or_else(|| wrong("a share from 0 to 1"))?;
                self.failures_due = 0.0;
            }
            "redirect" => {
                self.redirect = match value {
                    _ if off => false,
                    "https" | "1" => true,
                    _ => return Err(wrong("https or 0")),
                }
            }
            "host_check" => self.host_check = (!off).then(|| value.to_string()),
            "spare_health" => self.spare_health = flag(value).ok_or_else(|| wrong("1 or 0"))?,
            "big_header" => {
                let kilobytes = if off { Ok(0) } else { value.parse() };
                self.big_header = kilobytes.map_err(|_| wrong("a number of KB"))?;
            }
            _ => return Err(format!("no such fault: {name}; there are: {}", NAMES.join(", "))),
        }
        Ok(())
    }

    /// Switches what a query names, all of it or nothing. `clear` switches all faults off first.
    pub fn apply(&mut self, query: &str) -> Result<(), String> {
        let mut changed = self.clone();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                None if pair == "clear" => changed = Self::default(),
                pair_of => {
                    let (name, value) = pair_of.unwrap_or((pair, "1"));
                    changed.set(name, value)?;
                }
            }
        }
        *self = changed;
        Ok(())
    }

    /// Tells whether the next request is among the share that fails.
    pub fn next_fails(&mut self) -> bool {
        self.failures_due += self.fail_rate;
        let fails = self.failures_due >= 1.0;
        if fails {
            self.failures_due -= 1.0;
        }
        fails
    }

    pub fn to_json(&self) -> Value {
        json!({
            "fail_health": self.health.map(|fault| match fault { HealthFault::Fail => "1", HealthFault::Hang => "hang" }),
            "hang": self.hang,
            "status": self.status.map(|status| status.as_u16()),
            "latency_ms": self.latency.as_millis() as u64,
            "exit_after_ms": self.exit_after.map(|after| after.as_millis() as u64),
            "fail_rate": self.fail_rate,
            "redirect": self.redirect,
            "host_check": self.host_check,
            "spare_health": self.spare_health,
            "big_header_kb": self.big_header,
        })
    }
}

/// Parses `300ms`, `2s`, `1m`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = match digits {
        "" => 0.0,
        digits => digits.parse().map_err(|_| "a duration such as 200ms or 2s".to_string())?,
    };
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        _ => return Err("a duration in ms, s or m".to_string()),
    };
    Duration::try_from_secs_f64(number * unit).map_err(|_| "a duration that is not negative".to_string())
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "1" | "on" | "true" => Some(true),
        "" | "0" | "off" | "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_switched_on_and_off_again() {
        let on = ["hang", "1", "418", "200ms", "2s", "0.5", "https", "example.com", "1", "20"];
        let off = ["0", "0", "0", "0", "off", "0", "0", "0", "0", "0"];
        for ((name, on), off) in NAMES.iter().zip(on).zip(off) {
            let mut faults = Faults::default();
            faults.set(name, on).unwrap();
            assert_ne!(faults, Faults::default(), "{name}={on}");
            faults.set(name, off).unwrap();
            assert_eq!(faults, Faults::default(), "{name}={off}");
        }
    }

    #[test]
    fn a_query_with_a_mistake_changes_nothing() {
        let mut faults = Faults::default();
        let why = faults.apply("hang=1&fail_rate=2").unwrap_err();
        assert_eq!(why, "fail_rate=2: expected a share from 0 to 1");
        assert_eq!(faults, Faults::default());
    }

    #[test]
    fn clear_takes_back_what_was_set_before_it() {
        let mut faults = Faults::default();
        faults.apply("hang=1&latency=1s").unwrap();
        faults.apply("clear&status=500").unwrap();
        assert_eq!(faults, Faults { status: Some(StatusCode::INTERNAL_SERVER_ERROR), ..Faults::default() });
    }

    #[test]
    fn the_share_that_fails_is_spread_evenly() {
        let mut faults = Faults { fail_rate: 0.25, ..Faults::default() };
        let failed: Vec<bool> = (0..8).map(|_| faults.next_fails()).collect();
        assert_eq!(failed, [false, false, false, true, false, false, false, true]);
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2"), Ok(Duration::from_secs(2)));
        assert!(duration("2h").is_err());
        assert!(duration("-1s").is_err());
    }
}
