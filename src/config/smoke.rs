use std::collections::BTreeMap;
use std::time::Duration;

use super::context::{Context, one_of};
use super::fields::Fields;
use super::json;
use super::node::{Node, Value};
use crate::model::{Expectation, Method, Secret, SmokeTest};

/// How long an answer may take where nothing else is written.
const WITHIN: Duration = Duration::from_secs(5);

const METHODS: [(&str, Method); 7] = [
    ("get", Method::Get),
    ("head", Method::Head),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
    ("options", Method::Options),
];

/// Reads `smoke`, a list of requests.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> Vec<SmokeTest> {
    let Some(node) = fields.take_secret("smoke") else { return Vec::new() };
    let items = cx.list(node, "a list of requests", "a list such as \"- get: /health\"").unwrap_or_default();
    items.iter().filter_map(|item| request(cx, item)).collect()
}

fn request(cx: &mut Context<'_>, node: &Node) -> Option<SmokeTest> {
    let mut fields = Fields::open(cx, node, "smoke")?;
    let asked: Vec<(&str, Method, &Node)> =
        METHODS.iter().filter_map(|(name, method)| Some((*name, *method, fields.take(cx, name)?))).collect();
    let names = METHODS.map(|(name, _)| name);
    match asked.as_slice() {
        [] => {
            cx.problems
                .add(node.span, "the request of a smoke test is missing")
                .expected(format!("{} with a path, as in \"get: /health\"", one_of(&names)));
        }
        [_] => {}
        [_, (second, _, node), ..] => {
            cx.problems
                .add(node.span, format!("a smoke test has one request, and {second:?} is a second one"))
                .hint("begin a new item of the list with \"- \"");
        }
    }
    let path = asked.first().and_then(|(_, _, node)| {
        cx.checked(node, "a path", "path and query, beginning with \"/\", without spaces", is_request_path)
    });
    let headers = fields.take_secret("headers").map(|node| headers(cx, node)).unwrap_or_default();
    let body = fields.take(cx, "body");
    if let (Some(node), Some((name, Method::Get | Method::Head, _))) = (body, asked.first()) {
        cx.problems
            .add(node.span, format!("a {name} request has no body"))
            .hint("to check the body of the answer, write \"expect: { body: … }\"");
    }
    let body = body.and_then(|node| cx.text(node, "a body").map(str::to_owned));
    let retries = fields.take(cx, "retries").and_then(|node| cx.number(node, "a number of retries", 0, 1000));
    let expect = fields.take(cx, "expect");
    let expect = match expect {
        Some(node) => expectation(cx, node),
        None => Some(anything()),
    };
    fields.close(cx);
    let (_, method, _) = *asked.first()?;
    let retries = retries.unwrap_or(0);
    Some(SmokeTest { method, path: path?.to_owned(), headers, body, expect: expect?, retries })
}

/// Any 2xx in time.
fn anything() -> Expectation {
    Expectation { status: Vec::new(), body: None, json: BTreeMap::new(), within: WITHIN }
}

fn expectation(cx: &mut Context<'_>, node: &Node) -> Option<Expectation> {
    let mut fields = Fields::open(cx, node, "smoke.expect")?;
    let mut expect = anything();
    if let Some(node) = fields.take(cx, "status") {
        let items =
            cx.one_or_list(node, "a status", "a status such as 200, or a list of them").unwrap_or_default();
        expect.status.extend(items.iter().filter_map(|item| cx.number(item, "a status", 100, 599)));
    }
    expect.body = fields.take(cx, "body").and_then(|node| cx.text(node, "a text").map(str::to_owned));
    if let Some(node) = fields.take(cx, "json") {
        expect.json = pointers(cx, node);
    }
    if let Some(within) = fields.take(cx, "within").and_then(|node| cx.positive_duration(node)) {
        expect.within = within;
    }
    fields.close(cx);
    Some(expect)
}

fn pointers(cx: &mut Context<'_>, node: &Node) -> BTreeMap<String, serde_json::Value> {
    let expected = "a JSON pointer and a value, as in \"/status: ok\"";
    let Value::Map(entries) = &node.value else {
        cx.reject(node, "a JSON pointer with its value", expected);
        return BTreeMap::new();
    };
    let mut pointers = BTreeMap::new();
    for (key, node) in entries {
        cx.problems.public(node);
        // RFC 6901, section 3: "~" stands only in "~0" and "~1".
        let escapes = key.text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if !(key.text.is_empty() || key.text.starts_with('/')) || !escapes {
            cx.problems
                .add(key.span, format!("{:?} is not a JSON pointer", key.text))
                .expected("\"/\" and a name for every level, as in /checks/0/status");
            continue;
        }
        pointers.insert(key.text.clone(), json::value(node));
    }
    pointers
}

/// Headers that say where and how is asked, and hold no secret.
const HARMLESS: [&str; 8] = [
    "accept",
    "content-type",
    "host",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-prefix",
    "x-forwarded-proto",
];

/// Hides the values of headers, but for those that hold no secret by their names.
fn hide_headers(cx: &mut Context<'_>, node: &Node) {
    let Value::Map(entries) = &node.value else { return cx.problems.secret(node) };
    for (key, node) in entries {
        if HARMLESS.iter().any(|name| name.eq_ignore_ascii_case(&key.text)) {
            cx.problems.public(node);
        } else {
            cx.problems.secret(node);
        }
    }
}

pub(super) fn headers(cx: &mut Context<'_>, node: &Node) -> BTreeMap<String, Secret> {
    hide_headers(cx, node);
    let Value::Map(entries) = &node.value else {
        cx.reject_secret(node, "headers", "lines of the form \"NAME: value\"");
        return BTreeMap::new();
    };
    let mut headers: BTreeMap<String, Secret> = BTreeMap::new();
    for (key, node) in entries {
        // RFC 9110, section 5.6.2: a field name is a token.
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if key.text.is_empty() || !key.text.bytes().all(token) {
            cx.problems.add(key.span, format!("{:?} is not the name of a header", key.text));
            continue;
        }
        if headers.keys().any(|name| name.eq_ignore_ascii_case(&key.text)) {
            cx.problems.add(key.span, format!("the header {:?} stands here a second time", key.text));
            continue;
        }
        match node.scalar() {
            Some(scalar) if !scalar.text.contains(|c: char| c.is_control() && c != '\t') => {
                headers.insert(key.text.clone(), Secret::new(scalar.text.as_str()));
            }
            Some(_) => {
                cx.problems.add(
                    node.span,
                    format!(
                        "the value of the header {} holds a line break or another control character",
                        key.text
                    ),
                );
            }
            None => {
                cx.reject_secret(node, &format!("the value of the header {}", key.text), "a text");
            }
        }
    }
    headers
}

/// Whether a text can stand in a request line: it begins with `/` and has visible ASCII only, without a fragment.
pub(super) fn is_request_path(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}
