use crate::client::ask;
use crate::process::{App, command};

fn check(port: u16) -> (Option<i32>, String) {
    let output = command(&[]).arg("check").env("PORT", port.to_string()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn follows_the_health_of_the_app() {
    let app = App::start(&[]);
    assert_eq!(check(app.port), (Some(0), "200 ok\n".to_string()));
    ask(app.port, "POST", "/fault?fail_health=1");
    assert_eq!(check(app.port), (Some(1), "503 failing, as FAIL_HEALTH says\n".to_string()));
}

#[test]
fn gives_up_on_an_app_that_hangs() {
    let app = App::start(&[("HANG", "1")]);
    let (code, said) = check(app.port);
    assert_eq!(code, Some(1));
    assert!(said.contains("2 s have passed"), "{said}");
}

#[test]
fn fails_when_nothing_listens() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (code, said) = check(port);
    assert_eq!(code, Some(1));
    assert!(said.contains("refused"), "{said}");
}
