//! Compose 2, Compose 1 and bgd itself read the same project as the same app.

use std::path::Path;
use std::process::Command;

use bgd::compose::{Project, Wanted};
use bgd_testkit::Compose;

use crate::support::said;

const CHILD: &str = "BGD_TEST_PROJECT";

/// Run by the tests below in a process of its own, whose environment is the compose's. Otherwise it does nothing.
#[test]
fn child() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let files = std::env::var("BGD_TEST_FILES").unwrap();
    let files = files.split(':').map(|name| Path::new(&folder).join(name)).collect();
    let read = Project::open(files, &Wanted::default(), |name| std::env::var(name).ok())
        .and_then(|project| project.app("api"));
    match read {
        // As records hold it, so that the environment is compared too.
        Ok(app) => println!("APP {}", serde_json::to_string(&app).unwrap()),
        Err(error) => println!("APP {}", serde_json::json!({ "error": said(&error) })),
    }
}

pub fn read_with(env: &[(&str, String)], folder: &Path, files: &str) -> serde_json::Value {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tools::child", "--nocapture"])
        .envs(env.iter().map(|(name, value)| (name, value)))
        .env(CHILD, folder)
        .env("BGD_TEST_FILES", files)
        .env_remove("COMPOSE_PROJECT_NAME")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("APP ")).unwrap_or_else(|| panic!("{text}"));
    serde_json::from_str(line.1).unwrap()
}

fn project() -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("My_Shop.2");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write(".env", "TAG=1.4\nLEVEL=debug\nEMPTY=\n");
    write("app.env", "export QUOTED=\"two words\" # c\nSINGLE='x $LEVEL'\nBOTH=file\n");
    write(
        "compose.yaml",
        r#"
x-limits: &limits
  stop_grace_period: 1m30s
  ulimits: { nofile: { soft: 100, hard: 200 } }
services:
  api:
    <<: *limits
    image: myorg/api:${TAG}
    profiles: [bgd]
    command: serve --level "${LEVEL:-info}" ${EMPTY:-none}
    env_file: [app.env]
    environment:
      BOTH: own
      PRICE: "5$$"
      NUMBER: 7
      GONE:
    volumes: ["data:/data", "./conf:/conf:ro"]
    tmpfs: ["/run:size=64m"]
    extra_hosts: ["db:10.0.0.9"]
    networks:
      default: {}
      back: { aliases: [internal] }
    depends_on:
      db: { condition: service_healthy }
    healthcheck: { test: [CMD, /app, check], interval: 5s, start_period: 1m }
    deploy: { resources: { limits: { cpus: "0.5", memory: 256M } } }
    shm_size: 64m
    devices: ["/dev/null:/dev/x:r"]
    dns: [9.9.9.9]
    logging: { driver: local, options: { max-size: "10m" } }
    labels: { com.example.team: shop }
    x-bgd:
      port: ${PORT:-3000}
      network: default
      health: { deadline: 2m }
      smoke: [{ get: /health, expect: { body: "a$$b" } }]
      watch: { window: 1m }
      proxy:
        nginx: { container: edge, config_dir: /etc/nginx/conf.d, upstream: api }
  db: { image: postgres }
volumes:
  data:
networks:
  default:
  back: { name: backbone }
"#,
    );
    write(
        "base.yaml",
        "services:\n  base:\n    image: myorg/api\n    environment: { FROM: base, BOTH: base }\n    cap_drop: [ALL]\n",
    );
    write(
        "extended.yaml",
        "version: \"3.8\"\nservices:\n  api:\n    extends: { file: base.yaml, service: base }\n    environment: { BOTH: own }\n    x-bgd:\n      port: 3000\n      proxy:\n        nginx: { container: edge, config_dir: /etc/nginx/conf.d, upstream: api }\n",
    );
    write(
        "more.yaml",
        "version: \"3.8\"\nservices:\n  api:\n    environment: { MORE: yes-it-is }\n    mem_limit: lots\n    x-bgd:\n      prot: 1\n",
    );
    parent
}

pub fn env_of(compose: &Compose) -> Vec<(&str, String)> {
    compose.env().iter().map(|(name, value)| (*name, value.clone())).collect()
}

#[test]
fn every_compose_and_bgd_itself_read_the_same() {
    let parent = project();
    let folder = parent.path().join("My_Shop.2");
    let own = read_with(&[("BGD_COMPOSE", "none".to_owned())], &folder, "compose.yaml");
    assert_eq!(own["container"]["env"]["PRICE"], "5$", "{own:#}");
    assert_eq!(own["container"]["env"]["SINGLE"], "x $LEVEL", "{own:#}");
    assert_eq!(own["compose"]["project"], "my_shop2", "{own:#}");
    assert_eq!(own["name"], "my-shop2-api", "{own:#}");
    for compose in Compose::all() {
        let mut read = read_with(&env_of(&compose), &folder, "compose.yaml");
        read["compose"]["command"] = own["compose"]["command"].clone();
        assert_eq!(read, own, "by compose {}", compose.version());
    }
}

#[test]
fn several_files_and_extends_are_composes_work_and_faults_are_told_where_they_stand() {
    let parent = project();
    let folder = parent.path().join("My_Shop.2");
    let alone = read_with(&[("BGD_COMPOSE", "none".to_owned())], &folder, "extended.yaml");
    assert!(alone["error"].as_str().unwrap().contains("\"extends\" is resolved by compose"), "{alone:#}");
    let alone = read_with(&[("BGD_COMPOSE", "none".to_owned())], &folder, "extended.yaml:more.yaml");
    assert!(alone["error"].as_str().unwrap().contains("several compose files"), "{alone:#}");
    for compose in Compose::all() {
        let read = read_with(&env_of(&compose), &folder, "extended.yaml");
        let env = &read["container"]["env"];
        assert_eq!(*env, serde_json::json!({ "FROM": "base", "BOTH": "own" }), "{read:#}");
        assert_eq!(read["container"]["cap_drop"], serde_json::json!(["ALL"]));
        let read = read_with(&env_of(&compose), &folder, "extended.yaml:more.yaml");
        let error = read["error"].as_str().unwrap();
        if compose.version().starts_with("1.") {
            assert!(error.contains("more.yaml:5:16: \"lots\" is not a size"), "{error}");
            assert!(error.contains("more.yaml:7:7: unknown key \"prot\" in x-bgd"), "{error}");
        } else {
            // Compose 2 looks at sizes itself.
            assert!(error.contains("lots"), "{error}");
        }
    }
}
