use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bgd::error::Kind;
use bgd::model::label;
use bgd::probe::{FailureKind, Force, Options, Request};

use crate::support::{Host, connect, eventually, get};

/// The helpers of this test's containers.
async fn helpers(host: &Host) -> usize {
    let of = format!("{}={}", label::HELPER, host.name("child"));
    host.engine.containers(&[of]).await.unwrap().len()
}

pub async fn a_container_that_stops_is_told_at_once(host: Rc<Host>) {
    let (container, vantage) = host.inside(&host.spec()).await;
    let hanging = Request { limit: Duration::from_secs(60), ..get("/hang") };
    let start = Instant::now();
    let stop = async {
        // The request has to be on its way before there is anything to break off.
        eventually("asked", async || {
            let sockets = vantage.sockets().await.unwrap();
            sockets.iter().any(|socket| {
                socket.local.port() == crate::child::PORT
                    && socket.state == bgd::probe::SocketState::Established
            })
        })
        .await;
        host.engine.signal(&container.id, "KILL").await.unwrap();
    };
    let (failure, ()) = tokio::join!(vantage.request(&hanging), stop);
    let failure = failure.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Closed | FailureKind::Vantage), "{failure}");

    eventually("stopped", async || !host.look(&container.id).await.state.running).await;
    for error in [
        vantage.write("/conf.d/a.conf", b"x").await.unwrap_err(),
        vantage.read("/conf.d/a.conf").await.unwrap_err(),
        vantage.sockets().await.unwrap_err(),
    ] {
        let text = error.one_line();
        assert_eq!(error.kind(), Kind::Proxy);
        assert!(text.contains(&container.name), "{text}");
        assert!(text.contains("no longer runs") || text.contains("has ended"), "{text}");
    }
    assert_eq!(vantage.request(&get("/ok")).await.unwrap_err().kind, FailureKind::Vantage);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

pub async fn a_helper_goes_with_its_vantage_point(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    eventually("one helper", async || helpers(&host).await == 1).await;
    // Its answers hold whole responses of the app, which are for no log.
    let of = format!("{}={}", label::HELPER, host.name("child"));
    let helper = host.engine.containers(&[of]).await.unwrap().remove(0);
    let log = host.look(&helper.id).await.spec.log.unwrap();
    assert_eq!(log.driver, "none");
    drop(vantage);
    eventually("no helper", async || helpers(&host).await == 0).await;
}

pub async fn a_helper_goes_with_a_killed_bgd(host: Rc<Host>) {
    let container = host.start("child", &host.spec()).await;
    eventually("no helper", async || helpers(&host).await == 0).await;
    let mut bgd = Command::new(std::env::current_exe().unwrap())
        .args(["--bgd-child", "hold", &container.id])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(bgd.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "standing\n");
    assert_eq!(helpers(&host).await, 1);
    bgd.kill().unwrap();
    bgd.wait().unwrap();
    eventually("no helper", async || helpers(&host).await == 0).await;
    assert!(host.look(&container.id).await.state.running);
}

/// Stands inside a container until it is killed.
pub fn hold(container: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = connect().await;
        let container = engine.container(container).await.unwrap().unwrap();
        let options = Options { force: Some(Force::Helper), binary: env!("CARGO_BIN_EXE_bgd").into() };
        let vantage = bgd::probe::open_with(engine, &container, &options).await.unwrap();
        vantage.request(&get("/ok")).await.unwrap();
        println!("standing");
        std::io::stdout().flush().unwrap();
        std::future::pending::<()>().await;
    });
    ExitCode::FAILURE
}

pub async fn a_process_of_something_else_is_not_entered(host: Rc<Host>) {
    let mut container = host.start("child", &host.spec()).await;
    container.state.pid = i32::try_from(std::process::id()).unwrap();
    let opened = bgd::probe::open_with(host.engine.clone(), &container, &host.options()).await;
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("is not of that container"), "{error}");
}

pub async fn a_vantage_point_is_chosen(host: Rc<Host>) {
    let mut container = host.start("child", &host.spec()).await;
    let options = Options { force: None, ..host.options() };
    let open = async |container: &bgd::docker::Container| {
        bgd::probe::open_with(host.engine.clone(), container, &options).await.unwrap()
    };
    let vantage = open(&container).await;
    vantage.request(&get("/ok")).await.unwrap();
    assert_eq!(helpers(&host).await, 0, "root on the same host needs no helper");

    container.state.pid = i32::try_from(std::process::id()).unwrap();
    let vantage = open(&container).await;
    vantage.request(&get("/ok")).await.unwrap();
    assert_eq!(helpers(&host).await, 1, "elsewhere it does");

    let options = Options { force: Some(Force::Helper), binary: "/nowhere/bgd".into() };
    let opened = bgd::probe::open_with(host.engine.clone(), &container, &options).await;
    assert!(opened.err().unwrap().to_string().contains("/nowhere/bgd"));
    if Path::new("/bin/sh").exists() {
        let options = Options { force: Some(Force::Helper), binary: "/bin/sh".into() };
        let error = bgd::probe::open_with(host.engine.clone(), &container, &options).await.err().unwrap();
        assert!(error.to_string().contains("not linked statically"), "{error}");
    }
}
