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
