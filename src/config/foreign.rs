use super::context::Context;
use super::fields::Fields;

/// Keys of compose files that bgd does not take: the key, why, and the remedy.
const FOREIGN: [(&str, &str, &str); 21] = [
    (
        "ports",
        "blue and green run side by side and cannot both publish one port of the host",
        "the proxy reaches the app on its network: write the app's own port as \"port: 3000\", and publish ports of the proxy only",
    ),
    (
        "container_name",
        "there are two slots, and bgd names their containers after the app: NAME-blue and NAME-green",
        "write the name as \"app:\"",
    ),
    (
        "depends_on",
        "bgd deploys one app and starts nothing else",
        "start what the app needs beforehand; \"health\" keeps traffic away until the app is ready",
    ),
    ("environment", "it has a shorter name here", "write \"env:\""),
    (
        "healthcheck",
        "bgd's own check also decides when traffic moves",
        "write \"health: { cmd: … }\" or \"health: { http: /health }\"",
    ),
    ("build", "bgd deploys images and builds none", "build first, then \"bgd deploy IMAGE\""),
    ("expose", "it has no effect on a Docker network", "write the app's port as \"port:\""),
    ("links", "networks have replaced links", "write \"networks:\""),
    (
        "network_mode",
        "the proxy has to reach the app on a network",
        "write \"network:\", and \"networks:\" for further ones",
    ),
    ("deploy", "its parts have keys of their own here", "write \"replicas:\", \"memory:\" and \"cpus:\""),
    ("scale", "it has another name here", "write \"replicas:\""),
    ("mem_limit", "it has another name here", "write \"memory:\""),
    ("memswap_limit", "it has another name here", "write \"memory_swap:\""),
    ("mem_reservation", "it has another name here", "write \"memory_reservation:\""),
    ("pull_policy", "it has another name here", "write \"pull:\""),
    ("log_driver", "it has another name here", "write \"logging: { driver: … }\""),
    ("log_opt", "it has another name here", "write \"logging: { options: … }\""),
    (
        "services",
        "this is a compose file, and bgd reads its own",
        "write one service as bgd.yaml, with \"app:\" and \"image:\"",
    ),
    ("secrets", "secrets of compose are files of its own", "mount the file with \"volumes:\""),
    ("configs", "configs of compose are files of its own", "mount the file with \"volumes:\""),
    ("profiles", "bgd deploys the one app of the file", "remove it"),
];

/// Refuses what a reader of compose files would write, and says what to write in its place.
pub(super) fn refuse(cx: &mut Context<'_>, fields: &mut Fields<'_>) {
    for (key, why, remedy) in FOREIGN {
        fields.refuse(cx, key, why, remedy);
    }
}
