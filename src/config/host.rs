/// Whether a text is a host name: labels of letters, digits, `-` and `_`, with dots between.
pub(super) fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label != "_"
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Whether nginx can be given the text as `server_name`: a host name, or `*.` and a host name.
pub(super) fn is_server_name(text: &str) -> bool {
    is_host_name(text.strip_prefix("*.").unwrap_or(text))
}

/// Whether a path can be written into a proxy's configuration as it is: absolute, without `..` and special characters.
pub(super) fn is_plain_path(text: &str) -> bool {
    text.starts_with('/')
        && text.len() > 1
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-' | b'+' | b'@'))
        && !text.split('/').any(|part| part == "..")
}

/// The platform of the machine in Docker's words.
pub(super) fn platform() -> String {
    format!("linux/{}", architecture(std::env::consts::ARCH))
}

/// Whether a platform is the machine's: `linux/amd64`, `linux/arm64/v8`.
pub(super) fn is_platform(text: &str) -> bool {
    let mut parts = text.splitn(3, '/');
    let (os, machine, variant) = (parts.next(), parts.next(), parts.next());
    let machine = machine.map(|machine| architecture(machine).to_owned());
    let own = architecture(std::env::consts::ARCH);
    // amd64/v3 and the like do not run on every amd64.
    let fits = match variant {
        None => true,
        Some("v8") => own == "arm64",
        Some("v7") => own == "arm",
        Some(_) => false,
    };
    os == Some("linux") && machine.as_deref() == Some(own) && fits
}

/// An architecture under the name that images have.
fn architecture(name: &str) -> &str {
    match name {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_nginx_would_read_as_syntax_is_a_host() {
        for good in
            ["localhost", "api.example.com", "*.example.com", "10.0.0.1", "xn--bcher-kva.example", "a_b.c"]
        {
            assert!(is_server_name(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "a..b",
            "a;b",
            "a{b",
            "a}b",
            "a b",
            "a\nb",
            "$host",
            "~^x",
            "*",
            "*.",
            "a.*",
            "*.*.b",
            "_",
            "-a",
            "a-",
            "a/b",
            "a:80",
            "é.example",
            "'a'",
            "a\\b",
            "a.b.",
            "a#b",
        ] {
            assert!(!is_server_name(bad), "{bad:?} was accepted");
        }
        for bad in ["", "/", "etc", "/a;b", "/a b", "/a/../b", "/a\n", "/$x", "/a{", "/a\"", "/a#"] {
            assert!(!is_plain_path(bad), "{bad:?} was accepted");
        }
        assert!(is_plain_path("/etc/nginx/conf.d"));
    }
}
