//! Routers of other people for the same rule, such as the labels of a container that is to be adopted.

use serde_json::Value;

use super::rule;

use crate::model::TraefikRouter;

/// What Traefik takes on every platform, and a router with a marker above it.
const HIGHEST: u64 = 1_000_000_000;

/// The enabled routers of this rule that are not bgd's own, and their priorities, from the API's `rawdata`.
pub fn of<'a>(
    data: &'a Value,
    rule: &str,
    own: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = (&'a str, u64)> {
    let rule = squeezed(rule);
    let routers = data["routers"].as_object().into_iter().flatten();
    routers.filter_map(move |(name, router)| {
        let other = router["rule"].as_str()?;
        let is_rival = !own(name) && router["status"] != "disabled" && squeezed(other) == rule;
        // Without one of its own a router has the length of its rule as its priority (Traefik, "Routers, Priority").
        let length = u64::try_from(other.len()).unwrap_or(u64::MAX);
        let priority = router["priority"].as_u64().filter(|priority| *priority > 0).unwrap_or(length);
        is_rival.then_some((name.as_str(), priority))
    })
}

/// The priority of bgd's router: what the configuration says, else enough to come before all rivals.
pub fn priority(data: &Value, router: &TraefikRouter, own: impl Fn(&str) -> bool) -> Option<u32> {
    router.priority.or_else(|| {
        let highest = of(data, &router.rule, own).map(|(_, priority)| priority).max()?;
        u32::try_from(highest.min(HIGHEST).saturating_add(1)).ok()
    })
}

/// A rule in one spelling; of one that bgd cannot parse only white space is taken out.
fn squeezed(rule: &str) -> String {
    rule::canonical(rule).unwrap_or_else(|| rule.split_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rivals_are_outranked_unless_the_configuration_says_otherwise() {
        let data = json!({"routers": {
            "bgd-api@file": {"rule": "Host(`a`)", "priority": 99},
            "api@docker": {"rule": " Host( `a` )", "priority": 40},
            "old@file": {"rule": "Host(`a`)"},
            "off@file": {"rule": "Host(`a`)", "priority": 77, "status": "disabled"},
            "other@file": {"rule": "Host(`b`)", "priority": 88}
        }});
        let own = |name: &str| name == "bgd-api@file";
        let mut router = TraefikRouter {
            rule: "Host(`a`)".into(),
            entrypoints: Vec::new(),
            tls: None,
            middlewares: Vec::new(),
            priority: None,
        };
        let found: Vec<_> = of(&data, &router.rule, own).collect();
        assert_eq!(found, [("api@docker", 40), ("old@file", 9)]);
        assert_eq!(priority(&data, &router, own), Some(41));
        router.priority = Some(3);
        assert_eq!(priority(&data, &router, own), Some(3));
        assert_eq!(priority(&json!({}), &TraefikRouter { priority: None, ..router }, own), None);
    }
}
