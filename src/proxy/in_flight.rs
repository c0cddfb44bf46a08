//! What is known of the requests that a release was given before it was left.

use std::fmt;

/// What is left of a slot that gets no new requests, and how far a driver can tell.
///
/// A request is in flight until its answer has ended: also while its body is still coming, while a middleware holds it
/// before the proxy connects to the app, and while its connection is silent. A driver that does not see one of these
/// says so in [`InFlight::unseen`], and then nobody may take the slot for idle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InFlight {
    /// Workers of the proxy with a former configuration, which may still hold requests.
    pub old_workers: usize,
    /// Open connections from the proxy to the slot that carry a request.
    pub connections: usize,
    /// Why there may be more than was counted; `None` when nothing can be out of sight.
    pub unseen: Option<String>,
    /// By what it is known, in the words of the line that tells of the drain.
    pub how: &'static str,
}

/// What an [`InFlight`] comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'a> {
    /// Nothing is in flight.
    Nothing,
    /// Something is.
    Something,
    /// Nothing was seen, and something may be there.
    CannotTell(&'a str),
}

impl InFlight {
    /// What can be said of it. Only [`Known::Nothing`] means that the slot may be stopped without losing a request.
    pub fn known(&self) -> Known<'_> {
        match &self.unseen {
            _ if self.old_workers + self.connections > 0 => Known::Something,
            Some(why) => Known::CannotTell(why),
            None => Known::Nothing,
        }
    }

    /// Whether it is known that nothing is left.
    pub fn is_empty(&self) -> bool {
        self.known() == Known::Nothing
    }
}

impl fmt::Display for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Known::Nothing => write!(f, "nothing is in flight: {}", self.how),
            Known::CannotTell(why) => write!(f, "bgd cannot tell whether a request is in flight: {why}"),
            Known::Something => {
                let plural = |count| if count == 1 { "" } else { "s" };
                let mut parts = Vec::new();
                if self.connections > 0 {
                    let s = plural(self.connections);
                    parts.push(format!("{} open connection{s} with a request", self.connections));
                }
                if self.old_workers > 0 {
                    let s = plural(self.old_workers);
                    parts.push(format!("{} former worker{s} of the proxy with requests", self.old_workers));
                }
                f.write_str(&parts.join(" and "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_to_be_in_flight_only_where_that_is_known() {
        let none = InFlight { how: "no connection is open", ..InFlight::default() };
        assert!(none.is_empty());
        assert_eq!(none.to_string(), "nothing is in flight: no connection is open");
        let unseen = InFlight { unseen: Some("a middleware may hold requests".to_owned()), ..none.clone() };
        assert!(!unseen.is_empty());
        assert_eq!(unseen.known(), Known::CannotTell("a middleware may hold requests"));
        let some = InFlight { connections: 1, old_workers: 2, ..unseen };
        assert_eq!(some.known(), Known::Something);
        assert_eq!(
            some.to_string(),
            "1 open connection with a request and 2 former workers of the proxy with requests"
        );
    }
}
