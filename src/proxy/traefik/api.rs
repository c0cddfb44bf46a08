use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::model::{AppName, ReleaseNumber, Slot};
use crate::probe::{Failure, FailureKind, Request, Vantage};
use crate::proxy::Live;

use super::means::Means;
use super::text::Published;

const LIMIT: Duration = Duration::from_secs(2);

/// Traefik's API, asked from its own network namespace.
pub struct Api<'a> {
    /// A place in Traefik's network namespace.
    pub vantage: &'a dyn Vantage,
    /// Where it answers.
    pub at: SocketAddr,
    /// Its base path, mostly empty.
    pub base: &'a str,
}

impl Api<'_> {
    /// Asks for a path below `/api`; `None` when there is nothing.
    ///
    /// # Errors
    /// No answer, or one that is no JSON.
    pub async fn get(&self, path: &str) -> Result<Option<Value>, Failure> {
        let path = format!("{}/api/{path}", self.base);
        let answer = self.vantage.request(&Request::get(self.at, "localhost", path, LIMIT)).await?;
        match answer.status {
            200 => serde_json::from_str(&answer.body).map(Some).map_err(|error| Failure {
                kind: FailureKind::NotHttp,
                message: format!("the API's answer is no JSON: {error}"),
            }),
            _ => Ok(None),
        }
    }

    /// Traefik's version; `None` when it is not Traefik's API that answers there.
    pub async fn version(&self) -> Option<String> {
        let told = self.get("version").await.ok()??;
        told["Version"].as_str().map(str::to_owned)
    }

    /// Says what is not yet as it is to be; `None` when Traefik shows exactly this.
    pub async fn differs(
        &self,
        means: &dyn Means,
        app: &AppName,
        expected: Option<&Published>,
    ) -> Option<String> {
        let seen = match expected {
            Some(expected) => self.differs_from(means.provider(), expected).await,
            None => self.still_there(means, app).await,
        };
        seen.unwrap_or_else(|failure| Some(format!("Traefik's API: {failure}")))
    }

    async fn differs_from(&self, provider: &str, expected: &Published) -> Result<Option<String>, Failure> {
        let name = format!("{}@{provider}", expected.router);
        let Some(router) = self.get(&format!("http/routers/{name}")).await? else {
            return Ok(Some(format!("Traefik has no router {name}")));
        };
        if let Some(what) = wrong_router(&router, expected) {
            return Ok(Some(what));
        }
        let service = self.get(&format!("http/services/{}@{provider}", expected.service)).await?;
        Ok(wrong_service(&service.unwrap_or_default(), expected))
    }

    /// A router of bgd's for an app that is to have none.
    async fn still_there(&self, means: &dyn Means, app: &AppName) -> Result<Option<String>, Failure> {
        let data = self.get("rawdata").await?.unwrap_or_default();
        let own = |name: &&String| match name.rsplit_once('@') {
            Some((router, provider)) => provider == means.provider() && means.is_own(app, router),
            None => false,
        };
        let mut routers = data["routers"].as_object().into_iter().flat_map(serde_json::Map::keys);
        Ok(routers.find(own).map(|name| format!("Traefik still has the router {name}")))
    }

    /// What the API says is live: a marker's middleware, which is part of the same configuration as the router.
    pub async fn live(&self, marker: &str, provider: &str) -> Result<Option<Live>, Failure> {
        let marker = format!("http/middlewares/{marker}@{provider}");
        let Some(marker) = self.get(&marker).await? else { return Ok(None) };
        let headers = marker["headers"]["customResponseHeaders"].as_object();
        // The name of a header is the same in capitals.
        let header = |name: &str| {
            headers?
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .and_then(|(_, value)| value.as_str())
        };
        let Some(slot) = header("X-Bgd-Slot").and_then(Slot::parse) else { return Ok(None) };
        let release = header("X-Bgd-Release").and_then(|number| number.parse().ok()).map(ReleaseNumber);
        Ok(Some(Live { slot, release }))
    }
}

/// The name of a service without its provider.
fn bare(name: &str) -> &str {
    name.split('@').next().unwrap_or_default()
}

fn wrong_router(router: &Value, expected: &Published) -> Option<String> {
    let (status, service) = (text(router, "status"), bare(text(router, "service")));
    if status != "enabled" {
        let errors = router["error"].as_array().into_iter().flatten().filter_map(Value::as_str);
        return Some(format!("the router is {status}: {}", errors.collect::<Vec<_>>().join("; ")));
    }
    (service != expected.service).then(|| format!("the router leads to {service}"))
}

fn wrong_service(service: &Value, expected: &Published) -> Option<String> {
    let name = &expected.service;
    if service.is_null() {
        return Some(format!("Traefik has no service {name}"));
    }
    let status = text(service, "status");
    if status != "enabled" {
        return Some(format!("the service {name} is {status}"));
    }
    let servers: Vec<&str> = service["loadBalancer"]["servers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|server| server["url"].as_str())
        .collect();
    if servers != [expected.url.as_str()] {
        return Some(format!("the service {name} has the servers {}", servers.join(", ")));
    }
    let down = service["serverStatus"][&expected.url].as_str() == Some("DOWN");
    down.then(|| format!("Traefik calls {} down", expected.url))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_router_and_a_service_have_to_be_as_expected() {
        let live = Live { slot: Slot::Green, release: Some(ReleaseNumber(2)) };
        let expected = Published {
            live,
            router: "bgd-api".into(),
            marker: "bgd-api_marker".into(),
            service: "bgd-api-r2".into(),
            url: "http://api-r2:3000".into(),
            generation: "1".into(),
            asked: "api".into(),
        };
        let router = |status, service| json!({"status": status, "service": service, "error": ["why"]});
        assert_eq!(wrong_router(&router("enabled", "bgd-api-r2"), &expected), None);
        assert_eq!(wrong_router(&router("enabled", "bgd-api-r2@file"), &expected), None);
        assert!(wrong_router(&router("enabled", "bgd-api-r1"), &expected).unwrap().contains("r1"));
        assert!(wrong_router(&router("disabled", "bgd-api-r2"), &expected).unwrap().contains("why"));
        let service = |url: &str, status: &str| json!({"status": "enabled", "loadBalancer": {"servers": [{"url": url}]}, "serverStatus": {url: status}});
        assert_eq!(wrong_service(&service("http://api-r2:3000", "UP"), &expected), None);
        assert!(wrong_service(&service("http://api-r2:3000", "DOWN"), &expected).is_some());
        assert!(wrong_service(&service("http://api-r1:3000", "UP"), &expected).is_some());
        assert!(wrong_service(&Value::Null, &expected).is_some());
    }
}
