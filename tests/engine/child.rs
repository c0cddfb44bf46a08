//! What the containers of these tests run.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Acts as a container's process.
pub fn main(args: &[String]) -> ExitCode {
    let word = |index: usize| args.get(index).map(String::as_str).unwrap_or_default();
    match word(0) {
        // Until SIGTERM, which the first process of a container ignores unless it asks for it.
        "wait" => wait(true),
        "stubborn" => wait(false),
        "exit" => ExitCode::from(word(1).parse::<u8>().unwrap()),
        "print" => {
            println!("{}", args[1..].join(" "));
            eprintln!("and an error");
            ExitCode::SUCCESS
        }
        "flood" => {
            let line = [b'x'; 1024];
            (0..1024).for_each(|_| std::io::stdout().write_all(&line).unwrap());
            ExitCode::SUCCESS
        }
        "cat" => {
            eprintln!("this is not for standard output");
            let mut text = String::new();
            let mut buffer = [0; 1024];
            loop {
                let count = std::io::stdin().read(&mut buffer).unwrap();
                if count == 0 {
                    break;
                }
                std::io::stdout().write_all(&buffer[..count]).unwrap();
                std::io::stdout().flush().unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
            println!("bye after {} bytes", text.len());
            ExitCode::SUCCESS
        }
        other => panic!("a child cannot {other:?}"),
    }
}

fn wait(ends_on_term: bool) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if ends_on_term {
            let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
            println!("waiting");
            term.recv().await;
        } else {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
    });
    ExitCode::SUCCESS
}
