use std::rc::Rc;

use super::*;
use crate::docker::fake::{Behaviour, Fake};
use crate::model::{
    ContainerName, ContainerSpec, Health, ImageRef, NetworkName, PullPolicy, ReleaseNumber, Retire, Slot,
    TraefikMode, TraefikProxy, TraefikRouter, TraefikTls,
};

fn app(change: impl FnOnce(&mut TraefikProxy)) -> App {
    let mut proxy = TraefikProxy {
        container: ContainerName::parse("edge").unwrap(),
        mode: TraefikMode::Labels,
        router: TraefikRouter {
            rule: "Host(`a.example.com`)".to_owned(),
            entrypoints: vec!["web".to_owned(), "websecure".to_owned()],
            tls: Some(TraefikTls { resolver: Some("le".to_owned()), options: None }),
            middlewares: vec!["auth@file".to_owned()],
            priority: None,
        },
        template: None,
    };
    change(&mut proxy);
    App {
        name: AppName::parse("api").unwrap(),
        image: ImageRef::parse("api").unwrap(),
        port: 3000,
        network: NetworkName::parse("proxy").unwrap(),
        replicas: 1,
        pull: PullPolicy::Never,
        container: ContainerSpec {
            labels: [("team".to_owned(), "bgd-api-r1-1".to_owned())].into(),
            ..ContainerSpec::default()
        },
        health: Health::None,
        smoke: Vec::new(),
        proxy: ProxyConfig::Traefik(proxy),
        watch_window: std::time::Duration::ZERO,
        watch: Default::default(),
        drain_timeout: std::time::Duration::ZERO,
        keep_old: None,
        retire: Retire::Stop,
        rename: false,
        retention: crate::model::Retention::default(),
        hooks: Default::default(),
        compose: None,
    }
}

fn target(number: u32) -> Target {
    Target {
        slot: if number % 2 == 1 { Slot::Blue } else { Slot::Green },
        release: ReleaseNumber(number),
        release_host: format!("api-r{number}"),
        slot_host: "api-slot".to_owned(),
        port: 3000,
        addresses: Vec::new(),
    }
}

fn carriers(fake: &Fake, kind: CarrierKind, change: impl FnOnce(&mut TraefikProxy)) -> Carriers {
    // Any file will do: its image is there already.
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    fake.add_image(&helper::image_name(&std::fs::read(program).unwrap()), Behaviour::Runs);
    Carriers::new(Rc::new(fake.clone()), &app(change), kind).unwrap().with_binary(program)
}

#[tokio::test]
async fn the_labels_of_a_carrier() {
    let carriers = carriers(&Fake::new(), CarrierKind::Kept, |_| {});
    let shown = carriers.preview(&target(1)).await.unwrap();
    let generation = carriers.writer.generation(&target(1)).unwrap();
    insta::assert_snapshot!(shown.replace(&generation, "GENERATION"));
}

#[tokio::test]
async fn a_carrier_comes_before_all_others_and_goes_down_again() {
    for kind in [CarrierKind::Kept, CarrierKind::Running, CarrierKind::Created] {
        let fake = Fake::new();
        let carriers = carriers(&fake, kind, |_| {});
        let base = i64::try_from("Host(`a.example.com`)".len()).unwrap();
        for number in 1..6 {
            let made = carriers.put(&target(number)).await.unwrap();
            assert_eq!(made.priority, if number == 1 { base } else { base + 1 });
            assert_eq!(carriers.put(&target(number)).await.unwrap().name, made.name);
            assert_eq!(carriers.live().await.unwrap().unwrap().name, made.name);
            // Traefik does not know the twin yet.
            carriers.forget().await.unwrap();
            assert_eq!(carriers.lower(async |_: &Carrier| Ok(false)).await.unwrap(), number == 1);
            assert_eq!(carriers.live().await.unwrap().unwrap().name, made.name);
            carriers.forget().await.unwrap();
            assert!(carriers.lower(async |_: &Carrier| Ok(true)).await.unwrap());
            let all = carriers.list().await.unwrap();
            assert_eq!((all.len(), all[0].priority, all[0].running), (1, base, kind.runs()));
            assert_eq!((all[0].release, &all[0].generation), (made.release, &made.generation));
            let id = all[0].id(&carriers.app);
            let marker = &all[0].labels[&format!("traefik.http.routers.{id}_marker.priority")];
            assert_eq!(marker, &(base + 1_000_000_000).to_string());
            assert_eq!(all[0].labels["team"], "bgd-api-r1-1", "a label of the user's was changed");
            let of_another = format!("r{}-", number + 1);
            assert!(!all[0].text().contains(&of_another));
        }
        assert!(fake.names().keys().all(|name| name.starts_with("api-route-")), "{:?}", fake.names());
    }
}

#[tokio::test]
async fn a_crash_at_any_call_leaves_a_route_and_the_next_run_ends_well() {
    for kind in [CarrierKind::Kept, CarrierKind::Running, CarrierKind::Created] {
        for at in 0..120 {
            let fake = Fake::new();
            let carriers = carriers(&fake, kind, |_| {});
            carriers.put(&target(1)).await.unwrap();
            let former = carriers.snapshot().await.unwrap();
            let mut left = at;
            fake.after(move |_| {
                left -= 1;
                if left == -1 { Err(Error::new(Kind::Interrupted, "killed")) } else { Ok(()) }
            });
            let switch = async || -> Result<()> {
                carriers.put(&target(2)).await?;
                carriers.forget().await?;
                carriers.lower(async |_: &Carrier| Ok(true)).await?;
                carriers.put_back(&former).await?;
                carriers.forget().await?;
                carriers.lower(async |_: &Carrier| Ok(true)).await.map(drop)
            };
            let crashed = switch().await.is_err();
            if !crashed {
                assert!(at > 15, "there are more calls than {at}");
                break;
            }
            assert!(at < 119, "there are more calls than that");
            assert!(carriers.live().await.unwrap().is_some(), "{kind:?} {at}");
            switch().await.unwrap();
            let all = carriers.list().await.unwrap();
            assert_eq!((all.len(), all[0].release, all[0].priority), (1, ReleaseNumber(1), all[0].base));
            assert_eq!(all[0].running, kind.runs());
        }
    }
}

#[test]
fn a_version_decides() {
    for (version, kind) in [
        ("3.4.0", Some(CarrierKind::Running)),
        ("v3.5.3", Some(CarrierKind::Running)),
        ("3.6.0-rc.1", Some(CarrierKind::Kept)),
        ("3.7.15", Some(CarrierKind::Kept)),
        ("4.0.0", Some(CarrierKind::Kept)),
        ("3.3.6", None),
        ("2.11.0", None),
        ("dev", None),
        ("", None),
    ] {
        let found = support(version);
        assert!(
            found.as_ref().err().is_none_or(|error| error.hints()[0].contains("mode: file")),
            "{version}"
        );
        assert_eq!(found.ok(), kind, "{version}");
    }
}

#[test]
fn labels_of_traefik_at_the_app_are_refused() {
    let mut app = app(|_| {});
    assert!(unfit_labels(&app).is_none());
    app.container.labels.insert("Traefik.enable".to_owned(), "true".to_owned());
    let error = unfit_labels(&app).unwrap();
    assert!(error.to_string().contains("Traefik.enable") && !error.hints().is_empty(), "{error}");
    assert!(Carriers::new(Rc::new(Fake::new()), &app, CarrierKind::Kept).is_err());
}

#[tokio::test]
async fn a_users_template_keeps_what_is_needed() {
    let own = include_str!("../../../../templates/traefik/labels.txt");
    let with = async |template: String| {
        let carriers = carriers(&Fake::new(), CarrierKind::Kept, |proxy| proxy.template = Some(template));
        carriers.preview(&target(1)).await.map_err(|error| error.to_string())
    };
    let more = format!("{own}\ntraefik.http.services.{{{{ id }}}}.loadbalancer.passhostheader=true\n");
    assert!(with(more).await.unwrap().contains("passhostheader"));
    for (what, wrong) in [
        ("a fixed name", format!("{own}\ntraefik.http.middlewares.mine.compress=true\n")),
        ("no label", format!("{own}\nhello\n")),
        ("another's label", format!("{own}\nbgd.app=api\n")),
        ("a label twice", format!("{own}\ntraefik.enable=false\n")),
        ("a fixed priority", own.replace("{{ priority }}", "7")),
        ("no marker", own.replace("{{ marker_rule }}", "{{ rule }}")),
        ("no generation", own.replace("X-Bgd-Generation", "X-Other")),
        ("another address", own.replace("{{ url }}", "http://elsewhere")),
        ("not enabled", own.replace("traefik.enable=true", "")),
    ] {
        assert!(with(wrong).await.is_err(), "{what} was accepted");
    }
}

#[test]
fn what_cannot_stand_in_a_label_is_refused() {
    let changes: [fn(&mut TraefikRouter); 4] = [
        |router| router.rule = "Host(`a`)\ntraefik.x=y".to_owned(),
        |router| router.rule = " ".to_owned(),
        |router| router.middlewares = vec!["a,b".to_owned()],
        |router| router.entrypoints = vec!["a\0".to_owned()],
    ];
    for change in changes {
        let app = app(|proxy| change(&mut proxy.router));
        assert!(Carriers::new(Rc::new(Fake::new()), &app, CarrierKind::Kept).is_err());
    }
}
