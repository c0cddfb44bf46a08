//! A registry that serves one image to who knows the password.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// In URL-safe base64 and in the plain one this reads differently, wherever it stands.
pub const PASSWORD: &str = "secret>>>???~~~";
const USER: &str = "someone";
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A registry on a port of 127.0.0.1, which every engine trusts without TLS.
pub struct Registry {
    /// `127.0.0.1:PORT`.
    pub host: String,
    /// The digest of the one image, `team/api:1.0`.
    pub digest: String,
    /// Every request that came with the right password.
    pub served: Arc<Mutex<Vec<String>>>,
}

struct Content {
    manifest: (String, Vec<u8>),
    blobs: [(String, Vec<u8>); 2],
    served: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let mut layer = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        layer.append_data(&mut header, "pulled", &b""[..]).unwrap();
        let layer = with_digest(layer.into_inner().unwrap());
        let config = with_digest(
            serde_json::json!({
                "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/pulled"]},
                "rootfs": {"type": "layers", "diff_ids": [layer.0]}
            })
            .to_string()
            .into_bytes(),
        );
        let described = |kind: &str, blob: &(String, Vec<u8>)| serde_json::json!({"mediaType": kind, "size": blob.1.len(), "digest": blob.0});
        let manifest = with_digest(
            serde_json::json!({
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": described("application/vnd.docker.container.image.v1+json", &config),
                "layers": [described("application/vnd.docker.image.rootfs.diff.tar", &layer)]
            })
            .to_string()
            .into_bytes(),
        );
        let served = Arc::new(Mutex::new(Vec::new()));
        let digest = manifest.0.clone();
        let content = Arc::new(Content { manifest, blobs: [config, layer], served: served.clone() });
        // The thread ends with the process: a registry has no end of its own.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let content = content.clone();
                std::thread::spawn(move || content.serve(stream));
            }
        });
        Self { host, digest, served }
    }

    /// Docker's configuration with the password for this registry.
    pub fn docker_config(&self) -> String {
        let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        serde_json::json!({"auths": {(self.host.as_str()): {"auth": auth}}}).to_string()
    }
}

fn with_digest(bytes: Vec<u8>) -> (String, Vec<u8>) {
    let hex: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    (format!("sha256:{hex}"), bytes)
}

impl Content {
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        loop {
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            if stream.write_all(&self.answer(&head)).is_err() {
                return;
            }
        }
    }

    fn answer(&self, head: &[String]) -> Vec<u8> {
        let path = head[0].split(' ').nth(1).unwrap_or_default();
        let expected = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
        let allowed = head
            .iter()
            .filter_map(|line| line.split_once(": "))
            .any(|(name, value)| name.eq_ignore_ascii_case("authorization") && value == expected);
        if !allowed {
            let body = br#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
            return response(
                "401 Unauthorized",
                "Www-Authenticate: Basic realm=\"test\"\r\n",
                "application/json",
                body,
                head,
            );
        }
        self.served.lock().unwrap().push(head[0].clone());
        let last = path.rsplit('/').next().unwrap_or_default();
        let digest = |digest: &str| format!("Docker-Content-Digest: {digest}\r\n");
        if path == "/v2/" {
            return response("200 OK", "", "application/json", b"{}", head);
        }
        if path.contains("/manifests/") && (last == "1.0" || last == self.manifest.0) {
            return response("200 OK", &digest(&self.manifest.0), MANIFEST, &self.manifest.1, head);
        }
        if let Some((name, bytes)) = self.blobs.iter().find(|(name, _)| *name == last) {
            return response("200 OK", &digest(name), "application/octet-stream", bytes, head);
        }
        let body = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
        response("404 Not Found", "", "application/json", body, head)
    }
}

fn response(status: &str, headers: &str, kind: &str, body: &[u8], head: &[String]) -> Vec<u8> {
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nDocker-Distribution-Api-Version: registry/2.0\r\n{headers}\r\n"
    )
    .into_bytes();
    if !head[0].starts_with("HEAD") {
        answer.extend_from_slice(body);
    }
    answer
}
