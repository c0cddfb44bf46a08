use super::diagnose::LIMIT;
use super::trouble::Trouble;
use crate::model::{Release, shown_path};
use crate::probe::cheap_path;
use crate::proxy::{ClientGot, Proxy, Through};

/// Whether a client gets what the live release answers: something of the user's own may answer in its place.
pub(super) async fn look(proxy: &dyn Proxy, release: &Release) -> Option<Trouble> {
    let client = proxy.client_request(cheap_path(&release.app), LIMIT).await.ok()?;
    let got = ClientGot::from(proxy.vantage().await.ok()?.request(&client.request).await);
    if !matches!(got, ClientGot::Status(404 | 500..) | ClientGot::Nothing(_)) {
        return None;
    }
    let host = client.request.host.as_str();
    let through = Through { method: "GET", path: &client.path, host: Some(host), headers: &[], limit: LIMIT };
    let own = ClientGot::from(proxy.through(through).await);
    let (path, port) = (shown_path(&client.request.path), client.request.to.port());
    got.is_worse_than(&own).then(|| Trouble::NotForClients {
        what: format!(
            "GET {path} for the host {host} at port {port} is {got}, and by bgd's own way to release {} {own}",
            release.number
        ),
        remedy: client.remedy,
    })
}
