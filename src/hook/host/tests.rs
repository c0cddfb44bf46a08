use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::config;
use crate::model::{Outcome, Release, ReleaseNumber, Slot};
use crate::record::Cause;

fn release() -> Release {
    let text = "app: api\nimage: myorg/api\nport: 3000\nnetwork: proxy\nhealth: none\nenv: { TOKEN: hunter2 }\n\
                proxy: { nginx: { container: edge, config_dir: /conf, upstream: api } }";
    let source = config::Source { path: "/bgd.yaml".into(), text: text.to_owned() };
    let app = config::parse(&source, &|_| None, &|_| Err(io::Error::other("no files"))).unwrap();
    Release {
        number: ReleaseNumber(7),
        slot: Slot::Green,
        image: "myorg/api:1.1".to_owned(),
        image_id: "sha256:1".to_owned(),
        repo_digest: None,
        containers: vec![("api-green".to_owned(), app.container.clone())],
        app,
        ids: Default::default(),
        created: jiff::Timestamp::UNIX_EPOCH,
        proxy: None,
        outcome: Outcome::Unfinished,
    }
}

fn script(folder: &Path, text: &str) -> Vec<String> {
    let path = folder.join("hook.sh");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    vec!["./hook.sh".to_owned(), "one word".to_owned()]
}

/// Runs a command; tells how it ended and what it wrote.
async fn ran(command: &[String], folder: &Path, limit: Duration) -> (Result<End>, Vec<String>) {
    let release = release();
    let facts = Facts::new("before_switch".to_owned(), Cause::Deploy, (&release, None), None, Some("why"));
    let mut log = Log::open(&folder.join("hooks/1.log")).unwrap();
    let mut told = Vec::new();
    let end = match Process::start(command, folder, &facts, &log).await {
        Ok(mut process) => process.wait(Instant::now() + limit, &mut log, &mut |line| told.push(line)).await,
        Err(error) => Err(error),
    };
    (end, told)
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn it_is_told_of_the_deploy_and_runs_in_the_folder_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let command =
        script(folder.path(), "pwd\necho \"$1\"\necho $BGD_APP $BGD_HOOK $BGD_RELEASE $BGD_REASON >&2\ncat");
    let (end, told) = ran(&command, folder.path(), LONG).await;
    assert_eq!(end.unwrap(), End::Well);
    let here = fs::canonicalize(folder.path()).unwrap();
    assert_eq!(
        told[..3],
        [here.display().to_string(), "one word".to_owned(), "api before_switch 7 why".to_owned()]
    );
    let facts: serde_json::Value = serde_json::from_str(&told[3]).unwrap();
    assert_eq!((&facts["app"], &facts["release"]["number"]), (&"api".into(), &7.into()));
    assert!(!told[3].contains("hunter2"), "a secret of the release reached its hook: {}", told[3]);
    let log = fs::read_to_string(folder.path().join("hooks/1.log")).unwrap();
    assert_eq!(log.lines().collect::<Vec<_>>(), told);
    let mode = fs::metadata(folder.path().join("hooks/1.log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn how_it_ends_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (end, told) = ran(&script(folder.path(), "printf 'no end'; exit 3"), folder.path(), LONG).await;
    assert_eq!((end.unwrap(), told), (End::of_code(3), vec!["no end".to_owned()]));
    let (end, _) = ran(&script(folder.path(), "kill -9 $$"), folder.path(), LONG).await;
    assert_eq!(end.unwrap(), End::Badly("it was killed by signal 9".to_owned()));
    // One that does not read what it is told has done nothing wrong.
    let (end, _) = ran(&script(folder.path(), "exec <&-"), folder.path(), LONG).await;
    assert_eq!(end.unwrap(), End::Well);
}

#[tokio::test]
async fn one_that_takes_too_long_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let command = script(folder.path(), "sleep 1000 &\necho $!\nwait");
    let began = Instant::now();
    let (end, told) = ran(&command, folder.path(), Duration::from_secs(1)).await;
    assert_eq!(end.unwrap(), End::TimedOut);
    assert!(began.elapsed() < GRACE, "{:?}", began.elapsed());
    let child = Pid::from_raw(told[0].parse().unwrap());
    // Whoever adopts it may take a moment to notice.
    let gone = async {
        while nix::sys::signal::kill(child, None).is_ok() && !is_zombie(child) {
            sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(LONG, gone).await.unwrap();
}

fn is_zombie(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let error = |command: &str| {
        let command = vec![command.to_owned()];
        let folder = folder.path().to_owned();
        async move { ran(&command, &folder, LONG).await.0.unwrap_err() }
    };
    let missing = error("no-such-program-of-bgd").await;
    assert!(missing.hints()[0].contains("PATH"), "{missing:?}");
    assert_eq!(missing.kind(), Kind::Hook);
    assert!(error("./missing.sh").await.hints()[0].contains(&folder.path().display().to_string()));
    fs::write(folder.path().join("plain"), "#!/bin/sh\n").unwrap();
    assert!(error("./plain").await.hints()[0].contains("chmod +x ./plain"));
    let release = release();
    let facts = Facts::new("after_deploy".to_owned(), Cause::Deploy, (&release, None), None, None);
    let log = Log::open(&folder.path().join("hooks/1.log")).unwrap();
    let nowhere = folder.path().join("nowhere");
    let error = Process::start(&["true".to_owned()], &nowhere, &facts, &log).await.unwrap_err();
    assert!(error.causes()[0].contains("there is no folder"), "{error:?}");
}

#[tokio::test]
async fn the_next_bgd_knows_that_it_still_runs() {
    let folder = tempfile::tempdir().unwrap();
    let command = script(folder.path(), "echo begun\nread forever < fifo\necho ended");
    nix::unistd::mkfifo(&folder.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let release = release();
    let facts = Facts::new("before_switch".to_owned(), Cause::Deploy, (&release, None), None, None);
    let path = folder.path().join("hooks/1.log");
    let first = Log::open(&path).unwrap();
    let mut process = Process::start(&command, folder.path(), &facts, &first).await.unwrap();
    // The first bgd is gone.
    drop(first);
    let mut second = Log::open(&path).unwrap();
    assert!(second.is_in_use());
    let mut told = Vec::new();
    let soon = Instant::now() + Duration::from_millis(200);
    assert!(!outlive(soon, &mut second, &mut |line| told.push(line)).await);
    fs::write(folder.path().join("fifo"), "go\n").unwrap();
    assert!(outlive(Instant::now() + LONG, &mut second, &mut |line| told.push(line)).await);
    assert!(told.ends_with(&["ended".to_owned()]), "{told:?}");
    assert!(!second.is_in_use());
    process.stop().await;
}
