//! swaks: delivery with STARTTLS, and submission with both mechanisms.

use std::path::Path;

use crate::{
    program::{self, Output},
    python,
    server::{ALICE, BOB, PASSWORD, Server},
};

/// Exit code of swaks when AUTH failed.
const AUTH_FAILED: i32 = 28;

#[track_caller]
fn swaks(swaks: &Path, server: &Server, listener: &str, more: &[&str]) -> Output {
    let address = format!("127.0.0.1:{}", server.port(listener));
    let certificate = server.certificate().display().to_string();
    let common =
        ["--server", &address, "--helo", "client.test", "--timeout", "30", "--tls-ca-path", &certificate];
    program::run(swaks, [&common[..], &["--tls-verify"], more].concat(), b"")
}

#[test]
fn swaks_delivers_with_starttls() {
    let Some(program) = program::find("swaks") else { return };
    let server = Server::start();
    let mail = ["--tls", "--from", "sender@remote.test", "--to", ALICE, "--header", "Subject: by swaks"];
    let said = swaks(&program, &server, "smtp", &mail).text();
    assert!(said.contains("TLS started"), "{said}");
    let relay = ["--tls", "--from", "sender@remote.test", "--to", "victim@elsewhere.test"];
    let refused = swaks(&program, &server, "smtp", &relay);
    assert!(String::from_utf8_lossy(&refused.stdout).contains("550 5.7.1"), "{}", refused.report());
    assert_ne!(refused.code, Some(0), "{}", refused.report());
    if program::find("python3").is_some() {
        let inbox = python::headers(&server, ALICE);
        assert_eq!(inbox.len(), 1, "{inbox:#?}");
        assert!(inbox[0].contains("Subject: by swaks") && inbox[0].contains("Received: "), "{inbox:#?}");
    }
}

#[test]
fn swaks_submits_with_plain_and_with_login() {
    let Some(program) = program::find("swaks") else { return };
    let server = Server::start();
    let mut subjects = Vec::new();
    for (listener, tls) in [("submission", "--tls"), ("submissions", "--tls-on-connect")] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let subject = format!("Subject: {listener} {mechanism}");
            let mail = ["--from", ALICE, "--to", BOB, "--header", &subject];
            let auth = ["--auth", mechanism, "--auth-user", ALICE, "--auth-password", PASSWORD];
            swaks(&program, &server, listener, &[&[tls][..], &mail, &auth].concat()).success();
            let auth = ["--auth", mechanism, "--auth-user", ALICE, "--auth-password", "wrong"];
            swaks(&program, &server, listener, &[&[tls][..], &mail, &auth].concat()).fails_with(AUTH_FAILED);
            subjects.push(subject);
        }
    }
    if program::find("python3").is_some() {
        let inbox = python::headers(&server, BOB);
        assert_eq!(inbox.len(), subjects.len(), "{inbox:#?}");
        for (header, subject) in inbox.iter().zip(&subjects) {
            assert!(header.contains(subject.as_str()), "{subject} is not in {header}");
        }
    }
}
