use super::context::Context;
use super::fields::Fields;
use crate::model::Retention;

/// A bound that catches a slip of the finger.
const MOST_RELEASES: u32 = 10_000;

/// Reads `retention`.
pub(super) fn read(cx: &mut Context<'_>, fields: &mut Fields<'_>) -> Retention {
    let default = Retention::default();
    let Some(node) = fields.take(cx, "retention") else { return default };
    let Some(mut fields) = Fields::open(cx, node, "retention") else { return default };
    let releases = fields
        .take(cx, "releases")
        .and_then(|node| cx.number(node, "a number of releases", 1, MOST_RELEASES));
    let max_age = fields.take(cx, "max_age").and_then(|node| cx.age(node));
    fields.close(cx);
    Retention { releases: releases.or(default.releases), max_age }
}
