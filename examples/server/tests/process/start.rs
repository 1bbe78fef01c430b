//! How the server comes to its ports and to its user.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use crate::program::{PROGRAM, Peer, Place};

/// Runs the program with its standard input and standard error as the sockets that a service manager hands over.
fn with_sockets(names: &str, sockets: [&TcpListener; 2]) -> Command {
    let descriptor = |socket: &TcpListener| Stdio::from(OwnedFd::from(socket.try_clone().unwrap()));
    let script = "exec 3<&0 4<&2 </dev/null 2>/dev/null; \
                  LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=$0 exec \"$@\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, names, PROGRAM]);
    command.stdin(descriptor(sockets[0])).stderr(descriptor(sockets[1]));
    command
}

#[test]
fn u26_sockets_of_a_service_manager_are_served_instead_of_those_of_the_configuration() {
    let place = Place::new("[listen]\nsmtp = [\"127.0.0.1:0\"]\nimap = [\"127.0.0.1:0\"]");
    let (smtp, http) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    // Who comes before the server is there waits.
    let mut early = Peer::connect(smtp.local_addr().unwrap());
    let server = place.started(&mut with_sockets("smtp:http", [&smtp, &http]));
    assert_eq!(server.ports["smtp"], smtp.local_addr().unwrap());
    assert_eq!(server.ports["http"], http.local_addr().unwrap());
    early.expect("220 ");
    server.connect("imap").expect("* OK");
    let mut ready = server.connect("http");
    ready.send("GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    ready.expect("HTTP/1.1 200 ");
    server.stop();
}

#[test]
fn u26_a_socket_for_nothing_is_an_error() {
    let place = Place::new("");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = with_sockets("smtp:smpt", [&socket, &socket]);
    command.args(["serve", "--config"]).arg(place.path("posthaste.toml"));
    let output = command.stdout(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()));
    assert!(!place.path("data").exists());
}

#[test]
fn u26_root_becomes_the_user_of_the_configuration_for_good() {
    let own = std::fs::metadata("/proc/self").map(|metadata| metadata.uid());
    if own.ok() != Some(0) {
        // Only root can become somebody else.
        return;
    }
    let place = Place::new("[listen]\nsmtp = [\"127.0.0.1:0\"]\n[run_as]\nuser = \"nobody\"");
    let server = place.serve(Command::new(PROGRAM));
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let field = |name: &str| -> Vec<String> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    let (users, groups) = (field("Uid:"), field("Gid:"));
    assert!(users.iter().all(|user| *user == users[0] && user != "0"), "{users:?}");
    assert!(groups.iter().all(|group| *group == groups[0] && group != "0"), "{groups:?}");
    assert_eq!(field("Groups:"), groups[..1]);
    assert_eq!(field("CapEff:"), ["0000000000000000"]);
    for name in ["data", "data/posthaste.sqlite", "data/admin.sock"] {
        let metadata = std::fs::metadata(place.path(name)).unwrap();
        assert_eq!(metadata.uid().to_string(), users[0], "{name}");
    }
    assert_eq!(std::fs::metadata(place.path("data")).unwrap().mode() & 0o077, 0);
    // It can do its work.
    let mut peer = server.connect("smtp");
    peer.expect("220 ");
    peer.ask("QUIT", "221 ");
    server.stop();
}
