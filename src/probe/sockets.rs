use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Connection, Socket, SocketState};

/// Reads a table of `/proc/net/tcp` or `tcp6`; lines that make no sense are left out.
///
/// The format is that of the kernel's `Documentation/networking/proc_net_tcp.rst`: addresses are words of 32 bits in
/// the machine's byte order, ports are plain hexadecimal numbers.
pub fn parse(table: &str) -> Vec<Socket> {
    table.lines().skip(1).filter_map(line).collect()
}

/// The open connections among sockets, of which nothing more is known.
pub fn open(sockets: &[Socket]) -> Vec<Connection> {
    let open = sockets.iter().filter(|socket| socket.state == SocketState::Established);
    open.map(|socket| Connection { local: socket.local, remote: socket.remote, moved: None }).collect()
}

/// Whether something listens where `port` of `at` is reached.
pub fn listens(sockets: &[Socket], at: SocketAddr) -> bool {
    sockets.iter().any(|socket| {
        let here = socket.local.ip();
        socket.state == SocketState::Listening
            && socket.local.port() == at.port()
            && (here == at.ip() || here.is_unspecified())
    })
}

fn line(text: &str) -> Option<Socket> {
    let mut fields = text.split_ascii_whitespace();
    let _number = fields.next()?;
    let local = address(fields.next()?)?;
    let remote = address(fields.next()?)?;
    let state = match u8::from_str_radix(fields.next()?, 16).ok()? {
        0x01 => SocketState::Established,
        0x0A => SocketState::Listening,
        _ => SocketState::Other,
    };
    Some(Socket { local, remote, state })
}

fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(ip)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(ip.get(index * 8..index * 8 + 8)?)?);
            }
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn word(hex: &str) -> Option<[u8; 4]> {
    u32::from_str_radix(hex, 16).ok().map(u32::to_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1 0 100 0 0 10 0
   1: 0200A8C0:0BB8 0300A8C0:D431 01 00000000:00000000 00:00000000 00000000     0        0 1235 1 0 20 4 30 10 -1
   2: 0200A8C0:0BB8 0300A8C0:D432 06 00000000:00000000 03:00000C5F 00000000     0        0 0 3 0
";
    const TCP6: &str =
        "  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 0000000000000000FFFF00000200A8C0:0BB8 0000000000000000FFFF00000300A8C0:D431 01 00000000:00000000
   2: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
";

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn both_tables_are_read_and_mapped_addresses_are_unmapped() {
        let sockets = parse(TCP);
        assert_eq!(sockets.len(), 3);
        assert_eq!(sockets[0].local, at("127.0.0.1:8080"));
        assert_eq!(sockets[0].state, SocketState::Listening);
        assert_eq!((sockets[1].local, sockets[1].remote), (at("192.168.0.2:3000"), at("192.168.0.3:54321")));
        assert_eq!(sockets[1].state, SocketState::Established);
        assert_eq!(sockets[2].state, SocketState::Other);

        let sockets = parse(TCP6);
        assert_eq!(sockets[0].local, at("[::]:80"));
        assert_eq!(sockets[1].local, at("192.168.0.2:3000"));
        assert_eq!(sockets[1].remote, at("192.168.0.3:54321"));
        assert_eq!(sockets[2].local, at("[2001:db8::1]:80"));
    }

    #[test]
    fn a_socket_on_localhost_does_not_listen_for_others() {
        let listening =
            |local| Socket { local: at(local), remote: at("0.0.0.0:0"), state: SocketState::Listening };
        assert!(!listens(&[listening("127.0.0.1:3000")], at("10.0.0.2:3000")));
        assert!(!listens(&[listening("0.0.0.0:3001")], at("10.0.0.2:3000")));
        assert!(listens(&[listening("0.0.0.0:3000")], at("10.0.0.2:3000")));
        assert!(listens(&[listening("[::]:3000")], at("10.0.0.2:3000")));
    }

    #[test]
    fn this_machine_s_own_table_shows_a_listener() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        assert!(listens(&parse(&table), listener.local_addr().unwrap()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,400}") {
            parse(&text);
            line(&text);
        }

        #[test]
        fn nothing_like_a_line_makes_it_panic(text in "[0-9A-Fx: é]{0,20} [0-9A-F:é]{0,40} [0-9A-F:]{0,40} [0-9A-F]{0,3}") {
            line(&text);
        }

        #[test]
        fn every_ipv4_socket_is_found_again(ip: [u8; 4], port: u16) {
            let local = SocketAddr::new(Ipv4Addr::from(ip).into(), port);
            let text = format!("0: {:08X}:{port:04X} 00000000:0000 0A", u32::from_ne_bytes(ip));
            prop_assert_eq!(line(&text).map(|socket| socket.local), Some(local));
        }
    }
}
