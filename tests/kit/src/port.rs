use crate::http::inside;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

/// A port of 127.0.0.1 that is free at the moment, inside a network namespace or outside of any.
///
/// Docker would choose one by itself, and another one at each restart of the container. It lies below the ports that
/// the system gives to clients, so that none of those takes it while the container is down.
pub fn free_port(netns: Option<&Path>) -> u16 {
    inside(netns, || {
        let random = RandomState::new();
        (0..200_u64)
            .map(|attempt| 20_000 + (random.hash_one(attempt) % 12_000) as u16)
            .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
            .expect("one of two hundred ports is free")
    })
}
