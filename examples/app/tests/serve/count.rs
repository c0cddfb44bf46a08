//! The answer that depends on a database: a stand-in for Redis tells what it was asked.

use crate::client::get;
use crate::process::App;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

const COMMAND: &[u8] = b"*2\r\n$4\r\nINCR\r\n$8\r\nrequests\r\n";

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Reads one command, which has to be the one that counts, and answers it.
fn answer(stream: &mut TcpStream, text: &str) {
    let mut command = [0; COMMAND.len()];
    stream.read_exact(&mut command).unwrap();
    assert_eq!(command, COMMAND);
    stream.write_all(text.as_bytes()).unwrap();
}

#[test]
fn counts_over_one_connection_and_over_another_after_redis_was_restarted() {
    let (listener, address) = listen();
    let (closed, is_closed) = std::sync::mpsc::channel();
    let redis: JoinHandle<()> = std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        answer(&mut first, ":41\r\n");
        answer(&mut first, ":42\r\n");
        drop(first);
        closed.send(()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        answer(&mut second, ":43\r\n");
    });
    let app = App::start(&[("REDIS_ADDR", &address)]);
    assert_eq!(get(app.port, "/count").text(), "41");
    assert_eq!(get(app.port, "/count").text(), "42");
    is_closed.recv().unwrap();
    assert_eq!(get(app.port, "/count").text(), "43");
    redis.join().unwrap();
}

#[test]
fn says_what_is_wrong_and_asks_nothing_twice() {
    let (listener, address) = listen();
    let app = App::start(&[("REDIS_ADDR", &address)]);
    let redis = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        answer(&mut stream, "-LOADING Redis is loading the dataset in memory\r\n");
        // The next one comes over a connection of its own, on which no answer comes at all.
        let (mut stream, _) = listener.accept().unwrap();
        answer(&mut stream, "");
    });
    let loading = get(app.port, "/count");
    assert_eq!(loading.status, 503);
    assert!(loading.text().contains("LOADING"), "{}", loading.text());
    assert_eq!(get(app.port, "/count").status, 503);
    redis.join().unwrap();
    // Nobody listens there any more.
    assert_eq!(get(app.port, "/count").status, 503);
    assert_eq!(get(app.port, "/health").status, 200);
}

#[test]
fn has_no_counter_without_redis() {
    let app = App::start(&[]);
    assert_eq!(get(app.port, "/count").status, 404);
}
