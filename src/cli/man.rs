use clap::CommandFactory;

use crate::error::{Context, Kind, Result};

pub(super) fn run() -> Result<()> {
    let mut text = Vec::new();
    clap_mangen::Man::new(super::Args::command())
        .render(&mut text)
        .or_error(Kind::Other, || "cannot render the manual page".to_owned())?;
    super::table::print(&String::from_utf8_lossy(&text));
    Ok(())
}
