//! Whether an answer is as expected; no I/O.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::{Answer, BODY_LIMIT};
use crate::model::Expectation;

/// The first thing about an answer that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The status is another one.
    Status {
        /// What it is.
        actual: u16,
        /// What it may be; empty for any 2xx.
        expected: Vec<u16>,
    },
    /// The body lacks a text.
    Body {
        /// The text.
        expected: String,
    },
    /// The body is not JSON.
    NotJson,
    /// The body was cut off, so it cannot be judged.
    TooLong,
    /// The JSON body has nothing at this pointer.
    NoSuchPointer {
        /// The pointer.
        pointer: String,
    },
    /// The JSON body has another value at this pointer.
    Value {
        /// The pointer.
        pointer: String,
        /// What has to be there.
        expected: Value,
        /// What is there.
        actual: Value,
    },
    /// It took too long.
    TooSlow {
        /// How long it took.
        took: Duration,
        /// How long it may take.
        within: Duration,
    },
}

/// Compares an answer with what is expected, in the order status, body, JSON pointers, time.
///
/// # Errors
/// The first thing that is not as expected.
pub fn check(expectation: &Expectation, answer: &Answer) -> Result<(), Mismatch> {
    let good = match expectation.status.as_slice() {
        [] => (200..300).contains(&answer.status),
        expected => expected.contains(&answer.status),
    };
    if !good {
        return Err(Mismatch::Status { actual: answer.status, expected: expectation.status.clone() });
    }
    let cut = answer.body.len() >= BODY_LIMIT;
    if let Some(expected) = &expectation.body
        && !answer.body.contains(expected)
    {
        return Err(if cut { Mismatch::TooLong } else { Mismatch::Body { expected: expected.clone() } });
    }
    if !expectation.json.is_empty() {
        json(expectation, answer, cut)?;
    }
    if answer.took > expectation.within {
        return Err(Mismatch::TooSlow { took: answer.took, within: expectation.within });
    }
    Ok(())
}

fn json(expectation: &Expectation, answer: &Answer, cut: bool) -> Result<(), Mismatch> {
    let Ok(body) = serde_json::from_str::<Value>(&answer.body) else {
        return Err(if cut { Mismatch::TooLong } else { Mismatch::NotJson });
    };
    for (pointer, expected) in &expectation.json {
        match body.pointer(pointer) {
            None => return Err(Mismatch::NoSuchPointer { pointer: pointer.clone() }),
            Some(actual) if !same(actual, expected) => {
                let (expected, actual) = (expected.clone(), actual.clone());
                return Err(Mismatch::Value { pointer: pointer.clone(), expected, actual });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Equality in which `1` is `1.0`, as a person means it who writes YAML.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { actual, expected } => match expected.as_slice() {
                [] => write!(f, "answered {actual}, expected is 2xx"),
                expected => {
                    let list: Vec<String> = expected.iter().map(u16::to_string).collect();
                    write!(f, "answered {actual}, expected is {}", list.join(" or "))
                }
            },
            Self::Body { expected } => write!(f, "the body does not contain {expected:?}"),
            Self::NotJson => f.write_str("the body is not JSON"),
            Self::TooLong => {
                write!(f, "the body is longer than the {} KiB that are looked at", BODY_LIMIT / 1024)
            }
            Self::NoSuchPointer { pointer } => write!(f, "the body has nothing at {pointer:?}"),
            Self::Value { pointer, expected, actual } => {
                write!(f, "the body has {actual} at {pointer:?}, expected is {expected}")
            }
            Self::TooSlow { took, within } => {
                write!(f, "answered after {} ms, allowed are {} ms", took.as_millis(), within.as_millis())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected() -> Expectation {
        Expectation { status: vec![], body: None, json: [].into(), within: Duration::from_millis(500) }
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: vec![], body: body.to_owned(), took: Duration::from_millis(20) }
    }

    fn told(expectation: &Expectation, answer: &Answer) -> String {
        check(expectation, answer).unwrap_err().to_string()
    }

    #[test]
    fn without_a_list_any_2xx_is_good() {
        assert_eq!(check(&expected(), &answer(204, "")), Ok(()));
        assert_eq!(told(&expected(), &answer(302, "")), "answered 302, expected is 2xx");
        let listed = Expectation { status: vec![200, 404], ..expected() };
        assert_eq!(check(&listed, &answer(404, "")), Ok(()));
        assert_eq!(told(&listed, &answer(204, "")), "answered 204, expected is 200 or 404");
    }

    #[test]
    fn the_body_has_to_contain_the_text() {
        let with = Expectation { body: Some("ok".to_owned()), ..expected() };
        assert_eq!(check(&with, &answer(200, "all ok\n")), Ok(()));
        assert_eq!(told(&with, &answer(200, "bad")), "the body does not contain \"ok\"");
        assert_eq!(check(&with, &answer(200, &"x".repeat(BODY_LIMIT))), Err(Mismatch::TooLong));
    }

    #[test]
    fn pointers_are_compared_as_values() {
        let body = r#"{"db": {"up": true, "lag": 1}, "list": [{"a/b": null}]}"#;
        let with =
            |pointer: &str, value| Expectation { json: [(pointer.to_owned(), value)].into(), ..expected() };
        assert_eq!(check(&with("/db/up", json!(true)), &answer(200, body)), Ok(()));
        assert_eq!(check(&with("/db", json!({"lag": 1.0, "up": true})), &answer(200, body)), Ok(()));
        assert_eq!(check(&with("/list/0/a~1b", json!(null)), &answer(200, body)), Ok(()));
        assert_eq!(
            told(&with("/db/lag", json!("1")), &answer(200, body)),
            "the body has 1 at \"/db/lag\", expected is \"1\""
        );
        assert_eq!(
            told(&with("/db/down", json!(1)), &answer(200, body)),
            "the body has nothing at \"/db/down\""
        );
        assert_eq!(told(&with("/db", json!(1)), &answer(200, "<html>")), "the body is not JSON");
    }

    #[test]
    fn a_right_answer_that_comes_late_is_not_good() {
        let late = Answer { took: Duration::from_millis(620), ..answer(200, "") };
        assert_eq!(told(&expected(), &late), "answered after 620 ms, allowed are 500 ms");
    }
}
