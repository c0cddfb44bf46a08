//! Routes of Traefik as a user would have them.

/// A dynamic file with one router and one service, which reaches one server such as `http://api-blue:3000`.
pub fn file(name: &str, host: &str, server: &str) -> String {
    format!(
        "http:
  routers:
    {name}:
      rule: Host(`{host}`)
      service: {name}
  services:
    {name}:
      loadBalancer:
        servers:
          - url: {server}
"
    )
}

/// The labels, as `name=value`, of a container that routes a host to itself, as people write them into compose files.
pub fn labels(name: &str, host: &str, port: u16) -> Vec<String> {
    vec![
        "traefik.enable=true".to_string(),
        format!("traefik.http.routers.{name}.rule=Host(`{host}`)"),
        format!("traefik.http.services.{name}.loadbalancer.server.port={port}"),
    ]
}

/// The labels, as `name=value`, of a container that routes a host to another server, without running itself where
/// Traefik is 3.6 or newer.
pub fn carrier(name: &str, host: &str, server: &str) -> Vec<String> {
    vec![
        "traefik.enable=true".to_string(),
        "traefik.docker.allownonrunning=true".to_string(),
        format!("traefik.http.routers.{name}.rule=Host(`{host}`)"),
        format!("traefik.http.services.{name}.loadbalancer.server.url={server}"),
    ]
}
