use crate::docker::Container;
use crate::model::{Mount, MountKind};
use crate::proxy::{Finding, Severity};

/// Whether the files that bgd writes can be written there, and outlive the container.
pub fn check(container: &Container, files: &[String], folder: &str) -> Vec<Finding> {
    let name = &container.name;
    let target = |mount: &Mount| mount.target.trim_end_matches('/').to_owned();
    let finding = |severity, message: String, remedy: &str| Finding {
        severity,
        message,
        remedy: Some(remedy.to_owned()),
    };
    let mounted_file = container.mounts.iter().find(|mount| files.contains(&target(mount)));
    if let Some(mount) = mounted_file {
        let message = format!(
            "{} in {name} is a single file that is mounted: it cannot be replaced as a whole",
            mount.target
        );
        return vec![finding(
            Severity::Refusal,
            message,
            &format!("mount the folder {folder} instead of the file"),
        )];
    }
    let around = container.mounts.iter().filter(|mount| {
        let target = target(mount);
        folder == target || folder.starts_with(&format!("{target}/"))
    });
    match around.max_by_key(|mount| mount.target.len()) {
        Some(mount) if mount.read_only => {
            let message = format!("{} in {name} is mounted read-only", mount.target);
            vec![finding(Severity::Refusal, message, "mount it without \":ro\"")]
        }
        Some(mount) if mount.kind == MountKind::Tmpfs => {
            let message = format!(
                "{folder} in {name} is in memory: what bgd writes there is lost when {name} restarts"
            );
            vec![finding(Severity::Warning, message, "mount a folder or a volume there")]
        }
        Some(_) => Vec::new(),
        None if container.spec.read_only => {
            let message = format!("{name} has a read-only file system, and {folder} is not mounted");
            vec![finding(Severity::Refusal, message, &format!("mount a folder or a volume at {folder}"))]
        }
        None => {
            let message = format!(
                "{folder} is in the own layer of {name}: what bgd writes there is lost when {name} is created anew"
            );
            vec![finding(Severity::Warning, message, &format!("mount a folder or a volume at {folder}"))]
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::docker::State;
    use crate::model::ContainerSpec;

    const FOLDER: &str = "/etc/nginx/conf.d";

    fn found(mounts: &[(MountKind, &str, bool)], read_only: bool) -> Option<(Severity, String)> {
        let mounts = mounts.iter().map(|(kind, target, read_only)| Mount {
            kind: *kind,
            source: "/srv/x".into(),
            target: (*target).to_owned(),
            read_only: *read_only,
            options: None,
        });
        let container = Container {
            id: "1".into(),
            name: "edge".into(),
            image_id: "2".into(),
            created: None,
            state: State::default(),
            spec: ContainerSpec { read_only, ..ContainerSpec::default() },
            unknown_settings: Vec::new(),
            addresses: BTreeMap::new(),
            dns_names: BTreeMap::new(),
            mounts: mounts.collect(),
        };
        let files = [format!("{FOLDER}/zz-bgd-api.conf")];
        check(&container, &files, FOLDER).pop().map(|finding| (finding.severity, finding.message))
    }

    #[test]
    fn the_innermost_mount_decides() {
        assert_eq!(found(&[(MountKind::Bind, FOLDER, false)], true), None);
        assert_eq!(
            found(&[(MountKind::Bind, "/etc/nginx", true), (MountKind::Volume, FOLDER, false)], false),
            None
        );
        let (severity, message) = found(&[(MountKind::Bind, "/etc/nginx", true)], false).unwrap();
        assert!(severity == Severity::Refusal && message.contains("read-only"), "{message}");
        let (severity, message) =
            found(&[(MountKind::Bind, "/etc/nginx/conf.d/zz-bgd-api.conf", false)], false).unwrap();
        assert!(severity == Severity::Refusal && message.contains("single file"), "{message}");
        let (severity, message) =
            found(&[(MountKind::Bind, "/etc/nginx/conf.d/user.conf", false)], false).unwrap();
        assert!(severity == Severity::Warning && message.contains("own layer"), "{message}");
        assert_eq!(found(&[(MountKind::Tmpfs, FOLDER, false)], false).unwrap().0, Severity::Warning);
        assert_eq!(found(&[], true).unwrap().0, Severity::Refusal);
    }
}
