//! The app of the tests of a driver alone. Shared by them.

use std::time::Duration;

use bgd::model::{
    App, AppName, ContainerSpec, Health, ImageRef, NetworkName, ProxyConfig, PullPolicy, Retention, Retire,
};

/// An app of which only the route matters.
pub fn app(name: AppName, network: &str, proxy: ProxyConfig) -> App {
    App {
        name,
        image: ImageRef::parse("bgd-test/app").unwrap(),
        port: 3000,
        network: NetworkName::parse(network).unwrap(),
        replicas: 1,
        pull: PullPolicy::Never,
        container: ContainerSpec::default(),
        health: Health::None,
        smoke: Vec::new(),
        proxy,
        watch_window: Duration::ZERO,
        watch: Default::default(),
        drain_timeout: Duration::from_secs(10),
        keep_old: None,
        retire: Retire::Stop,
        rename: false,
        retention: Retention::default(),
        hooks: Default::default(),
        compose: None,
    }
}
