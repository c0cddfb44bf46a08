//! The names and paths of what bgd writes for nginx.

use std::net::{IpAddr, SocketAddr};

use crate::model::{AppName, NginxProxy, NginxRoute, Slot};

/// An address and a port as nginx writes them, in `$upstream_addr` too.
pub fn authority(address: IpAddr, port: u16) -> String {
    SocketAddr::new(address, port).to_string()
}

/// The path of an app's file. Names sort last, because the first server block of a port is its default.
pub fn file_of(proxy: &NginxProxy, app: &AppName) -> String {
    format!("{}/zz-bgd-{app}.conf", folder(proxy))
}

/// The path of the file that all apps share.
pub fn shared_of(proxy: &NginxProxy) -> String {
    format!("{}/zz-bgd.conf", folder(proxy))
}

/// The path of the flag that makes a slot live on an older nginx; green's outweighs blue's.
pub fn flag_of(proxy: &NginxProxy, app: &AppName, slot: Slot) -> String {
    format!("{}/.bgd-{app}.{slot}", folder(proxy))
}

/// The path of the file that says that the adopted container stands in a slot on an older nginx: it has no name of the
/// slot's.
pub fn adopted_of(proxy: &NginxProxy, app: &AppName, slot: Slot) -> String {
    format!("{}/.bgd-{app}.{slot}.adopted", folder(proxy))
}

/// The path of the flag that takes the last flag back.
pub fn undo_of(proxy: &NginxProxy, app: &AppName) -> String {
    format!("{}/.bgd-{app}.undo", folder(proxy))
}

/// The path of the file that holds space on the disk for the way back.
pub fn space_of(proxy: &NginxProxy, app: &AppName) -> String {
    format!("{}/.bgd-{app}.space", folder(proxy))
}

/// The name of the upstream.
pub fn upstream_of(proxy: &NginxProxy, app: &AppName) -> String {
    match &proxy.route {
        NginxRoute::Upstream(name) => name.to_string(),
        NginxRoute::Server(_) => format!("bgd_{app}"),
    }
}

/// The configured folder without trailing slashes.
pub fn folder(proxy: &NginxProxy) -> &str {
    proxy.config_dir.trim_end_matches('/')
}
