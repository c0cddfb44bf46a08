use std::os::unix::fs::symlink;
use std::rc::Rc;

use bgd::error::Kind;
use bgd::model::{Mount, MountKind};
use bgd::probe::Vantage;

use crate::child::WHOLE;
use crate::support::{Host, docker, eventually, get};

fn volume(host: &Host) -> Mount {
    let target = "/volume".to_owned();
    Mount { kind: MountKind::Volume, source: host.volume(), target, read_only: false, options: None }
}

async fn round(vantage: &dyn Vantage, folder: &str) {
    let file = format!("{folder}/app.conf");
    assert_eq!(vantage.read(&file).await.unwrap(), None);
    vantage.write(&file, b"first").await.unwrap();
    let content: Vec<u8> = (0..=255).collect();
    vantage.write(&file, &content).await.unwrap();
    vantage.write(&format!("{folder}/a.conf"), b"").await.unwrap();
    assert_eq!(vantage.read(&file).await.unwrap().unwrap(), content);
    assert_eq!(vantage.list(folder).await.unwrap().unwrap(), ["a.conf", "app.conf"]);
    vantage.delete(&file).await.unwrap();
    vantage.delete(&file).await.unwrap();
    assert_eq!(vantage.list(folder).await.unwrap().unwrap(), ["a.conf"]);
}

pub async fn files_of_every_kind_of_folder(host: Rc<Host>) {
    let mut spec = host.spec();
    spec.mounts = vec![host.bind("bound", false), volume(&host)];
    let (_container, vantage) = host.inside(&spec).await;
    for folder in ["/conf.d", "/bound", "/volume"] {
        round(&*vantage, folder).await;
    }
    assert_eq!(std::fs::read_dir(host.host_folder("bound")).unwrap().count(), 1);
    vantage.make_aside("/bound").await.unwrap();
    vantage.write_aside("/bound/a.conf", b"by way of another folder").await.unwrap();
    vantage.write_aside("/volume/a.conf", b"without a word before").await.unwrap();
    assert_eq!(vantage.list("/bound").await.unwrap().unwrap(), [".bgd", "a.conf"]);
    assert_eq!(vantage.read("/volume/a.conf").await.unwrap().unwrap(), b"without a word before");
    assert_eq!(vantage.list("/nowhere").await.unwrap(), None);
    assert_eq!(vantage.read("/nowhere/a.conf").await.unwrap(), None);

    vantage.write("/sites/own.conf", b"seen by the container").await.unwrap();
    assert_eq!(vantage.request(&get("/read-mine")).await.unwrap().body, "seen by the container");
}

pub async fn a_read_only_mount_is_named(host: Rc<Host>) {
    let mut spec = host.spec();
    spec.mounts = vec![host.bind("fixed", true)];
    std::fs::write(host.host_folder("fixed").join("a.conf"), "old").unwrap();
    let (container, vantage) = host.inside(&spec).await;
    for error in [
        vantage.write("/fixed/a.conf", b"new").await.unwrap_err(),
        vantage.delete("/fixed/a.conf").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Proxy);
        let text = error.to_string();
        assert!(text.contains("/fixed/a.conf") && text.contains(&container.name), "{text}");
        assert!(text.ends_with("it is mounted read-only"), "{text}");
        assert!(error.hints()[0].contains(":ro"), "{:?}", error.hints());
    }
    assert_eq!(vantage.read("/fixed/a.conf").await.unwrap().unwrap(), b"old");
}

pub async fn a_missing_folder_is_named(host: Rc<Host>) {
    let (container, vantage) = host.inside(&host.spec()).await;
    let error = vantage.write("/nowhere/a.conf", b"new").await.unwrap_err();
    let name = &container.name;
    assert_eq!(error.to_string(), format!("cannot write /nowhere/a.conf in {name}: there is no such folder"));
}

pub async fn a_file_that_is_mounted_itself_is_named(host: Rc<Host>) {
    let file = host.host_folder("single").join("a.conf");
    std::fs::write(&file, "old").unwrap();
    let source = file.to_str().unwrap().to_owned();
    let target = "/conf.d/a.conf".to_owned();
    let mut spec = host.spec();
    spec.mounts = vec![Mount { kind: MountKind::Bind, source, target, read_only: false, options: None }];
    let (_container, vantage) = host.inside(&spec).await;
    let error = vantage.write("/conf.d/a.conf", b"new").await.unwrap_err();
    assert!(error.hints()[0].contains("mount the folder"), "{error} {:?}", error.hints());
    assert!(vantage.delete("/conf.d/a.conf").await.is_err());
    assert_eq!(vantage.list("/conf.d").await.unwrap().unwrap(), ["a.conf"], "nothing is left behind");
    assert_eq!(vantage.read("/conf.d/a.conf").await.unwrap().unwrap(), b"old", "it is still mounted");
}

pub async fn no_link_leads_outside(host: Rc<Host>) {
    let bound = host.host_folder("bound");
    let secret = host.folder.path().join("secret");
    std::fs::write(&secret, "of the host").unwrap();
    symlink("../secret", bound.join("relative")).unwrap();
    symlink(&secret, bound.join("absolute")).unwrap();
    symlink(host.folder.path(), bound.join("folder")).unwrap();
    symlink("/proc/1/root", bound.join("magic")).unwrap();
    symlink("/proc/self/root", bound.join("own")).unwrap();
    let mut spec = host.spec();
    spec.mounts = vec![host.bind("bound", false)];
    let (_container, vantage) = host.inside(&spec).await;
    let outside = host.folder.path().to_str().unwrap();
    for path in [
        "/bound/relative".to_owned(),
        "/bound/absolute".to_owned(),
        "/bound/folder/secret".to_owned(),
        format!("/bound/magic{outside}/secret"),
        format!("/bound/own{outside}/secret"),
        format!("/bound/../../..{outside}/secret"),
    ] {
        // Refused or not there: both are contained.
        assert!(matches!(vantage.read(&path).await, Ok(None) | Err(_)), "{path}");
    }
    for folder in
        ["/bound/folder".to_owned(), format!("/bound/magic{outside}"), format!("/bound/own{outside}")]
    {
        assert!(vantage.write(&format!("{folder}/new"), b"x").await.is_err(), "{folder}");
    }
    assert!(!host.folder.path().join("new").exists());
    // A link in place of the file is replaced, not followed.
    vantage.write("/bound/absolute", b"x").await.unwrap();
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "of the host");
}

pub async fn a_reader_sees_only_whole_files(host: Rc<Host>) {
    let (_container, vantage) = host.inside(&host.spec()).await;
    vantage.write("/conf.d/a.conf", &[b'a'; WHOLE]).await.unwrap();
    vantage.request(&get("/watch/conf.d/a.conf")).await.unwrap();
    let watched = async || {
        let body = vantage.request(&get("/watched")).await.unwrap().body;
        let (seen, broken) = body.split_once(' ').unwrap();
        (seen.parse::<usize>().unwrap(), broken.parse::<usize>().unwrap())
    };
    for letter in (b'a'..=b'z').cycle().take(60) {
        vantage.write("/conf.d/a.conf", &[letter; WHOLE]).await.unwrap();
    }
    eventually("read often enough", async || watched().await.0 > 60).await;
    assert_eq!(watched().await.1, 0);
}

pub async fn a_container_of_another_user(host: Rc<Host>) {
    let mut spec = host.spec();
    spec.user = Some("65534:65534".to_owned());
    spec.cap_drop = vec!["ALL".to_owned()];
    spec.mounts = vec![host.bind("bound", false)];
    nix::unistd::chown(&host.host_folder("bound"), Some(65534.into()), Some(65534.into())).unwrap();
    let (_container, vantage) = host.inside(&spec).await;
    round(&*vantage, "/bound").await;
    vantage.write("/conf.d/own.conf", b"readable").await.unwrap();
    assert_eq!(vantage.request(&get("/read-mine")).await.unwrap().body, "readable");
}

pub async fn a_container_that_shares_the_host_s_processes(host: Rc<Host>) {
    let label = format!("{}={}", crate::support::LABEL, host.tag);
    let name = host.name("host-pid");
    let image = crate::support::image();
    docker(&[
        "run",
        "--detach",
        "--pid=host",
        "--network=none",
        "--name",
        &name,
        "--label",
        &label,
        &image,
        "serve",
    ]);
    let container = host.look(&name).await;
    let vantage = host.open(&container).await;
    assert_eq!(vantage.list("/conf.d").await.unwrap().unwrap(), [""; 0]);
    vantage.write("/conf.d/own.conf", b"in the container").await.unwrap();
    eventually("served", async || vantage.request(&get("/ok")).await.is_ok()).await;
    assert_eq!(vantage.request(&get("/read-mine")).await.unwrap().body, "in the container");
}
