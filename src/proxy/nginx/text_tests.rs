use std::time::Duration;

use crate::model::{
    AppName, ContainerName, NginxProxy, NginxRoute, ReleaseNumber, ServerBlock, Slot, TlsFiles, UpstreamName,
};
use crate::proxy::{Route, Target};

use super::placeholder::placeholder;
use super::shared::shared_file;
use super::text::{Adopted, Layout, LiveBy, Writer, adopted_in};
use super::version::Version;

fn target(slot: Slot, number: u32) -> Target {
    Target {
        slot,
        release: ReleaseNumber(number),
        release_host: format!("api-r{number}"),
        slot_host: format!("api-slot-{slot}"),
        port: 3000,
        addresses: vec!["172.18.0.5".parse().unwrap()],
    }
}

fn both() -> Route {
    Route { live: Some(target(Slot::Blue, 17)), idle: Some(target(Slot::Green, 18)) }
}

fn upstream() -> NginxRoute {
    NginxRoute::Upstream(UpstreamName::parse("api_backend").unwrap())
}

fn server() -> NginxRoute {
    NginxRoute::Server(ServerBlock {
        hosts: vec!["api.example.com".into(), "www.example.com".into()],
        listen: 443,
        max_body: 10_485_760,
        read_timeout: Duration::from_secs(60),
        tls: Some(TlsFiles { certificate: "/etc/ssl/api.pem".into(), key: "/etc/ssl/api.key".into() }),
    })
}

fn render(
    version: &str,
    route: NginxRoute,
    what: &Route,
    live_by: LiveBy,
    template: Option<&str>,
) -> Result<String, String> {
    render_in(None, version, route, what, live_by, template)
}

fn render_in(
    layout: Option<Layout>,
    version: &str,
    route: NginxRoute,
    what: &Route,
    live_by: LiveBy,
    template: Option<&str>,
) -> Result<String, String> {
    let proxy = NginxProxy {
        container: ContainerName::parse("edge").unwrap(),
        config_dir: "/etc/nginx/conf.d/".into(),
        route,
        template: template.map(str::to_owned),
    };
    let app = AppName::parse("api").unwrap();
    let writer = Writer {
        app: &app,
        proxy: &proxy,
        replicas: 1,
        port: 3000,
        version: Version::parse(version).unwrap(),
        inner: "127.47.1.2:24711",
        adopted: None,
    };
    let text = match layout {
        Some(layout) => writer.app_file_in(layout, what, live_by),
        None => writer.app_file(what, live_by),
    };
    text.map_err(|error| error.one_line())
}

#[test]
fn a_new_nginx_resolves_both_releases_and_sends_nothing_to_the_idle_one() {
    insta::assert_snapshot!(render("1.30.6", upstream(), &both(), LiveBy::Name, None).unwrap());
}

#[test]
fn a_release_that_nginx_has_not_resolved_yet_is_live_by_its_addresses() {
    let route = Route { live: Some(target(Slot::Blue, 17)), idle: Some(target(Slot::Blue, 17)) };
    insta::assert_snapshot!(render("1.30.6", upstream(), &route, LiveBy::Address, None).unwrap());
}

#[test]
fn before_the_first_switch_requests_are_answered_with_503() {
    let route = Route { live: None, idle: Some(target(Slot::Blue, 1)) };
    let text = render("1.30.6", upstream(), &route, LiveBy::Name, None).unwrap();
    assert!(text.contains("    server 127.0.0.1:24712 max_fails=0;\n"), "{text}");
    assert!(text.contains("    server api-r1:3000 resolve down max_fails=0;\n"), "{text}");
    assert!(text.contains("live=none release=-"), "{text}");
}

#[test]
fn a_server_block_of_bgds_own_on_a_new_nginx() {
    insta::assert_snapshot!(render("1.30.6", server(), &both(), LiveBy::Name, None).unwrap());
}

#[test]
fn an_old_nginx_looks_at_flag_files() {
    insta::assert_snapshot!(render("1.22.1", upstream(), &both(), LiveBy::Name, None).unwrap());
}

#[test]
fn a_server_block_of_bgds_own_on_an_old_nginx() {
    insta::assert_snapshot!(render("1.22.1", server(), &both(), LiveBy::Name, None).unwrap());
}

/// A file of the first layout is recognised by its text, so that text must never change.
#[test]
fn the_first_layout_of_the_files_for_an_old_nginx_is_written_as_ever() {
    let first = |route| render_in(Some(Layout::First), "1.22.1", route, &both(), LiveBy::Name, None).unwrap();
    insta::assert_snapshot!("first_an_old_nginx_looks_at_flag_files", first(upstream()));
    insta::assert_snapshot!("first_a_server_block_of_bgds_own_on_an_old_nginx", first(server()));
}

#[test]
fn the_file_of_an_old_nginx_is_the_same_whatever_is_live() {
    let swapped = Route { live: Some(target(Slot::Green, 18)), idle: Some(target(Slot::Blue, 17)) };
    let [a, b] =
        [both(), swapped].map(|route| render("1.22.1", upstream(), &route, LiveBy::Name, None).unwrap());
    assert_eq!(a, b);
}

#[test]
fn the_generation_tells_renderings_apart() {
    let swapped = Route { live: Some(target(Slot::Green, 18)), idle: Some(target(Slot::Blue, 17)) };
    let generation = |route: &Route| {
        let text = render("1.30.6", upstream(), route, LiveBy::Name, None).unwrap();
        super::marker::generation_of(&text).unwrap().to_owned()
    };
    assert_eq!(generation(&both()), generation(&both()));
    assert_ne!(generation(&both()), generation(&swapped));
}

#[test]
fn the_shared_files() {
    let new = Version::parse("1.30.6").unwrap();
    insta::assert_snapshot!(shared_file(new, false).unwrap());
    assert!(!shared_file(new, true).unwrap().contains("keepalive_min_timeout 10s"));
    assert!(
        !shared_file(Version::parse("1.22.1").unwrap(), false).unwrap().contains("keepalive_min_timeout")
    );
}

#[test]
fn a_placeholder_keeps_nginx_startable() {
    let proxy = NginxProxy {
        container: ContainerName::parse("edge").unwrap(),
        config_dir: "/etc/nginx/conf.d".into(),
        route: upstream(),
        template: None,
    };
    insta::assert_snapshot!(placeholder(&proxy, &AppName::parse("api").unwrap()).unwrap());
}

#[test]
fn a_template_of_the_users_has_to_keep_what_bgd_verifies_by() {
    let own = |template: &str| render("1.30.6", upstream(), &both(), LiveBy::Name, Some(template));
    let upstream_block = "upstream {{ upstream }} {\n    zone z 64k;\n    server 127.0.0.1:1;\n}\n";
    let good = own(&format!("{upstream_block}{{% include \"marker.conf\" %}}\n")).unwrap();
    assert!(good.contains("zone z 64k;") && good.contains("server_name api.bgd;"), "{good}");
    assert!(own(upstream_block).unwrap_err().contains("lacks the server by which bgd verifies"));
    assert!(own("{% include \"marker.conf\" %}").unwrap_err().contains("defines no upstream api_backend"));
    let undefined = own("a\n {{ nothing }}").unwrap_err();
    assert!(undefined.contains("proxy.nginx.template:2:"), "{undefined}");
}

#[test]
fn what_nginx_would_take_apart_is_refused_in_every_field() {
    let NginxRoute::Server(mut block) = server() else { unreachable!() };
    block.hosts = vec!["a.example.com; return 200".into()];
    let error = render("1.30.6", NginxRoute::Server(block), &both(), LiveBy::Name, None).unwrap_err();
    assert!(error.contains("hosts") && error.contains("meaning for nginx"), "{error}");
    let mut route = both();
    route.live.as_mut().unwrap().release_host = "api}".into();
    assert!(render("1.30.6", upstream(), &route, LiveBy::Name, None).is_err());
}

/// An older nginx is reloaded when its file changes: after the adoption it does not, whatever follows.
#[test]
fn the_file_of_an_adopted_app_for_an_old_nginx_stays_as_it_is() {
    let adopted = |slot| Target { release_host: "web".into(), slot_host: "web".into(), ..target(slot, 0) };
    let named = |slot, number| Target { slot_host: format!("_bgd_api_{slot}"), ..target(slot, number) };
    let (blue, green) = (Slot::Blue, Slot::Green);
    for route in [upstream(), server()] {
        let proxy = NginxProxy {
            container: ContainerName::parse("edge").unwrap(),
            config_dir: "/etc/nginx/conf.d".into(),
            route,
            template: None,
        };
        let app = AppName::parse("api").unwrap();
        let render = |what: &Route, known: Option<Adopted>| {
            let version = Version::parse("1.22.1").unwrap();
            let inner = "127.47.1.2:24711";
            let writer =
                Writer { app: &app, proxy: &proxy, replicas: 1, port: 3000, version, inner, adopted: known };
            writer.app_file(what, LiveBy::Name).unwrap()
        };
        let first = render(&Route { live: Some(adopted(blue)), idle: None }, None);
        assert_eq!(adopted_in(&first, &proxy, &app), Some(Adopted { host: "web".into(), port: 3000 }));
        let later = [
            (Some(adopted(blue)), Some(named(green, 1))),
            (Some(named(green, 1)), Some(adopted(blue))),
            (Some(named(green, 1)), Some(named(blue, 2))),
            (Some(named(blue, 2)), Some(adopted(green))),
            (Some(adopted(green)), Some(named(blue, 2))),
        ];
        for (live, idle) in later {
            let route = Route { live, idle };
            assert_eq!(render(&route, adopted_in(&first, &proxy, &app)), first, "{route:?}");
        }
        if matches!(proxy.route, NginxRoute::Upstream(_)) {
            insta::assert_snapshot!("an_adopted_app_behind_an_old_nginx", first);
        }
    }
}
