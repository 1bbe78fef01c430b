//! What is not written: passwords, whatever becomes of them, and a line for each of ten thousand guesses.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::program::{PROGRAM, Peer, Place, Server, files};

const ALL: &str = "[listen]\nsmtp = [\"127.0.0.1:0\"]\nsubmission = [\"127.0.0.1:0\"]\nimap = [\"127.0.0.1:0\"]\n\
                   pop3 = [\"127.0.0.1:0\"]\nlmtp = [\"127.0.0.1:0\"]\nhttp = [\"127.0.0.1:0\"]\n[login]\nplaintext = true";

/// In every password here.
const MARK: &str = "Zq7mark";

fn server(place: &Place, level: &str) -> Server {
    let mut command = Command::new(PROGRAM);
    command.env("POSTHASTE_LOG", level);
    place.serve(command)
}

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

fn submission(server: &Server) -> Peer {
    let mut peer = server.connect("submission");
    peer.expect("220 ");
    peer.ask("EHLO c.test", "250 ");
    peer
}

fn http(server: &Server, request: &str, fields: &str, body: &str) -> String {
    let mut peer = server.connect("http");
    let length = body.len();
    peer.send(&format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{fields}\r\n{body}"
    ));
    peer.rest()
}

#[test]
fn log_02_no_password_is_in_a_log_a_trace_or_the_data() {
    let place = Place::new(ALL);
    let [right, wrong] = ["right", "wrong"].map(|word| format!("{word}{MARK}"));
    place.done(&["domain", "add", "x.test"], "");
    place.done(&["account", "add", "a@x.test", "--password-stdin"], &format!("{right}\n"));
    place.done(&["administrator", "set", "root", "--password-stdin"], &format!("{right}\n"));
    // Everything that can be logged.
    let server = server(&place, "trace");
    let mut sent = vec![MARK.to_owned()];
    for password in [&right, &wrong] {
        let code = if *password == right { "235 " } else { "535 " };
        let plain = base64(&format!("\0a@x.test\0{password}"));
        let mut peer = submission(&server);
        peer.ask(&format!("AUTH PLAIN {plain}"), code);
        let mut peer = submission(&server);
        peer.ask("AUTH LOGIN", "334 ");
        peer.ask(&base64("a@x.test"), "334 ");
        peer.ask(&base64(password), code);
        let mut peer = submission(&server);
        // No base 64, and a password where a command is expected.
        peer.ask(&format!("AUTH PLAIN {password}!"), "5");
        peer.ask(password, "5");
        let answer = if *password == right { "OK" } else { "NO" };
        let mut peer = server.connect("imap");
        peer.ask(&format!("a LOGIN a@x.test {password}"), &format!("a {answer}"));
        let mut peer = server.connect("imap");
        peer.ask(&format!("a LOGIN a@x.test {{{}+}}\r\n{password}", password.len()), &format!("a {answer}"));
        let mut peer = server.connect("imap");
        peer.ask(&format!("a AUTHENTICATE PLAIN {plain}"), &format!("a {answer}"));
        let mut peer = server.connect("imap");
        peer.ask(&format!("a LOGIN a@x.test \"{password}"), "a BAD");
        peer.ask(&format!("b LOGIN a@x.test {password} x"), "b BAD");
        let answer = if *password == right { "+OK" } else { "-ERR" };
        let mut peer = server.connect("pop3");
        peer.ask("USER a@x.test", "+OK");
        peer.ask("USER a@x.test", "");
        let mut peer = server.connect("pop3");
        peer.expect("+OK");
        peer.ask("USER a@x.test", "+OK");
        peer.send(&format!("PASS {password}\r\n"));
        peer.expect(answer);
        let mut peer = server.connect("pop3");
        peer.expect("+OK");
        // Out of order, and too much.
        peer.send(&format!("PASS {password}\r\nAUTH PLAIN {plain}x\r\n"));
        peer.expect("-ERR");
        for user in ["a@x.test", "root"] {
            let basic = base64(&format!("{user}:{password}"));
            let field = format!("Authorization: Basic {basic}\r\n");
            let set = format!("{{\"password\":\"{password}\",\"current\":\"{password}\"}}");
            http(&server, "PUT /api/accounts/a@x.test/password", &field, &set);
            // No JSON, and JSON of another kind.
            http(&server, "PUT /api/accounts/a@x.test/password", &field, &set.replace(':', ";"));
            http(
                &server,
                "PUT /api/accounts/a@x.test/password",
                &field,
                &format!("{{\"password\":[\"{password}\"]}}"),
            );
            let made = http(&server, "POST /api/token", &field, "");
            if let Some((_, token)) = made.split_once("\"token\":\"") {
                let token = token.split('"').next().unwrap();
                http(&server, "GET /api/me", &format!("Authorization: Bearer {token}\r\n"), "");
                sent.push(token.to_owned());
            }
            sent.push(basic);
        }
        sent.extend([plain, base64(password)]);
        place.done(&["ban", "list"], "");
    }
    let made = place.done(&["app-password", "add", "a@x.test", "phone", "--json"], "");
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let phone = made["password"].as_str().unwrap().to_owned();
    let mut peer = server.connect("imap");
    peer.ask(&format!("a LOGIN a@x.test {phone}"), "a OK");
    sent.push(phone);
    server.stop();
    assert!(sent.len() > 8, "the tokens were made: {}", sent.len());
    let log = place.log();
    assert!(log.contains("login refused") && log.contains("logged in") && log.contains("TRACE"), "{log}");
    for file in files(&place.path("data")).into_iter().chain([place.path("log")]) {
        let octets = std::fs::read(&file).unwrap();
        for secret in &sent {
            let found = octets.windows(secret.len()).position(|part| part == secret.as_bytes());
            let around = found.map(|at| {
                let part = &octets[at.saturating_sub(200)..(at + 60).min(octets.len())];
                String::from_utf8_lossy(part).into_owned()
            });
            assert_eq!(around, None, "{} has {secret:?}", file.display());
        }
    }
}

#[test]
fn log_03_ten_thousand_recipients_that_are_not_here_are_no_ten_thousand_lines() {
    let place = Place::new(ALL);
    place.done(&["domain", "add", "x.test"], "");
    place.done(&["account", "add", "a@x.test", "--password-stdin"], "secret\n");
    let server = server(&place, "info");
    for (service, hello) in [("smtp", "EHLO"), ("lmtp", "LHLO")] {
        let mut peer = server.connect(service);
        peer.expect("220 ");
        peer.ask(&format!("{hello} c.test"), "250 ");
        peer.ask("MAIL FROM:<a@b.test>", "250 ");
        let mut refused = 0;
        for number in 0..10_000 {
            peer.send(&format!("RCPT TO:<u{number}@x.test>\r\n"));
            match peer.line() {
                line if line.starts_with("550 ") => refused += 1,
                line => {
                    assert!(line.starts_with("421 "), "{line:?}");
                    break;
                }
            }
        }
        assert_eq!(refused, 100, "{service}");
    }
    // Senders that are not who is logged in, for as long as they like.
    let mut peer = submission(&server);
    peer.ask(&format!("AUTH PLAIN {}", base64("\0a@x.test\0secret")), "235 ");
    for _ in 0..10_000 {
        peer.ask("MAIL FROM:<b@x.test>", "5");
    }
    peer.ask("QUIT", "221 ");
    // Commands that are none.
    let mut peer = server.connect("imap");
    peer.send(&"nonsense\r\n".repeat(10_000));
    drop(peer.rest());
    server.stop();
    let log = place.log();
    let lines = log.lines().count();
    assert!(log.contains("untold") && lines < 400, "{lines}");
    let trace: usize = files(&place.path("data/trace"))
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap().lines().count())
        .sum();
    assert!((250..350).contains(&trace), "{trace}");
}
