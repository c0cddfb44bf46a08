//! Mounts in both directions: asked for at creation, and read back.
//!
//! The API has three places for them: `Binds` (texts, `source:target:modes`), `Mounts` (objects) and `Tmpfs`. Binds
//! and named volumes go into `Binds`, because only there a missing folder of the host is made.

use std::collections::HashMap;

use bollard::models::{
    Mount as ApiMount, MountBindOptions, MountBindOptionsPropagationEnum as Propagation, MountType,
    MountVolumeOptions,
};
use serde_json::Value;

use super::json::{entries, flag, int, is_blank, items, some_text, text, texts};
use crate::error::{Error, Kind, Result};
use crate::model::{Mount, MountKind};

/// The three places of the API.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub binds: Vec<String>,
    pub mounts: Vec<ApiMount>,
    pub tmpfs: HashMap<String, String>,
}

/// Puts every mount into its place.
///
/// # Errors
/// Of the kind `Config`, naming the mount that the API cannot express.
pub(super) fn for_creation(mounts: &[Mount]) -> Result<Places> {
    let mut places = Places::default();
    for mount in mounts {
        let refused = |why: &str| Error::new(Kind::Config, format!("the mount at {:?} {why}", mount.target));
        if !mount.target.starts_with('/') {
            return Err(refused("has no absolute path in the container"));
        }
        if mount.kind == MountKind::Bind && !mount.source.starts_with('/') {
            return Err(refused("is a bind whose source is no absolute path"));
        }
        let options = mount.options.as_deref().filter(|options| !options.is_empty());
        if mount.kind == MountKind::Tmpfs {
            let modes: Vec<&str> = mount.read_only.then_some("ro").into_iter().chain(options).collect();
            places.tmpfs.insert(mount.target.clone(), modes.join(","));
        } else if mount.source.is_empty() || mount.source.contains(':') || mount.target.contains(':') {
            places.mounts.push(object(mount, options).ok_or_else(|| {
                refused(
                    "has options that Docker does not take for an anonymous volume or a path with a colon",
                )
            })?);
        } else {
            let modes: Vec<&str> = mount.read_only.then_some("ro").into_iter().chain(options).collect();
            let tail = if modes.is_empty() { String::new() } else { format!(":{}", modes.join(",")) };
            places.binds.push(format!("{}:{}{tail}", mount.source, mount.target));
        }
    }
    Ok(places)
}

/// The object form, for what the text form cannot say.
fn object(mount: &Mount, options: Option<&str>) -> Option<ApiMount> {
    let mut object = ApiMount {
        target: Some(mount.target.clone()),
        source: Some(mount.source.clone()).filter(|source| !source.is_empty()),
        read_only: Some(mount.read_only),
        ..Default::default()
    };
    if mount.kind == MountKind::Bind {
        object.typ = Some(MountType::BIND);
        object.bind_options = match options {
            Some(options) => Some(MountBindOptions {
                propagation: Some(options.parse::<Propagation>().ok()?),
                ..Default::default()
            }),
            None => None,
        };
    } else {
        object.typ = Some(MountType::VOLUME);
        object.volume_options = match options {
            Some("nocopy") => Some(MountVolumeOptions { no_copy: Some(true), ..Default::default() }),
            Some(_) => return None,
            None => None,
        };
    }
    Some(object)
}

/// The mounts as they were asked for, in the order of their targets; anonymous volumes by their real names.
/// What cannot be said in bgd's terms is named in `unknown`.
pub(super) fn asked(inspect: &Value, unknown: &mut Vec<String>) -> Vec<Mount> {
    let host = &inspect["HostConfig"];
    let mut mounts: Vec<Mount> = texts(host, "Binds").iter().filter_map(|bind| of_text(bind)).collect();
    mounts.extend(entries(host, "Tmpfs").into_iter().map(|(target, options)| {
        let (read_only, options) = modes(options.as_str().unwrap_or_default());
        Mount { kind: MountKind::Tmpfs, source: String::new(), target: target.to_owned(), read_only, options }
    }));
    for object in items(host, "Mounts") {
        mounts.extend(of_object(object, unknown));
    }
    for real in items(inspect, "Mounts").iter().filter(|real| text(real, "Type") == "volume") {
        let target = text(real, "Destination");
        match mounts.iter_mut().find(|mount| mount.target.trim_end_matches('/') == target) {
            Some(mount) if mount.source.is_empty() && mount.kind == MountKind::Volume => {
                mount.source = text(real, "Name").to_owned();
            }
            Some(_) => {}
            None => mounts.push(Mount {
                kind: MountKind::Volume,
                source: text(real, "Name").to_owned(),
                target: target.to_owned(),
                read_only: !flag(real, "RW"),
                options: None,
            }),
        }
    }
    mounts.sort_by(|a, b| a.target.cmp(&b.target));
    mounts
}

/// Every mount as it is, in the order of their targets.
pub(super) fn real(inspect: &Value) -> Vec<Mount> {
    let tmpfs = entries(&inspect["HostConfig"], "Tmpfs").into_iter().map(|(target, options)| {
        let (read_only, options) = modes(options.as_str().unwrap_or_default());
        Mount { kind: MountKind::Tmpfs, source: String::new(), target: target.to_owned(), read_only, options }
    });
    let mut mounts: Vec<Mount> = items(inspect, "Mounts")
        .iter()
        .filter_map(|real| {
            let (kind, source) = match text(real, "Type") {
                "bind" => (MountKind::Bind, text(real, "Source")),
                "volume" => (MountKind::Volume, text(real, "Name")),
                "tmpfs" => (MountKind::Tmpfs, ""),
                _ => return None,
            };
            Some(Mount {
                kind,
                source: source.to_owned(),
                target: text(real, "Destination").to_owned(),
                read_only: !flag(real, "RW"),
                options: None,
            })
        })
        .chain(tmpfs)
        .collect();
    mounts.sort_by(|a, b| a.target.cmp(&b.target));
    mounts
}

fn of_text(bind: &str) -> Option<Mount> {
    let mut parts = bind.splitn(3, ':');
    let (source, target) = (parts.next()?, parts.next()?);
    let (read_only, options) = modes(parts.next().unwrap_or_default());
    let kind = if source.starts_with('/') { MountKind::Bind } else { MountKind::Volume };
    Some(Mount { kind, source: source.to_owned(), target: target.to_owned(), read_only, options })
}

/// Takes `ro` and `rw` out of a list of modes.
fn modes(text: &str) -> (bool, Option<String>) {
    let read_only = text.split(',').any(|mode| mode == "ro");
    let rest: Vec<&str> = text.split(',').filter(|mode| !matches!(*mode, "ro" | "rw" | "")).collect();
    (read_only, Some(rest.join(",")).filter(|rest| !rest.is_empty()))
}

fn of_object(object: &Value, unknown: &mut Vec<String>) -> Option<Mount> {
    let target = text(object, "Target").to_owned();
    let mut report = |section: &str, known: &[&str]| {
        for (key, value) in entries(object, section) {
            if !known.contains(&key) && !is_blank(value) {
                unknown.push(format!("Mounts[{target}].{section}.{key}"));
            }
        }
    };
    // The folder of the host is made by `Binds`, too; labels and driver matter only until the volume exists.
    report("BindOptions", &["Propagation", "CreateMountpoint"]);
    report("VolumeOptions", &["NoCopy", "Labels", "DriverConfig"]);
    report("TmpfsOptions", &["SizeBytes", "Mode"]);
    let (kind, options) = match text(object, "Type") {
        "bind" => (MountKind::Bind, some_text(&object["BindOptions"], "Propagation")),
        "volume" => {
            (MountKind::Volume, flag(&object["VolumeOptions"], "NoCopy").then(|| "nocopy".to_owned()))
        }
        "tmpfs" => {
            let (size, mode) =
                (int(&object["TmpfsOptions"], "SizeBytes"), int(&object["TmpfsOptions"], "Mode"));
            let size = (size != 0).then(|| format!("size={size}"));
            let mode = (mode != 0).then(|| format!("mode={mode:o}"));
            let options: Vec<String> = size.into_iter().chain(mode).collect();
            (MountKind::Tmpfs, Some(options.join(",")).filter(|options| !options.is_empty()))
        }
        other => {
            unknown.push(format!("Mounts[{target}] of type {other}"));
            return None;
        }
    };
    let source = if kind == MountKind::Tmpfs { "" } else { text(object, "Source") };
    Some(Mount {
        kind,
        source: source.to_owned(),
        read_only: flag(object, "ReadOnly"),
        options,
        target: target.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mounts_given_as_objects_keep_what_bgd_can_say_and_name_the_rest() {
        let inspect = json!({
            "HostConfig": {"Mounts": [
                {"Type": "bind", "Source": "/a", "Target": "/1", "BindOptions": {"Propagation": "rslave", "NonRecursive": true}},
                {"Type": "volume", "Source": "v", "Target": "/2", "ReadOnly": true, "VolumeOptions": {"NoCopy": true, "Subpath": "x"}},
                {"Type": "tmpfs", "Target": "/3", "TmpfsOptions": {"SizeBytes": 64, "Mode": 448}},
                {"Type": "image", "Source": "i", "Target": "/4"},
                {"Type": "volume", "Target": "/5"}
            ]},
            "Mounts": [
                {"Type": "volume", "Name": "abc", "Destination": "/5", "RW": true},
                {"Type": "volume", "Name": "def", "Destination": "/6", "RW": true}
            ]
        });
        let mut unknown = Vec::new();
        let mounts = asked(&inspect, &mut unknown);
        let told: Vec<_> = mounts
            .iter()
            .map(|m| (m.target.as_str(), m.source.as_str(), m.read_only, m.options.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("/1", "/a", false, Some("rslave")),
                ("/2", "v", true, Some("nocopy")),
                ("/3", "", false, Some("size=64,mode=700")),
                ("/5", "abc", false, None),
                ("/6", "def", false, None),
            ]
        );
        assert_eq!(
            unknown,
            [
                "Mounts[/1].BindOptions.NonRecursive",
                "Mounts[/2].VolumeOptions.Subpath",
                "Mounts[/4] of type image"
            ]
        );
    }

    #[test]
    fn a_path_with_a_colon_is_given_as_an_object() {
        let mount = Mount {
            kind: MountKind::Bind,
            source: "/a:b".into(),
            target: "/c".into(),
            read_only: true,
            options: Some("rshared".into()),
        };
        let places = for_creation(std::slice::from_ref(&mount)).unwrap();
        assert!(places.binds.is_empty());
        assert_eq!(places.mounts[0].source.as_deref(), Some("/a:b"));
        assert!(for_creation(&[Mount { source: "relative".into(), ..mount.clone() }]).is_err());
        assert!(for_creation(&[Mount { options: Some("z".into()), ..mount }]).is_err());
    }
}
