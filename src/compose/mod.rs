//! A compose project as the source of an app: from the files of the project to the [`App`](crate::model::App) of a service.
//!
//! The files are found (`find`) and named (`name`), resolved by compose itself (`tool`) or, a single file, by bgd
//! (`own`), and parsed for their places as well (`located`). The settings of the service are then put into the words
//! of `bgd.yaml` (`keys`, `translate`) and read by the readers of [`crate::config`], with `x-bgd` for what compose has no
//! word for. What stands beside it on the host is looked at before a deploy: the services that it depends on
//! (`depends`), its networks and volumes (`resources`), and the containers that compose runs for it (`beside`).

mod beneath;
mod beside;
mod depends;
mod deploy;
mod extension;
mod files;
mod find;
mod harmless;
mod healthcheck;
mod include;
mod keys;
mod lists;
mod located;
mod name;
mod networks;
mod notes;
mod own;
mod parts;
mod project;
mod resources;
mod tool;
mod translate;
mod volumes;

pub use beside::{Beside, beside};
pub use depends::check as check_dependencies;
pub use find::{Wanted, describes_apps, find, is_project};
pub use keys::{Fate, KEYS};
pub use name::{default_app, normalized, project_name};
pub use project::{Managed, Project, managed};
pub use resources::check as check_resources;
pub use tool::Tool;
