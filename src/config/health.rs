use std::time::Duration;

use super::context::Context;
use super::fields::Fields;
use super::node::{Node, Value};
use super::smoke::is_request_path;
use crate::model::{Health, HealthTiming};

const DEFAULT: HealthTiming = HealthTiming {
    interval: Duration::from_secs(2),
    timeout: Duration::from_secs(2),
    retries: 3,
    start_period: Duration::ZERO,
    deadline: Health::DEADLINE,
};

/// What Docker's API can hold.
const MOST_RETRIES: u32 = 2_147_483_647;

/// Reads `health`: absent for the image's own HEALTHCHECK, `none`, or a mapping.
pub(crate) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> Option<Health> {
    let Some(node) = fields.take(cx, "health") else { return Some(Health::Image { deadline: None }) };
    if let Value::Scalar(scalar) = &node.value {
        if scalar.text == "none" {
            return Some(Health::None);
        }
        cx.reject(node, "a health check", "none, or a mapping with http or cmd");
        return None;
    }
    let mut fields = Fields::open(cx, node, "health")?;
    let http = fields.take(cx, "http");
    let cmd = fields.take(cx, "cmd");
    let path = http.and_then(|node| {
        cx.checked(node, "a path", "a path such as /health, beginning with \"/\"", is_request_path)
    });
    let test = cmd.and_then(|node| command(cx, node));
    let headers = fields.take_secret("headers");
    if let (Some(_), None) = (headers, http)
        && let Some(span) = fields.span_of("headers")
    {
        cx.problems.add(span, "\"headers\" needs \"http\" beside it").hint("only a request has headers");
    }
    let headers = headers.map(|node| super::smoke::headers(cx, node)).unwrap_or_default();
    let has_deadline = fields.span_of("deadline").is_some();
    let timing = timing(cx, &mut fields);
    let health = match (http, cmd) {
        (Some(_), Some(second)) => {
            cx.problems
                .add(second.span, "\"http\" and \"cmd\" exclude each other in health")
                .hint("keep one of them");
            None
        }
        (Some(_), None) => path.map(|path| Health::Http { path: path.to_owned(), headers, timing }),
        (None, Some(_)) => test.map(|test| Health::Command { test, timing }),
        (None, None) => {
            for key in ["interval", "timeout", "retries", "start_period"] {
                if let Some(span) = fields.span_of(key) {
                    cx.problems
                        .add(span, format!("{key:?} needs \"http\" or \"cmd\" beside it"))
                        .hint("without them the image's own HEALTHCHECK counts, with its own intervals");
                }
            }
            Some(Health::Image { deadline: has_deadline.then_some(timing.deadline) })
        }
    };
    fields.close(cx);
    health
}

fn timing(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> HealthTiming {
    let mut timing = DEFAULT;
    if let Some(interval) = fields.take(cx, "interval").and_then(|node| cx.positive_duration(node)) {
        timing.interval = interval;
    }
    if let Some(timeout) = fields.take(cx, "timeout").and_then(|node| cx.positive_duration(node)) {
        timing.timeout = timeout;
    }
    if let Some(retries) =
        fields.take(cx, "retries").and_then(|node| cx.number(node, "a number of retries", 1, MOST_RETRIES))
    {
        timing.retries = retries;
    }
    let start_period = fields.take(cx, "start_period");
    if let Some(period) = start_period.and_then(|node| cx.duration(node)) {
        timing.start_period = period;
    }
    let deadline = fields.take(cx, "deadline").map(|node| cx.positive_duration(node));
    match deadline {
        // Measuring against a deadline that is itself wrong would tell nothing.
        Some(None) => return timing,
        Some(Some(deadline)) => timing.deadline = deadline,
        None => {
            timing.deadline =
                Health::deadline_for(timing.start_period, timing.interval, timing.timeout, timing.retries);
        }
    }
    if let Some(node) = start_period
        && timing.start_period > timing.deadline
    {
        let [period, limit] = [timing.start_period, timing.deadline].map(super::show_duration);
        cx.problems
            .warn(node.span, format!("the deadline of {limit} ends before the start_period of {period} does"))
            .hint(format!(
                "a release that is not ready after {limit} is given up: raise deadline, or remove it"
            ));
    }
    timing
}

/// The command in Docker's own form: `CMD` and arguments, or `CMD-SHELL` and a line.
fn command(cx: &mut Context<'_>, node: &Node) -> Option<Vec<String>> {
    let expected = "a list of arguments, or one line for the image's shell";
    let items = match &node.value {
        Value::Scalar(scalar) if !scalar.text.trim().is_empty() => {
            return Some(vec!["CMD-SHELL".to_owned(), scalar.text.clone()]);
        }
        Value::List(items) if !items.is_empty() => items,
        _ => {
            cx.reject(node, "a command", expected);
            return None;
        }
    };
    let words: Vec<String> =
        items.iter().filter_map(|item| cx.text(item, "an argument").map(str::to_owned)).collect();
    match words.first().map(String::as_str) {
        Some("NONE") => {
            cx.reject(node, "a command", expected).hint("write \"health: none\" to deploy without a check");
            None
        }
        // As compose writes it.
        Some("CMD") if words.len() > 1 => Some(words),
        Some("CMD-SHELL") if words.len() == 2 => Some(words),
        Some("CMD" | "CMD-SHELL") => {
            cx.reject(node, "a command", expected);
            None
        }
        _ => Some(std::iter::once("CMD".to_owned()).chain(words).collect()),
    }
}
