//! Files in anonymous volumes are told before they are left behind, and never removed unasked.

use bgd_testkit::{App, Container, images};

use crate::identity::with_volume;
use crate::scene::{Nginx, Route, Scene};

fn volume_of(container: &Container) -> String {
    container.inspect("{{range .Mounts}}{{.Name}}{{end}}").unwrap()
}

/// Writes a file, as the app would.
fn write(scene: &Scene, container: &Container) {
    let file = scene.bgd.project().join("written");
    std::fs::write(&file, "3").unwrap();
    scene.run.docker().ok(["cp", &file.display().to_string(), &format!("{}:/data/count", container.name())]);
}

fn has_file(scene: &Scene, container: &Container) -> bool {
    scene.run.docker().run(["cp", &format!("{}:/data/count", container.name()), "-"]).is_ok()
}

#[test]
fn files_in_an_anonymous_volume_are_told_and_kept() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let image = with_volume(&scene.run, &images().app("1.0"), "/data");
    let deploy =
        |code: i32| scene.bgd.run(&["deploy", &image.tag, "--app", &scene.app, "--no-watch"]).code(code);
    let told = deploy(0);
    assert!(told.stderr.contains("/data") && told.stderr.contains("volumes: ["), "{}", told.stderr);
    // What is empty may go.
    deploy(0);
    let live = scene.live_container();
    write(&scene, &live);
    let before = scene.containers();
    for command in ["plan", "deploy"] {
        let refused = scene.bgd.run(&[command, &image.tag, "--app", &scene.app]).code(3);
        assert!(
            refused.stderr.contains("/data") && refused.stderr.contains("volumes: ["),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(scene.containers(), before, "something was created");

    // Each remedy, as it was printed: the same files …
    let volume = volume_of(&live);
    scene.configure(&format!("volumes: [\"{volume}:/data\"]\n"));
    deploy(0);
    assert!(has_file(&scene, &scene.live_container()), "the files are gone");
    // … or none, which stay in the volume of the release that had them.
    scene.configure("volumes: [\"/data\"]\n");
    deploy(0);
    let empty = scene.live_container();
    assert!(!has_file(&scene, &empty));
    write(&scene, &empty);
    let left = volume_of(&empty);
    deploy(0);
    deploy(0);
    deploy(0);
    scene.run.docker().ok(["volume", "inspect", &left]);
    let outcome = scene.bgd.run(&["prune", &scene.app, "--keep", "1", "--yes"]).ok();
    scene.run.docker().ok(["volume", "inspect", &left]);
    scene.run.docker().ok(["volume", "inspect", &volume]);
    drop(outcome);
    scene.run.docker().run(["volume", "rm", &left]).ok();
    scene.run.docker().run(["volume", "rm", &volume]).ok();
}

#[test]
fn a_release_that_was_removed_comes_back_with_its_files() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let image = with_volume(&scene.run, &images().app("1.0"), "/data");
    scene.configure("volumes: [\"/data\"]\nretire: remove\n");
    let deploy = || scene.bgd.run(&["deploy", &image.tag, "--app", &scene.app, "--no-watch"]).ok();
    deploy();
    let first = scene.live_container();
    write(&scene, &first);
    let volume = volume_of(&first);
    let told = deploy();
    assert!(told.stderr.contains(&format!("docker volume rm {volume}")), "{}", told.stderr);
    assert!(!first.exists());
    let told = scene.rollback().ok();
    assert_eq!(volume_of(&scene.live_container()), volume, "{}", told.stderr);
    assert!(has_file(&scene, &scene.live_container()));
    scene.bgd.run(&["deploy", &images().app("1.1"), "--no-watch"]).ok();
    scene.run.docker().ok(["volume", "rm", &volume]);
}

#[test]
fn an_adopted_container_s_files_are_told_before_the_first_deploy() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let image = with_volume(&scene.run, &images().app("1.0"), "/data");
    let web = App::new(&scene.run, &image.tag).network(scene.edge.network()).start(&scene.run.name("web"));
    web.wait_answers();
    write(&scene, &web);
    scene.bgd.run(&["adopt", web.name()]).ok();
    let refused = scene.bgd.run(&["deploy", &image.tag, "--app", &scene.app, "--no-watch"]).code(3);
    assert!(refused.stderr.contains("/data"), "{}", refused.stderr);
    scene.assert_clean(0);
    let volume = volume_of(&web);
    scene.configure(&format!("volumes: [\"{volume}:/data\"]\n"));
    scene.bgd.run(&["deploy", &image.tag, "--app", &scene.app, "--no-watch"]).ok();
    assert!(has_file(&scene, &scene.live_container()));
}
