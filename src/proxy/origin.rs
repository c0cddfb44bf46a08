/// Who gave an answer that came through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The app: the proxy has passed the request on to it, and its answer back.
    App,
    /// The proxy itself: a route or a middleware of its own, or an app that it could not reach.
    Proxy,
    /// It cannot be told: a template of the user's leaves out what tells it.
    Unknown,
}
