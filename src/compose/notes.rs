use crate::config::context::Context;
use crate::config::node::Span;

/// What has no effect on the containers of a service: where it stands, its key, and why.
#[derive(Default)]
pub(super) struct Notes(Vec<(Span, String, &'static str)>);

impl Notes {
    /// Notes a key; the same one is told once.
    pub fn add(&mut self, span: Span, key: impl Into<String>, why: &'static str) {
        let key = key.into();
        if !self.0.iter().any(|(_, known, _)| *known == key) {
            self.0.push((span, key, why));
        }
    }

    /// Tells all of it at once, grouped by the reason.
    pub fn tell(mut self, cx: &mut Context<'_>, service: &str) {
        // In the order of the file, which compose does not keep.
        self.0.sort_by_key(|(span, ..)| *span);
        let Some((first, ..)) = self.0.first() else { return };
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for (_, key, why) in &self.0 {
            match groups.iter_mut().find(|(known, _)| known == why) {
                Some((_, keys)) => keys.push(key),
                None => groups.push((why, vec![key])),
            }
        }
        let told: Vec<String> =
            groups.iter().map(|(why, keys)| format!("{} ({why})", keys.join(", "))).collect();
        cx.problems.note(*first, format!("without effect on the service {service}: {}", told.join("; ")));
    }
}
