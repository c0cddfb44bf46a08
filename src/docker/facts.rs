//! The engine's own defaults, without which a setting cannot be told from one that nobody asked for.

use serde_json::Value;

use super::json::{flag, text};

/// Defaults and abilities of an engine, from `/info`.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// The runtime of containers that ask for none.
    pub runtime: String,
    /// The log driver of containers that ask for none.
    pub log_driver: String,
    /// Whether control groups are of version 2: the default of `CgroupnsMode` depends on it.
    pub cgroups_v2: bool,
    /// Whether the kernel can limit swap.
    pub limits_swap: bool,
    /// The name of the engine's host, which containers in the host's network get.
    pub host_name: String,
}

impl Facts {
    pub(super) fn of(info: &Value) -> Self {
        Self {
            runtime: text(info, "DefaultRuntime").to_owned(),
            log_driver: text(info, "LoggingDriver").to_owned(),
            cgroups_v2: text(info, "CgroupVersion") == "2",
            limits_swap: flag(info, "SwapLimit"),
            host_name: text(info, "Name").to_owned(),
        }
    }
}
