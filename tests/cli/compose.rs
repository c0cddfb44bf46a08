use crate::host::{CONFIG, Host};

const PROJECT: &str = "\
name: shop
services:
  api:
    image: myorg/api:1.0
    environment: { TOKEN: hunter2 }
    x-bgd:
      port: 3000
      proxy:
        nginx: { container: edge, config_dir: /etc/nginx/conf.d, upstream: api_backend }
  redis:
    image: redis
";

const SECOND: &str = "  web:
    image: myorg/web
    x-bgd:
      app: site
      port: 80
      proxy:
        nginx: { container: edge, config_dir: /etc/nginx/conf.d, upstream: web_backend }
";

/// A folder with a compose.yaml, and no compose to read it.
fn project(text: &str) -> Host {
    let host = Host::new();
    std::fs::write(host.path().join("compose.yaml"), text).unwrap();
    host
}

fn shown(host: &Host, commands: &[&[&str]]) -> String {
    commands.iter().map(|args| host.show(args)).collect::<Vec<_>>().join("\n")
}

#[test]
fn services_and_images_are_told_apart() {
    let commands: &[&[&str]] = &[
        &["validate"],
        // Code 5: they are understood, and there is no Docker.
        &["deploy"],
        &["deploy", "api"],
        &["deploy", "api", "other/image:1"],
        &["deploy", "myorg/api:1.1"],
        &["deploy", "--app", "shop-api"],
        &["deploy", "-f", "compose.yaml", "-p", "mall", "--app", "mall-api"],
        &["deploy", "redis"],
        &["deploy", "nothing"],
        &["deploy", "redis:7"],
        &["deploy", "myorg/api:1", "myorg/api:2"],
        &["deploy", "api", "--app", "web"],
        &["deploy", "-p", "No Name"],
        &["adopt", "shop-api-1"],
        &["rollback"],
    ];
    insta::assert_snapshot!("compose-one", shown(&project(PROJECT), commands));
}

#[test]
fn of_several_services_one_has_to_be_named() {
    let commands: &[&[&str]] =
        &[&["validate"], &["deploy"], &["deploy", "myorg/web:2"], &["deploy", "web"], &["adopt", "x"]];
    insta::assert_snapshot!("compose-two", shown(&project(&format!("{PROJECT}{SECOND}")), commands));
}

#[test]
fn what_is_taken_and_worth_a_word_is_told_once() {
    let host = project(&PROJECT.replace(
        "    environment: { TOKEN: hunter2 }\n",
        "    networks: { default: { priority: 5 } }\n    deploy: { mode: replicated, update_config: { order: start-first } }\n    healthcheck: { test: x, start_period: 5m }\n",
    ).replace("      port: 3000\n", "      port: 3000\n      health: { deadline: 1m }\n"));
    insta::assert_snapshot!(
        "compose-remarks",
        shown(&host, &[&["validate"], &["deploy", "api"], &["plan", "api"]])
    );
}

#[test]
fn it_is_said_when_two_files_describe_what_to_deploy() {
    let host = project(PROJECT);
    std::fs::write(host.path().join("bgd.yaml"), CONFIG).unwrap();
    let mut text =
        shown(&host, &[&["validate"], &["validate", "-f", "bgd.yaml"], &["validate", "-f", "compose.yaml"]]);
    // A compose file without x-bgd is none of bgd's business.
    std::fs::write(host.path().join("compose.yaml"), "name: shop\nservices: { redis: { image: redis } }\n")
        .unwrap();
    text.push_str(&shown(
        &host,
        &[&["validate"], &["validate", "-p", "shop"], &["validate", "-f", "compose.yaml"]],
    ));
    std::fs::remove_file(host.path().join("bgd.yaml")).unwrap();
    text.push_str(&shown(&host, &[&["validate"], &["deploy", "redis"]]));
    insta::assert_snapshot!("compose-beside", text);
}

#[tokio::test(flavor = "current_thread")]
async fn commands_about_records_take_the_service_or_the_app_and_no_compose() {
    let host = project(&format!("{PROJECT}{SECOND}"));
    host.record("shop-api", &[(bgd::model::Outcome::Deployed, true)]).await;
    host.record("other", &[(bgd::model::Outcome::Deployed, true)]).await;
    let mut text = shown(&host, &[&["history"], &["history", "api"], &["history", "shop-api"]]);
    host.record("api", &[(bgd::model::Outcome::Deployed, true)]).await;
    text.push_str(&shown(&host, &[&["history", "api"], &["history", "shop-api"]]));
    // A project that cannot be read stands in nobody's way.
    std::fs::write(host.path().join("compose.yaml"), "services: [").unwrap();
    text.push_str(&shown(&host, &[&["history", "api"]]));
    insta::assert_snapshot!("compose-records", text);
}
