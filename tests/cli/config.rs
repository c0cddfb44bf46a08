use crate::host::{CONFIG, Host};

#[test]
fn a_right_configuration_is_said_to_be_right() {
    insta::assert_snapshot!("validate-right", Host::with_config(CONFIG).show(&["validate"]));
}

#[test]
fn a_wrong_one_shows_all_faults_and_where() {
    let wrong = CONFIG.replace("port: 3000", "prot: 3000").replace("upstream:", "upstrem:");
    let host = Host::with_config(&format!("{wrong}retire: maybe\nwatch: {{ window: soon }}\n"));
    insta::assert_snapshot!("validate-wrong", host.show(&["validate"]));
    let output = host.run(&["deploy", "myorg/api:1"]);
    assert_eq!(output.status.code(), Some(3), "a deploy goes on with a wrong configuration");
}

#[test]
fn no_configuration_is_said_with_what_to_do() {
    let host = Host::new();
    let mut text = String::new();
    for args in
        [["validate"].as_slice(), &["validate", "-f", "gone.yaml"], &["deploy", "myorg/api:1"], &["deploy"]]
    {
        text.push_str(&host.show(args));
        text.push('\n');
    }
    insta::assert_snapshot!("no-config", text);
}

#[test]
fn an_image_of_another_app_is_refused() {
    insta::assert_snapshot!("other-image", Host::with_config(CONFIG).show(&["deploy", "myorg/web:1"]));
}
