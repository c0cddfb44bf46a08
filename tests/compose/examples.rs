//! The projects to copy work as they stand, by the commands that are written in front of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bgd_testkit::{Bgd, Compose, TestRun, free_port, http, images, poll_for, root};

/// Copies an example and does what it says. Its names are the only thing that is changed: `hello` is another one for each test.
#[track_caller]
fn works(example: &str, image_of_proxy: (&str, &str)) {
    let compose = Compose::two();
    let run = TestRun::new();
    let app = run.app_name("hello");
    let port = free_port(None);
    let variables = [
        ("COMPOSE_PROJECT_NAME", run.project_name("example")),
        ("WEB_IMAGE", images().app("1.0")),
        ("REDIS_IMAGE", images().redis.clone()),
        (image_of_proxy.0, image_of_proxy.1.to_owned()),
        ("PORT", format!("127.0.0.1:{port}")),
    ];
    let bgd = compose.given_to(Bgd::on(run.docker(), env!("CARGO_BIN_EXE_bgd")));
    let bgd = variables.iter().fold(bgd, |bgd, (name, value)| bgd.env(name, value));
    let from = root().join("examples").join(example);
    let copied = Command::new("cp").args(["-r"]).arg(from.join(".")).arg(bgd.project()).status().unwrap();
    assert!(copied.success());
    let text = std::fs::read_to_string(from.join("compose.yaml")).unwrap();
    bgd.write("compose.yaml", &text.replace("hello", &app));
    for folder in [bgd.project().as_path(), bgd.project().parent().unwrap()] {
        readable(folder);
    }

    let commands: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    let served = || {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // A proxy that was started a moment ago listens a moment later.
        let ask = || http::request(None, address, &format!("{app}.localhost"), "GET", "/version").ok();
        let answer = poll_for(Duration::from_secs(10), ask);
        (answer.status == 200).then(|| answer.body.trim().to_owned())
    };
    for (command, expected) in commands.iter().zip([None, Some("1.0"), Some("1.1"), Some("1.0")]) {
        let command = command.split('#').next().unwrap().trim();
        let command = command.replace("sample-app:1.1", &images().app("1.1"));
        match command.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["docker", "compose", args @ ..] => {
                let mut compose = compose.command(&bgd.project());
                let variables = variables.iter().map(|(name, value)| (*name, value));
                let output = compose.args(args).envs(variables).output().unwrap();
                assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
                wait_for_redis(&run);
            }
            // A minute of real traffic is watched otherwise.
            ["bgd", "deploy", args @ ..] => {
                drop(bgd.run(&[["deploy", "--no-watch"].as_slice(), args].concat()).ok());
            }
            ["bgd", args @ ..] => drop(bgd.run(args).ok()),
            _ => panic!("{command}"),
        }
        assert_eq!(served().as_deref(), expected, "after {command}");
    }
}

/// As a person's own folder is to the user of a container.
fn readable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A deploy says what is not healthy yet; a person begins it a moment later.
fn wait_for_redis(run: &TestRun) {
    let project = format!("com.docker.compose.project={}", run.name("example"));
    let services = run.docker().labelled("container", &project);
    let is_redis = |id: &String| {
        let format = "{{index .Config.Labels \"com.docker.compose.service\"}}";
        bgd_testkit::Container::new(run.docker(), id).inspect(format).as_deref() == Some("redis")
    };
    let redis = services.iter().find(|id| is_redis(id)).unwrap();
    bgd_testkit::Container::new(run.docker(), redis).wait_healthy();
}

#[test]
fn the_one_with_nginx() {
    works("compose-nginx", ("NGINX_IMAGE", &images().nginx_new));
}

#[test]
fn the_one_with_traefik() {
    works("compose-traefik", ("TRAEFIK_IMAGE", &images().traefik_new));
}
