use serde::Serialize;

use crate::error::Result;
use crate::model::{AppName, NginxProxy, NginxRoute};
use crate::template::{Templates, fingerprint};

use super::marker::{self, MARKER, UNREADY};
use super::text::{MarkerServer, NO_GENERATION, tidy};

const PLACEHOLDER: &str = include_str!("../../../templates/nginx/placeholder.conf");

/// What the placeholder says.
#[derive(Debug, Serialize)]
struct Placeholder {
    app: String,
    upstream: Option<String>,
    unready: String,
    marker: MarkerServer,
    generation: String,
}

/// The app's file while nobody is live; every version of nginx takes it, and needs no name to be resolvable.
///
/// # Errors
/// Of the kind `Config` when a name cannot be written for nginx.
pub fn placeholder(proxy: &NginxProxy, app: &AppName) -> Result<String> {
    let templates = Templates::new(&[("placeholder.conf", PLACEHOLDER)])?;
    let upstream = match &proxy.route {
        NginxRoute::Upstream(name) => Some(name.to_string()),
        NginxRoute::Server(_) => None,
    };
    let mut context = Placeholder {
        app: app.to_string(),
        upstream,
        unready: UNREADY.to_string(),
        marker: MarkerServer { listen: MARKER.to_string(), name: marker::name(app) },
        generation: NO_GENERATION.to_owned(),
    };
    context.generation = fingerprint(&templates.render("placeholder.conf", &context)?);
    Ok(tidy(&templates.render("placeholder.conf", &context)?))
}
