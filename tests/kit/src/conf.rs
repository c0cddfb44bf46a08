//! nginx configuration as a user would have it.

/// An upstream that reaches one server, such as `api-blue:3000`.
pub fn upstream(name: &str, server: &str) -> String {
    format!("upstream {name} {{\n    server {server};\n    keepalive 32;\n}}\n")
}

/// The user's own server block, which passes everything for a host to an upstream, WebSockets included.
pub fn server(host: &str, upstream: &str) -> String {
    format!(
        r#"map $http_upgrade $upgraded_{upstream} {{
    default upgrade;
    ''      '';
}}

server {{
    listen 80;
    server_name {host};

    location / {{
        proxy_pass http://{upstream};
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $upgraded_{upstream};
    }}
}}
"#
    )
}

/// A host's server block that answers by itself, to tell that nginx serves.
pub fn fixed(host: &str, text: &str) -> String {
    format!("server {{\n    listen 80;\n    server_name {host};\n    return 200 \"{text}\";\n}}\n")
}
