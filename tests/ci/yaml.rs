use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Reads YAML 1.2 as JSON. What JSON has no word for, anchors, tags and keys that are no texts, the examples do not use.
pub fn read(text: &str) -> Value {
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.unwrap();
        let value = match event {
            Event::Scalar(text, style, 0, None) => scalar(&text, style == ScalarStyle::Plain),
            Event::SequenceStart(_, 0, None) => {
                open.push((Value::Array(Vec::new()), None));
                continue;
            }
            Event::MappingStart(_, 0, None) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().unwrap().0,
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(..) => {
                panic!("line {}: an anchor, an alias or a tag", span.start.line())
            }
            _ => continue,
        };
        match open.last_mut() {
            None => root = Some(value),
            Some((Value::Array(list), _)) => list.push(value),
            Some((Value::Object(map), key)) => match key.take() {
                None => *key = Some(value.as_str().expect("a key that is no text").to_owned()),
                Some(key) => {
                    assert!(map.insert(key.clone(), value).is_none(), "the key {key} is there twice");
                }
            },
            Some(_) => unreachable!("only these are opened"),
        }
    }
    root.expect("the file is empty")
}

fn scalar(text: &str, plain: bool) -> Value {
    match text {
        _ if !plain => Value::from(text),
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
    }
}
