//! What is said of things that go as they should, and of which one has to know all the same.

use bgd_testkit::images;

use crate::scene::{Nginx, Route, Scene};

#[test]
fn the_same_image_is_said_and_can_be_asked_for_again() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    let told = scene.deploy("1.0").ok().stderr;
    assert!(told.contains("is the image of release 1 already") && told.contains("--pull"), "{told}");
    let told = scene.deploy("1.1").ok().stderr;
    assert!(!told.contains("already ("), "{told}");
    // No registry has it.
    let told = scene.bgd.run(&["deploy", &images().app("1.1"), "--pull"]).code(5).stderr;
    assert!(told.contains("pull"), "{told}");
    scene.assert_clean(3);
}

#[test]
fn a_release_that_does_not_end_by_itself_is_said_with_its_remedy() {
    let scene = Scene::new(Nginx::New, Route::Server);
    // A signal that a process hears nothing of.
    scene.configure("drain: { timeout: 1s }\nstop_signal: SIGWINCH\nstop_grace_period: 1s\n");
    scene.first("1.0");
    let told = scene.deploy("1.1").ok().stderr;
    assert!(told.contains("did not end by itself") && told.contains("was killed after 1s"), "{told}");
    assert!(told.contains("init: true") && told.contains("stop_grace_period"), "{told}");
}

#[test]
fn a_release_that_ends_at_once_beside_one_with_the_same_volume_is_told_of_it() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let volume = scene.run.volume("data");
    let settings = format!("drain: {{ timeout: 1s }}\nrestart: \"no\"\nvolumes: [\"{volume}:/data\"]\n");
    scene.configure(&settings);
    scene.first("1.0");
    scene.configure(&format!("{settings}env: {{ PORT: none }}\n"));
    let told = scene.deploy("1.1").code(6).stderr;
    assert!(
        told.contains("ended with exit code") && told.contains(&format!("writes to {volume} as well")),
        "{told}"
    );
    scene.assert_clean(1);
    scene.run.docker().ok(["volume", "inspect", &volume]);
}

/// People, and programs such as log collectors, go by the name of the image that `docker ps` shows. A release is brought back
/// by its image's id: its tag may point to another image by then.
#[test]
fn docker_ps_shows_the_image_by_the_name_that_was_asked_for() {
    let scene = Scene::new(Nginx::New, Route::Server);
    let repository = format!("bgd-test/{}", scene.run.name("image"));
    let moving = format!("{repository}:latest");
    let tag = |version: &str| scene.run.docker().ok(["tag", &images().app(version), &moving]);
    let image = |container: &str| {
        let listed = scene.run.docker().ok([
            "ps",
            "--filter",
            &format!("name=^{container}$"),
            "--format",
            "{{.Image}}",
        ]);
        listed.trim().to_owned()
    };
    scene.configure(&format!("image: {repository}\ndrain: {{ timeout: 1s }}\n"));
    let [blue, green] = ["blue", "green"].map(|slot| format!("{}-{slot}", scene.app));
    tag("1.0");
    scene.bgd.run(&["deploy", &moving, "--no-watch"]).ok();
    scene.wait_for("1.0");
    assert_eq!(image(&blue), moving);
    tag("1.1");
    scene.bgd.run(&["deploy", &moving, "--no-watch"]).ok();
    assert_eq!((image(&green), scene.served().as_deref()), (moving.clone(), Some("1.1")));
    scene.assert_clean(2);
    // Created again, release 1 has its own image, to which the tag does not point any more.
    scene.run.docker().ok(["rm", "--force", &blue]);
    scene.rollback().ok();
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    assert_ne!(image(&blue), moving);
    scene.assert_clean(1);
    scene.run.docker().ok(["rmi", "--force", &moving]);
}
