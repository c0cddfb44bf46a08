//! Open TCP connections by the kernel's own question and answer, `sock_diag(7)`.
//!
//! Unlike `/proc/net/tcp` it gives established connections alone, where thousands of closed ones may lie about, and says
//! when something last moved on them. Layouts: `linux/netlink.h`, `linux/inet_diag.h`, `linux/tcp.h`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use super::place::{Net, Place};
use crate::probe::{Connection, Moved};

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST_AND_DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// The attribute that holds `struct tcp_info`, and the bit that asks for it.
const INET_DIAG_INFO: u16 = 2;
const WANT_INFO: u8 = 1 << (INET_DIAG_INFO - 1);
const TCP_ESTABLISHED: u32 = 1;
/// The sizes of `struct nlmsghdr`, `inet_diag_req_v2` and `inet_diag_msg`.
const HEADER: usize = 16;
const REQUEST: usize = 56;
const MESSAGE: usize = 72;
/// The kernel fills at most 32 KiB at a time.
const BUFFER: usize = 128 * 1024;

/// All established connections of the place's network namespace.
pub(super) fn connections(place: &Place) -> io::Result<Vec<Connection>> {
    let socket = match place.net() {
        Net::Current => open()?,
        Net::Enter => {
            let namespace = place.net_namespace()?;
            // The thread ends after this, so no other work ever finds itself in a foreign namespace.
            let thread = std::thread::Builder::new().name("netns".to_owned()).spawn(move || {
                setns(namespace, CloneFlags::CLONE_NEWNET)?;
                open()
            })?;
            thread
                .join()
                .map_err(|_| io::Error::other("the thread that enters the network namespace died"))??
        }
    };
    let mut all = ask(&socket, AF_INET)?;
    // A kernel without IPv6 refuses; then there is none.
    all.extend(ask(&socket, AF_INET6).unwrap_or_default());
    Ok(all)
}

fn open() -> io::Result<OwnedFd> {
    let protocol = SockProtocol::NetlinkSockDiag;
    Ok(socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?)
}

fn ask(socket: &OwnedFd, family: u8) -> io::Result<Vec<Connection>> {
    send(socket.as_raw_fd(), &request(family), MsgFlags::empty())?;
    let mut all = Vec::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        if length == 0 || take(&buffer[..length], &mut all)? {
            return Ok(all);
        }
    }
}

fn request(family: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + REQUEST);
    let length = u32::try_from(HEADER + REQUEST).unwrap_or_default();
    bytes.extend(length.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST_AND_DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, IPPROTO_TCP, WANT_INFO, 0]);
    bytes.extend((1_u32 << TCP_ESTABLISHED).to_ne_bytes());
    // Any address and port.
    bytes.resize(HEADER + REQUEST, 0);
    bytes
}

/// Takes the messages of one answer apart; `true` when it was the last.
fn take(mut answer: &[u8], all: &mut Vec<Connection>) -> io::Result<bool> {
    while let (Some(length), Some(kind)) = (u32_at(answer, 0), u16_at(answer, 4)) {
        let length = usize::try_from(length).unwrap_or_default();
        let Some(body) = answer.get(HEADER..length) else { break };
        match kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                let number = u32_at(body, 0).unwrap_or_default().cast_signed();
                return Err(io::Error::from_raw_os_error(number.saturating_neg()));
            }
            _ => all.extend(message(body)),
        }
        answer = answer.get(aligned(length)..).unwrap_or_default();
    }
    Ok(false)
}

fn message(body: &[u8]) -> Option<Connection> {
    let family = *body.first()?;
    let (local, remote) = (address(body, family, 8, 4)?, address(body, family, 24, 6)?);
    let mut attributes = body.get(MESSAGE..)?;
    let mut moved = None;
    while let (Some(length), Some(kind)) = (u16_at(attributes, 0), u16_at(attributes, 2)) {
        let length = usize::from(length);
        let Some(value) = attributes.get(4..length) else { break };
        if kind == INET_DIAG_INFO {
            moved = times(value);
        }
        attributes = attributes.get(aligned(length)..).unwrap_or_default();
    }
    Some(Connection { local, remote, moved })
}

/// `tcpi_last_data_sent`, `tcpi_last_data_recv` and `tcpi_last_ack_recv`, in milliseconds before now, and whether
/// `tcpi_data_segs_out` and `tcpi_bytes_received` are above zero.
fn times(info: &[u8]) -> Option<Moved> {
    let at = |offset| u32_at(info, offset).map(|millis| Duration::from_millis(millis.into()));
    Some(Moved {
        sent: at(44)?,
        received: at(52)?,
        acknowledged: at(56)?,
        was_asked: u32_at(info, 156)? > 0,
        was_answered: info.get(128..136)?.iter().any(|byte| *byte != 0),
    })
}

fn address(body: &[u8], family: u8, ip: usize, port: usize) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(body.get(port..port + 2)?.try_into().ok()?);
    let ip: IpAddr = match family {
        AF_INET => Ipv4Addr::from(<[u8; 4]>::try_from(body.get(ip..ip + 4)?).ok()?).into(),
        AF_INET6 => Ipv6Addr::from(<[u8; 16]>::try_from(body.get(ip..ip + 16)?).ok()?).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn aligned(length: usize) -> usize {
    // Nothing shorter than its own header comes from the kernel; it must not go on for ever all the same.
    length.max(4).next_multiple_of(4)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Carries;
    use proptest::prelude::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::path::Path;

    fn here() -> Place {
        Place::hold(Path::new("/proc/self"), Net::Current).unwrap()
    }

    fn found(stream: &TcpStream) -> Option<Connection> {
        let (local, remote) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());
        connections(&here()).unwrap().into_iter().find(|c| c.local == local && c.remote == remote)
    }

    #[test]
    fn an_open_connection_is_found_with_the_times_of_what_moved() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(at) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            let found = || found(&client).unwrap();
            assert_eq!(found().carries(), Carries::Nothing, "nothing was asked yet");
            (&client).write_all(b"question").unwrap();
            server.read_exact(&mut [0; 8]).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!(found().carries(), Carries::Request, "{:?}", found());
            server.write_all(b"answer").unwrap();
            (&client).read_exact(&mut [0; 6]).unwrap();
            let moved = found().moved.unwrap();
            assert!(moved.received < moved.sent && moved.was_answered, "{moved:?}");
            assert!(matches!(found().carries(), Carries::Unclear(_)), "{:?}", found());
            // Within one tick of the kernel's clock it could not be told which came last.
            std::thread::sleep(Duration::from_millis(50));
            (&client).write_all(b"another").unwrap();
            assert_eq!(found().carries(), Carries::Request);
            drop(server);
        }
    }

    #[test]
    fn an_error_of_the_kernel_s_is_told() {
        let mut answer = vec![20, 0, 0, 0];
        answer.extend(NLMSG_ERROR.to_ne_bytes());
        answer.extend([0; 10]);
        answer.extend((-1_i32).to_ne_bytes());
        let error = take(&answer, &mut Vec::new()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(1));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic_or_go_on_for_ever(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            drop(take(&bytes, &mut Vec::new()));
            message(&bytes);
        }
    }
}
