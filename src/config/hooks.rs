use std::time::Duration;

use super::container::command;
use super::context::Context;
use super::fields::Fields;
use super::node::Node;
use crate::model::{Hook, Hooks, Place, Retire};

/// How long a hook may take, where nothing else is written.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Reads `hooks`.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>, retire: Retire) -> Hooks {
    let Some(node) = fields.take(cx, "hooks") else { return Hooks::default() };
    let Some(mut fields) = Fields::open(cx, node, "hooks") else { return Hooks::default() };
    let mut hook = |name, place| fields.take(cx, name).and_then(|node| one(cx, node, place));
    let hooks = Hooks {
        before_deploy: hook("before_deploy", "hooks.before_deploy"),
        before_start: hook("before_start", "hooks.before_start"),
        before_switch: hook("before_switch", "hooks.before_switch"),
        after_switch: hook("after_switch", "hooks.after_switch"),
        before_retire: hook("before_retire", "hooks.before_retire"),
        after_deploy: hook("after_deploy", "hooks.after_deploy"),
        on_failure: hook("on_failure", "hooks.on_failure"),
        on_rollback: hook("on_rollback", "hooks.on_rollback"),
    };
    if let Some(span) = fields.span_of("before_retire").filter(|_| retire == Retire::Keep) {
        cx.problems
            .add(span, "this hook would never run: with \"retire: keep\" the old release stays as it is")
            .hint("use after_deploy, or another \"retire\"");
    }
    fields.close(cx);
    hooks
}

fn one(cx: &mut Context<'_>, node: &Node, place: &'static str) -> Option<Hook> {
    let mut fields = Fields::open(cx, node, place)?;
    let (container, host) = (fields.take(cx, "container"), fields.take(cx, "host"));
    let timeout = fields.take(cx, "timeout").map(|node| cx.positive_duration(node));
    let chosen = match (container, host) {
        (Some(node), None) => Some((node, Place::Container)),
        (None, Some(node)) => Some((node, Place::Host { folder: cx.folder.to_owned() })),
        (Some(_), Some(host)) => {
            cx.problems
                .add(host.span, format!("\"host\" and \"container\" exclude each other in {place}"))
                .hint("a hook is one command; for several steps write a script");
            None
        }
        (None, None) => {
            cx.problems
                .add(fields.span(), format!("it is not said what to run in {place}"))
                .expected("container: [...] for the new image, or host: [...]");
            None
        }
    };
    fields.close(cx);
    let (node, where_it_runs) = chosen?;
    let command = command(cx, node)?;
    if command.first().is_none_or(String::is_empty) {
        let expected = "a program and its arguments, as in [\"/app\", \"migrate\"]";
        cx.problems.add(node.span, format!("the command of {place} is empty")).expected(expected);
        return None;
    }
    Some(Hook { place: where_it_runs, command, timeout: timeout.unwrap_or(Some(TIMEOUT))? })
}
