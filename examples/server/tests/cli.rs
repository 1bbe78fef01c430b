//! The commands, as the administrator runs them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

struct Admin(TempDir);

impl Admin {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = "hostname = \"mail.x.test\"\ndata = \"data\"\n";
        std::fs::write(directory.path().join("posthaste.toml"), config).unwrap();
        Self(directory)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Exit status, standard output, standard error.
    fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_posthaste"))
            .args(arguments)
            .arg("--config")
            .arg(self.0.path().join("posthaste.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that fails early does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn done(&self, arguments: &[&str], input: &str) -> String {
        let (status, out, err) = self.run(arguments, input);
        assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
        out
    }

    fn refused(&self, arguments: &[&str], input: &str, why: &str) {
        let (status, out, err) = self.run(arguments, input);
        assert_eq!((status, out.as_str()), (1, ""), "{arguments:?}: {err}");
        assert!(err.contains(why), "{arguments:?}: {err}");
    }
}

#[test]
fn domains() {
    let admin = Admin::new();
    admin.done(&["domain", "add", "X.test"], "");
    admin.done(&["domain", "add", "a.test"], "");
    assert_eq!(admin.done(&["domain", "list"], ""), "a.test\nx.test\n");
    admin.refused(&["domain", "add", "x.TEST."], "", "exists already");
    admin.refused(&["domain", "add", "b\u{fc}.test"], "", "xn--");
    admin.refused(&["domain", "remove", "b.test"], "", "b.test");
    admin.done(&["account", "add", "u@x.test", "--password-stdin"], "p\n");
    admin.refused(&["domain", "remove", "x.test"], "", "--force");
    admin.done(&["domain", "remove", "x.test", "--force"], "");
    assert_eq!(admin.done(&["account", "list"], ""), "");
    assert_eq!(admin.done(&["domain", "list"], ""), "a.test\n");
}

#[test]
fn accounts() {
    let admin = Admin::new();
    admin.refused(&["account", "add", "u@x.test", "--password-stdin"], "p\n", "posthaste domain add x.test");
    admin.done(&["domain", "add", "x.test"], "");
    admin.done(&["account", "add", "U@x.test", "--password-stdin", "--quota", "5M"], "p\r\n");
    admin.done(&["account", "add", "b@x.test", "--password-stdin"], "p");
    assert_eq!(admin.done(&["account", "list"], ""), "b@x.test\t0\t-\nu@x.test\t0\t5242880\n");
    admin.refused(&["account", "add", "u@x.test", "--password-stdin"], "p\n", "exists already");
    admin.refused(&["account", "add", "c@x.test", "--password-stdin"], "\n", "password");
    admin.refused(&["account", "add", "nobody", "--password-stdin"], "p\n", "@");
    admin.done(&["account", "passwd", "u@x.test", "--password-stdin"], "q\n");
    admin.refused(&["account", "passwd", "z@x.test", "--password-stdin"], "q\n", "no account z@x.test");
    admin.done(&["account", "remove", "b@x.test"], "");
    admin.refused(&["account", "remove", "b@x.test"], "", "no account");
    assert_eq!(admin.run(&["account", "add", "d@x.test"], "").0, 2);
    assert_eq!(admin.run(&["account", "add", "d@x.test", "--password-stdin", "--quota", "0"], "p\n").0, 2);
}

#[test]
fn an_import_is_all_or_nothing() {
    let admin = Admin::new();
    admin.done(&["domain", "add", "x.test"], "");
    admin.done(&["account", "add", "old@x.test", "--password-stdin"], "p\n");
    let bad =
        "address,password,quota\na@x.test,p,\nold@x.test,p,\nb@y.test,p,\nc@x.test,,\nd@x.test,p,lots\n";
    let bad = admin.file("bad.csv", bad);
    let (status, _, err) = admin.run(&["account", "import", bad.to_str().unwrap()], "");
    assert_eq!(status, 1);
    for wanted in [
        "bad.csv:3: the account old@x.test",
        "bad.csv:4: the domain y.test",
        "bad.csv:5: the password",
        "bad.csv:6:",
    ] {
        assert!(err.contains(wanted), "{wanted}: {err}");
    }
    assert!(!err.contains("bad.csv:2:"), "{err}");
    assert_eq!(admin.done(&["account", "list"], ""), "old@x.test\t0\t-\n");

    let good = admin.file("good.csv", "address,password,quota\r\na@x.test,\"p,q\",1K\r\nb@x.test,p,\r\n");
    admin.done(&["account", "import", good.to_str().unwrap()], "");
    assert_eq!(admin.done(&["account", "list"], ""), "a@x.test\t0\t1024\nb@x.test\t0\t-\nold@x.test\t0\t-\n");
    admin.refused(&["account", "import", "/nowhere/x.csv"], "", "/nowhere/x.csv");
    let headless = admin.file("headless.csv", "a@x.test,p,\n");
    admin.refused(&["account", "import", headless.to_str().unwrap()], "", "address,password,quota");
}

#[test]
fn a_wrong_configuration_is_explained() {
    let admin = Admin::new();
    admin.file("posthaste.toml", "hostname = \"x.test\"\ndata = \"d\"\n[limits]\nconnections = 0\n");
    admin.refused(&["domain", "list"], "", "posthaste.toml:4: a limit of 0");
    std::fs::remove_file(admin.0.path().join("posthaste.toml")).unwrap();
    admin.refused(&["domain", "list"], "", "--config");
}

#[cfg(unix)]
#[test]
fn auth_11_passwords_are_stored_as_hashes_and_the_data_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let admin = Admin::new();
    admin.done(&["domain", "add", "x.test"], "");
    admin.done(&["account", "add", "u@x.test", "--password-stdin"], "correct horse\n");
    let data = admin.0.path().join("data");
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o077, 0);
    let sql = rusqlite::Connection::open(data.join("posthaste.sqlite")).unwrap();
    let hash: String = sql.query_row("SELECT password FROM accounts", [], |row| row.get(0)).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
}
