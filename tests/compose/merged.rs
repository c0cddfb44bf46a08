//! Projects of two files: what is wrong is told under the file and the line that it stands on.

use std::path::Path;

use bgd_testkit::Compose;

use crate::tools::{env_of, read_with};

/// What is wrong in it stands in the other one as well, or is its own.
const FIRST: &str = "\
services:
  api:
    image: myorg/api
    labels: [\"a=b\", \"c=d\"]
    volumes:
      - data:/data
      - { type: bind, source: /srv, target: /srv, consistency: never }
    ports: [\"80:80\"]
    x-bgd:
      port: 99999
      health: { http: /health }
      drain: { timeout: lots }
      proxy:
        nginx: { container: edge, config_dir: /etc/nginx/conf.d, upstream: api }
volumes: { data: {} }
";

const SECOND: &str = "\
# Lines in front, so that no line has the same number as in the first.
#
#
#
#
#
#
#
#
#
#
#
#
#
#
#
services:
  api:
    container_name: shop
    labels: [\"com.docker.compose.project=x\"]
    volumes: [\"/one:/one\", \"two:/two\"]
    x-bgd:
      port: 3000
      health: { http: health }
      watch: { window: soon }
volumes: { two: {} }
";

fn folder(first: &str, second: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    // Version 1 takes no file without it, and it takes the place of no line.
    let versioned = |text: &str| text.replacen("services:", "\"version\": \"3.8\"\nservices:", 1);
    std::fs::write(folder.path().join("first.yaml"), versioned(first)).unwrap();
    std::fs::write(folder.path().join("second.yaml"), versioned(second)).unwrap();
    folder
}

/// What bgd says of both with a compose, the folder left out.
fn said(compose: &Compose, folder: &Path) -> String {
    let read = read_with(&env_of(compose), folder, "first.yaml:second.yaml");
    let text = read["error"].as_str().unwrap_or_else(|| panic!("accepted: {read:#}"));
    text.replace(&format!("{}/", folder.display()), "")
}

/// The places that a diagnostic begins with, `first.yaml:3:5: what it says`.
fn told(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains(".yaml:") && !line.contains("problems")).collect()
}

#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let folder = folder(FIRST, SECOND);
    for compose in Compose::all() {
        let text = said(&compose, folder.path());
        let expected = [
            "first.yaml:8:64: \"never\" is not a consistency",
            "first.yaml:9:5: \"ports\" is refused",
            "first.yaml:13:25: \"lots\" is not a duration",
            "second.yaml:20:5: \"container_name\" is refused",
            "second.yaml:21:14: labels that begin with \"com.docker.compose.\"",
            "second.yaml:25:23: \"health\" is not a path",
            "second.yaml:26:24: \"soon\" is not a duration",
        ];
        let told = told(&text);
        assert_eq!(told.len(), expected.len(), "by compose {}:\n{text}", compose.version());
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "by compose {}: {told}\n{expected}", compose.version());
        }
    }
}

#[test]
fn a_hint_names_the_line_of_the_file_that_it_means() {
    let twice = SECOND.replace("      watch: { window: soon }", "      port: 3000");
    let twice = folder(FIRST, &twice);
    let tmpfs = SECOND.replace("    container_name: shop", "    tmpfs: [/data]");
    let tmpfs = folder(FIRST, &tmpfs);
    for compose in Compose::all() {
        let text = said(&compose, twice.path());
        assert!(text.contains("second.yaml:26:7: \"port\" stands here a second time"), "{text}");
        assert!(text.contains("it stands on line 24 already; keep one of them"), "{text}");
        let text = said(&compose, tmpfs.path());
        if compose.version().starts_with("1.") {
            assert!(text.contains("second.yaml:20:13: something is mounted at \"/data\" already"), "{text}");
            assert!(text.contains("the other mount stands on line 7 of "), "{text}");
            assert!(text.contains("first.yaml; keep one of them"), "{text}");
        } else {
            // Compose 2 refuses this itself.
            assert!(text.contains("target /data already mounted"), "{text}");
        }
    }
}

/// Version 1 knows no `include`.
#[test]
fn what_is_included_is_told_where_it_stands_too() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    write("first.yaml", "include: [sub/api.yaml]\n# A line more.\nservices: { dep: { image: redis } }\n");
    write(
        "sub/api.yaml",
        &FIRST
            .replace("    ports: [\"80:80\"]\n", "    profiles: [bgd]\n")
            .replace(", consistency: never", ""),
    );
    let read = read_with(&env_of(&Compose::two()), folder.path(), "first.yaml");
    let text = read["error"].as_str().unwrap_or_else(|| panic!("accepted: {read:#}"));
    assert!(text.contains("sub/api.yaml:10:13: \"99999\" is not a port"), "{text}");
    assert!(text.contains("sub/api.yaml:12:25: \"lots\" is not a duration"), "{text}");
    write(
        "sub/api.yaml",
        &FIRST
            .replace("99999", "3000")
            .replace("lots", "2s")
            .replace("ports: [\"80:80\"]", "profiles: [bgd]")
            .replace(", consistency: never", ""),
    );
    let read = read_with(&env_of(&Compose::two()), folder.path(), "first.yaml");
    assert_eq!(read["compose"]["started_by_up"], false, "{read:#}");
}

#[test]
fn a_file_that_is_empty_is_named() {
    let folder = folder(FIRST, "# Nothing yet.\n");
    for compose in Compose::all() {
        let text = said(&compose, folder.path());
        assert!(text.starts_with("second.yaml: the file is empty"), "{text}");
    }
}
