use super::context::Context;
use super::fields::Fields;
use super::node::{Node, Value};
use super::size::parse_cpus;
use crate::model::{ContainerSpec, Ulimit};

/// Docker refuses a memory limit below this.
const LEAST_MEMORY: i64 = 6 << 20;

/// The limits that Docker knows by name (docker/go-units, `ulimit.go`).
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Reads limits on memory, CPU, processes and the rest.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>, spec: &mut ContainerSpec) {
    spec.memory = fields.take(cx, "memory").and_then(|node| {
        let bytes = cx.bytes(node)?;
        if bytes < LEAST_MEMORY {
            cx.reject(node, "enough memory", "6m or more: Docker refuses less");
            return None;
        }
        Some(bytes)
    });
    swap(cx, fields, spec);
    spec.memory_reservation = fields.take(cx, "memory_reservation").and_then(|node| cx.bytes(node));
    spec.nano_cpus = fields.take(cx, "cpus").and_then(|node| {
        let expected = "a number of CPUs, as in 0.5 or 2";
        cx.parsed(node, "a number of CPUs", expected, |text| parse_cpus(text).filter(|cpus| *cpus > 0))
    });
    spec.cpu_shares =
        fields.take(cx, "cpu_shares").and_then(|node| cx.number(node, "a CPU weight", 2, 262_144));
    spec.cpuset = fields.take(cx, "cpuset").and_then(|node| {
        let fine = |text: &str| {
            text.split(',').all(|range| {
                range.split('-').count() <= 2
                    && range.split('-').all(|cpu| !cpu.is_empty() && cpu.bytes().all(|b| b.is_ascii_digit()))
            })
        };
        cx.checked(node, "a set of CPUs", "numbers and ranges, as in 0,2 or 0-3", fine).map(str::to_owned)
    });
    spec.pids_limit =
        fields.take(cx, "pids_limit").and_then(|node| cx.number(node, "a number of processes", -1, i64::MAX));
    spec.shm_size = fields.take(cx, "shm_size").and_then(|node| cx.bytes(node));
    if let Some(node) = fields.take(cx, "ulimits") {
        spec.ulimits = ulimits(cx, node);
    }
}

fn swap(cx: &mut Context<'_>, fields: &mut Fields<'_>, spec: &mut ContainerSpec) {
    let Some(node) = fields.take(cx, "memory_swap") else { return };
    let unlimited = node.scalar().is_some_and(|scalar| scalar.text == "-1");
    spec.memory_swap = if unlimited { Some(-1) } else { cx.bytes(node) };
    let has_memory = fields.span_of("memory").is_some();
    match (spec.memory_swap, spec.memory) {
        (Some(swap), None) if swap > 0 && !has_memory => {
            cx.problems
                .add(node.span, "\"memory_swap\" needs \"memory\"")
                .hint("memory_swap is memory and swap together; set memory too");
        }
        (Some(swap), Some(memory)) if swap > 0 && swap < memory => {
            cx.reject(node, "enough", "memory and swap together, so at least as much as \"memory\"");
        }
        _ => {}
    }
}

fn ulimits(cx: &mut Context<'_>, node: &Node) -> Vec<Ulimit> {
    let Value::Map(entries) = &node.value else {
        cx.reject(node, "limits", "\"nofile: 1024\" or \"nofile: { soft: 1024, hard: 2048 }\"");
        return Vec::new();
    };
    let mut limits = Vec::new();
    for (key, node) in entries {
        if !ULIMITS.contains(&key.text.as_str()) {
            let problem = cx.problems.add(key.span, format!("unknown limit {:?} in ulimits", key.text));
            match super::fields::near_miss(&key.text, &ULIMITS) {
                Some(near) => problem.hint(format!("did you mean {near:?}?")),
                None => problem.expected(super::context::one_of(&ULIMITS)),
            };
            continue;
        }
        cx.problems.public(node);
        let (soft, hard) = match &node.value {
            Value::Map(_) => {
                let Some(mut fields) = Fields::open(cx, node, "ulimits") else { continue };
                let mut one = |cx: &mut Context<'_>, name| {
                    let node = fields.require(cx, name, "a whole number, or -1 for no limit")?;
                    limit(cx, node)
                };
                let (soft, hard) = (one(cx, "soft"), one(cx, "hard"));
                fields.close(cx);
                (soft, hard)
            }
            _ => {
                let both = limit(cx, node);
                (both, both)
            }
        };
        let (Some(soft), Some(hard)) = (soft, hard) else { continue };
        if hard != -1 && (soft > hard || soft == -1) {
            cx.problems.add(node.span, format!("the soft limit of {} is above its hard limit", key.text));
            continue;
        }
        limits.push(Ulimit { name: key.text.clone(), soft, hard });
    }
    limits
}

fn limit(cx: &mut Context<'_>, node: &Node) -> Option<i64> {
    cx.number(node, "a limit", -1, i64::MAX)
}
