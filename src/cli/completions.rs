use clap::CommandFactory;

use crate::error::Result;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bgd completions bash > /etc/bash_completion.d/bgd
  bgd completions zsh > ~/.zfunc/_bgd
  bgd completions fish > ~/.config/fish/completions/bgd.fish")]
pub struct Args {
    /// The shell
    pub shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::Args::command(), "bgd", &mut text);
    super::table::print(&String::from_utf8_lossy(&text));
    Ok(())
}
