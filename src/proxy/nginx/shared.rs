use serde::Serialize;

use crate::error::Result;
use crate::template::Templates;

use super::marker::UNREADY;
use super::text::tidy;
use super::version::{Method, Version};

const SHARED: &str = include_str!("../../../templates/nginx/shared.conf");

/// What the shared file says.
#[derive(Debug, Serialize)]
struct Shared {
    reloads: bool,
    keepalive_min_timeout: bool,
    unready: String,
}

/// The file that all apps share.
///
/// # Errors
/// Of the kind `Config` when the built-in template is broken, which a test excludes.
pub fn shared_file(version: Version, user_sets_keepalive: bool) -> Result<String> {
    let reloads = version.method() == Method::Reload;
    let shared = Shared {
        reloads,
        keepalive_min_timeout: reloads && !user_sets_keepalive,
        unready: UNREADY.to_string(),
    };
    Ok(tidy(&Templates::new(&[("shared.conf", SHARED)])?.render("shared.conf", &shared)?))
}

/// The shared file for an nginx whose version is not known yet.
///
/// # Errors
/// As [`shared_file`].
pub fn shared_placeholder() -> Result<String> {
    let shared = Shared { reloads: false, keepalive_min_timeout: false, unready: UNREADY.to_string() };
    Ok(tidy(&Templates::new(&[("shared.conf", SHARED)])?.render("shared.conf", &shared)?))
}
