use std::fs;
use std::path::Path;

use bgd::config::{find, load};
use bgd::error::Kind;

use crate::support::{env, with};

#[test]
fn a_configuration_is_found_beside_the_project_and_loaded_with_absolute_paths() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(find(folder.path()), None);
    let yml = folder.path().join("bgd.yml");
    fs::write(&yml, with("volumes: [\"./data:/data\"]\nenv_file: .env\n")).unwrap();
    fs::write(folder.path().join(".env"), "A=1\nTOKEN\n").unwrap();
    assert_eq!(find(folder.path()).as_deref(), Some(yml.as_path()));
    let app = load(&yml, &env).unwrap();
    assert_eq!(Path::new(&app.container.mounts[0].source), folder.path().join("data"));
    assert_eq!(app.container.env["TOKEN"].expose(), "hunter2");
    fs::write(folder.path().join("bgd.yaml"), "").unwrap();
    assert_eq!(find(folder.path()), Some(folder.path().join("bgd.yaml")));
}

#[test]
fn every_problem_is_a_detail_of_one_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bgd.yaml");
    fs::write(&path, with("watch: { windw: 1m }\nretire: sell\n")).unwrap();
    let error = load(&path, &env).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert_eq!(error.to_string(), format!("{}: 2 problems", path.display()));
    let titles: Vec<&str> = error.details().iter().map(|detail| detail.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            format!("{}:7:10: unknown key \"windw\" in watch", path.display()),
            format!("{}:8:9: \"sell\" is not what becomes of the old slot", path.display()),
        ]
    );
    assert!(error.details()[0].text.contains("did you mean \"window\"?"));
}

#[test]
fn what_is_no_text_or_not_there_is_a_configuration_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bgd.yaml");
    let missing = load(&path, &env).unwrap_err();
    assert_eq!((missing.kind(), missing.hints().len()), (Kind::Config, 1));

    fs::write(&path, b"app: api\nimage: \xff\xfe\n").unwrap();
    let error = load(&path, &env).unwrap_err();
    assert_eq!(error.to_string(), format!("{}:2:8: the file is not UTF-8 text", path.display()));

    fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    let error = load(&path, &env).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert_eq!(error.causes(), ["the file is larger than 1 MiB"]);
}

#[test]
fn this_test_names_every_file_of_its_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(main.contains(&format!("mod {module};")), "{name} is in no test binary");
        }
    }
}

#[test]
fn the_examples_to_copy_are_right() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in ["nginx", "traefik-file", "traefik-labels"] {
        let app = load(&examples.join(name).join("bgd.yaml"), &env).unwrap();
        assert_eq!(app.name.as_str(), "hello", "{name}");
    }
    let without_compose: fn(&str) -> Option<String> =
        |name| (name == "BGD_COMPOSE").then(|| "none".to_owned());
    for name in ["compose-nginx", "compose-traefik"] {
        let files = vec![examples.join(name).join("compose.yaml")];
        let project = bgd::compose::Project::open(files, &bgd::compose::Wanted::default(), without_compose);
        assert_eq!(project.unwrap().app("web").unwrap().name.as_str(), "hello", "{name}");
    }
}

/// One file gives one environment, whoever names it; what docker-compose 1.29 prints of it stands here.
#[test]
fn an_environment_file_means_what_it_means_to_compose() {
    let app = crate::support::parsed(&with("env_file: files/dotenv.env\n")).unwrap();
    let env: Vec<(&str, &str)> =
        app.container.env.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    let expected = [
        ("DB_NAME", "shop"),
        ("DB_PASSWORD", "p@ss#w0rd $5"),
        ("EMPTY", ""),
        ("GREETING", "hello world"),
        ("HASH", "$2y$10$abcdefghijklmnopqrstuv"),
        ("JSON", "{\"a\":\"b c\"}"),
        ("PEM", "-----BEGIN KEY-----\nTUlJRXZR\nSUJBREFO\n-----END KEY-----"),
        ("STAGE", "production"),
        ("URL", "postgres://u:p%40ss@db:5432/shop?sslmode=disable"),
        ("WIN", "crlf"),
    ];
    assert_eq!(env, expected);
}

#[test]
fn a_platform_that_is_not_the_hosts_is_refused() {
    let own = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let plain = crate::support::parsed(&with("")).unwrap();
    assert_eq!(crate::support::parsed(&with(&format!("platform: linux/{own}\n"))), Ok(plain));
    for other in ["linux/s390y", "windows/amd64", "linux", "linux/amd64/v9"] {
        let error = crate::support::parsed(&with(&format!("platform: {other}\n"))).unwrap_err();
        assert!(error.to_string().contains("is not a platform that runs here"), "{error}");
    }
}

#[test]
fn where_selinux_is_at_work_a_label_for_one_container_alone_is_warned_of() {
    use bgd::config::{Severity, Source, parse_with_remarks};
    let source =
        Source { path: "/srv/shop/bgd.yaml".into(), text: with("volumes: [\"./a:/a:Z\", \"./b:/b:z\"]\n") };
    let told = |has_selinux: bool| {
        let read = move |path: &Path| match path.to_str() {
            Some("/sys/fs/selinux/enforce") if has_selinux => Ok(b"1".to_vec()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        parse_with_remarks(&source, &env, &read).unwrap().1
    };
    assert!(told(false).is_empty());
    let [one] = told(true).try_into().unwrap();
    assert_eq!((one.severity, one.line, one.column), (Severity::Warning, 7, 11));
    assert!(one.message.contains("labelled for one container alone"), "{one}");
}
