//! The helper container: bgd's own binary, alone in an image, inside the network and beside the processes of another
//! container. bgd speaks with it in JSON lines over its standard streams; it ends when its input does, so nothing is
//! left of it when bgd is killed; one that was not started by then is removed by the next bgd.

mod asleep;
mod client;
mod elf;
mod image;
mod serve;
mod wire;

pub use asleep::{ASLEEP, asleep};
pub(super) use client::Helper;
pub(crate) use image::ensure_image;
pub use image::image_name;
pub use serve::{COMMAND, main, serve};
