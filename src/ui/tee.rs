use std::rc::Rc;

use crate::event::{Event, Report};

/// Several printers of the same events, in order.
pub(super) struct Tee(pub(super) Vec<Rc<dyn Report>>);

impl Report for Tee {
    fn event(&self, event: Event) {
        for report in &self.0 {
            report.event(event.clone());
        }
    }
}
