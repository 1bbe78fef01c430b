//! Sockets other than those a service binds to a port: Unix sockets, sockets that another process has bound, and what
//! happens when there are no file descriptors left for more.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Toy, plain_server, read_all, serve as converse};
use posthaste_tokio::{BoundSocket, Connection, Limits, Listener, Outcome, Security, Source, serve};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Greets with what it knows of the connection, then repeats lines.
async fn run(listener: Listener, stop: CancellationToken) -> Outcome {
    let mut limits = Limits::default();
    limits.per_network_max = 1000;
    limits.farewell = |_| "busy\r\n".into();
    serve(listener, limits, stop, |accepted| async move {
        let local = accepted.stream.security() == Security::Local;
        assert_eq!(local, accepted.peer == Source::Unix);
        let mut connection = Connection::new(Toy::server(), accepted.stream, plain_server());
        connection.machine().say(if local { "local" } else { "remote" });
        drop(converse(&mut connection).await);
    })
    .await
}

async fn greeting_of(path: &Path) -> String {
    let mut peer = UnixStream::connect(path).await.unwrap();
    peer.write_all(b"quit\r\n").await.unwrap();
    read_all(peer).await
}

#[tokio::test]
async fn a_unix_socket_is_served_beside_tcp_and_its_file_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lmtp.sock");
    let listener = Listener::bind("127.0.0.1:0").await.unwrap().and(Listener::bind_unix(&path).unwrap());
    let address = listener.local_addrs().unwrap();
    assert_eq!(address.len(), 1);
    let stop = CancellationToken::new();
    let running = tokio::spawn(run(listener, stop.clone()));
    assert_eq!(greeting_of(&path).await, "local\r\nbye\r\n");
    let mut tcp = TcpStream::connect(address[0]).await.unwrap();
    tcp.write_all(b"quit\r\n").await.unwrap();
    assert_eq!(read_all(tcp).await, "remote\r\nbye\r\n");
    stop.cancel();
    assert_eq!(running.await.unwrap().panicked, 0);
    assert!(!path.exists());
}

#[tokio::test]
async fn an_abandoned_unix_socket_is_replaced_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lmtp.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = Listener::bind_unix(&path).unwrap();
    // Somebody listens there now.
    assert_eq!(Listener::bind_unix(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    assert!(path.exists());
    drop(listener);
    std::fs::write(&path, "precious").unwrap();
    assert_eq!(Listener::bind_unix(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[tokio::test]
async fn sockets_that_are_bound_already_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lmtp.sock");
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let unix = std::os::unix::net::UnixListener::bind(&path).unwrap();
    // As descriptors of which nobody has said what they are.
    let sockets = [OwnedFd::from(tcp), OwnedFd::from(unix)].map(|it| BoundSocket::try_from(it).unwrap());
    let listener = Listener::from_std(sockets).unwrap();
    assert_eq!(listener.local_addrs().unwrap(), [address]);
    let stop = CancellationToken::new();
    let running = tokio::spawn(run(listener, stop.clone()));
    assert_eq!(greeting_of(&path).await, "local\r\nbye\r\n");
    TcpStream::connect(address).await.unwrap();
    stop.cancel();
    running.await.unwrap();
    assert!(path.exists(), "the file is not ours");
    BoundSocket::try_from(OwnedFd::from(std::fs::File::open("/dev/null").unwrap())).unwrap_err();
}

/// Runs one of the `child_` functions of this file in a process of its own, begun by a line of shell.
fn child(shell: &str, name: &str, input: impl Into<Stdio>) -> tokio::process::Child {
    let script = format!("{shell} exec \"$0\" --exact {name} --ignored --nocapture");
    tokio::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .stdin(input)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_socket_that_a_service_manager_passes_on_is_served() {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    // What systemd does: the socket is descriptor 3, and two variables say so.
    let activate = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$;";
    let mut child = child(activate, "child_of_a_service_manager", OwnedFd::from(tcp));
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(b"quit\r\n").await.unwrap();
    let heard = timeout(Duration::from_secs(20), read_all(peer)).await.expect("not served");
    assert_eq!(heard, "remote\r\nbye\r\n");
    child.kill().await.unwrap();
}

#[tokio::test]
#[ignore = "the other process of another test"]
async fn child_of_a_service_manager() {
    let mut inherited = listenfd::ListenFd::from_env();
    let Some(socket) = inherited.take_tcp_listener(0).unwrap() else { return };
    let running = run(Listener::from_std([socket]).unwrap(), CancellationToken::new());
    drop(timeout(Duration::from_secs(60), running).await);
}

#[tokio::test]
async fn res_02_without_file_descriptors_who_connects_is_told_at_once_and_the_service_recovers() {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let activate = "exec 3<&0 </dev/null; ulimit -n 32; export LISTEN_FDS=1 LISTEN_PID=$$;";
    let mut child = child(activate, "child_of_a_service_manager", OwnedFd::from(tcp));
    let mut flood = Vec::new();
    for _ in 0..60 {
        flood.push(BufReader::new(TcpStream::connect(address).await.unwrap()));
    }
    let mut served = 0;
    for (number, peer) in flood.iter_mut().enumerate() {
        let mut greeting = String::new();
        // Nobody waits for somebody else to go.
        let read = timeout(Duration::from_secs(20), peer.read_line(&mut greeting)).await;
        read.unwrap_or_else(|_| panic!("{number} waits, {served} served")).unwrap();
        match greeting.as_str() {
            "remote\r\n" => served += 1,
            "busy\r\n" => assert_eq!(peer.read_line(&mut greeting).await.unwrap(), 0),
            other => panic!("{number}: {other:?}"),
        }
    }
    assert!((1..32).contains(&served), "{served} served with 32 descriptors");
    // Those who keep coming are told, too, and what that costs has a bound.
    let before = processor_time(child.id().unwrap());
    let begun = Instant::now();
    let mut told = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        assert_eq!(read_all(TcpStream::connect(address).await.unwrap()).await, "busy\r\n");
        told += 1;
    }
    let busy = processor_time(child.id().unwrap()).zip(before).map(|(after, before)| after - before);
    assert!(busy < Some(50), "{busy:?} hundredths of a second of work in one second for {told} connections");
    // There is a place when others go.
    drop(flood);
    let heard = timeout(Duration::from_secs(20), async {
        loop {
            let mut peer = TcpStream::connect(address).await.unwrap();
            // Told to be gone, a peer that has spoken may see a reset in the place of the words.
            let mut heard = Vec::new();
            let spoken = peer.write_all(b"quit\r\n").await;
            if spoken.is_ok() && peer.read_to_end(&mut heard).await.is_ok() && heard != b"busy\r\n" {
                break heard;
            }
        }
    });
    assert_eq!(heard.await.expect("does not recover"), b"remote\r\nbye\r\n");
    child.kill().await.unwrap();
}

/// The processor time that a process has used, in hundredths of a second. `None` where the system does not tell.
fn processor_time(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit(')').next()?.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}
