use super::door;
use super::settings::{Settings, from_arguments};
use super::text::{is_edited, is_same, marker_priority, published, put_back, render};
use crate::model::{
    AppName, ContainerName, ReleaseNumber, Slot, TraefikMode, TraefikProxy, TraefikRouter, TraefikTls,
};
use crate::proxy::{Live, Target};

fn proxy(rule: &str) -> TraefikProxy {
    TraefikProxy {
        container: ContainerName::parse("edge").unwrap(),
        mode: TraefikMode::File { dynamic_dir: "/dyn".into() },
        router: TraefikRouter {
            rule: rule.to_owned(),
            entrypoints: Vec::new(),
            tls: None,
            middlewares: Vec::new(),
            priority: None,
        },
        template: None,
    }
}

fn rendered(proxy: &TraefikProxy, arguments: &str) -> crate::error::Result<String> {
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let settings = Settings::new(Some(from_arguments(&arguments)));
    let door = door::choose(&settings, &proxy.router, false).ok();
    let target = Target {
        slot: Slot::Green,
        release: ReleaseNumber(2),
        release_host: "api-r2".into(),
        slot_host: "api-slot-green".into(),
        port: 3000,
        addresses: Vec::new(),
    };
    render(&AppName::parse("api").unwrap(), proxy, &target, &settings, door.as_ref())
}

const WEB: &str = "--entrypoints.web.address=:80 --entrypoints.websecure.address=:443";

#[test]
fn a_plain_route() {
    let text = rendered(&proxy("Host(`api.example.com`)"), WEB).unwrap();
    insta::assert_snapshot!(text);
    let published = published(&AppName::parse("api").unwrap(), &text).unwrap();
    assert_eq!(published.live, Live { slot: Slot::Green, release: Some(ReleaseNumber(2)) });
    assert_eq!(published.service, "bgd-api-r2");
    assert_eq!(published.url, "http://api-r2:3000");
    assert_eq!(super::text::published(&AppName::parse("ap").unwrap(), &text), None);
}

#[test]
fn everything_that_a_route_can_have() {
    let mut proxy = proxy("Host(`api.example.com`) && PathPrefix(`/a\"b{{c`)");
    proxy.router.entrypoints = vec!["websecure".into()];
    proxy.router.tls = Some(TraefikTls { resolver: Some("le".into()), options: Some("strict@file".into()) });
    proxy.router.middlewares = vec!["auth@file".into(), "compress".into()];
    proxy.router.priority = Some(7);
    let more =
        "--serverstransport.forwardingtimeouts.dialtimeout=3s --serverstransport.maxidleconnsperhost=9";
    insta::assert_snapshot!(rendered(&proxy, &format!("{WEB} {more}")).unwrap());
}

#[test]
fn without_a_door_there_is_no_router_for_the_marker() {
    let text = rendered(&proxy("HostRegexp(`.+`)"), WEB).unwrap();
    assert!(!text.contains("ClientIP") && text.contains("X-Bgd-Generation"), "{text}");
}

#[test]
fn a_template_of_the_user_s_is_checked_before_traefik_sees_it() {
    let of = |template: &str| {
        let mut proxy = proxy("Host(`a`)");
        proxy.template = Some(template.to_owned());
        rendered(&proxy, WEB).map_err(|error| error.to_string())
    };
    assert!(of("http: [").unwrap_err().contains("not valid YAML"));
    assert!(of("http: {routers: {x: {rule: a}}}").unwrap_err().contains("no router bgd-api"));
    assert!(of("{{ nothing }}").unwrap_err().contains("proxy.traefik.template:1"));
    let built_in = include_str!("../../../templates/traefik/file.yml");
    assert!(of(&built_in.replace("X-Bgd-Generation", "X-Other")).unwrap_err().contains("generation"));
    assert!(of(&format!("# mine\n{built_in}")).is_ok());
}

#[test]
fn the_marker_comes_before_the_user_s_own_router() {
    let mut router = proxy("Host(`a`)").router;
    assert_eq!(marker_priority(&router), 2_000_000_000);
    router.priority = Some(u32::MAX);
    assert_eq!(marker_priority(&router), u32::MAX);
    router.priority = Some(2_000_000_000);
    assert_eq!(marker_priority(&router), 2_000_000_001);
}

#[test]
fn a_text_that_is_put_back_differs_by_its_generation_only() {
    let app = AppName::parse("api").unwrap();
    let former = rendered(&proxy("Host(`api.example.com`)"), WEB).unwrap();
    let tried = rendered(&proxy("Host(`www.example.com`)"), WEB).unwrap();
    let back = put_back(&app, &former, &tried);
    let (was, is) = (published(&app, &former).unwrap(), published(&app, &back).unwrap());
    assert_ne!(was.generation, is.generation);
    assert_eq!((was.live, &was.url), (is.live, &is.url));
    assert!(!is_edited(&is, &back) && is_same(&app, &former, &back) && !is_same(&app, &tried, &back));
    assert!(!back.contains(&was.generation), "{back}");

    let again = put_back(&app, &back, &rendered(&proxy("Host(`w3.example.com`)"), WEB).unwrap());
    let generation = published(&app, &again).unwrap().generation;
    assert!(generation != is.generation && generation != was.generation);
    assert_eq!(again.matches("# Put back").count(), 1, "{again}");

    let mine = format!("{former}# mine\n");
    assert_eq!(put_back(&app, &mine, &tried), mine);
}
