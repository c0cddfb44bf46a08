//! Several apps behind one proxy.

use std::ops::Deref;
use std::rc::Rc;

use bgd_testkit::{Front, TestRun};

use super::{HOST, Scene, UPSTREAM};

/// A proxy that several scenes have in common.
pub struct Shared<P>(Rc<P>);

impl<P> Clone for Shared<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Deref<Target = Front>> Deref for Shared<P> {
    type Target = Front;

    fn deref(&self) -> &Front {
        &self.0
    }
}

/// A scene by what becomes there of the release that was left.
pub type Retired<P> = (&'static str, Scene<Shared<P>>);

/// An app for each kind of retire, all behind the proxy of this scene, whose own app is one of them.
pub fn each_retire<P: Deref<Target = Front>>(scene: Scene<P>) -> [Retired<P>; 3] {
    let scene = scene.shared();
    // The one that made the proxy is dropped last.
    let scenes = [("keep", scene.beside("web")), ("stop", scene.beside("shop")), ("remove", scene)];
    for (retire, scene) in &scenes {
        scene.configure(&format!("retire: {retire}\n"));
    }
    scenes
}

impl<P: Deref<Target = Front>> Scene<P> {
    /// The same scene with a proxy that others can have in common with it. It has to be dropped after those.
    fn shared(self) -> Scene<Shared<P>> {
        let Self { bgd, edge, app, host, proxy, opening, run } = self;
        Scene { bgd, edge: Shared(Rc::new(edge)), app, host, proxy, opening, run }
    }
}

impl<P: Deref<Target = Front>> Scene<Shared<P>> {
    /// Another project, whose app is behind the same proxy under a host of its own. `word` is one word.
    fn beside(&self, word: &str) -> Self {
        let bgd = self.bgd.beside();
        let run = TestRun::on(self.run.docker());
        let host = HOST.replace("api", word);
        let proxy = self.proxy.replace(&self.host, &host);
        let proxy = proxy.replace(UPSTREAM, &UPSTREAM.replace("api", word));
        let app = run.app_name(word);
        let scene = Self { bgd, edge: self.edge.clone(), app, host, proxy, opening: self.opening, run };
        scene.configure("");
        scene
    }
}
