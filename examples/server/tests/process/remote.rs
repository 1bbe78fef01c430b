//! Commands that ask a server on another machine (U15).

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::program::{PROGRAM, Place};

/// Runs a command with nothing but what a user has: exit status, standard output, standard error.
fn run(place: &Place, arguments: &[&str], input: &str) -> (i32, String, String) {
    use std::io::Write;
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("XDG_CONFIG_HOME", place.path("home")).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn u15_a_server_elsewhere_is_asked_with_a_token_over_tls() {
    // On an address that is not of the machine alone, the interface speaks TLS.
    let place = Place::new("[listen]\nhttp = [\"0.0.0.0:0\"]");
    place.done(&["administrator", "set", "root", "--password-stdin"], "root-secret\n");
    let server = place.serve(Command::new(PROGRAM));
    let url = format!("https://localhost:{}", server.ports["http"].port());
    let list = ["domain", "list", "--server", &url];
    let (status, _, why) = run(&place, &list, "");
    assert!(status == 1 && why.contains(&format!("posthaste login {url}")), "{why}");
    let ca = posthaste_server::tls::self_signed_certificate(&place.path("data"));
    let ca = ca.to_str().unwrap();
    let login = ["login", &url, "--user", "root", "--password-stdin", "--ca", ca];
    let (status, _, why) = run(&place, &login, "wrong-secret\n");
    assert!(status == 1 && why.contains("wrong"), "{why}");
    let (status, _, why) = run(&place, &login[..5], "root-secret\n");
    assert!(status == 1 && why.contains("--ca"), "a certificate that nobody trusts: {why}");
    let (status, said, why) = run(&place, &login, "root-secret\n");
    assert!(status == 0 && said.contains(&url), "{why}");
    let file = place.path("home/posthaste/servers.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("secret"));
    for (arguments, input, wanted) in [
        (&["domain", "add", "x.test"][..], "", "mail for x.test is taken"),
        (&["account", "add", "a@x.test", "--password-stdin"], "secret\n", "a@x.test has an account"),
        (&["mailbox", "list", "a@x.test"], "", "INBOX"),
    ] {
        let (status, said, why) = run(&place, &[arguments, &["--server", &url]].concat(), input);
        assert!(status == 0 && said.contains(wanted), "{arguments:?}: {said}{why}");
    }
    // What wants the machine is done there.
    for here in [&["serve"][..], &["setup", "--random"], &["backup", "/tmp/never-made"]] {
        let (status, _, why) = run(&place, &[here, &["--server", &url]].concat(), "");
        assert!(status == 1 && why.contains("machine of the server"), "{here:?}: {why}");
    }
    // Another password, and the token is good no more.
    place.done(&["administrator", "set", "root", "--password-stdin"], "another-secret\n");
    let (status, _, why) = run(&place, &list, "");
    assert!(status == 1 && why.contains(&format!("posthaste login {url}")), "{why}");
    let logout = ["logout", &url];
    let (status, said, why) = run(&place, &logout, "");
    assert!(status == 0 && said.contains("ended"), "a token that is good no more: {why}");
    assert_eq!(run(&place, &logout, "").0, 1);
    server.stop();
}

#[test]
fn u15_whoever_logs_out_leaves_no_token_that_is_good() {
    let place = Place::new("[listen]\nhttp = [\"127.0.0.1:0\"]");
    place.done(&["administrator", "set", "root", "--password-stdin"], "root-secret\n");
    let server = place.serve(Command::new(PROGRAM));
    let url = format!("http://localhost:{}", server.ports["http"].port());
    let (list, logout) = (["domain", "list", "--server", &url], ["logout", &url]);
    let file = place.path("home/posthaste/servers.json");
    let log_in = || {
        let (status, _, why) =
            run(&place, &["login", &url, "--user", "root", "--password-stdin"], "root-secret\n");
        assert_eq!(status, 0, "{why}");
        std::fs::read(&file).unwrap()
    };
    let saved = log_in();
    assert_eq!(run(&place, &list, "").0, 0);
    let (status, said, why) = run(&place, &logout, "");
    assert!(status == 0 && said.contains("ended and forgotten"), "{said}{why}");
    // Not even with what somebody may have copied.
    std::fs::write(&file, saved).unwrap();
    let (status, _, why) = run(&place, &list, "");
    assert!(status == 1 && why.contains("nobody is logged in"), "{why}");
    // Where the server is not there, the token goes from here, and it is said that it is good elsewhere.
    log_in();
    server.stop();
    let (status, _, why) = run(&place, &logout, "");
    assert!(status == 1 && why.contains("forgotten here") && why.contains("could not be told"), "{why}");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("token"));
    let (status, _, why) = run(&place, &logout, "");
    assert!(status == 1 && why.contains("nobody is logged in"), "{why}");
}
